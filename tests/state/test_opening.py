"""A start: the newest usable snapshot and what the journal holds behind it."""

from pathlib import Path
from typing import Any

import attrs
import pytest
from support.session_stream import SessionStream, play
from support.small_venue import CAPACITY
from support.state_folder import SEGMENT_BYTES, StateFolder, identity_of, state_of
from support.venue_desk import VenueDesk, records_of

from kk99fix.journal.errors import JournalDamagedError, JournalError
from kk99fix.journal.files import Files
from kk99fix.journal.reader import JournalReader
from kk99fix.journal.segment import Identity, list_segments
from kk99fix.journal.writer import JournalWriter
from kk99fix.state.fence import VersionFenceError
from kk99fix.state.snapshot_file import read_file, read_header, write_file
from kk99fix.state.snapshots import list_snapshots
from kk99fix.state.storage import Storage
from kk99fix.venue.inputs import RestartInput

TIGHT = attrs.evolve(CAPACITY, orders=64, levels=40, duplicate_window=96)
LARGER = attrs.evolve(TIGHT, orders=100, duplicate_window=300)


@pytest.fixture(scope="module")
def day() -> bytes:
    """The journal of a random day that ends in a restart: nobody is logged on."""
    desk = play(VenueDesk(capacity=TIGHT), SessionStream(3, capacity=TIGHT).script(300))
    desk.restart()
    while desk.engine.walk_pending or desk.engine.expire_pending:
        desk.tick()
    return bytes(desk.journal)


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    """An empty state directory."""
    return StateFolder(tmp_path, TIGHT)


def first_segments(folder: StateFolder, below: int) -> list[Path]:
    """The files of the segments below a number."""
    segments = list_segments(folder.journal)
    return [segment.path for segment in segments if segment.header.number < below]


def test_snapshot_and_tail(folder: StateFolder, day: bytes) -> None:
    """From any of the snapshots the start ends in the same state, having replayed the rest (F4)."""
    folder.fill(day, snapshot_every=150)
    whole = StateFolder(folder.path / "whole", TIGHT)
    whole.fill(day)
    expected = state_of(whole.open().venue)
    records = len(records_of(day))
    paths = list_snapshots(folder.snapshots)
    assert len(paths) > 4
    for path in paths:
        storage = folder.open()
        assert state_of(storage.venue) == expected
        assert storage.snapshot_lsn == int(path.stem)
        assert storage.recovered.messages == records - storage.snapshot_lsn
        path.unlink()
    assert folder.open().recovered.messages == records
    assert not [line for line in folder.said if "passed over" in line]


def test_twice_is_once(folder: StateFolder, day: bytes) -> None:
    """A second start finds what the first one found, and a start changes no file (F6)."""
    folder.fill(day, snapshot_every=400)
    before = folder.files()
    first = state_of(folder.open().venue)

    assert folder.files() == before
    assert state_of(folder.open().venue) == first
    saved = folder.save(folder.open(), clean=True)
    content = saved.read_bytes()
    assert folder.save(folder.open(), clean=True).read_bytes() == content


def test_an_unfinished_one_goes(folder: StateFolder, day: bytes) -> None:
    """What was left half written by a process that died is never read, and goes at the start."""
    folder.fill(day, snapshot_every=400)
    expected = state_of(folder.open().venue)
    left = list_snapshots(folder.snapshots)[0].with_name(f"{2**40:020d}.tmp")
    left.write_bytes(b"half")

    assert state_of(folder.open().venue) == expected
    assert not left.exists()


def test_older_segments_are_not_needed(folder: StateFolder, day: bytes) -> None:
    """Of what the snapshot includes no segment is read, and none has to be there."""
    folder.fill(day, snapshot_every=500)
    newest = list_snapshots(folder.snapshots)[0]
    expected = state_of(folder.open().venue)
    gone = first_segments(folder, read_header(newest).segment)
    assert len(gone) > 2
    for path in gone:
        path.unlink()
    assert state_of(folder.open().venue) == expected
    for path in list_snapshots(folder.snapshots):
        path.unlink()
    with pytest.raises(JournalError, match=r"00000001\.kkj"):
        folder.open()


def test_a_damaged_one_is_passed_over(folder: StateFolder, day: bytes) -> None:
    """Damage is reported, and the snapshot before is used; without any the whole journal."""
    folder.fill(day, snapshot_every=300)
    expected = state_of(folder.open().venue)
    folder.said.clear()
    paths = list_snapshots(folder.snapshots)
    for count, path in enumerate(paths, 1):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        storage = folder.open()
        assert state_of(storage.venue) == expected
        older = paths[count] if count < len(paths) else None
        assert storage.snapshot_lsn == (int(older.stem) if older else 0)
        assert [line for line in folder.said if str(path) in line and "damaged" in line]


def test_a_journal_that_ends_before_its_snapshot(folder: StateFolder, day: bytes) -> None:
    """Records that a snapshot knows of and the journal does not are missing: refused."""
    folder.fill(day, snapshot_every=500)
    newest = list_snapshots(folder.snapshots)[0]
    storage = folder.open()
    folder.save(storage, clean=True)
    last = list_segments(folder.journal)[-1]
    content = bytearray(last.path.read_bytes())
    content[4096 + 500 :] = bytes(len(content) - 4096 - 500)
    last.path.write_bytes(content)
    before = folder.files()

    with pytest.raises(JournalDamagedError, match="records are missing"):
        folder.open()
    assert folder.files() == before
    assert newest.exists()


def test_a_snapshot_without_its_journal(folder: StateFolder, day: bytes) -> None:
    """A snapshot alone is not gone on with: what it says was sent could not be sent again."""
    folder.fill(day, snapshot_every=500)
    folder.save(folder.open(), clean=True)
    for segment in list_segments(folder.journal):
        segment.path.unlink()

    with pytest.raises(JournalDamagedError, match=r"the file is missing, and .*snapshots"):
        folder.open()


def test_a_snapshot_of_another_journal(folder: StateFolder, day: bytes) -> None:
    """A foreign snapshot is told."""
    foreign = attrs.evolve(identity_of(TIGHT), journal_uuid=bytes([1] * 16))
    folder.fill(day, snapshot_every=500, identity=foreign)
    own = StateFolder(folder.path / "own", TIGHT)
    own.fill(day)
    folder.snapshots.rename(own.snapshots)

    with pytest.raises(JournalDamagedError, match="another journal"):
        own.open()


# ------------------------------------------------------------------ the version fence

OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "core version": ({"core_version": "kk99-core 0.0.1"}, "Start the version that wrote it"),
    "message dictionary": ({"dictionary_sha256": bytes(32)}, "Start the version that wrote it"),
    "[capacity] orders = 65": (
        {"capacity": attrs.evolve(identity_of(TIGHT).capacity, orders=65)},
        "Restore the old value in venue.toml",
    ),
}


@pytest.mark.parametrize("what", OTHERS)
@pytest.mark.parametrize("snapshot", ["none", "earlier", "at the end", "clean, then more", "clean"])
def test_the_fence(folder: StateFolder, day: bytes, what: str, snapshot: str) -> None:
    """What another program wrote is gone on with from a clean stop at the journal's end alone."""
    changes, advice = OTHERS[what]
    theirs = attrs.evolve(identity_of(TIGHT), **changes)
    folder.fill(day, snapshot_every=500 if snapshot == "earlier" else 0, identity=theirs)
    whole = StateFolder(folder.path / "whole", TIGHT)
    whole.fill(day)
    opened = whole.open()
    expected = state_of(opened.venue)
    if snapshot in {"at the end", "clean, then more", "clean"}:
        path = whole.save(opened, clean=snapshot != "at the end")
        _relabel(path, folder.snapshots / path.name, theirs)
    if snapshot == "clean, then more":
        _append(folder, opened, theirs)
    before = folder.files()
    last = list_segments(folder.journal)[-1].header
    if snapshot != "clean":
        with pytest.raises(VersionFenceError) as refused:
            folder.open()
        assert what in str(refused.value)
        assert advice in str(refused.value)
        assert "no file was changed" in str(refused.value)
        assert folder.files() == before
        return
    storage = folder.open()
    now = list_segments(folder.journal)[-1].header
    assert state_of(storage.venue) == expected
    assert (now.number, now.first_lsn) == (last.number + 1, storage.venue.engine.next_lsn)
    assert now.identity == identity_of(TIGHT)
    assert {name: content for name, content in folder.files().items() if name in before} == before


def _relabel(path: Path, to: Path, identity: Identity) -> None:
    """Write a snapshot again as one of another program."""
    found = read_file(path)
    header = attrs.evolve(found.header, identity=identity)
    to.parent.mkdir(exist_ok=True)
    write_file(Files(), to, header, [(kind, bytes(part)) for kind, part in found.sections])


def _append(folder: StateFolder, storage: Storage, identity: Identity) -> None:
    """One more unit at the end of the journal: somebody started and was killed."""
    reader = JournalReader(list_segments(folder.journal))
    reader.recover()
    writer = JournalWriter(folder.journal, identity, segment_bytes=SEGMENT_BYTES)
    writer.resume(reader.tail)
    storage.venue.apply(RestartInput(), storage.venue.last_ns + 1)
    writer.append(storage.venue.engine.take())
    writer.close()


def test_more_room_for_ever(folder: StateFolder, day: bytes) -> None:
    """Grown capacities go on from the clean stop before them, also after a kill, but never back."""
    folder.fill(day)
    folder.save(folder.open(), clean=True)
    grown = folder.open(LARGER)
    _append(folder, grown, grown.writer.identity)
    expected = state_of(grown.venue)

    assert state_of(folder.open(LARGER).venue) == expected
    assert folder.open(LARGER).recovered.messages == 1
    with pytest.raises(VersionFenceError, match="orders = 100 and is now 64"):
        folder.open(TIGHT)


@pytest.mark.parametrize(
    ("less", "said"),
    [
        ({"orders": 40}, "64 orders are in use.* Give .capacity. orders of venue.toml at least 64"),
        ({"duplicate_window": 80}, "96 duplicate_window are in use"),
        ({"sessions": 4}, "session"),
    ],
)
def test_too_little_room(folder: StateFolder, day: bytes, less: dict[str, int], said: str) -> None:
    """A capacity can shrink to what is in use; below that the start says how much that is."""
    folder.fill(day)
    folder.save(folder.open(), clean=True)
    before = folder.files()
    smaller = attrs.evolve(TIGHT, **{"orders": 64, **less})

    with pytest.raises(JournalError, match=said):
        folder.open(smaller)
    assert folder.files() == before
