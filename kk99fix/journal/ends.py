"""Where the records of a segment end, and whether they may end there.

Theory of operation
-------------------
A segment's records are a run of whole, valid units with dense lsn, then zeros. What else is found
is one of two things:

1. A torn tail: the process or the machine died while it wrote what stands there, and nothing of it
   had left the venue. It is cut at the start of the unit that is not whole, since an input and its
   outputs count together or not at all.
2. Damage: anything else. The start is refused with file, offset, lsn and what to do, and the files
   stay as they are.

The watermark, the last lsn known to be on the disk, tells them apart: what is invalid above it is a
torn tail, also where the disk kept later blocks and lost earlier ones; what is invalid or missing
at or below it is damage. Every group of a durable segment carries one, and the highest counts, also
one that stands behind the first invalid byte. A durable segment without any is one that was just
begun: everything before its first lsn was on the disk.

In a segment of level `process`, without watermarks, only the process can have died, and what the
system had taken is all there up to one place: valid input records behind invalid bytes are damage.
"""

from typing import Final

from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.record import Buffer, crc_start, is_valid, length_at, unpack_header
from kk99fix.journal.remedies import from_a_copy
from kk99fix.journal.scan import Scan, later_input, later_record, later_watermark
from kk99fix.journal.segment import PAGE_BYTES, Segment, Tail

_CHUNK: Final = 1 << 20
_ZEROS: Final = bytes(_CHUNK)


def find_tail(
    segment: Segment, records: memoryview, end: int, scan: Scan, *, known_lsn: int = 0
) -> Tail:
    """Return where the journal ends, whose last segment has whole units up to `end`.

    The caller knows that `known_lsn` is on the disk. JournalDamagedError.
    """
    next_lsn = segment.header.first_lsn + scan.count(records[:end])
    stop = last_nonzero(records, end)
    own = _watermark(segment, records, end, stop, scan)
    watermark = max(known_lsn, own)
    if next_lsn <= watermark:
        beyond = f"lsn {watermark} was on the disk"
        raise _damage(segment, records, end, next_lsn, beyond=beyond)
    if stop > end and not own and not segment.header.identity.durable:
        _check_torn(segment, records, end, stop, next_lsn)
    return Tail(segment, PAGE_BYTES + end, next_lsn, stop - end)


def check_sealed(
    segment: Segment, records: memoryview, end: int, following: Segment, scan: Scan
) -> None:
    """Raise JournalDamagedError unless the units up to `end` lead up to the segment `following`."""
    next_lsn = following.header.first_lsn
    found_lsn = segment.header.first_lsn + scan.count(records[:end])
    stop = last_nonzero(records, end)
    if found_lsn == next_lsn and stop > end:
        stray = PAGE_BYTES + _first_nonzero(records, end, stop)
        found = "bytes that are not zero stand behind the last record of a sealed segment"
        raise JournalDamagedError(segment.path, stray, found, from_a_copy(segment.path))
    if found_lsn != next_lsn:
        beyond = f"{following.path.name} goes on with lsn {next_lsn}"
        given_up = (
            f"; if the machine lost power and what came after is given up, move "
            f"{following.path.name} and all later segments out of the directory"
        )
        # A durable segment was on the disk before another one was begun.
        otherwise = "" if segment.header.identity.durable else given_up
        raise _damage(segment, records, end, found_lsn, beyond=beyond, otherwise=otherwise)


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


def _first_nonzero(records: memoryview, start: int, stop: int) -> int:
    """Return the offset of the first byte in [start, stop) that is not zero; there is one."""
    for begin in range(start, stop, _CHUNK):
        rest = bytes(records[begin : min(begin + _CHUNK, stop)]).lstrip(b"\0")
        if rest:
            return min(begin + _CHUNK, stop) - len(rest)
    raise AssertionError("there is no such byte")


def _watermark(segment: Segment, records: memoryview, end: int, stop: int, scan: Scan) -> int:
    """Return the last lsn that the segment itself says was on the disk; 0: it says nothing."""
    header = segment.header
    before = header.first_lsn - 1 if header.identity.durable else 0
    behind = later_watermark(records, end, stop, header.crc_seed)
    return max(before, scan.watermark(records, end), behind)


def _check_torn(segment: Segment, records: memoryview, end: int, stop: int, lsn: int) -> None:
    """Raise JournalDamagedError when a valid input follows the invalid bytes in [end, stop)."""
    if later_input(records, end, stop, segment.header.crc_seed, lsn) is not None:
        raise _damage(segment, records, end, lsn, beyond="inputs were written after it")


def _damage(
    segment: Segment,
    records: memoryview,
    end: int,
    lsn: int,
    *,
    beyond: str,
    otherwise: str = "",
) -> JournalDamagedError:
    """Return the error for a journal whose valid units end at `end`, before `lsn`, too early."""
    seed = segment.header.crc_seed
    offset, start = end, crc_start(seed)
    while is_valid(records, offset, len(records), start):
        header = unpack_header(records, offset)
        if header.lsn != lsn or header.kind.is_bookkeeping:
            break
        offset += length_at(records, offset)
        lsn += 1
    following = later_record(records, offset, last_nonzero(records, offset), seed)
    resumes = "no valid record follows in this file"
    if following is not None:
        resumes = (
            f"the next valid record is lsn {unpack_header(records, following).lsn} "
            f"at offset {PAGE_BYTES + following}"
        )
    found = f"no valid record with lsn {lsn} stands here, but {beyond}; {resumes}"
    remedy = from_a_copy(segment.path) + otherwise
    return JournalDamagedError(segment.path, PAGE_BYTES + offset, found, remedy)
