"""A reader that follows a journal while it is written, without ever getting ahead of it.

Theory of operation
-------------------
A follower stands at a position: the lsn that comes next, and the segment and offset where its
record will stand. `take` looks whether a record has begun there, verifies what follows, and hands
out whole units. It never waits: whoever calls decides when to look again.

Rules:

- Only whole valid units are handed out, so an unfinished or torn unit stays invisible.
- In a segment of durability `durable` only units up to the highest watermark are: what is above it
  may still be lost with the machine.
- A segment is left once it is read to its end and the next one is there; the two have to join.
- Bookkeeping records are passed over; they have no lsn of their own.

It opens files for reading only. Where to begin, and what to do with the units, is the caller's.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.record import HEADER, RECORD_HEADER_BYTES, length_at
from kk99fix.journal.scan import Scan
from kk99fix.journal.segment import (
    PAGE_BYTES,
    Segment,
    find_segment,
    map_records,
    read_segment,
    segment_name,
)

#: The fields of a record's header, in the order of the layout; plain tuples, since a follower hands
#: out tens of thousands of them a second.
Header = tuple[int, int, int, int, int, int, int, int, int, int, int]
_REMEDY: Final = "Run `kk99fix journal verify`; no file was changed"


@attrs.frozen
class JournalPosition:
    """The place of the record with lsn `next_lsn`; `offset` counts from the start of the file."""

    next_lsn: int
    segment: int
    offset: int


@attrs.frozen
class Chunk:
    """The bytes of whole units in order, which were verified; of one record with an lsn at least.

    The first record begins at 0 of `data`, each other one where the one before it ends.
    """

    data: memoryview

    @property
    def headers(self) -> Iterator[Header]:
        """The headers of all records in order."""
        unpack, data = HEADER.unpack_from, self.data
        offset, end = 0, len(data)
        while offset < end:
            header: Header = unpack(data, offset)
            yield header
            offset += header[0]


class Follower:
    """Hands out what was added to a journal since a position."""

    def __init__(
        self,
        directory: Path,
        position: JournalPosition,
        scan: Scan | None = None,
        *,
        last_lsn: int | None = None,
    ) -> None:
        """Stand at `position`, whose segment exists; JournalDamagedError, JournalReadError.

        With `last_lsn`, the last record of a unit, what comes after it is not handed out.
        """
        self._last_lsn = last_lsn
        self._directory = directory
        self._scan = scan or Scan()
        self._position = position
        self._watermark_lsn = 0
        self._open(read_segment(directory / segment_name(position.segment)))

    @property
    def position(self) -> JournalPosition:
        """Where the next unit will stand."""
        return self._position

    def take(self, limit_bytes: int) -> Chunk | None:
        """Return the next whole units, about `limit_bytes` of them; None when there is nothing new.

        Raises JournalDamagedError when the segment does not lead up to the next one.
        """
        while self._last_lsn is None or self._position.next_lsn <= self._last_lsn:
            chunk = self._take_here(limit_bytes, is_complete=False)
            if chunk is not None:
                return chunk
            following = self._following()
            if following is None:
                return None
            # Looked at once more: from here on nothing is added to this one.
            chunk = self._take_here(limit_bytes, is_complete=True)
            if chunk is not None:
                return chunk
            self._leave_for(following)
        return None

    def _take_here(self, limit_bytes: int, *, is_complete: bool) -> Chunk | None:
        """Hand out what stands at the position, and move behind it."""
        start = self._position.offset - PAGE_BYTES
        rest = self._records[start:]
        if len(rest) < RECORD_HEADER_BYTES or length_at(rest, 0) == 0:
            return None
        end = self._visible(rest, limit_bytes, is_complete=is_complete)
        records = self._scan.count(rest[:end])
        next_lsn, offset = self._position.next_lsn + records, self._position.offset + end
        self._position = JournalPosition(next_lsn, self._position.segment, offset)
        return Chunk(rest[:end]) if records else None

    def _visible(self, rest: memoryview, limit_bytes: int, *, is_complete: bool) -> int:
        """Return the length of the units at the start of `rest` that may be handed out.

        It is above the limit where the first unit, or what was synced with it, is longer than that.
        """
        seed, next_lsn = self._segment.header.crc_seed, self._position.next_lsn
        gated = self._segment.header.identity.durable and not is_complete
        while True:
            end = self._scan.whole_units(rest[:limit_bytes], seed, next_lsn)
            if gated:
                end = self._up_to_watermark(rest[:end])
            if self._last_lsn is not None:
                end = self._up_to(rest[:end], self._last_lsn)
            if end > 0 or limit_bytes >= len(rest):
                return end
            limit_bytes *= 2

    def _up_to_watermark(self, units: memoryview) -> int:
        """Return the length of those of the units that are known to be on the disk."""
        seen = self._scan.watermark(units, len(units))
        self._watermark_lsn = max(self._watermark_lsn, seen)
        return self._up_to(units, self._watermark_lsn)

    def _up_to(self, units: memoryview, last_lsn: int) -> int:
        """Return the length of the units that end at or before `last_lsn`."""
        if last_lsn < self._position.next_lsn:
            return 0
        return self._scan.find_lsn(units, 0, last_lsn + 1)

    def _following(self) -> Segment | None:
        path = find_segment(self._directory, self._position.segment + 1)
        return None if path is None else read_segment(path)

    def _leave_for(self, following: Segment) -> None:
        next_lsn = self._position.next_lsn
        if following.header.first_lsn != next_lsn:
            found = (
                f"no valid record with lsn {next_lsn} stands here, but {following.path.name} "
                f"goes on with lsn {following.header.first_lsn}"
            )
            raise JournalDamagedError(self._segment.path, self._position.offset, found, _REMEDY)
        self._position = JournalPosition(next_lsn, following.header.number, PAGE_BYTES)
        self._open(following)

    def _open(self, segment: Segment) -> None:
        self._segment = segment
        self._records = map_records(segment)
