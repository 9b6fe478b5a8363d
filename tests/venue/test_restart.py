"""RESTART is an input: everybody is disconnected, and trading is open or waits."""

from typing import Any

import pytest
from support.small_venue import NS_PER_S, configuration
from support.venue_desk import VenueDesk

from kk99fix.venue.inputs import RestartInput

ORDER = "55=AAPL|54=1|60=20260921-13:33:20|38=1|40=2|44=100|"


def config(after_restart: str, reopen_after_s: int = 0) -> dict[str, Any]:
    """The usual configuration with another rule for restarts."""
    content = configuration()
    content["venue"]["after_restart"] = after_restart
    content["venue"]["reopen_after_ns"] = reopen_after_s * NS_PER_S
    return content


def outcome_of(desk: VenueDesk, clord_id: str) -> str:
    """ExecType(150) of the answer to an order, and its reject code."""
    (sent,) = desk.send("ALPHA", "D", f"11={clord_id}|{ORDER}")
    return sent[150] + sent[58].partition(";")[0]


def restarted(content: dict[str, Any]) -> VenueDesk:
    """A desk after a restart; ALPHA has an order and is back."""
    desk = VenueDesk(content)
    desk.log_on("ALPHA")
    desk.log_on("DESK")
    assert outcome_of(desk, "before") == "0"
    desk.restart()
    desk.log_on("ALPHA")
    return desk


def test_everybody_is_disconnected() -> None:
    """Sessions are offline after a restart; numbers, orders and books are as they were (N1, N2)."""
    desk = VenueDesk()
    for name in ("ALPHA", "BETA", "DESK"):
        desk.log_on(name)
    outcome_of(desk, "1")
    before = desk.engine.session(desk.id("ALPHA"))
    records = desk.restart()

    assert len(records) == 1, "nothing is said to anybody"
    assert desk.venue.live_sessions == ()
    after = desk.engine.session(desk.id("ALPHA"))
    assert (after.next_in, after.next_out, after.open_orders) == (
        before.next_in,
        before.next_out,
        1,
    )
    assert not after.established
    assert len(desk.engine.book(0, "1")) == 1
    assert desk.venue.next_deadline_ns() is None
    desk.log_on("ALPHA")
    assert outcome_of(desk, "2") == "0"


def test_open() -> None:
    """With after_restart = "open" trading goes on."""
    desk = restarted(config("open"))

    assert not desk.venue.halted
    assert outcome_of(desk, "after") == "0"


def test_halted() -> None:
    """When halted, new orders and replaces are refused, cancels work, and no tick reopens."""
    desk = restarted(config("halted"))

    assert desk.venue.halted
    assert outcome_of(desk, "after") == "8HALTED"
    (refused,) = desk.send("ALPHA", "G", f"41=before|11=r|{ORDER}")
    assert (refused[35], refused[58].partition(";")[0]) == ("9", "HALTED")
    (cancelled,) = desk.send("ALPHA", "F", "41=before|11=c|55=AAPL|54=1|60=20260921-13:33:20|")
    assert cancelled[150] == "4"
    desk.tick(29 * NS_PER_S)
    assert desk.venue.halted


def test_reopen() -> None:
    """The tick at reopen_after_s opens trading; the venue asks for it."""
    desk = restarted(config("halted", reopen_after_s=5))

    assert desk.venue.next_deadline_ns() == desk.now_ns + 5 * NS_PER_S
    desk.tick(5 * NS_PER_S - 1)
    assert outcome_of(desk, "early") == "8HALTED"
    desk.tick(1)
    assert outcome_of(desk, "after") == "0"
    other, _ = desk.replayed()
    assert not other.venue.halted


def test_configuration_does_not_reopen() -> None:
    """A configuration taken over while halted leaves it so."""
    desk = restarted(config("halted", reopen_after_s=5))
    desk.configure(config("open"))

    assert outcome_of(desk, "after") == "8HALTED"
    desk.tick(5 * NS_PER_S)
    assert outcome_of(desk, "later") == "0"


def test_open_after_halted() -> None:
    """A restart under after_restart = "open" ends a halt of an earlier restart."""
    desk = restarted(config("halted"))
    desk.configure(config("open"))
    desk.restart()
    desk.log_on("ALPHA")

    assert not desk.venue.halted
    assert outcome_of(desk, "after") == "0"


@pytest.mark.parametrize("times", [1, 2, 3])
def test_again_and_again(times: int) -> None:
    """Restarts in a row, each after a replay, change nothing but the clock and the lsn (F6)."""
    desk = VenueDesk()
    desk.log_on("ALPHA")
    outcome_of(desk, "1")
    other, _ = desk.replayed()
    for _ in range(times):
        other.apply(RestartInput())

    assert other.engine.next_lsn == desk.engine.next_lsn + times
    other.next_number = dict(desk.next_number)
    other.log_on("ALPHA")
    (sent,) = other.send("ALPHA", "H", "11=1|55=AAPL|54=1|")
    assert (sent[150], sent[39], sent.number) == ("I", "0", 4)
