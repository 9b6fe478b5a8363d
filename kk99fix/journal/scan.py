"""The inner loops over a segment's records, in Python, and the hook for faster ones.

Every function takes the records of one segment: its bytes from offset 4096 on, so offsets here
count from the first record. Faster ones, such as the C core's, are handed in as a `Scan` by whoever
knows both, since this package imports nothing of ours.

Rules:

- `whole_units` trusts nothing; the others walk from header to header over records that were
  verified before, and stop at a length of 0.
- A record that cannot be stepped over ends a walk, so nothing here loops or reads past the end.
"""

import re
import struct
from collections.abc import Callable, Iterator
from typing import Final

import attrs

from kk99fix.journal.record import (
    FIRST_BOOKKEEPING_KIND,
    FLAG_INPUT,
    FLAG_UNIT_END,
    KIND_OFFSET,
    MESSAGE_KINDS,
    RECORD_ALIGNMENT,
    RECORD_HEADER_BYTES,
    Buffer,
    Kind,
    crc_start,
    is_valid,
)

_LENGTH_AND_LSN: Final = struct.Struct("<I4xQ")
_STEP: Final = struct.Struct("<I4xQ28xBxH")
"""length, lsn, kind, flags"""
_GROUP: Final = struct.Struct("<Q12xB")
_GROUP_OFFSET: Final = 24
"""From here: msg_seq_num, kind"""
_ADDRESS: Final = struct.Struct("<I20xQII4xB")
"""length, msg_seq_num, session, epoch, kind"""
_INPUT_MARK: Final = re.compile(rb"[\x01-\x3f]\x01[\x02\x03]\x00")
"""kind, version and flags of an input record"""
_ANY_MARK: Final = re.compile(rb"[\x01-\x80]\x01[\x00-\x03]\x00")
"""kind, version and flags of any record"""
_GROUP_MARK: Final = re.compile(rb"\x80\x01\x00\x00")
"""kind, version and flags of the header of a group"""


def whole_units(records: Buffer, segment_seed: int, first_lsn: int) -> int:
    """Return the length of the leading run of whole, valid units with lsn from `first_lsn` on.

    Valid bookkeeping between and behind the units belongs to it.
    Stops at the first record that is cut off, zero, out of sequence or damaged. C: kk_verify.
    """
    start = crc_start(segment_seed)
    end = len(records)
    offset = run = 0
    lsn = first_lsn
    inside_unit = False
    while is_valid(records, offset, end, start):
        length, found_lsn, kind, flags = _STEP.unpack_from(records, offset)
        if found_lsn != lsn:
            break
        offset += length
        if kind >= FIRST_BOOKKEEPING_KIND:
            if inside_unit:
                break
        elif bool(flags & FLAG_INPUT) == inside_unit:
            break
        else:
            lsn += 1
            inside_unit = not flags & FLAG_UNIT_END
        if not inside_unit:
            run = offset
    return run


def find_sent(records: Buffer, offset: int, session: int, epoch: int, number: int) -> int:
    """Return the offset of the next message to (session, epoch) numbered `number` or higher.

    Starts at the record at `offset`; len(records) when there is none. C: kk_scan_session.
    """
    end = len(records)
    for here in offsets(records, offset, end):
        _, found, to_session, in_epoch, kind = _ADDRESS.unpack_from(records, here)
        if kind not in MESSAGE_KINDS or found < number:
            continue
        if to_session == session and in_epoch == epoch:
            return here
    return end


def find_lsn(records: Buffer, offset: int, lsn: int) -> int:
    """Return the offset of the record with `lsn`, starting at the record at `offset`.

    len(records) when there is none. C: kk_scan_lsn.
    """
    end = len(records)
    for here in offsets(records, offset, end):
        _, found, kind, _ = _STEP.unpack_from(records, here)
        if found >= lsn and kind < FIRST_BOOKKEEPING_KIND:
            return here if found == lsn else end
    return end


def count(records: Buffer) -> int:
    """Return how many verified records have an lsn of their own. C: kk_scan_count."""
    kinds = (records[here + KIND_OFFSET] for here in offsets(records, 0, len(records)))
    return sum(kind < FIRST_BOOKKEEPING_KIND for kind in kinds)


def watermark(records: Buffer, end: int) -> int:
    """Return the highest watermark among the verified records up to `end`; 0: there is none.

    C: kk_scan_watermark.
    """
    highest = 0
    for here in offsets(records, 0, end):
        number, kind = _GROUP.unpack_from(records, here + _GROUP_OFFSET)
        if kind == Kind.GROUP:
            highest = max(highest, number)
    return highest


def offsets(records: Buffer, start: int, end: int) -> Iterator[int]:
    """Yield the offset of every record from `start` up to `end`, or up to the first length of 0."""
    unpack = _LENGTH_AND_LSN.unpack_from
    while end - start >= RECORD_HEADER_BYTES:
        length = unpack(records, start)[0]
        if length < RECORD_HEADER_BYTES or length % RECORD_ALIGNMENT or length > end - start:
            return
        yield start
        start += length


@attrs.frozen
class Extent:
    """The messages to one (session, epoch) within one segment.

    Their numbers are dense from `first` to `last`; `offset` is that of the record of `first`,
    counted from the first record of the segment.
    """

    first: int
    last: int
    offset: int


def extents(records: Buffer, start: int, end: int) -> dict[tuple[int, int], tuple[int, int, int]]:
    """Return what every (session, epoch) was sent in [start, end), as the fields of an `Extent`.

    C: kk_scan_extents.
    """
    spans: dict[tuple[int, int], tuple[int, int, int]] = {}
    unpack = _ADDRESS.unpack_from
    for here in offsets(records, start, end):
        _, number, session, epoch, kind = unpack(records, here)
        if kind in MESSAGE_KINDS:
            first, _, offset = spans.get((session, epoch), (number, number, here))
            spans[session, epoch] = (first, number, offset)
    return spans


def later_input(records: Buffer, start: int, end: int, segment_seed: int, lsn: int) -> int | None:
    """Return the offset of a valid input record beyond lsn `lsn` in [start, end), or None.

    This tells damage in the middle from a torn tail: records may stand at any multiple of 8.
    """
    for here in _valid_at(_INPUT_MARK, records, start, end, segment_seed):
        if _LENGTH_AND_LSN.unpack_from(records, here)[1] > lsn:
            return here
    return None


def later_watermark(records: Buffer, start: int, end: int, segment_seed: int) -> int:
    """Return the highest watermark in [start, end), which no run of valid records leads to.

    What it tells holds, whatever became of the bytes before it. 0: there is none.
    """
    found = _valid_at(_GROUP_MARK, records, start, end, segment_seed)
    return max((_GROUP.unpack_from(records, here + _GROUP_OFFSET)[0] for here in found), default=0)


def later_record(records: Buffer, start: int, end: int, segment_seed: int) -> int | None:
    """Return the offset of the first valid record of any kind in [start, end), or None."""
    return next(_valid_at(_ANY_MARK, records, start, end, segment_seed), None)


def _valid_at(
    mark: re.Pattern[bytes], records: Buffer, start: int, end: int, segment_seed: int
) -> Iterator[int]:
    """Yield the offset of each valid record of these kinds and flags that begins in [start, end).

    `end` is behind the last byte that is not zero, but a record may end with zeros.
    """
    running = crc_start(segment_seed)
    whole = len(records)
    for match in mark.finditer(records, start, end + RECORD_HEADER_BYTES):
        here = match.start() - KIND_OFFSET
        if here < start or here % RECORD_ALIGNMENT:
            continue
        if is_valid(records, here, whole, running):
            yield here


@attrs.frozen
class Scan:
    """The loops that a faster implementation may replace, by default the ones of this module."""

    whole_units: Callable[[memoryview, int, int], int] = whole_units
    find_sent: Callable[[memoryview, int, int, int, int], int] = find_sent
    find_lsn: Callable[[memoryview, int, int], int] = find_lsn
    count: Callable[[memoryview], int] = count
    watermark: Callable[[memoryview, int], int] = watermark
    extents: Callable[[memoryview, int, int], dict[tuple[int, int], tuple[int, int, int]]] = extents
