"""Recovery is replay: the journal alone brings back the bytes and the state of the venue."""

from itertools import pairwise

import pytest
from support.session_stream import SessionStream, play
from support.venue_desk import VenueDesk, records_of

from kk99fix.journal.record import (
    FLAG_UNIT_END,
    RECORD_HEADER_BYTES,
    Kind,
    pack_group,
    unpack_header,
)
from kk99fix.venue import venue as venue_module
from kk99fix.venue.inputs import TickInput
from kk99fix.venue.recovery import DivergenceError, replay, unit_length
from kk99fix.venue.venue import Venue

BURSTS = 300
WALK_SLICE = 30


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk in slices so small that other inputs come between them."""
    monkeypatch.setattr(venue_module, "WALK_SLICE", WALK_SLICE)


FLAGS_OFFSET = 46


def unit_ends(journal: bytes) -> list[int]:
    """Where each unit of a journal ends."""
    ends, position = [], 0
    while position < len(journal):
        position += unit_length(memoryview(journal), position)
        ends.append(position)
    return ends


def state_of(venue: Venue) -> tuple[object, ...]:
    """What of a venue can influence a later output."""
    return (
        venue.engine.state_hash(),
        venue.engine.next_lsn,
        venue.engine.expire_pending,
        venue.engine.walk_pending,
        venue.registry.ids,
        venue.registry.content,
        venue.halted,
        venue.storage_low,
        venue.live_sessions,
        venue.next_deadline_ns(),
    )


@pytest.mark.parametrize("seed", range(4))
def test_same_state(seed: int) -> None:
    """A replay compares every record and ends in the state of the live venue (F2)."""
    desk = play(VenueDesk(), SessionStream(seed).script(BURSTS))
    other, recovered = desk.replayed()

    assert recovered.messages == len(records_of(desk.journal))
    assert recovered.units_in_python > 0
    assert state_of(other.venue) == state_of(desk.venue)
    assert other.engine.journal_used == 0


def test_passes_over_the_headers_of_groups() -> None:
    """A journal of level `durable` replays to the same state, whatever was synced together."""
    desk = play(VenueDesk(), SessionStream(11).script(BURSTS))
    grouped = b""
    for start, end in pairwise([0, *unit_ends(bytes(desk.journal))]):
        lsn = unpack_header(desk.journal, start).lsn
        grouped += pack_group(lsn, lsn - 1) * (lsn % 3) + desk.journal[start:end]
    grouped += pack_group(desk.engine.next_lsn, desk.engine.next_lsn - 1)

    plain, _ = desk.replayed()
    desk.journal = bytearray(grouped)
    other, recovered = desk.replayed()

    assert recovered.messages == desk.engine.next_lsn - 1
    assert state_of(other.venue) == state_of(plain.venue) == state_of(desk.venue)


def test_goes_on_alike() -> None:
    """After a replay in the middle, the rest of the day gives the same bytes (F2, F6)."""
    events = SessionStream(7).script(BURSTS)
    desk = play(VenueDesk(), events[: BURSTS // 2])
    other, _ = desk.replayed()
    # The connections live on: only the venue behind them is another one.
    for name, wire in desk.wire.items():
        session = desk.venue.registry.ids["sessions"][name]
        other.wire[name] = bytearray(wire)
        if desk.venue.is_live(session):
            assert other.engine.attach(session)
    other.journal, other.rest = bytearray(desk.journal), dict(desk.rest)
    play(desk, events[BURSTS // 2 :])
    play(other, events[BURSTS // 2 :])

    assert other.journal == desk.journal
    assert other.wire == desk.wire
    assert state_of(other.venue) == state_of(desk.venue)


def test_in_any_runs() -> None:
    """Where the journal is cut into runs of whole units does not matter."""
    desk = play(VenueDesk(), SessionStream(8).script(BURSTS))
    journal = bytes(desk.journal)
    bounds = [0, *unit_ends(journal)[::17], len(journal)]
    runs = [memoryview(journal)[begin:end] for begin, end in pairwise(bounds)]
    other = VenueDesk(begin=False)
    recovered = replay(other.venue, runs)

    assert recovered.messages == len(records_of(journal))
    assert state_of(other.venue) == state_of(desk.venue)


def test_one_bit() -> None:
    """A bit flipped in any output is found, named by its lsn, and both byte strings are shown."""
    desk = play(VenueDesk(), SessionStream(9).script(60))
    journal, offset, kinds = bytes(desk.journal), 0, set()
    for record in records_of(journal):
        header = record.header
        if not header.is_input and header.lsn % 7 == 0:
            damaged = bytearray(journal)
            damaged[offset + RECORD_HEADER_BYTES + header.payload_length // 2] ^= 1 << 3
            other = VenueDesk(begin=False)
            with pytest.raises(DivergenceError, match=rf"at lsn {header.lsn}:") as failure:
                replay(other.venue, [memoryview(damaged)])
            assert "\nrecorded:    " in str(failure.value)
            assert "\nregenerated: " in str(failure.value)
            kinds.add(header.kind)
            other.close()
        offset += header.length
    assert kinds >= {Kind.MESSAGE, Kind.DROP_COPY}


@pytest.mark.parametrize("surplus", [False, True])
def test_one_output_more_or_less(surplus: bool) -> None:
    """A recorded output that is not made again, or one made that was not recorded, is found."""
    desk = VenueDesk()
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", "11=1|55=AAPL|54=1|60=20260921-13:33:20|38=1|40=2|44=100|")
    journal = bytearray(desk.journal)
    report, copy = records_of(journal)[-2:]
    if surplus:
        last, lsn = journal[-copy.header.length :], copy.header.lsn
        journal[FLAGS_OFFSET - copy.header.length] ^= FLAG_UNIT_END
        journal += last
    else:
        lsn = report.header.lsn
        del journal[-copy.header.length :]
        journal[FLAGS_OFFSET - report.header.length] ^= FLAG_UNIT_END
    other = VenueDesk(begin=False)

    with pytest.raises(DivergenceError, match=rf"at lsn {lsn}:"):
        replay(other.venue, [memoryview(journal)])


def test_gate_of_the_recording_does_not_matter() -> None:
    """A journal written with the gate shut replays through the open gate."""
    desk = play(VenueDesk(gate_open=False), SessionStream(10).script(100))
    other, _ = desk.replayed()

    assert state_of(other.venue) == state_of(desk.venue)
    assert other.engine.statistics().gate_frames > 0


def test_time_goes_on() -> None:
    """The time of the last replayed input is known, so that the venue never goes back."""
    desk = VenueDesk()
    desk.log_on("ALPHA")
    desk.now_ns += 1_000_000
    desk.send("ALPHA", "D", "11=1|55=AAPL|54=1|60=20260921-13:33:20|38=1|40=2|44=100|")
    other, recovered = desk.replayed()

    assert other.engine.last_time_ns == other.venue.last_ns == desk.now_ns
    assert recovered.messages == len(records_of(desk.journal))
    with pytest.raises(AssertionError, match="never goes back"):
        other.venue.apply(TickInput(), desk.now_ns - 1)
