"""What is known of one segment for finding sent messages in it, and its records while held.

The file of a segment is mapped when it is first looked at.
A compressed one is decompressed into memory a piece at a time, so that nobody waits for it, and
what is held of such segments has a limit: the one that nobody used for longest goes.
What a seal knows is taken from there; a seal that is missing or damaged only costs a scan.
"""

import mmap
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from kk99fix.journal.compressed import PIECE_BYTES, Inflation
from kk99fix.journal.errors import JournalError
from kk99fix.journal.names import seal_name
from kk99fix.journal.scan import Extent
from kk99fix.journal.seals import read_seal
from kk99fix.journal.segment import PAGE_BYTES, Segment, map_records

#: Of a mapped segment: read ahead one of these, and let those behind go.
WINDOW_BYTES: Final = 1 << 20
#: Decompressed segments that are held, in all; one is held whatever its size.
HELD_MAX_BYTES: Final = 256 << 20
#: So many calls after its last one a segment's user has gone, or rests for long.
IDLE_CALLS: Final = 1000


class Indexed:
    """One segment; offsets count from its first record."""

    def __init__(self, segment: Segment) -> None:
        """Map the file, or leave a compressed one to `Held`; JournalReadError."""
        self.segment = segment
        self.size = segment.header.segment_bytes - PAGE_BYTES
        self.extents: dict[tuple[int, int], Extent] = {}
        self.scanned_to = 0
        self.marks = [0]  # offsets of the records first_lsn, first_lsn + 1024, ...
        self._mapped: mmap.mmap | None = None
        if not segment.compressed:
            self.hold(map_records(segment).obj)  # type: ignore[arg-type]
        self._take_seal()

    @property
    def records(self) -> memoryview:
        """The segment from its first record on; of a compressed one only while it is held."""
        assert self._mapped is not None, "a compressed segment is held before it is read"
        return memoryview(self._mapped)[PAGE_BYTES:]

    def hold(self, mapped: mmap.mmap | None) -> None:
        """Take the segment's bytes, from the header page on; None: hold them no longer."""
        self._mapped = mapped

    def add(self, key: tuple[int, int], extent: Extent) -> None:
        """Join what is known of `key` in this segment with one more extent."""
        known = self.extents.get(key, extent)
        first = min(known, extent, key=lambda each: each.first)
        last = max(known.last, extent.last)
        self.extents[key] = Extent(first.first, last, first.offset)

    def passed(self, start: int, end: int) -> bool:
        """Have what follows `end` read ahead, and what was read from `start` on let go.

        The pages stay in the system's cache; only this process holds no more of them.
        True when the rest of the segment is being read already.
        """
        first, window = start // WINDOW_BYTES, end // WINDOW_BYTES
        if first == window or self._mapped is None:
            return False
        behind = PAGE_BYTES + first * WINDOW_BYTES
        self._mapped.madvise(mmap.MADV_DONTNEED, behind, (window - first) * WINDOW_BYTES)
        ahead = PAGE_BYTES + (window + 1) * WINDOW_BYTES
        if ahead < len(self._mapped):
            self._mapped.madvise(mmap.MADV_WILLNEED, ahead, WINDOW_BYTES)
        return ahead + WINDOW_BYTES >= len(self._mapped)

    def left(self, start: int) -> None:
        """Let go of everything from `start` on: who read there goes on elsewhere."""
        if self._mapped is not None:
            window = PAGE_BYTES + start // WINDOW_BYTES * WINDOW_BYTES
            self._mapped.madvise(mmap.MADV_DONTNEED, window)

    def _take_seal(self) -> None:
        directory, number = self.segment.path.parent, self.segment.header.number
        if (directory / seal_name(number)).exists():
            with suppress(JournalError):
                self.extents = read_seal(directory, number).sent
                self.scanned_to = self.size


@attrs.define
class _Holding:
    """A compressed segment that is held, or is on its way."""

    indexed: Indexed
    #: None: all of it is there.
    inflation: Inflation | None
    used_at: int = 0


class Held:
    """The compressed segments that are held, within a limit of bytes."""

    def __init__(self, max_bytes: int = HELD_MAX_BYTES) -> None:
        """Begin without any."""
        self._max_bytes = max_bytes
        self._all: dict[Path, _Holding] = {}
        self._calls = 0

    def ready(self, indexed: Indexed) -> bool:
        """Whether the segment's records may be read; else one piece more of them is there.

        JournalDamagedError, JournalReadError.
        """
        if not indexed.segment.compressed:
            return True
        self._calls += 1
        path = indexed.segment.path
        holding = self._all.get(path)
        if holding is None:
            size = indexed.segment.header.segment_bytes
            if not self._make_room(size):
                return False
            holding = self._all[path] = _Holding(indexed, Inflation(path, size))
        holding.used_at = self._calls
        if holding.inflation is not None:
            if not self._step(path, holding.inflation):
                return False
            indexed.hold(holding.inflation.mapped)
            holding.inflation = None
        return True

    def _step(self, path: Path, inflation: Inflation) -> bool:
        """Take a piece in; a segment that fails is not held."""
        try:
            return inflation.step(PIECE_BYTES)
        except JournalError:
            del self._all[path]
            raise

    def forget(self, indexed: Indexed) -> None:
        """Hold a segment no longer."""
        holding = self._all.pop(indexed.segment.path, None)
        if holding is not None:
            indexed.hold(None)
            if holding.inflation is not None:
                holding.inflation.close()

    def _make_room(self, size: int) -> bool:
        """Let go of what nobody uses until there is room; whether there is."""
        for holding in sorted(self._all.values(), key=lambda each: each.used_at):
            if self._fits(size) or self._calls - holding.used_at <= IDLE_CALLS:
                break
            self.forget(holding.indexed)
        return self._fits(size)

    def _fits(self, size: int) -> bool:
        held = sum(each.indexed.segment.header.segment_bytes for each in self._all.values())
        return not held or held + size <= self._max_bytes
