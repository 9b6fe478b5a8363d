"""A segment file: its header page, its name, making one, and listing a directory of them.

    0         8         12        16              24           32              40
    +---------+---------+---------+---------------+------------+---------------+
    |  magic  | version |crc_seed |segment_number |  first_lsn | segment_bytes |
    +---------+---------+---------+---------------+------------+---------------+
    | journal uuid (16) | trading_day (4) | dictionary sha256 (32) |           |
    +-------------------+-----------------+------------------------+-----------+
    | core version (32) | capacity (28) | flags (4) |   zeros ...   | crc32c   |
    +-------------------+---------------+-----------+---------------+----------+
                                                                   4092       4096

Rules:

- Records start at offset 4096; all bytes after the last record are zero.
- Real zeros are written and synced before a segment is used: a block that the disk knows already
  is written in a third of the time of one that is only reserved.
- `crc_seed` is the CRC-32C of uuid and number, so a record never verifies in another segment.
- Numbers are dense from 1; a file's name is its number with eight digits.
- A file gets its final name only with its header page written.
- A segment of before may stand there compressed (`compressed`); it reads like the file it was, and
  offsets in it are those of that file.
- A journal begins with segment 1, or behind the last segment that retention has removed.

Which records a segment holds is the business of `writer` and `reader`.
"""

import errno
import mmap
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs
from crc32c import crc32c

from kk99fix.journal.compressed import Inflation, content_bytes
from kk99fix.journal.errors import JournalDamagedError, JournalReadError
from kk99fix.journal.files import Files, write_all
from kk99fix.journal.names import compressed_name, is_compressed, segment_paths
from kk99fix.journal.record import Buffer
from kk99fix.journal.remedies import from_a_copy
from kk99fix.journal.removed import read_removed

MAGIC: Final = b"KK99JRNL"
SEGMENT_VERSION: Final = 2
PAGE_BYTES: Final = 4096
SUFFIX: Final = ".kkj"
DEFAULT_SEGMENT_BYTES: Final = 64 << 20
MIN_SEGMENT_BYTES: Final = 2 * PAGE_BYTES
HEADER_PAGE: Final = struct.Struct("<8sIIQQQ16sI32s32s7II")
FLAG_DURABLE: Final = 1
"""Of the header page: the records come in groups with watermarks."""
_PAGE_CRC: Final = struct.Struct("<I")
_PAGE_CRC_OFFSET: Final = PAGE_BYTES - 4
_ZEROS: Final = bytes(1 << 20)
_MADV_POPULATE_READ: Final = 22


@attrs.frozen
class SegmentCapacity:
    """Sizes of the core's pools that decide outputs: what was refused for want of room."""

    orders: int = 0
    levels: int = 0
    sessions: int = 0
    firms: int = 0
    accounts: int = 0
    instruments: int = 0
    duplicate_window: int = 0


@attrs.frozen
class Identity:
    """What the segments of one journal, one trading day and one program share.

    `trading_day` is YYYYMMDD as a number; `core_version` has at most 32 bytes of ASCII.
    `durable` says that the records come in groups with watermarks.
    """

    journal_uuid: bytes
    trading_day: int
    dictionary_sha256: bytes
    core_version: str
    capacity: SegmentCapacity = SegmentCapacity()
    durable: bool = False


@attrs.frozen
class SegmentHeader:
    """The header page of one segment."""

    number: int
    first_lsn: int
    segment_bytes: int
    identity: Identity

    @property
    def crc_seed(self) -> int:
        """The seed from which the checksum of every record in the segment continues."""
        return segment_seed(self.identity.journal_uuid, self.number)

    def pack(self) -> bytes:
        """Return the whole page with its checksum."""
        identity = self.identity
        page = HEADER_PAGE.pack(
            MAGIC,
            SEGMENT_VERSION,
            self.crc_seed,
            self.number,
            self.first_lsn,
            self.segment_bytes,
            identity.journal_uuid,
            identity.trading_day,
            identity.dictionary_sha256,
            identity.core_version.encode("ascii"),
            *attrs.astuple(identity.capacity),
            FLAG_DURABLE if identity.durable else 0,
        ).ljust(_PAGE_CRC_OFFSET, b"\0")
        return page + _PAGE_CRC.pack(crc32c(page))


@attrs.frozen
class Segment:
    """A segment file that was found and whose header page is right."""

    path: Path
    header: SegmentHeader

    @property
    def compressed(self) -> bool:
        """Whether the file is compressed."""
        return is_compressed(self.path)


@attrs.frozen
class Position:
    """A place in the journal: the byte at `offset` of segment `segment`."""

    segment: int
    offset: int


@attrs.frozen
class Tail:
    """Where the valid part of a journal ends, and so where writing goes on.

    `offset` counts from the start of the last segment's file. From there on `stale_bytes` belong
    to a unit that was never finished; they are cut off by writing zeros. 0 after a clean stop.
    """

    segment: Segment
    offset: int
    next_lsn: int
    stale_bytes: int


def segment_seed(journal_uuid: bytes, number: int) -> int:
    """Return the CRC-32C of the journal's uuid and the segment's number (u64, little-endian)."""
    return crc32c(journal_uuid + number.to_bytes(8, "little"))


def segment_name(number: int) -> str:
    """Return the file name of segment `number`."""
    return f"{number:08d}{SUFFIX}"


def unpack_page(page: Buffer, path: Path) -> SegmentHeader:
    """Read a header page; JournalDamagedError, with `path` in its text, when it is not one."""
    if len(page) == PAGE_BYTES and not any(page):
        given_up = (
            f"; if the machine lost power at level process and what came after is given up, move "
            f"{path.name} and all later segments out of the directory"
        )
        found = "the header page is empty: it never came to the disk"
        raise JournalDamagedError(path, 0, found, from_a_copy(path) + given_up)
    if len(page) < PAGE_BYTES or bytes(page[: len(MAGIC)]) != MAGIC:
        raise JournalDamagedError(
            path, 0, "this is not a segment of a kk99fix journal", from_a_copy(path)
        )
    (stored,) = _PAGE_CRC.unpack_from(page, _PAGE_CRC_OFFSET)
    if crc32c(page[:_PAGE_CRC_OFFSET]) != stored:
        raise JournalDamagedError(path, 0, "the header page is damaged", from_a_copy(path))
    _, version, seed, number, first_lsn, size, uuid, day, sha, core, *capacity, flags = (
        HEADER_PAGE.unpack_from(page)
    )
    if version != SEGMENT_VERSION:
        found = f"the segment has format version {version}, this program reads {SEGMENT_VERSION}"
        raise JournalDamagedError(path, 8, found, "Start the version of kk99fix that wrote it")
    core_version = core.rstrip(b"\0").decode("ascii")
    durable = bool(flags & FLAG_DURABLE)
    identity = Identity(uuid, day, sha, core_version, SegmentCapacity(*capacity), durable)
    header = SegmentHeader(number, first_lsn, size, identity)
    if header.crc_seed != seed:
        found = "the seed of the segment does not follow from its number and journal"
        raise JournalDamagedError(path, 12, found, from_a_copy(path))
    return header


def find_segment(directory: Path, number: int) -> Path | None:
    """Return the file of segment `number`, None where there is none."""
    for name in (segment_name(number), compressed_name(number)):
        if (path := directory / name).exists():
            return path
    return None


def read_segment(path: Path) -> Segment:
    """Read and check a file's header page, name and size; JournalDamagedError, JournalReadError.

    Where a segment's file is gone its compressed one is taken.
    """
    if is_compressed(path):
        page, size = _compressed_page(path)
    else:
        try:
            page, size = _page(path)
        except JournalReadError:
            # Asking first whether it is there would not do: the keeper may remove it in between.
            path = _replaced(path)
            if not is_compressed(path):
                raise
            page, size = _compressed_page(path)
    header = unpack_page(page, path)
    if path.name not in (segment_name(header.number), compressed_name(header.number)):
        found = f"the file holds segment {header.number} but is named {path.name}"
        raise JournalDamagedError(path, 16, found, "Give every file its own name back")
    if size != header.segment_bytes:
        found = f"the file has {size} bytes, its header says {header.segment_bytes}"
        raise JournalDamagedError(path, size, found, from_a_copy(path))
    return Segment(path, header)


def _replaced(path: Path) -> Path:
    """Return the compressed file of a segment whose own file is gone, if there is one."""
    compressed = path.with_name(path.name + ".zst")
    return compressed if compressed.exists() else path


def _page(path: Path) -> tuple[bytes, int]:
    """Return the header page and the size of a segment's file."""
    try:
        with path.open("rb") as file:
            return file.read(PAGE_BYTES), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise JournalReadError(path, error) from error


def _compressed_page(path: Path) -> tuple[bytes, int]:
    """Return the header page in a compressed file, and the size of the segment in it."""
    size = content_bytes(path)
    if size < PAGE_BYTES:
        raise JournalDamagedError(
            path, 0, "this is not a segment of a kk99fix journal", from_a_copy(path)
        )
    return Inflation(path, PAGE_BYTES).head(), size


def map_records(segment: Segment) -> memoryview:
    """Map the file and return the bytes of its records, from offset 4096 on; JournalReadError.

    What is written later shows through. The mapping ends with the last view of it.
    A compressed file is decompressed into memory first; JournalDamagedError.
    """
    if segment.compressed:
        inflation = Inflation(segment.path, segment.header.segment_bytes)
        while not inflation.step():
            pass
        return memoryview(inflation.mapped)[PAGE_BYTES:]
    try:
        with segment.path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), segment.header.segment_bytes, access=mmap.ACCESS_READ)
    except OSError as error:
        compressed = _replaced(segment.path)  # since it was found
        if compressed == segment.path:
            raise JournalReadError(segment.path, error) from error
        return map_records(attrs.evolve(segment, path=compressed))
    return memoryview(mapped)[PAGE_BYTES:]


def read_whole(segment: Segment, records: memoryview) -> None:
    """Have all of a mapped segment read now; JournalReadError.

    Where a later access met an error of the disk, the system would kill the process.
    """
    mapped = records.obj
    if not isinstance(mapped, mmap.mmap):
        return
    try:
        mapped.madvise(_MADV_POPULATE_READ)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a system that does not know the advice
            cause = OSError(errno.EIO, os.strerror(errno.EIO))
            raise JournalReadError(segment.path, cause) from error


def read_ahead(path: Path, length: int) -> None:
    """Ask the system to read the start of a file soon; nothing happens where it cannot."""
    with suppress(OSError), path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, length, os.POSIX_FADV_WILLNEED)


def list_segments(directory: Path, *, first_number: int = 1) -> list[Segment]:
    """Return the segments from `first_number` on in order, none missing and none foreign.

    Those that retention has removed are passed over, also where their files are still there.
    JournalDamagedError names the first file that breaks this.
    An empty list means that there is no journal yet.
    """
    try:
        entries = list(directory.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JournalReadError(directory, error) from error
    first_number = max(first_number, read_removed(directory).segment + 1)
    paths = {n: path for n, path in segment_paths(entries).items() if n >= first_number}
    segments: list[Segment] = []
    for wanted, (number, path) in enumerate(paths.items(), first_number):
        if number != wanted:
            missing = directory / segment_name(wanted)
            found = f"the file is missing, the next one there is {path.name}"
            raise JournalDamagedError(missing, 0, found, from_a_copy(missing))
        segment = read_segment(path)
        if segments:
            _check_neighbours(segments[-1], segment)
        segments.append(segment)
    return segments


def _check_neighbours(earlier: Segment, later: Segment) -> None:
    """Raise JournalDamagedError unless `later` can follow `earlier`."""
    if later.header.identity.journal_uuid != earlier.header.identity.journal_uuid:
        found = f"the segment belongs to another journal than {earlier.path.name}"
        raise JournalDamagedError(later.path, 40, found, "Move foreign files out of the directory")
    if later.header.first_lsn < earlier.header.first_lsn:
        found = (
            f"the segment starts at lsn {later.header.first_lsn}, "
            f"before {earlier.path.name} (lsn {earlier.header.first_lsn})"
        )
        raise JournalDamagedError(later.path, 24, found, from_a_copy(later.path))


def write_zeros(files: Files, fd: int, start: int, end: int) -> None:
    """Fill [start, end) with zeros in pieces of 1 MiB; OSError."""
    for offset in range(start, end, len(_ZEROS)):
        write_all(files, fd, _ZEROS[: end - offset], offset)


def prepare_file(
    files: Files,
    temporary: Path,
    prepared: Path,
    segment_bytes: int,
    rest: Callable[[], None] | None = None,
) -> None:
    """Make a synced file of zeros under the name `temporary`, then rename it; OSError.

    With `rest` each MiB is synced, and `rest` called after it: a disk that is given the whole file
    at once has no time for anybody else. A failure leaves no file behind.
    """
    fd = files.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        try:
            for start in range(0, segment_bytes, len(_ZEROS) if rest else segment_bytes):
                end = min(start + len(_ZEROS), segment_bytes) if rest else segment_bytes
                write_zeros(files, fd, start, end)
                files.fdatasync(fd)
                if rest is not None:
                    rest()
        finally:
            files.close(fd)
        files.rename(temporary, prepared)
    except BaseException:
        with suppress(OSError):
            files.unlink(temporary)
        raise


def is_begun(prepared: Path) -> bool:
    """Whether a prepared file has got a header page already, and so may hold records; OSError."""
    with prepared.open("rb") as file:
        return any(file.read(PAGE_BYTES))


def round_to_pages(length: int) -> int:
    """Return `length` rounded up to whole pages of 4096 bytes."""
    return (length + PAGE_BYTES - 1) // PAGE_BYTES * PAGE_BYTES
