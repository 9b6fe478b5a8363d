"""How fast a session may send: what is refused, what never is, and when it ends the session."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.small_venue import NS_PER_S, configuration, throttle
from support.venue_desk import Sent, VenueDesk, fields_of

TIME = "60=20260921-13:33:20|"
TERMS = f"55=AAPL|54=1|{TIME}38=1|40=2|44=99.99|"
BUCKET_NS = NS_PER_S // 64
TOO_FAST = "The session sends more in a second than it may."

pytestmark = pytest.mark.parametrize("gate_open", [True, False], ids=["gate open", "gate shut"])


def limited(**session: dict[str, int]) -> dict[str, Any]:
    """The small venue with throttles."""
    config = configuration()
    for name, limits in session.items():
        config["sessions"][name]["throttle"] = limits
    return config


def opened(gate_open: bool, **session: dict[str, int]) -> VenueDesk:
    """Such a venue with the traders logged on."""
    desk = VenueDesk(limited(**session), gate_open=gate_open)
    for name in ("ALPHA", "BETA", "GAMMA"):
        desk.log_on(name)
    return desk


def new(desk: VenueDesk, clord_id: str, name: str = "ALPHA") -> Sent:
    """A resting order; the one report on it."""
    (report,) = desk.send(name, "D", f"11={clord_id}|{TERMS}")
    return report


def texts(sent: list[Sent]) -> list[str]:
    """What was sent: MsgType(35), ExecType(150), code."""
    return [f"{each[35]}{each[150]} {each[58].partition(';')[0]}".strip() for each in sent]


def check_replay(desk: VenueDesk) -> None:
    """Replay of what was written ends in the same state (K6)."""
    other, _ = desk.replayed()

    assert other.engine.state_hash() == desk.engine.state_hash()
    other.close()


def test_what_is_refused_and_how(gate_open: bool) -> None:
    """A D gets 8 with 103=99, a G gets 9 with 102=99, others j with 380=0; all say the same."""
    desk = opened(gate_open, ALPHA=throttle(messages=2))
    first, second = new(desk, "1"), new(desk, "2")
    refused = new(desk, "3")
    told = f"THROTTLED; limit=2; value=3; headroom=0; {TOO_FAST}"

    assert (first[150], second[150]) == ("0", "0")
    assert [refused[tag] for tag in (35, 150, 39, 103, 37, 11, 58)] == [
        "8",
        "8",
        "8",
        "99",
        "NONE",
        "3",
        told,
    ]
    (reject,) = desk.send("ALPHA", "G", f"41=1|11=4|{TERMS}")
    assert [reject[tag] for tag in (35, 39, 434, 102, 37, 58)] == ["9", "0", "2", "99", "1", told]
    (other,) = desk.send("ALPHA", "H", "11=1|55=AAPL|54=1|")
    assert [other[tag] for tag in (35, 45, 372, 379, 380, 58)] == ["j", "6", "H", "1", "0", told]
    assert desk.engine.session(desk.id("ALPHA")).next_in == 7, "their numbers are consumed"
    copies = [fields_of(message) for _, message in desk.outputs("DESK")]
    assert [fields.get(58) for fields in copies] == [None, None, told, told]
    assert desk.engine.statistics().refusals == {31: 3}
    check_replay(desk)
    desk.close()


def test_what_is_never_refused(gate_open: bool) -> None:
    """Cancels have their own window, administrative messages none; nobody else is concerned."""
    desk = opened(gate_open, ALPHA=throttle(messages=3, orders=2))
    sent = [new(desk, str(number)) for number in range(5)]

    assert texts(sent) == ["80", "80", "88 THROTTLED", "88 THROTTLED", "88 THROTTLED"]
    assert "limit=2; value=3" in sent[-1][58]
    cancels = [desk.send("ALPHA", "F", f"41={n}|11=c{n}|55=AAPL|54=1|{TIME}") for n in range(4)]
    assert texts([each for (each,) in cancels]) == [
        "84",
        "84",
        "9 UNKNOWN_ORDER",
        "9 THROTTLED",
    ]
    for number in range(20):
        (answer,) = desk.send("ALPHA", "1", {112: str(number)})
        assert answer[35] == "0"
        assert new(desk, f"g{number}", "GAMMA")[150] == "0"
    assert texts(desk.send("ALPHA", "H", "11=1|55=AAPL|54=1|")) == ["8I"]
    assert texts(desk.send("ALPHA", "H", "11=1|55=AAPL|54=1|")) == ["j THROTTLED"]
    check_replay(desk)
    desk.close()


def test_id_of_a_refused_order(gate_open: bool) -> None:
    """It is used up; and of an order that lives nobody is told that it was refused."""
    desk = opened(gate_open, ALPHA=throttle(orders=1))
    new(desk, "lives")
    assert texts([new(desk, "refused")]) == ["88 THROTTLED"]
    again = f"11=lives|{TERMS}"
    (known,) = desk.send("ALPHA", "D", again, {97: "Y"})
    assert (known[103], *texts([known])) == ("6", "88 DUPLICATE_CLORDID")

    desk.now_ns += NS_PER_S + BUCKET_NS
    assert texts([new(desk, "refused")]) == ["88 DUPLICATE_CLORDID"]
    desk.now_ns += NS_PER_S + BUCKET_NS
    assert texts(desk.send("ALPHA", "D", again, {97: "Y"})) == ["8I"]
    desk.close()


def test_windows_outlive_connections(gate_open: bool) -> None:
    """Who logs on again has sent what it sent."""
    desk = opened(gate_open, ALPHA=throttle(orders=1))
    new(desk, "1")
    desk.drop("ALPHA")
    desk.log_on("ALPHA")

    assert texts([new(desk, "2")]) == ["88 THROTTLED"]
    desk.close()


def test_behind_a_gap(gate_open: bool) -> None:
    """Messages that waited for their turn are counted when it comes."""
    desk = opened(gate_open, ALPHA=throttle(messages=2))
    resent = {43: "Y", 122: "20260921-14:13:20"}
    missing = desk.build("ALPHA", "D", f"11=1|{TERMS}", resent)
    waiting = b"".join(desk.build("ALPHA", "D", f"11={n}|{TERMS}") for n in (2, 3, 4))
    (asked,) = desk.sent(desk.feed("ALPHA", waiting))
    desk.now_ns += 2 * NS_PER_S

    assert asked[35] == "2"
    assert texts(desk.sent(desk.feed("ALPHA", missing))) == [
        "80",
        "80",
        "88 THROTTLED",
        "88 THROTTLED",
    ]
    check_replay(desk)
    desk.close()


def test_limits_that_change(gate_open: bool) -> None:
    """New limits hold from their CONFIG on, for what was admitted before as well (K6)."""
    desk = opened(gate_open, ALPHA=throttle(orders=5))
    for number in range(4):
        assert new(desk, f"a{number}")[150] == "0"
    desk.configure(limited(ALPHA=throttle(orders=2)))
    (refused,) = desk.send("ALPHA", "D", f"11=b|{TERMS}")
    assert refused[58].startswith("THROTTLED; limit=2; value=5; headroom=0; ")
    desk.configure(limited(ALPHA=throttle(orders=5)))
    assert texts([new(desk, "c"), new(desk, "d")]) == ["80", "88 THROTTLED"]
    desk.configure(limited())
    assert texts([new(desk, f"e{number}") for number in range(20)]) == ["80"] * 20
    check_replay(desk)
    desk.close()


def test_logout_after_repeated_breaches(gate_open: bool) -> None:
    """So many refusals in a row end the session with a Logout(5) that says why."""
    desk = opened(gate_open, ALPHA=throttle(orders=1, logout_after=3))
    sent = [new(desk, str(number)) for number in range(3)]
    assert texts(sent) == ["80", "88 THROTTLED", "88 THROTTLED"]
    desk.send("ALPHA", "F", f"41=0|11=c|55=AAPL|54=1|{TIME}")
    assert texts([new(desk, "4"), new(desk, "5")]) == ["88 THROTTLED"] * 2, "counted anew"

    refused, logout = desk.send("ALPHA", "D", f"11=6|{TERMS}")
    assert texts([refused]) == ["88 THROTTLED"]
    assert (logout[35], logout[58]) == (
        "5",
        "THROTTLED; the session went on sending more than it may",
    )
    assert desk.send("ALPHA", "D", f"11=7|{TERMS}") == [], "after our Logout nothing is consumed"
    desk.next_number["ALPHA"] -= 1
    desk.send("ALPHA", "5")
    assert [end.cause for end in desk.outcomes[-1].disconnects] == ["throttled"]

    desk.log_on("ALPHA")
    assert texts([new(desk, "8"), new(desk, "9")]) == ["88 THROTTLED"] * 2
    desk.now_ns += NS_PER_S + BUCKET_NS
    assert new(desk, "10")[150] == "0"
    check_replay(desk)
    desk.close()


def test_logout_that_is_not_answered(gate_open: bool) -> None:
    """The connection ends all the same, and for the same reason."""
    desk = opened(gate_open, ALPHA=throttle(orders=1, logout_after=1))
    new(desk, "1")
    (_, logout) = desk.send("ALPHA", "D", f"11=2|{TERMS}")
    assert logout[35] == "5"
    desk.tick(2 * NS_PER_S)

    assert [end.cause for end in desk.outcomes[-1].disconnects] == ["throttled"]
    desk.close()


def arrivals(random_: random.Random, count: int) -> Iterator[int]:
    """Times between messages: bursts, edges of the window, pauses."""
    edges = [0, 0, 1, BUCKET_NS, NS_PER_S - 1, NS_PER_S, NS_PER_S - BUCKET_NS, NS_PER_S + BUCKET_NS]
    for _ in range(count):
        yield random_.choice(
            [*edges, random_.randrange(NS_PER_S // 10), random_.randrange(NS_PER_S)]
        )


@settings(max_examples=15, deadline=None, derandomize=True)
@given(limit=st.integers(1, 6), seed=st.integers(0, 2**32))
def test_any_second(gate_open: bool, limit: int, seed: int) -> None:
    """No second holds more than the limit; who is refused had it all in a 64th more (K5)."""
    desk = opened(gate_open, GAMMA=throttle(orders=limit))
    admitted: list[int] = []
    for number, step_ns in enumerate(arrivals(random.Random(seed), 45)):  # noqa: S311
        desk.now_ns += step_ns
        report = new(desk, str(number), "GAMMA")
        if report[150] == "0":
            admitted.append(desk.now_ns)
            assert sum(time >= desk.now_ns - NS_PER_S for time in admitted) <= limit
        else:
            assert report[58].startswith("THROTTLED; ")
            assert sum(time > desk.now_ns - NS_PER_S - BUCKET_NS for time in admitted) >= limit
    desk.close()
