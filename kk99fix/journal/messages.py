"""Finds in the journal what was sent to a session: the message store behind every resend.

Theory of operation
-------------------
The journal is the only copy of a sent message, so this module holds positions, not messages:

- an `Extent` per segment and (session, epoch): first and last number and where the first stands;
- a cursor per (session, epoch): from where on the number comes next that was not read yet, so
  that a resend in chunks, and a slow reader at the tail, read every byte once;
- an offset per 1024 records of a segment.

All of it is made by scanning when it is first asked for, newest segment first, so a start scans
nothing and the hot path keeps no index. A scan of many segments takes long: `prepare` scans a slice
at a time, until it says that the number has its `place`.
Whoever walks on from a place says with `moved` and `ended` how far it came.
`note` adds what a caller knows anyway and saves a scan.
What is held is bounded by sessions times segments; of the mapped files this process keeps no more
than the windows that are being read, and of compressed ones what `indexed` allows.
What retention has removed is not there any more: `gone_until` says up to which number.

Rules:

- Nothing behind the writer's position is looked at: a batch may be half written there.
- Numbers of one (session, epoch) are dense and in journal order.
- Records are verified by whoever reads them; this module steps from header to header.
"""

from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.indexed import WINDOW_BYTES, Held, Indexed
from kk99fix.journal.removed import read_removed
from kk99fix.journal.scan import Extent, Scan
from kk99fix.journal.segment import (
    PAGE_BYTES,
    Position,
    find_segment,
    read_ahead,
    read_segment,
    segment_name,
)

MARK_EVERY: Final = 1024
#: `prepare` scans at most one more than so many times MARK_EVERY records: half a millisecond.
SLICE_MARKS: Final = 1
_REMEDY = "Stop the gateway and restore the journal from a copy"


@attrs.frozen
class Place:
    """Where to go on looking for a session's next message: in one segment, as far as written."""

    segment: int
    #: From the segment's first record on; `offset` counts from there.
    records: memoryview
    crc_seed: int
    offset: int
    #: Offset of the last message record before that, if known: the source of a copy at `offset`.
    source: int | None


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
        self._oldest = first_segment
        self._removed = read_removed(directory)
        self._scan = scan or Scan()
        self._segments: dict[int, Indexed] = {}
        self._held = Held()
        self._cursors: dict[tuple[int, int], tuple[int, Position, int | None]] = {}
        self._searches: dict[tuple[int, int], _Search] = {}

    def note(
        self, segment: int, session: int, epoch: int, first: int, last: int, offset: int
    ) -> None:
        """Add that `segment` holds numbers `first` to `last`, the first at `offset` of its file."""
        self._segment(segment).add((session, epoch), Extent(first, last, offset - PAGE_BYTES))

    def prepare(self, session: int, epoch: int, begin: int) -> bool:
        """Look through one slice for where number `begin` stands; True when `place` may follow.

        What is written after the first call for a number is not looked at, so an end is reached
        however fast the journal grows.
        """
        key = session, epoch
        if self._has_cursor(key, begin):
            return self._may_read(self._cursors[key][1].segment)
        search = self._searches.get(key)
        if search is None or search.number != begin:
            search = self._searches[key] = _Search(begin, self._position())
        if search.place is None:
            search.place = self._narrow(search, key)
        if search.place is None or not self._may_read(search.place.segment):
            return False
        if not self._walk(search, key):
            return False
        del self._searches[key]
        self._cursors[key] = begin, search.place, None
        return True

    def place(self, session: int, epoch: int, number: int) -> Place:
        """Return where to look for `number`, which `prepare` has found, or which comes next."""
        prepared = self._has_cursor((session, epoch), number)
        assert prepared, f"number {number} of session {session} was not prepared"
        _, position, source = self._cursors[session, epoch]
        indexed, end = self._segment(position.segment), self._end(position.segment)
        seed = indexed.segment.header.crc_seed
        offset = position.offset - PAGE_BYTES
        return Place(position.segment, indexed.records[:end], seed, offset, source)

    def moved(
        self,
        session: int,
        epoch: int,
        number: int,
        place: Place,
        offset: int,
        source: int | None = None,
    ) -> None:
        """Take note that `number` comes next from `offset` on, in the segment of `place`.

        `source` is the offset of the last message record before that, if known.
        """
        indexed = self._segment(place.segment)
        if indexed.passed(place.offset, offset) and place.segment < self._position().segment:
            self._read_ahead(place.segment + 1)
        position = Position(place.segment, PAGE_BYTES + offset)
        self._cursors[session, epoch] = number, position, source

    def ended(self, session: int, epoch: int, number: int, place: Place) -> None:
        """Take note that `number` comes in a later segment than that of `place`.

        JournalDamagedError when there is none: what was recorded is not there.
        """
        if self.at_end(place):
            found = f"number {number} of session {session}, epoch {epoch}, is not in the journal"
            raise self.damaged(place, len(place.records), found)
        self._segment(place.segment).left(place.offset)
        self._cursors[session, epoch] = number, Position(place.segment + 1, PAGE_BYTES), None

    def at_end(self, place: Place) -> bool:
        """Whether nothing is written behind the place: what comes next is not in a file yet."""
        return place.segment >= self._position().segment

    def went_on(self, session: int, epoch: int, number: int) -> None:
        """Take note that what came before `number` was found in memory, behind the cursor."""
        known, position, source = self._cursors[session, epoch]
        if known <= number:
            self._cursors[session, epoch] = number, position, source

    def source(self, place: Place, lsn: int) -> int:
        """Return the offset of the record with `lsn` in the segment of `place`."""
        indexed = self._segment(place.segment)
        offset = self._offset_of(indexed, lsn, len(place.records))
        if offset is None:
            raise self.damaged(place, place.offset, f"its source, lsn {lsn}, is not there")
        return offset

    def damaged(self, place: Place, offset: int, found: str) -> JournalDamagedError:
        """Return the error for what is wrong at `offset` in the segment of `place`."""
        path = self._segment(place.segment).segment.path
        return JournalDamagedError(path, PAGE_BYTES + offset, found, _REMEDY)

    def gone_until(self, session: int, epoch: int) -> int:
        """Return the last number of an epoch that retention has removed; 0: none, or it is over."""
        return self._removed.last_sent(session, epoch)

    def replaced(self, number: int) -> None:
        """Let go of a segment whose file was compressed or removed, so that the disk gets it back.

        It is looked up anew when it is next needed.
        """
        indexed = self._segments.pop(number, None)
        if indexed is not None:
            self._held.forget(indexed)
        self._removed = read_removed(self._directory)

    # ---------------------------------------------------------------- inside

    @property
    def _first_segment(self) -> int:
        return max(self._oldest, self._removed.segment + 1)

    def _segment(self, number: int) -> Indexed:
        indexed = self._segments.get(number)
        if indexed is None:
            indexed = Indexed(read_segment(self._directory / segment_name(number)))
            self._segments[number] = indexed
        return indexed

    def _may_read(self, number: int) -> bool:
        """Whether a segment's records may be read now; else a later call says so."""
        return self._is_there(number) and self._held.ready(self._segment(number))

    def _is_there(self, number: int) -> bool:
        """Whether retention has left a segment; what led to it is searched anew if not."""
        if number in self._segments or find_segment(self._directory, number) is not None:
            return True
        self._removed = read_removed(self._directory)
        if number >= self._first_segment:
            return True  # and reading it says what is wrong
        self._start_over(number)
        return False

    def _start_over(self, number: int) -> None:
        """Forget the places in a segment that was removed; what is asked for is searched anew."""
        gone = [key for key, cursor in self._cursors.items() if cursor[1].segment == number]
        for key in gone:
            del self._cursors[key]
        self._searches.clear()

    def _end(self, number: int) -> int:
        """Return where the written records of a segment end, at the latest."""
        position = self._position()
        if number == position.segment:
            return position.offset - PAGE_BYTES
        return self._segment(number).size

    def _has_cursor(self, key: tuple[int, int], number: int) -> bool:
        """Whether reading ended where `number` comes next."""
        cursor = self._cursors.get(key)
        return cursor is not None and cursor[0] == number

    def _scan_to(self, indexed: Indexed, end: int) -> None:
        """Take the extents of the records up to `end` into the index."""
        found = self._scan.extents(indexed.records, indexed.scanned_to, end)
        for each, (first, last, offset) in found.items():
            indexed.add(each, Extent(first, last, offset))
        indexed.scanned_to = end

    def _narrow(self, search: _Search, key: tuple[int, int]) -> Position | None:
        """Return a place at or before the message; None after one more slice was scanned."""
        for number in range(search.end.segment, self._first_segment - 1, -1):
            if not self._is_there(number):
                return None
            indexed, end = self._segment(number), self._search_end(search, number)
            extent = indexed.extents.get(key)
            if extent is not None and extent.first <= search.number <= extent.last:
                return Position(number, PAGE_BYTES + extent.offset)
            begins_later = extent is not None and extent.first > search.number
            if indexed.scanned_to < end and not begins_later:
                if not self._held.ready(indexed):
                    return None
                start = indexed.scanned_to
                if number > self._first_segment and number - 1 not in self._segments:
                    self._read_ahead(number - 1)
                self._scan_to(indexed, self._slice_end(indexed, start, end))
                indexed.left(start)
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
        if not self._marked_behind(indexed, offset, end):
            return False
        end = self._slice_end(indexed, offset, end)
        start = offset
        offset = self._scan.find_sent(indexed.records[:end], offset, *key, search.number)
        indexed.passed(start, offset)
        search.place = Position(place.segment, PAGE_BYTES + offset)
        return offset < end

    def _read_ahead(self, number: int) -> None:
        """Have the start of the segment that is next read while others have their turn."""
        read_ahead(self._directory / segment_name(number), 2 * WINDOW_BYTES)

    def _search_end(self, search: _Search, number: int) -> int:
        """Return where a search ends in a segment."""
        if number == search.end.segment:
            return search.end.offset - PAGE_BYTES
        return self._end(number)

    def _marked_behind(self, indexed: Indexed, start: int, end: int) -> bool:
        """Whether the marks reach behind `start`; else they reach one mark further now.

        A seal knows places in a segment of which nothing has been marked yet.
        """
        last = indexed.marks[-1]
        if last > start:
            return True
        lsn = indexed.segment.header.first_lsn + len(indexed.marks) * MARK_EVERY
        found = self._offset_of(indexed, lsn, end)
        indexed.passed(last, indexed.marks[-1])
        return found is None or found > start

    def _slice_end(self, indexed: Indexed, start: int, end: int) -> int:
        """Return a record's offset a few thousand records behind `start`, or `end`."""
        marks, wanted = indexed.marks, bisect_right(indexed.marks, start) + SLICE_MARKS
        if wanted >= len(marks):
            self._offset_of(indexed, indexed.segment.header.first_lsn + wanted * MARK_EVERY, end)
        return min(marks[wanted], end) if wanted < len(marks) else end

    def _offset_of(self, indexed: Indexed, lsn: int, end: int) -> int | None:
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
