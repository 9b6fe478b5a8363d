"""The journal's writing side: which segment is written to, and what of it is written.

Theory of operation
-------------------
The writer owns one open segment: a descriptor, the offset of the next record and the end.
The hot path takes these with `current`, writes sealed whole units there itself, and says so with
`advance`: at level `process` once the system has them, at level `durable` once the disk has them.
There it also syncs the directory, which `open_directory` opens, before what stands in a new segment
counts. Units made in Python go through `append`. When a batch does not fit in
`room`, `roll` opens the next segment. All of that happens on the one thread that owns the writer.

Zero-filled files for later segments are made by `prepare_ahead`, the only method that another
thread may call. The two sides share one deque: `prepare_ahead` appends a finished file as its last
step, `roll` pops one as its first. Prepared files that a stop leaves behind are used by the next
start.

Rules:

- A unit never spans segments; a batch larger than a segment gets a segment of its own size.
- A failure raises JournalWriteError, and so does every later call: nothing is tried again.
  Only a failure to prepare ahead stops nothing: it raises JournalPrepareError in its own thread.
- A durable segment gets its name with its header page on the disk, so no name is ever found without
  it. A file with a header page that lost its name may hold records, and is not used again.
- The writer knows lsn only as the first one of a segment; dense numbering is the core's business.

At level `durable` the segment is changed only while nothing is on its way to it.
Reading belongs to others.
"""

import os
import re
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from kk99fix.journal.errors import JournalPrepareError, JournalWriteError
from kk99fix.journal.files import Files, write_all
from kk99fix.journal.record import Buffer, seal, unpack_header
from kk99fix.journal.segment import (
    DEFAULT_SEGMENT_BYTES,
    MIN_SEGMENT_BYTES,
    PAGE_BYTES,
    Identity,
    Position,
    SegmentHeader,
    Tail,
    is_begun,
    prepare_file,
    round_to_pages,
    segment_name,
    write_zeros,
)

PREPARED_SUFFIX: Final = ".zeros"
TEMPORARY_SUFFIX: Final = ".tmp"
_PREPARED_NAME: Final = re.compile(r"prepared-(\d+)")

#: Fills in the checksums of a batch of whole records: (batch, segment seed) -> sealed batch.
Seal = Callable[[Buffer, int], Buffer]


@attrs.frozen
class WriterStatistics:
    """Counts since the writer was made; `prepared` is how many segments stand ready."""

    segment: int
    bytes_written: int
    rolls: int
    rolls_unprepared: int
    prepared: int


class JournalWriter:
    """Writes sealed units at the end of the last segment; see the module's theory of operation.

    `segment`, `fd`, `offset`, `end` and `seed` are for reading by the hot path.
    """

    def __init__(
        self,
        directory: Path,
        identity: Identity,
        *,
        segment_bytes: int = DEFAULT_SEGMENT_BYTES,
        seal_batch: Seal = seal,
        files: Files | None = None,
    ) -> None:
        """Take a directory that exists; no file is touched before `create` or `resume`."""
        if segment_bytes < MIN_SEGMENT_BYTES or segment_bytes % PAGE_BYTES:
            raise ValueError(
                f"segment_bytes is {segment_bytes}, "
                f"but must be a multiple of {PAGE_BYTES} and at least {MIN_SEGMENT_BYTES}",
            )
        self.directory = directory
        self.identity = identity
        self.segment_bytes = segment_bytes
        self.segment = 0
        self.fd = -1
        self._directory_fd = -1
        self.offset = 0
        self.end = 0
        self.seed = 0
        self._seal = seal_batch
        self._files = files or Files()
        self._failure: JournalWriteError | None = None
        self._prepared: deque[Path] = deque()
        self._preparing = threading.Lock()
        self._next_prepared = 1
        self._bytes_before = 0
        self._opened_at = 0
        self._rolls = 0
        self._rolls_unprepared = 0

    # ---------------------------------------------------------------- opening and closing

    def create(self) -> None:
        """Start a new journal with segment 1, whose first record has lsn 1; JournalWriteError."""
        self._adopt_prepared()
        self._open_next(self.segment_bytes, first_lsn=1)

    def resume(self, tail: Tail) -> None:
        """Go on where the valid part of the journal ends; JournalWriteError.

        Stale bytes are zeroed and synced first, so that they never look like records again.
        """
        self._adopt_prepared()
        path = tail.segment.path
        try:
            fd = self._files.open(path, os.O_RDWR)
            if tail.stale_bytes:
                write_zeros(self._files, fd, tail.offset, tail.offset + tail.stale_bytes)
                self._files.fdatasync(fd)
        except OSError as error:
            raise self._failed(path, tail.offset, "take up the last segment", error) from error
        self._enter(tail.segment.header, fd, tail.offset)

    def close(self) -> None:
        """Close segment and directory; prepared files stay for the next start."""
        self._close_segment()
        if self._directory_fd >= 0:
            self._files.close(self._directory_fd)
            self._directory_fd = -1

    # ---------------------------------------------------------------- the hot path's share

    def open_directory(self) -> int:
        """Return the directory's descriptor, open until `close`; JournalWriteError."""
        if self._directory_fd < 0:
            try:
                self._directory_fd = self._files.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
            except OSError as error:
                raise self._failed(self.directory, 0, "open the directory", error) from error
        return self._directory_fd

    def current(self) -> tuple[int, int, int]:
        """Return (descriptor, offset of the next record, end of the segment)."""
        if self._failure is not None:
            raise self._failure
        return self.fd, self.offset, self.end

    @property
    def room(self) -> int:
        """Bytes left in the current segment."""
        return self.end - self.offset

    @property
    def position(self) -> Position:
        """Where the next record goes; everything before it is written."""
        return Position(self.segment, self.offset)

    def advance(self, length: int) -> None:
        """Note that `length` bytes of whole, sealed units now stand at `offset`."""
        assert 0 <= length <= self.room, (length, self.room)
        self.offset += length

    def fail(self, error: OSError, action: str = "write a batch") -> JournalWriteError:
        """Note that an action of the hot path at `offset` failed; return what the caller raises."""
        path = self.directory / segment_name(self.segment)
        return self._failed(path, self.offset, action, error)

    # ---------------------------------------------------------------- segments

    def roll(self, min_bytes: int, *, first_lsn: int, trading_day: int | None = None) -> None:
        """End the current segment and open the next with room for `min_bytes`; JournalWriteError.

        `first_lsn` is that of the next record; a new `trading_day` (YYYYMMDD) holds from here on.
        """
        if self._failure is not None:
            raise self._failure
        if trading_day is not None:
            self.identity = attrs.evolve(self.identity, trading_day=trading_day)
        self._bytes_before += self.offset - self._opened_at
        self._opened_at = self.offset
        self._close_segment()
        self._open_next(max(self.segment_bytes, round_to_pages(PAGE_BYTES + min_bytes)), first_lsn)
        self._rolls += 1

    def prepare_ahead(self, count: int = 1, rest: Callable[[], None] = lambda: None) -> None:
        """Make zero-filled files until `count` stand ready; any one thread; JournalPrepareError.

        Does nothing while another thread is at it. While another file stands ready, `rest` is
        called after each synced MiB, so that the disk has time for the journal.
        """
        if not self._preparing.acquire(blocking=False):
            return
        try:
            while len(self._prepared) < count:
                self._prepared.append(self._prepare(rest))
        finally:
            self._preparing.release()

    def append(self, batch: Buffer) -> Position:
        """Seal and write whole units made in Python; return where they stand; JournalWriteError."""
        if self._failure is not None:
            raise self._failure
        if len(batch) > self.room:
            self.roll(len(batch), first_lsn=unpack_header(batch, 0).lsn)
        position = self.position
        try:
            write_all(self._files, self.fd, self._seal(batch, self.seed), self.offset)
        except OSError as error:
            raise self.fail(error) from error
        self.advance(len(batch))
        return position

    def statistics(self) -> WriterStatistics:
        """Return the counts so far."""
        return WriterStatistics(
            segment=self.segment,
            bytes_written=self._bytes_before + self.offset - self._opened_at,
            rolls=self._rolls,
            rolls_unprepared=self._rolls_unprepared,
            prepared=len(self._prepared),
        )

    # ---------------------------------------------------------------- inside

    def _close_segment(self) -> None:
        if self.fd >= 0:
            self._files.close(self.fd)
            self.fd = -1

    def _open_next(self, segment_bytes: int, first_lsn: int) -> None:
        header = SegmentHeader(self.segment + 1, first_lsn, segment_bytes, self.identity)
        path = self.directory / segment_name(header.number)
        try:
            source = self._take_prepared(path, segment_bytes)
            fd = self._open_with_page(source, header)
            self._files.rename(source, path)
        except OSError as error:
            raise self._failed(path, 0, "open the next segment", error) from error
        self._enter(header, fd, PAGE_BYTES)

    def _open_with_page(self, source: Path, header: SegmentHeader) -> int:
        fd = self._files.open(source, os.O_RDWR)
        try:
            write_all(self._files, fd, header.pack(), 0)
            if header.identity.durable:
                self._files.fdatasync(fd)
        except OSError:
            self._files.close(fd)
            raise
        return fd

    def _take_prepared(self, path: Path, segment_bytes: int) -> Path:
        if segment_bytes == self.segment_bytes:
            try:
                return self._prepared.popleft()
            except IndexError:
                pass
        self._rolls_unprepared += 1
        source = path.with_suffix(PREPARED_SUFFIX)
        prepare_file(self._files, path.with_suffix(TEMPORARY_SUFFIX), source, segment_bytes)
        return source

    def _enter(self, header: SegmentHeader, fd: int, offset: int) -> None:
        self.segment = header.number
        self.fd = fd
        self.offset = self._opened_at = offset
        self.end = header.segment_bytes
        self.seed = header.crc_seed

    def _prepare(self, rest: Callable[[], None]) -> Path:
        prepared = self.directory / f"prepared-{self._next_prepared:08d}{PREPARED_SUFFIX}"
        self._next_prepared += 1
        temporary = prepared.with_suffix(TEMPORARY_SUFFIX)

        def rest_if_ready() -> None:
            if self._prepared:
                rest()

        try:
            prepare_file(self._files, temporary, prepared, self.segment_bytes, rest_if_ready)
        except OSError as error:
            raise JournalPrepareError(prepared, 0, "prepare a segment", error) from error
        return prepared

    def _adopt_prepared(self) -> None:
        """Take over what an earlier process prepared, remove what it left unfinished."""
        try:
            self._sort_leftovers()
        except OSError as error:
            raise self._failed(self.directory, 0, "take over prepared segments", error) from error

    def _sort_leftovers(self) -> None:
        for path in self.directory.glob(f"*{TEMPORARY_SUFFIX}"):
            self._files.unlink(path)
        for path in sorted(self.directory.glob(f"*{PREPARED_SUFFIX}")):
            match = _PREPARED_NAME.fullmatch(path.stem)
            usable = path.stat().st_size == self.segment_bytes and not is_begun(path)
            if match is not None and usable:
                self._prepared.append(path)
                self._next_prepared = int(match[1]) + 1
            else:
                self._files.unlink(path)

    def _failed(self, path: Path, offset: int, action: str, error: OSError) -> JournalWriteError:
        self._failure = JournalWriteError(path, offset, action, error)
        return self._failure
