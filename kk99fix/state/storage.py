"""The state directory at start: lock, snapshots, journal, and the venue as they left it.

    var/lock                                   held by the running process
    var/snapshots/00000000000000001234.kks     what the venue was behind the record with lsn 1234
    var/journal/00000001.kkj                   the segments

The venue is that of the newest usable snapshot, or an empty one, and what the journal holds behind
it, replayed.  Of the segments before that nothing is read.
A journal that another version of the core, another message dictionary or other capacities wrote is
gone on with from a clean stop alone, in a segment of its own; else it is refused.  Whatever is
refused, no file is changed.
"""

import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import attrs
from attrs import frozen

from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.files import Files
from kk99fix.journal.lock import StateLock
from kk99fix.journal.messages import SentMessages
from kk99fix.journal.names import JOURNAL_FOLDER
from kk99fix.journal.reader import JournalReader, Run
from kk99fix.journal.segment import (
    Identity,
    Segment,
    SegmentCapacity,
    Tail,
    list_segments,
    segment_name,
)
from kk99fix.journal.settle import make_folder, settle
from kk99fix.journal.writer import JournalWriter
from kk99fix.matcher import library as core
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import Capacity
from kk99fix.scanning import FAST_SCAN
from kk99fix.state.fence import check_fence
from kk99fix.state.snapshot_file import SnapshotFile
from kk99fix.state.snapshots import SNAPSHOT_FOLDER, newest_snapshot, remove_unfinished, restore
from kk99fix.venue.recovery import Recovered, replay
from kk99fix.venue.venue import Venue


@frozen
class Storage:
    """What a start ends with: the venue behind its last record, and the writer after it."""

    state_dir: Path
    files: Files
    lock: StateLock
    venue: Venue
    writer: JournalWriter
    sent: SentMessages
    recovered: Recovered
    #: Reading the snapshot, verifying and replaying the journal.
    replay_s: float
    #: The last record of the snapshot that it began with; 0 when it began with nothing.
    snapshot_lsn: int
    #: Whether there was a journal before.
    continued: bool


def open_storage(
    state_dir: Path,
    capacity: Capacity,
    segment_bytes: int,
    trading_day: int,
    progress: Callable[[str], None] = lambda line: print(line, file=sys.stderr),  # noqa: T201
    *,
    touch: bool = False,
    durable: bool = False,
    files: Files = Files(),  # noqa: B008 - it holds nothing
) -> Storage:
    """Lock the state directory and bring the venue to where its journal ends.

    A new journal begins with `trading_day` (YYYYMMDD); another level than the last segment's begins
    a segment.
    With `touch` the memory of all order slots is taken before the first one is used.
    Nothing of an existing journal is read before the last segment is on the disk.
    Raises `JournalError` (locked, damaged, foreign) and `DivergenceError`.
    """
    folder = state_dir / JOURNAL_FOLDER
    make_folder(files, folder)
    lock = StateLock(state_dir)
    begun = time.monotonic()
    snapshot = newest_snapshot(state_dir / SNAPSHOT_FOLDER, progress)
    segments = _segments(folder, snapshot)
    if not segments:
        identity = _identity(uuid.uuid4().bytes, trading_day, capacity, durable=durable)
        venue = _empty(identity, capacity, touch=touch)
        writer = JournalWriter(folder, identity, segment_bytes=segment_bytes, files=files)
        writer.create()
        recovered, from_lsn = Recovered(), 1
    else:
        settle(files, segments[-1].path)
        theirs = segments[-1].header.identity
        identity = _identity(theirs.journal_uuid, theirs.trading_day, capacity, durable=durable)
        venue = _begin(snapshot, identity, capacity, progress, touch=touch)
        from_lsn = venue.engine.next_lsn
        recovered, tail = _replay_tail(venue, segments, identity, progress)
        writer = JournalWriter(folder, identity, segment_bytes=segment_bytes, files=files)
        writer.resume(tail)
        if durable:
            _settle_earlier(files, segments[:-1])
        if theirs != identity:
            writer.roll(0, first_lsn=tail.next_lsn)
    remove_unfinished(state_dir / SNAPSHOT_FOLDER, files)
    return Storage(
        state_dir=state_dir,
        files=files,
        lock=lock,
        venue=venue,
        writer=writer,
        sent=SentMessages(folder, lambda: writer.position, scan=FAST_SCAN),
        recovered=recovered,
        replay_s=time.monotonic() - begun,
        snapshot_lsn=from_lsn - 1,
        continued=venue.engine.next_lsn > 1,
    )


def _settle_earlier(files: Files, segments: list[Segment]) -> None:
    """Bring to the disk what an earlier start at level `process` did not."""
    for segment in segments:
        if not segment.header.identity.durable:
            settle(files, segment.path)


def _replay_tail(
    venue: Venue,
    segments: list[Segment],
    identity: Identity,
    progress: Callable[[str], None],
) -> tuple[Recovered, Tail]:
    """Bring the venue to where the journal ends; JournalError, DivergenceError."""
    from_lsn = venue.engine.next_lsn
    reader = JournalReader(segments, scan=FAST_SCAN)
    runs = (
        _units(run, identity, len(segments), progress)
        for run in reader.runs(from_lsn)
        if run.start < run.end
    )
    recovered = replay(venue, runs)
    tail = reader.tail
    if tail.next_lsn < from_lsn:
        raise _behind(tail, from_lsn)
    if tail.stale_bytes:
        progress(
            f"{tail.segment.path}: cut {tail.stale_bytes} bytes of an unfinished unit at offset "
            f"{tail.offset}"
        )
    return recovered, tail


def _segments(folder: Path, snapshot: SnapshotFile | None) -> list[Segment]:
    """The segments that a start needs; JournalDamagedError when one is missing."""
    if snapshot is None:
        segments = list_segments(folder)
        if segments and segments[0].header.first_lsn > 1:
            found = "it is not the journal's first segment, and there is no usable snapshot"
            remedy = f"Restore a file of {SNAPSHOT_FOLDER}/ or the earlier segments from a copy"
            raise JournalDamagedError(segments[0].path, 24, found, remedy)
        return segments
    header = snapshot.header
    segments = list_segments(folder, first_number=header.segment)
    missing = folder / segment_name(header.segment)
    if not segments or segments[0].header.number > header.segment:
        found = f"the file is missing, and {snapshot.path} ends where it begins or within it"
        remedy = (
            f"Restore the file from a copy; if what it held is given up, move the newest files out "
            f"of {SNAPSHOT_FOLDER}/"
        )
        raise JournalDamagedError(missing, 0, found, remedy)
    if segments[0].header.first_lsn > header.lsn + 1:
        found = f"the segment begins behind the next record of {snapshot.path}"
        raise JournalDamagedError(segments[0].path, 24, found, "Restore the journal from a copy")
    if segments[0].header.identity.journal_uuid != header.identity.journal_uuid:
        found = f"the segment belongs to another journal than {snapshot.path}"
        raise JournalDamagedError(segments[0].path, 40, found, "Move the foreign one away")
    return segments


def _empty(identity: Identity, capacity: Capacity, *, touch: bool) -> Venue:
    # Nobody outside knows the journal's random id, and every replay does.
    venue = Venue(Engine(capacity, secret=identity.journal_uuid))
    if touch:
        venue.engine.touch()
    return venue


def _begin(
    snapshot: SnapshotFile | None,
    identity: Identity,
    capacity: Capacity,
    progress: Callable[[str], None],
    *,
    touch: bool,
) -> Venue:
    """The venue before the tail is replayed; JournalError."""
    if snapshot is None:
        return _empty(identity, capacity, touch=touch)
    if not snapshot.header.clean:
        check_fence(snapshot.path, snapshot.header.identity, identity)
    progress(f"reading {snapshot.path}")
    venue = restore(snapshot, capacity)
    if touch:
        venue.engine.touch()
    return venue


def _behind(tail: Tail, from_lsn: int) -> JournalDamagedError:
    found = (
        f"the journal ends before lsn {tail.next_lsn}, and there is a snapshot behind lsn "
        f"{from_lsn - 1}: records are missing"
    )
    remedy = (
        "Restore the journal from a copy; if what is missing is given up, move the newest files "
        f"out of {SNAPSHOT_FOLDER}/"
    )
    return JournalDamagedError(tail.segment.path, tail.offset, found, remedy)


def _units(
    run: Run, identity: Identity, segments: int, progress: Callable[[str], None]
) -> memoryview:
    check_fence(run.segment.path, run.segment.header.identity, identity)
    if segments > 1:
        progress(f"replaying {run.segment.path.name}")
    return run.records[run.start : run.end]


def segment_capacity(capacity: Capacity) -> SegmentCapacity:
    """Return what of the pools' sizes decides outputs, and so is named in each segment."""
    names = attrs.fields_dict(SegmentCapacity)
    return SegmentCapacity(**{name: getattr(capacity, name) for name in names})


def _identity(
    journal_uuid: bytes, trading_day: int, capacity: Capacity, *, durable: bool
) -> Identity:
    """What this program writes into the segments of this journal."""
    return Identity(
        journal_uuid,
        trading_day,
        bytes.fromhex(core.dictionary_digest()),
        core.core_version(),
        segment_capacity(capacity),
        durable,
    )
