"""While the disk has little room left, the venue takes no orders and does everything else."""

from collections.abc import Iterator

import pytest
from support.small_venue import NS_PER_S, configuration
from support.venue_desk import VenueDesk

from kk99fix.venue.inputs import StorageInput

ORDER = "55=AAPL|54=1|60=20260921-13:33:20|38=1|40=2|44=100|"
CANCEL = "55=AAPL|54=1|60=20260921-13:33:20|"


@pytest.fixture(params=[True, False], ids=["gate-open", "gate-shut"])
def desk(request: pytest.FixtureRequest) -> Iterator[VenueDesk]:
    """A desk whose disk is low; ALPHA has an order of before."""
    desk = VenueDesk(gate_open=request.param)
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", f"11=before|{ORDER}")
    assert len(desk.apply(StorageInput(low=True))) == 1, "nothing is said to anybody"
    yield desk
    desk.close()


def answer(desk: VenueDesk, msg_type: str, fields: str) -> tuple[str, str]:
    """MsgType(35) with ExecType(150) of the one answer, and its reject code."""
    (sent,) = desk.send("ALPHA", msg_type, fields)
    return sent[35] + sent[150], sent[58].partition(";")[0]


def test_orders_and_replaces_are_refused(desk: VenueDesk) -> None:
    """A D and a G are refused with STORAGE_LOW, and the text says until when."""
    assert desk.venue.storage_low
    (refused,) = desk.send("ALPHA", "D", f"11=1|{ORDER}")
    assert (refused[35], refused[150], refused[103]) == ("8", "8", "99")
    assert refused[58] == (
        "STORAGE_LOW; The venue is short of disk space; "
        "it takes orders again when it has more, cancels always."
    )
    assert answer(desk, "G", f"41=before|11=2|{ORDER}") == ("9", "STORAGE_LOW")


def test_everything_else_goes_on(desk: VenueDesk) -> None:
    """Cancels, status requests, test requests, heartbeats and logons are answered as ever."""
    assert answer(desk, "H", "11=before|55=AAPL|54=1|") == ("8I", "")
    (sent,) = desk.send("ALPHA", "1", "112=there?|")
    assert (sent[35], sent[112]) == ("0", "there?")
    assert answer(desk, "F", f"41=before|11=c|{CANCEL}") == ("84", "")
    desk.log_on("BETA")
    desk.tick(31 * NS_PER_S)
    for name in ("ALPHA", "BETA"):
        assert desk.engine.session(desk.id(name)).established, name


def test_orders_are_taken_again(desk: VenueDesk) -> None:
    """The second command ends it, without a restart."""
    desk.apply(StorageInput(low=False))
    assert answer(desk, "D", f"11=1|{ORDER}") == ("80", "")


def test_neither_a_configuration_nor_a_restart_ends_it(desk: VenueDesk) -> None:
    """Only who looked at the disk can say that it has room."""
    desk.configure(configuration())
    desk.restart()
    desk.log_on("ALPHA")
    assert answer(desk, "D", f"11=1|{ORDER}") == ("88", "STORAGE_LOW")


def test_a_replay_refuses_the_same_orders(desk: VenueDesk) -> None:
    """What a replay makes of the journal is byte for byte what was recorded."""
    desk.send("ALPHA", "D", f"11=1|{ORDER}")
    other, _ = desk.replayed()
    assert other.venue.storage_low
    assert other.engine.state_hash() == desk.engine.state_hash()
    desk.apply(StorageInput(low=False))
    desk.send("ALPHA", "D", f"11=2|{ORDER}")
    again, _ = desk.replayed()
    assert not again.venue.storage_low
    assert again.engine.state_hash() == desk.engine.state_hash()
