"""The journal's reading side: verified runs for recovery, units and records for everything else.

Where the records of a segment may end is told by `ends`; here they are handed out.
Reading changes no file; `JournalWriter.resume` cuts.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from kk99fix.journal.ends import check_sealed, find_tail
from kk99fix.journal.errors import JournalMissingError
from kk99fix.journal.names import JOURNAL_FOLDER
from kk99fix.journal.record import Record, crc_start, is_valid, unpack_record
from kk99fix.journal.scan import Scan, offsets
from kk99fix.journal.segment import (
    PAGE_BYTES,
    Segment,
    Tail,
    list_segments,
    map_records,
    read_whole,
)


@attrs.frozen
class Run:
    """The whole valid units of one segment: records[start:end], the first of them `first_lsn`.

    `records` maps the segment from its first record on.
    """

    segment: Segment
    records: memoryview
    start: int
    end: int
    first_lsn: int


@attrs.frozen
class Placed:
    """A record and where it stands: `offset` counts from the start of the segment's file."""

    segment: Segment
    offset: int
    record: Record


class JournalReader:
    """Verifies the segments that `list_segments` found and hands out what is valid."""

    def __init__(
        self,
        segments: Sequence[Segment],
        *,
        watermark_lsn: int = 0,
        scan: Scan | None = None,
    ) -> None:
        """Take at least one segment; `watermark_lsn` is what the caller knows to be on the disk.

        The highest watermark in the last segment counts as well.
        """
        self._segments = list(segments)
        self._watermark_lsn = watermark_lsn
        self._scan = scan or Scan()
        self._tail: Tail | None = None

    @property
    def tail(self) -> Tail:
        """Where the journal ends; known once `runs` is exhausted."""
        assert self._tail is not None, "read all runs first"
        return self._tail

    def runs(self, from_lsn: int = 0) -> Iterator[Run]:
        """Yield one run per segment, from the one that holds `from_lsn`; JournalDamagedError.

        A segment is verified as a whole just before its run is handed out.
        """
        segments = segments_from(self._segments, from_lsn)
        for segment, following in zip(segments, [*segments[1:], None], strict=True):
            records = map_records(segment)
            read_whole(segment, records)
            header = segment.header
            end = self._scan.whole_units(records, header.crc_seed, header.first_lsn)
            if following is None:
                self._tail = find_tail(
                    segment, records, end, self._scan, known_lsn=self._watermark_lsn
                )
            else:
                check_sealed(segment, records, end, following, self._scan)
            start = 0
            if header.first_lsn < from_lsn:
                start = min(self._scan.find_lsn(records, 0, from_lsn), end)
            yield Run(segment, records, start, end, max(header.first_lsn, from_lsn))

    def recover(self) -> Tail:
        """Verify everything and return where the journal ends; JournalDamagedError."""
        for _ in self.runs():
            pass
        return self.tail


def read_records(
    segments: Sequence[Segment], from_lsn: int = 0, *, bookkeeping: bool = False
) -> Iterator[Placed]:
    """Yield the records of whole valid units with lsn from `from_lsn` on; JournalDamagedError.

    With `bookkeeping` also the journal's own records between them.
    Works on a journal that is being written: ends before the first unit that is not whole. In a
    segment that another one follows, that is damage.
    """
    wanted = segments_from(segments, from_lsn)
    for segment, following in zip(wanted, [*wanted[1:], None], strict=True):
        records = map_records(segment)
        end = 0
        for unit in units(segment, records, bookkeeping=True):
            if bookkeeping or not unit[0].record.header.kind.is_bookkeeping:
                yield from (placed for placed in unit if placed.record.header.lsn >= from_lsn)
            end = unit[-1].offset - PAGE_BYTES + unit[-1].record.header.length
        if following is not None:
            check_sealed(segment, records, end, following, Scan())


def journal_segments(state_dir: Path) -> list[Segment]:
    """Return the segments of a state directory's journal; JournalError where there is none."""
    directory = state_dir / JOURNAL_FOLDER
    segments = list_segments(directory)
    if not segments:
        raise JournalMissingError(directory)
    return segments


def segments_from(segments: Sequence[Segment], lsn: int) -> list[Segment]:
    """Return the segment that holds `lsn`, or would, and all later ones."""
    first = 0
    for index, segment in enumerate(segments):
        if segment.header.first_lsn <= lsn:
            first = index
    return list(segments[first:])


def units(
    segment: Segment, records: memoryview, *, bookkeeping: bool = False
) -> Iterator[list[Placed]]:
    """Yield the whole valid units of a segment one by one, each as its records.

    With `bookkeeping` also the journal's own records between them, each by itself.
    Ends at the first record that is cut off, zero, out of sequence or damaged, so it can read a
    segment that is being written.
    """
    start = crc_start(segment.header.crc_seed)
    lsn = segment.header.first_lsn
    unit: list[Placed] = []
    for offset in offsets(records, 0, len(records)):
        if not is_valid(records, offset, len(records), start):
            return
        record = unpack_record(records, offset)
        if record.header.lsn != lsn:
            return
        if record.header.kind.is_bookkeeping and not unit:
            if bookkeeping:
                yield [Placed(segment, PAGE_BYTES + offset, record)]
            continue
        if record.header.is_input == bool(unit) or record.header.kind.is_bookkeeping:
            return
        unit.append(Placed(segment, PAGE_BYTES + offset, record))
        lsn += 1
        if record.header.ends_unit:
            yield unit
            unit = []
