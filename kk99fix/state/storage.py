"""The state directory at start: lock, journal, and the venue as the journal left it.

    var/lock                     held by the running process
    var/journal/00000001.kkj     the segments

A journal that exists is verified and replayed; one that another version of the core or another
message dictionary wrote is refused before anything is touched.
"""

import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import attrs
from attrs import frozen

from kk99fix.journal.errors import JournalError
from kk99fix.journal.files import Files
from kk99fix.journal.lock import StateLock
from kk99fix.journal.messages import SentMessages
from kk99fix.journal.reader import JournalReader, Run
from kk99fix.journal.scan import Scan
from kk99fix.journal.segment import Identity, Segment, SegmentCapacity, list_segments
from kk99fix.journal.settle import make_folder, settle
from kk99fix.journal.writer import JournalWriter
from kk99fix.matcher import library as core
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import Capacity
from kk99fix.venue.recovery import Recovered, replay
from kk99fix.venue.venue import Venue

JOURNAL_FOLDER = "journal"

#: The core's own loops for what the journal reader would do in Python.
FAST_SCAN = Scan(
    whole_units=core.verify,
    find_sent=core.scan_session,
    find_lsn=core.scan_lsn,
    extents=core.scan_extents,
    count=core.scan_count,
    watermark=core.scan_watermark,
)


@frozen
class Storage:
    """What a start ends with: the venue behind its last record, and the writer after it."""

    lock: StateLock
    venue: Venue
    writer: JournalWriter
    sent: SentMessages
    recovered: Recovered
    #: Verifying and replaying the journal.
    replay_s: float
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
    files: Files = Files(),  # noqa: B008 - it holds nothing
) -> Storage:
    """Lock the state directory and bring the venue to where its journal ends.

    A new journal begins with `trading_day` (YYYYMMDD).
    With `touch` the memory of all order slots is taken before the first one is used.
    Nothing of an existing journal is read before the last segment is on the disk.
    Raises `JournalError` (locked, damaged, foreign) and `DivergenceError`.
    """
    folder = state_dir / JOURNAL_FOLDER
    make_folder(files, folder)
    lock = StateLock(state_dir)
    segments = list_segments(folder)
    if segments:
        _check_identity(segments[-1])
        identity = segments[-1].header.identity
    else:
        identity = Identity(
            uuid.uuid4().bytes,
            trading_day,
            _digest(),
            core.core_version(),
            segment_capacity(capacity),
        )
    # Nobody outside knows the journal's random id, and every replay does.
    venue = Venue(Engine(capacity, secret=identity.journal_uuid))
    if touch:
        venue.engine.touch()
    writer = JournalWriter(folder, identity, segment_bytes=segment_bytes, files=files)
    if not segments:
        writer.create()
        return _storage(lock, venue, writer, Recovered(), 0.0)
    settle(files, segments[-1].path)
    begun = time.monotonic()
    reader = JournalReader(segments, scan=FAST_SCAN)
    recovered = replay(venue, (_units(run, len(segments), progress) for run in reader.runs()))
    replay_s = time.monotonic() - begun
    tail = reader.tail
    if tail.stale_bytes:
        progress(
            f"{tail.segment.path}: cut {tail.stale_bytes} bytes of an unfinished unit at offset "
            f"{tail.offset}"
        )
    writer.resume(tail)
    return _storage(lock, venue, writer, recovered, replay_s)


def _storage(
    lock: StateLock,
    venue: Venue,
    writer: JournalWriter,
    recovered: Recovered,
    replay_s: float,
) -> Storage:
    sent = SentMessages(writer.directory, lambda: writer.position, scan=FAST_SCAN)
    continued = venue.engine.next_lsn > 1
    return Storage(lock, venue, writer, sent, recovered, replay_s, continued)


def _units(run: Run, segments: int, progress: Callable[[str], None]) -> memoryview:
    if segments > 1:
        progress(f"replaying segment {run.segment.header.number} of {segments}")
    return run.records[run.start : run.end]


def segment_capacity(capacity: Capacity) -> SegmentCapacity:
    """Return what of the pools' sizes decides outputs, and so is named in each segment."""
    names = attrs.fields_dict(SegmentCapacity)
    return SegmentCapacity(**{name: getattr(capacity, name) for name in names})


def _digest() -> bytes:
    return bytes.fromhex(core.dictionary_digest())


def _check_identity(segment: Segment) -> None:
    """Refuse a journal of another core or dictionary."""
    identity = segment.header.identity
    for what, theirs, ours in (
        ("core version", identity.core_version, core.core_version()),
        ("message dictionary", identity.dictionary_sha256.hex(), _digest().hex()),
    ):
        if theirs != ours:
            raise JournalError(
                f"{segment.path}: written with {what} {theirs}, this program has {ours}. "
                f"Start the version that wrote it, or begin with an empty --state directory; "
                f"no file was changed."
            )
