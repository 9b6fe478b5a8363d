"""A snapshot and what follows it is the whole journal: F4, at every unit of random days."""

import random
from itertools import pairwise

import attrs
import pytest
from support.session_stream import Event, SessionStream, play, play_one
from support.small_venue import CAPACITY, configuration, particular
from support.snapshots import Taken, restored, taken
from support.state_folder import units_of
from support.venue_desk import VenueDesk

from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import CapacityError, CoreError
from kk99fix.venue import venue as venue_module
from kk99fix.venue.inputs import StorageInput
from kk99fix.venue.recovery import replay
from kk99fix.venue.registry import KINDS
from kk99fix.venue.venue import Venue

#: So few of everything that slots and ids are reused within a day.
TIGHT = attrs.evolve(CAPACITY, orders=64, levels=40, duplicate_window=96)


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Walk and expiry in slices so small that snapshots fall in the midst of them."""
    monkeypatch.setattr(venue_module, "WALK_SLICE", 3)
    monkeypatch.setattr(venue_module, "EXPIRE_SLICE", 2)


def script(seed: int, bursts: int) -> list[Event]:
    """A random day; every other one of sessions that may not send as fast as they like."""
    return SessionStream(seed, particular if seed % 2 else configuration, TIGHT).script(bursts)


def day(seed: int, bursts: int) -> bytes:
    """The journal of a random day."""
    desk = play(VenueDesk(capacity=TIGHT), script(seed, bursts))
    desk.close()
    return bytes(desk.journal)


@pytest.mark.parametrize("seed", range(4))
def test_handed_over_at_every_unit(seed: int) -> None:
    """Each unit of a day is applied by a venue that knows the day so far from a snapshot alone.

    Replay compares every byte; the snapshot of what was read is what was written.
    """
    venue = Venue(Engine(TIGHT))
    seen = {"walks": 0, "expiries": 0, "gaps": 0, "probes": 0, "graces": 0, "logouts": 0}
    for unit in units_of(day(seed, 400)):
        replay(venue, [unit])
        snapshot = taken(venue)
        state = venue.engine.state_hash()
        seen["walks"] += venue.engine.walk_pending
        seen["expiries"] += venue.engine.expire_pending
        seen["gaps"] += b"AWAITING_RESEND" in snapshot.state
        seen["probes"] += b'"waiting":true' in snapshot.state
        seen["graces"] += b'"graces":[]' not in snapshot.state
        seen["logouts"] += b"LOGOUT_SENT" in snapshot.state
        venue.engine.close()
        venue = restored(snapshot, TIGHT)
        assert venue.engine.state_hash() == state
        assert taken(venue) == snapshot
    assert all(seen.values()), seen


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 16))
def test_the_rest_of_a_day_from_anywhere(seed: int) -> None:
    """From random places of a long day the rest comes out as it was, to the same state (F4)."""
    journal = day(seed, 700)
    units = list(units_of(journal))
    places = sorted(random.Random(seed).sample(range(len(units)), 12))  # noqa: S311 - seeded
    whole = Venue(Engine(TIGHT))
    snapshots: list[tuple[int, Taken]] = []
    for begin, end in pairwise([0, *places]):
        replay(whole, units[begin:end])
        snapshots.append((end, taken(whole)))
    replay(whole, units[places[-1] :])
    last = taken(whole)

    for place, snapshot in snapshots:
        venue = restored(snapshot, TIGHT, piece=1 << 20)
        replay(venue, [memoryview(journal)[sum(map(len, units[:place])) :]])
        assert taken(venue) == last
        venue.engine.close()


def test_live_connections_go_on() -> None:
    """What counterparties do next is answered by a venue and by its snapshot alike."""
    events = script(5, 200)
    for place in (40, 90, 150):
        desk = play(VenueDesk(capacity=TIGHT), events[:place])
        other = VenueDesk(capacity=TIGHT, begin=False)
        other.engine.close()
        other.venue = restored(taken(desk.venue), TIGHT)
        other.engine = other.venue.engine
        other.rest = dict(desk.rest)
        for name in desk.wire:
            session = desk.venue.registry.ids["sessions"][name]
            if desk.venue.is_live(session):
                assert other.engine.attach(session)
        desk.journal.clear()
        for event in events[place:]:
            play_one(desk, event)
            play_one(other, event)
        assert other.journal == desk.journal
        desk.close()
        other.close()


def test_more_room() -> None:
    """A snapshot can be read into larger pools, and the venue goes on with all that it knew."""
    desk = play(VenueDesk(capacity=TIGHT), script(2, 150))
    snapshot = taken(desk.venue)
    larger = attrs.evolve(CAPACITY, orders=4000, sessions=50, firms=20, accounts=30, instruments=40)
    venue = restored(snapshot, larger)

    assert taken(venue) == snapshot
    assert venue.engine.state_hash() == desk.engine.state_hash()


@pytest.mark.parametrize(
    ("less", "name"),
    [({"orders": 40}, "orders"), ({"orders": 64, "duplicate_window": 90}, "duplicate_window")],
)
def test_too_little_room(less: dict[str, int], name: str) -> None:
    """What does not fit is refused with how much room there has to be."""
    desk = play(VenueDesk(capacity=TIGHT), script(2, 300))
    with pytest.raises(CapacityError) as refused:
        restored(taken(desk.venue), attrs.evolve(TIGHT, **less))

    assert refused.value.name == name
    assert refused.value.needed == getattr(TIGHT, name)


@pytest.mark.parametrize("name", KINDS)
def test_too_little_room_for_names(name: str) -> None:
    """Names that ever had an id need room too, and the refusal says how much."""
    desk = play(VenueDesk(capacity=TIGHT), script(2, 50))
    used = len(desk.venue.registry.ids[name])
    with pytest.raises(CapacityError) as refused:
        restored(taken(desk.venue), attrs.evolve(TIGHT, **{name: used - 1}))

    assert (refused.value.name, refused.value.needed) == (name, used)


def test_not_a_snapshot() -> None:
    """Bytes that are no snapshot, or end too early, are a mistake of ours that is named."""
    desk = play(VenueDesk(capacity=TIGHT), script(2, 50))
    snapshot = taken(desk.venue)

    for core in (b"", snapshot.core[:-1], b"x" + snapshot.core[1:], snapshot.core + b"\0"):
        with pytest.raises(CoreError, match="snapshot"):
            restored(Taken(snapshot.state, core), TIGHT)


def test_low_storage_is_part_of_the_state() -> None:
    """A venue restored while the disk is low refuses orders as the one that was saved."""
    desk = VenueDesk(capacity=TIGHT)
    before = desk.engine.state_hash()
    desk.apply(StorageInput(low=True))
    snapshot, state = taken(desk.venue), desk.engine.state_hash()
    venue = restored(snapshot, TIGHT)

    assert venue.storage_low
    assert before != state == venue.engine.state_hash()
    venue.engine.close()
    desk.close()
