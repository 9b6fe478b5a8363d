"""A probe at the venue: a journaled command, a deadline among the others, the same in a replay."""

import pytest
from support.small_venue import NS_PER_S
from support.venue_desk import VenueDesk

from kk99fix.journal.record import Kind
from kk99fix.venue.inputs import TickInput
from kk99fix.venue.session_commands import ProbeInput

WAIT_NS = 3 * NS_PER_S
ORDER = "11=1|55=AAPL|54=1|60=20260921-13:33:20|38=1|40=2|44=100|"


@pytest.fixture
def desk() -> VenueDesk:
    """A venue where ALPHA has been logged on for a second."""
    desk = VenueDesk()
    desk.log_on("ALPHA")
    desk.now_ns += NS_PER_S
    return desk


def probe(desk: VenueDesk) -> list[str]:
    """Probe ALPHA; the MsgTypes that were sent to it."""
    records = desk.apply(ProbeInput(desk.id("ALPHA"), WAIT_NS))
    assert (records[0].header.kind, records[0].header.session) == (Kind.OPERATOR, desk.id("ALPHA"))
    return [message[35] for message in desk.sent(records)]


def test_a_half_dead_connection_ends(desk: VenueDesk) -> None:
    """The TestRequest(1) has a number of its own; the tick that is due then ends the session."""
    assert probe(desk) == ["1"]
    assert desk.engine.session(desk.id("ALPHA")).next_out == 3
    assert desk.venue.next_deadline_ns() == desk.now_ns + WAIT_NS
    desk.tick(WAIT_NS)

    assert [end.cause for end in desk.outcomes[-1].disconnects] == ["half-dead"]
    assert not desk.venue.is_live(desk.id("ALPHA"))


@pytest.mark.parametrize("gate_open", [True, False])
@pytest.mark.parametrize("after_ns", [0, NS_PER_S])
def test_a_plain_order_is_a_sign_of_life(gate_open: bool, after_ns: int) -> None:
    """Also when the core takes it and the session layer never sees it."""
    desk = VenueDesk(gate_open=gate_open)
    desk.log_on("ALPHA")
    desk.now_ns += NS_PER_S
    probe(desk)
    desk.now_ns += after_ns
    desk.send("ALPHA", "D", ORDER)
    desk.tick(WAIT_NS - after_ns)

    assert desk.venue.is_live(desk.id("ALPHA"))
    assert desk.outcomes[-1].disconnects == []
    deadline_ns = desk.venue.next_deadline_ns()
    assert deadline_ns is not None
    assert deadline_ns > desk.now_ns


def test_one_probe_at_a_time(desk: VenueDesk) -> None:
    """The venue says beforehand whether a probe would ask anything."""
    session = desk.id("ALPHA")
    assert desk.venue.may_probe(session, desk.now_ns)
    probe(desk)
    assert not desk.venue.may_probe(session, desk.now_ns)
    assert probe(desk) == []
    desk.send("ALPHA", "0")
    assert desk.venue.may_probe(session, desk.now_ns + WAIT_NS)


def test_nobody_is_there_to_be_probed(desk: VenueDesk) -> None:
    """A session that went in the meantime is left alone."""
    desk.drop("ALPHA")

    assert not desk.venue.may_probe(desk.id("ALPHA"), desk.now_ns)
    assert probe(desk) == []


def test_a_replay_probes_again(desk: VenueDesk) -> None:
    """Half a probe in the journal goes on where it was."""
    probe(desk)
    replayed, _ = desk.replayed()

    assert replayed.engine.state_hash() == desk.engine.state_hash()
    assert not replayed.venue.may_probe(desk.id("ALPHA"), desk.now_ns)
    for each in (desk, replayed):
        outcome = each.venue.apply(TickInput(), desk.now_ns + WAIT_NS)
        assert [end.cause for end in outcome.disconnects] == ["half-dead"]
