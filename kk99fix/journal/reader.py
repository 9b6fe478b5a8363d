"""The journal's reading side: verified runs for recovery, units and records for everything else.

Theory of operation
-------------------
A segment's records are a run of whole, valid units with dense lsn, then zeros. What else is found
is one of two things:

1. A torn tail: the process or the machine died while the last batch was written. It stands at the
   end of the last segment and no input record that is valid follows it. It is cut at the start of
   the unit that is not whole, since an input and its outputs count together or not at all.
2. Damage: anything else. The start is refused with file, offset, lsn and what to do, and the files
   stay as they are.

A durable watermark, where the caller knows one, replaces the second half of rule 1: whatever is
invalid above it is a torn tail, whatever is invalid or missing at or below it is damage.

Reading changes no file; `JournalWriter.resume` cuts.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.record import (
    Buffer,
    Record,
    crc_start,
    is_valid,
    length_at,
    unpack_header,
    unpack_record,
)
from kk99fix.journal.scan import Scan, later_input, offsets
from kk99fix.journal.segment import PAGE_BYTES, Segment, Tail, map_records

_CHUNK: Final = 1 << 20
_ZEROS: Final = bytes(_CHUNK)
_COPY = "No file was changed. Restore the file from a copy"


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
        watermark_lsn: int | None = None,
        scan: Scan | None = None,
    ) -> None:
        """Take at least one segment; `watermark_lsn` is the last lsn known to be on the disk."""
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
            header = segment.header
            end = self._scan.whole_units(records, header.crc_seed, header.first_lsn)
            if following is None:
                self._tail = self._find_tail(segment, records, end)
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

    def _find_tail(self, segment: Segment, records: memoryview, end: int) -> Tail:
        next_lsn = segment.header.first_lsn + self._scan.count(records[:end])
        stale_bytes = last_nonzero(records, end) - end
        watermark = self._watermark_lsn
        if watermark is not None and next_lsn <= watermark:
            beyond = f"lsn {watermark} was on the disk"
            raise _damage(segment, records, end, next_lsn, beyond=beyond)
        if stale_bytes and watermark is None:
            check_torn(segment, records, end, end + stale_bytes, next_lsn)
        return Tail(segment, PAGE_BYTES + end, next_lsn, stale_bytes)


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


def segments_from(segments: Sequence[Segment], lsn: int) -> list[Segment]:
    """Return the segment that holds `lsn`, or would, and all later ones."""
    first = 0
    for index, segment in enumerate(segments):
        if segment.header.first_lsn <= lsn:
            first = index
    return list(segments[first:])


def check_sealed(
    segment: Segment,
    records: memoryview,
    end: int,
    following: Segment,
    scan: Scan,
) -> None:
    """Raise JournalDamagedError unless the units up to `end` lead up to the segment `following`."""
    next_lsn = following.header.first_lsn
    found_lsn = segment.header.first_lsn + scan.count(records[:end])
    if found_lsn != next_lsn or last_nonzero(records, end) > end:
        beyond = f"{following.path.name} goes on with lsn {next_lsn}"
        remedy = (
            f"{_COPY}; if the machine lost power and what came after is given up, move "
            f"{following.path.name} and all later segments out of the directory"
        )
        raise _damage(segment, records, end, found_lsn, beyond=beyond, remedy=remedy)


def check_torn(segment: Segment, records: memoryview, end: int, stop: int, lsn: int) -> None:
    """Raise JournalDamagedError when a valid input follows the invalid bytes in [end, stop)."""
    later = later_input(records, end, stop, segment.header.crc_seed, lsn)
    if later is not None:
        beyond = f"a valid record follows at offset {PAGE_BYTES + later}"
        raise _damage(segment, records, end, lsn, beyond=beyond)


def last_nonzero(records: Buffer, start: int) -> int:
    """Return the end of the last byte from `start` on that is not zero; `start` when all are."""
    stop = len(records)
    while stop > start:
        begin = max(start, stop - _CHUNK)
        chunk = bytes(records[begin:stop])
        if chunk != _ZEROS[: len(chunk)]:
            return begin + len(chunk.rstrip(b"\0"))
        stop = begin
    return start


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


def _damage(
    segment: Segment,
    records: memoryview,
    end: int,
    lsn: int,
    *,
    beyond: str,
    remedy: str = _COPY,
) -> JournalDamagedError:
    """Return the error for a journal whose valid units end at `end`, before `lsn`, too early."""
    start = crc_start(segment.header.crc_seed)
    offset = end
    while is_valid(records, offset, len(records), start):
        header = unpack_header(records, offset)
        if header.lsn != lsn or header.kind.is_bookkeeping:
            break
        offset += length_at(records, offset)
        lsn += 1
    found = f"no valid record with lsn {lsn} stands here, but {beyond}"
    return JournalDamagedError(segment.path, PAGE_BYTES + offset, found, remedy)
