"""Every byte of a state directory held against what it should be; nothing is changed.

Segments by their checksums and their dense lsn, seals by the hashes of the segments and their
chain, snapshots by their checksums. Whatever is found is one problem, and the search goes on.
Works beside a running gateway: what is being written or removed meanwhile is no problem.
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import attrs

from kk99fix.journal.compressed import sha256_of
from kk99fix.journal.ends import check_sealed, find_tail
from kk99fix.journal.errors import (
    JournalDamagedError,
    JournalMissingError,
    JournalReadError,
)
from kk99fix.journal.names import JOURNAL_FOLDER, seal_name, seal_numbers, segment_paths
from kk99fix.journal.removed import Removed, read_removed
from kk99fix.journal.scan import Extent
from kk99fix.journal.seals import REMEDY, Seal, next_chain, read_seal
from kk99fix.journal.segment import (
    Segment,
    Tail,
    find_segment,
    list_segments,
    map_records,
    read_segment,
    read_whole,
    segment_name,
)
from kk99fix.scanning import FAST_SCAN
from kk99fix.state.snapshot_file import read_file
from kk99fix.state.snapshots import SNAPSHOT_FOLDER, list_snapshots

Progress = Callable[[str], None]
_COPY = "No file was changed. Restore the file from a copy"


@attrs.frozen
class Problem:
    """Something that is not as it was written; the text says file, offset and what to do."""

    file: Path
    offset: int
    text: str


@attrs.define
class Verification:
    """What was found."""

    segments: int = 0
    compressed: int = 0
    #: The last segment that retention has removed; 0: none.
    removed_segment: int = 0
    first_lsn: int = 0
    next_lsn: int = 0
    sealed: int = 0
    #: The last value of the chain, which vouches for everything before it.
    chain: bytes = b""
    snapshots: int = 0
    #: Of a unit that was never finished, or is being written now.
    tail: Tail | None = None
    problems: list[Problem] = attrs.Factory(list)

    def note(self, error: JournalDamagedError | JournalReadError) -> None:
        """Take a problem in, once."""
        offset = error.offset if isinstance(error, JournalDamagedError) else 0
        problem = Problem(error.path, offset, str(error))
        if problem not in self.problems:
            self.problems.append(problem)


def verify(state_dir: Path, progress: Progress) -> Verification:
    """Verify everything; JournalError only where there is no journal, or no access to it."""
    journal = state_dir / JOURNAL_FOLDER
    found = Verification()
    # What is saved from here on may be ahead of where the journal is found to end.
    snapshots = list_snapshots(state_dir / SNAPSHOT_FOLDER)
    removed = _removed(journal, found)
    segments = _segments(journal, removed, found)
    if not segments and not found.problems:
        raise JournalMissingError(journal)
    found.removed_segment = removed.segment
    found.segments = len(segments)
    found.compressed = sum(segment.compressed for segment in segments)
    sent: dict[int, dict[tuple[int, int], Extent]] = {}
    for index, segment in enumerate(segments, 1):
        progress(f"verifying {segment.path.name}, {index} of {len(segments)}")
        following = segments[index] if index < len(segments) else None
        with _noting(found, journal):
            sent[segment.header.number] = _segment(segment, following, found)
    if segments:
        found.first_lsn = segments[0].header.first_lsn
    _seals(journal, segments, sent, found, progress)
    _snapshots(snapshots, found, progress)
    return found


class _noting:  # noqa: N801 - used like a function
    """Turns an error of the block into a problem, unless it is about what was removed meanwhile."""

    def __init__(self, found: Verification, journal: Path) -> None:
        self._found = found
        self._journal = journal

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        if not isinstance(error, JournalDamagedError | JournalReadError):
            return False
        if not self._gone(error):
            self._found.note(error)
        return True

    def _gone(self, error: JournalDamagedError | JournalReadError) -> bool:
        if not isinstance(error, JournalReadError) or error.path.exists():
            return False
        numbers = segment_paths([error.path]) or dict.fromkeys(seal_numbers([error.path]))
        return any(number <= read_removed(self._journal).segment for number in numbers)


def _removed(journal: Path, found: Verification) -> Removed:
    with _noting(found, journal):
        return read_removed(journal)
    return Removed()


def _segments(journal: Path, removed: Removed, found: Verification) -> list[Segment]:
    """Return the segments, also where some are missing or no segments."""
    try:
        return list_segments(journal)
    except JournalReadError as error:
        if error.path == journal:
            raise
        found.note(error)
    except JournalDamagedError as error:
        found.note(error)
    segments = []
    paths = segment_paths(journal.iterdir())
    for number in range(removed.segment + 1, max(paths, default=0) + 1):
        with _noting(found, journal):
            segments.append(read_segment(paths.get(number, journal / segment_name(number))))
    return segments


def _segment(
    segment: Segment, following: Segment | None, found: Verification
) -> dict[tuple[int, int], Extent]:
    """Verify the records of a segment; returns what was sent in it."""
    records = map_records(segment)
    read_whole(segment, records)
    header = segment.header
    end = FAST_SCAN.whole_units(records, header.crc_seed, header.first_lsn)
    if following is None:
        found.tail = _tail(segment, records, end)
        found.next_lsn = found.tail.next_lsn
    elif following.header.number == header.number + 1:
        check_sealed(segment, records, end, following, FAST_SCAN)
    sent = FAST_SCAN.extents(records, 0, end)
    return {key: Extent(*extent) for key, extent in sent.items()}


def _tail(segment: Segment, records: memoryview, end: int) -> Tail:
    """Return where the journal ends; looks again where it has grown meanwhile."""
    while True:
        try:
            return find_tail(segment, records, end, FAST_SCAN)
        except JournalDamagedError:
            header = segment.header
            before, end = end, FAST_SCAN.whole_units(records, header.crc_seed, header.first_lsn)
            if end == before:
                raise


def _seals(
    journal: Path,
    segments: list[Segment],
    sent: dict[int, dict[tuple[int, int], Extent]],
    found: Verification,
    progress: Progress,
) -> None:
    """Hold the seals against the segments and against each other."""
    listed = seal_numbers(journal.iterdir())
    # Read behind that: the note of a removal comes before the seals go.
    removed = _removed(journal, found)
    numbers = [n for n in listed if n > removed.segment]
    for before, after in pairwise([removed.segment, *numbers]):
        for missing in range(before + 1, after):
            text = "the seal is missing, and later ones are there"
            found.note(JournalDamagedError(journal / seal_name(missing), 0, text, REMEDY))
    by_number = {segment.header.number: segment for segment in segments}
    found.chain = removed.chain
    expected = removed.segment + 1
    for number in numbers:
        with _noting(found, journal):
            seal = read_seal(journal, number)
            found.sealed += 1
            if number == expected and seal.chain != next_chain(found.chain, seal.sha256):
                text = "the chain of the seals breaks here"
                found.note(JournalDamagedError(journal / seal_name(number), 0, text, REMEDY))
            found.chain, expected = seal.chain, number + 1
            if number in by_number:
                progress(f"hashing {by_number[number].path.name}")
                _hold_against(seal, by_number[number], sent.get(number), journal)


def _hold_against(
    seal: Seal, segment: Segment, sent: dict[tuple[int, int], Extent] | None, journal: Path
) -> None:
    """Compare a segment with its seal; JournalDamagedError, JournalReadError."""
    segment = read_segment(segment.path)  # its file may have been compressed since
    if sha256_of(segment.path, compressed=segment.compressed) != seal.sha256:
        text = "the SHA-256 of the segment is not the sealed one, so bytes of it were changed"
        raise JournalDamagedError(segment.path, 0, text, _COPY)
    header, seal_path = segment.header, journal / seal_name(seal.segment)
    later = find_segment(journal, seal.segment + 1)
    next_lsn = seal.next_lsn if later is None else read_segment(later).header.first_lsn
    written = (header.first_lsn, next_lsn, header.segment_bytes)
    if (seal.first_lsn, seal.next_lsn, seal.size_bytes) != written:
        text = f"lsn or size in the seal are not those of {segment.path.name}"
        raise JournalDamagedError(seal_path, 0, text, REMEDY)
    if sent is not None and sent != seal.sent:
        text = f"what the seal says of the messages sent is not what {segment.path.name} has"
        raise JournalDamagedError(seal_path, 0, text, REMEDY)


def _snapshots(paths: list[Path], found: Verification, progress: Progress) -> None:
    """Verify the snapshots, and that none is ahead of the journal."""
    for path in paths:
        progress(f"verifying {path.name}")
        try:
            header = read_file(path).header
        except JournalReadError:
            if path.exists():  # else the keeper has just removed it
                raise
            continue
        except JournalDamagedError as error:
            found.note(error)
            continue
        found.snapshots += 1
        if found.tail is not None and header.lsn >= found.tail.next_lsn:
            text = f"it stands behind lsn {header.lsn}, and the journal ends before that"
            remedy = "Restore the journal from a copy, or move the snapshot away"
            found.note(JournalDamagedError(path, 0, text, remedy))
