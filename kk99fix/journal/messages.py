"""Finds in the journal what was sent to a session: the message store behind every resend.

Theory of operation
-------------------
The journal is the only copy of a sent message, so this module holds positions, not messages:

- an `Extent` per segment and (session, epoch): first and last number and where the first stands;
- a cursor per (session, epoch): from where on the number after the last one fetched stands, so
  that a resend in chunks, and a slow reader at the tail, read every byte once;
- an offset per 1024 records of a segment, made when a record is looked up by lsn.

All of it is made by scanning when it is first asked for, newest segment first, so a start scans
nothing and the hot path keeps no index. A scan of many segments takes long: who has other things to
do calls `prepare`, which scans a slice at a time, until it says that `fetch` has nothing to scan.
`note` adds what a caller knows anyway and saves that scan.
What is held is bounded by sessions times segments.

Rules:

- Nothing behind the writer's position is looked at: a batch may be half written there.
- Every record handed out has its checksum verified.
- Numbers of one (session, epoch) are dense and in journal order.
"""

from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from kk99fix.journal.errors import JournalDamagedError, JournalError
from kk99fix.journal.record import (
    Kind,
    Record,
    crc_start,
    is_valid,
    unpack_record,
)
from kk99fix.journal.scan import Extent, Scan
from kk99fix.journal.segment import (
    PAGE_BYTES,
    Position,
    Segment,
    map_records,
    read_segment,
    segment_name,
)

MARK_EVERY: Final = 1024
#: `prepare` scans at most one more than so many times MARK_EVERY records: two milliseconds.
SLICE_MARKS: Final = 7
_REMEDY = "Stop the gateway and restore the journal from a copy"


@attrs.frozen
class SentRecord:
    """One sent message: a MESSAGE with its FIX bytes, or a DROP_COPY with its payload."""

    number: int
    kind: Kind
    payload: bytes
    time_ns: int
    lsn: int


class _Indexed:
    """One mapped segment and what is known of it; offsets count from the first record."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.records = map_records(segment)
        self.crc_start = crc_start(segment.header.crc_seed)
        self.extents: dict[tuple[int, int], Extent] = {}
        self.scanned_to = 0
        self.marks = [0]  # offsets of the records first_lsn, first_lsn + 1024, ...

    def add(self, key: tuple[int, int], extent: Extent) -> None:
        """Join what is known of `key` in this segment with one more extent."""
        known = self.extents.get(key, extent)
        first = min(known, extent, key=lambda each: each.first)
        last = max(known.last, extent.last)
        self.extents[key] = Extent(first.first, last, first.offset)

    def record(self, offset: int, end: int) -> Record:
        """Return the verified record at `offset`; JournalDamagedError."""
        if not is_valid(self.records, offset, end, self.crc_start):
            found = "the record was changed after it was written"
            raise JournalDamagedError(self.segment.path, PAGE_BYTES + offset, found, _REMEDY)
        return unpack_record(self.records, offset)


@attrs.define
class _Search:
    """A search for one number that goes on over several calls."""

    number: int
    #: Where the journal ended when it began.
    end: Position
    #: The message stands here or later in this segment; None: not yet known.
    place: Position | None = None


class SentMessages:
    """The index of sent messages over a journal that is being written; for one thread."""

    def __init__(
        self,
        directory: Path,
        position: Callable[[], Position],
        *,
        first_segment: int = 1,
        scan: Scan | None = None,
    ) -> None:
        """Take the journal's directory and where its written part ends (`writer.position`)."""
        self._directory = directory
        self._position = position
        self._first_segment = first_segment
        self._scan = scan or Scan()
        self._segments: dict[int, _Indexed] = {}
        self._cursors: dict[tuple[int, int], tuple[int, Position]] = {}
        self._searches: dict[tuple[int, int], _Search] = {}

    def note(
        self, segment: int, session: int, epoch: int, first: int, last: int, offset: int
    ) -> None:
        """Add that `segment` holds numbers `first` to `last`, the first at `offset` of its file."""
        self._segment(segment).add((session, epoch), Extent(first, last, offset - PAGE_BYTES))

    def prepare(self, session: int, epoch: int, begin: int) -> bool:
        """Look through one slice for where number `begin` stands; True when `fetch` may follow.

        What is written after the first call for a number is not looked at, so an end is reached
        however fast the journal grows.
        """
        key = session, epoch
        if self._cursor(session, epoch, begin) is not None:
            return True
        search = self._searches.get(key)
        if search is None or search.number != begin:
            search = self._searches[key] = _Search(begin, self._position())
        if search.place is None:
            search.place = self._narrow(search, key)
        if search.place is None or not self._walk(search, key):
            return False
        del self._searches[key]
        self._cursors[key] = begin, search.place
        return True

    def fetch(
        self,
        session: int,
        epoch: int,
        begin: int,
        limit_messages: int,
        limit_bytes: int,
    ) -> list[SentRecord]:
        """Return messages from number `begin` on, in order, none left out; JournalError.

        Stops at `limit_messages`, or once the payloads reach `limit_bytes`, so at least one comes
        if there is one. An empty list means that `begin` was never sent in that epoch.
        """
        place = self._locate(session, epoch, begin)
        fetched: list[SentRecord] = []
        size = 0
        while place is not None and len(fetched) < limit_messages and size < limit_bytes:
            number = begin + len(fetched)
            place = self._next_message(place, session, epoch, number)
            if place is None:
                self._cursors[session, epoch] = (number, self._position())
                break
            indexed = self._segment(place.segment)
            offset = place.offset - PAGE_BYTES
            record = indexed.record(offset, self._end(place.segment))
            header = record.header
            if header.msg_seq_num != number:
                found = (
                    f"number {number} of session {session}, epoch {epoch}, is not in the journal"
                )
                raise JournalDamagedError(indexed.segment.path, place.offset, found, _REMEDY)
            fetched.append(
                SentRecord(number, header.kind, record.payload, header.time_ns, header.lsn)
            )
            size += header.payload_length
            place = Position(place.segment, place.offset + header.length)
            self._cursors[session, epoch] = (number + 1, place)
        return fetched

    def by_lsn(self, lsn: int) -> Record:
        """Return the record with `lsn`, such as the source of a drop copy; JournalError."""
        number = self._position().segment
        while number > self._first_segment and self._segment(number).segment.header.first_lsn > lsn:
            number -= 1
        indexed = self._segment(number)
        end = self._end(number)
        offset = self._offset_of(indexed, lsn, end)
        if offset is None:
            raise JournalError(f"{indexed.segment.path}: lsn {lsn} is not in the journal.")
        return indexed.record(offset, end)

    # ---------------------------------------------------------------- inside

    def _segment(self, number: int) -> _Indexed:
        indexed = self._segments.get(number)
        if indexed is None:
            indexed = _Indexed(read_segment(self._directory / segment_name(number)))
            self._segments[number] = indexed
        return indexed

    def _end(self, number: int) -> int:
        """Return where the written records of a segment end, at the latest."""
        position = self._position()
        if number == position.segment:
            return position.offset - PAGE_BYTES
        return len(self._segment(number).records)

    def _locate(self, session: int, epoch: int, number: int) -> Position | None:
        """Return a place at or before the message, after which it comes next in its segment."""
        cursor = self._cursor(session, epoch, number)
        if cursor is not None:
            return cursor
        for segment in range(self._position().segment, self._first_segment - 1, -1):
            extent = self._extent(segment, (session, epoch), number)
            if extent is not None and extent.first <= number:
                if number > extent.last:
                    return None
                return Position(segment, PAGE_BYTES + extent.offset)
        return None

    def _extent(self, number: int, key: tuple[int, int], wanted: int) -> Extent | None:
        """Return what segment `number` holds of `key`, scanned as far as the answer needs."""
        indexed = self._segment(number)
        extent = indexed.extents.get(key)
        if extent is not None and extent.first <= wanted <= extent.last:
            return extent
        end = self._end(number)
        if indexed.scanned_to < end:
            self._scan_to(indexed, end)
        return indexed.extents.get(key)

    def _cursor(self, session: int, epoch: int, number: int) -> Position | None:
        """Return where the last fetch ended, if `number` comes next there."""
        cursor = self._cursors.get((session, epoch))
        return cursor[1] if cursor is not None and cursor[0] == number else None

    def _scan_to(self, indexed: _Indexed, end: int) -> None:
        """Take the extents of the records up to `end` into the index."""
        found = self._scan.extents(indexed.records, indexed.scanned_to, end)
        for each, (first, last, offset) in found.items():
            indexed.add(each, Extent(first, last, offset))
        indexed.scanned_to = end

    def _narrow(self, search: _Search, key: tuple[int, int]) -> Position | None:
        """Return a place at or before the message; None after one more slice was scanned."""
        for number in range(search.end.segment, self._first_segment - 1, -1):
            indexed, end = self._segment(number), self._search_end(search, number)
            extent = indexed.extents.get(key)
            if extent is not None and extent.first <= search.number <= extent.last:
                return Position(number, PAGE_BYTES + extent.offset)
            begins_later = extent is not None and extent.first > search.number
            if indexed.scanned_to < end and not begins_later:
                self._scan_to(indexed, self._slice_end(indexed, indexed.scanned_to, end))
                return None
            if extent is not None and not begins_later:
                break
        return search.end

    def _walk(self, search: _Search, key: tuple[int, int]) -> bool:
        """Go one slice on from the place; True when the message is there, or not before the end."""
        place = search.place
        assert place is not None
        indexed, end = self._segment(place.segment), self._search_end(search, place.segment)
        offset = place.offset - PAGE_BYTES
        if offset >= end:
            return True
        end = self._slice_end(indexed, offset, end)
        offset = self._scan.find_sent(indexed.records[:end], offset, *key, search.number)
        search.place = Position(place.segment, PAGE_BYTES + offset)
        return offset < end

    def _search_end(self, search: _Search, number: int) -> int:
        """Return where a search ends in a segment."""
        if number == search.end.segment:
            return search.end.offset - PAGE_BYTES
        return self._end(number)

    def _slice_end(self, indexed: _Indexed, start: int, end: int) -> int:
        """Return a record's offset a few thousand records behind `start`, or `end`."""
        marks, wanted = indexed.marks, bisect_right(indexed.marks, start) + SLICE_MARKS
        if wanted >= len(marks):
            self._offset_of(indexed, indexed.segment.header.first_lsn + wanted * MARK_EVERY, end)
        return min(marks[wanted], end) if wanted < len(marks) else end

    def _next_message(
        self, place: Position, session: int, epoch: int, number: int
    ) -> Position | None:
        """Return where the message stands, looking from `place` on through later segments."""
        segment, offset = place.segment, place.offset - PAGE_BYTES
        last = self._position().segment
        while segment <= last:
            end = self._end(segment)
            records = self._segment(segment).records[:end]
            offset = self._scan.find_sent(records, offset, session, epoch, number)
            if offset < end:
                return Position(segment, PAGE_BYTES + offset)
            segment, offset = segment + 1, 0
        return None

    def _offset_of(self, indexed: _Indexed, lsn: int, end: int) -> int | None:
        """Return the offset of `lsn`, extending the segment's marks as far as it lies."""
        records = indexed.records[:end]
        first_lsn = indexed.segment.header.first_lsn
        wanted = max(0, lsn - first_lsn) // MARK_EVERY
        while len(indexed.marks) <= wanted:
            marked = first_lsn + len(indexed.marks) * MARK_EVERY
            offset = self._scan.find_lsn(records, indexed.marks[-1], marked)
            if offset >= end:
                return None
            indexed.marks.append(offset)
        offset = self._scan.find_lsn(records, indexed.marks[wanted], lsn)
        return offset if offset < end else None
