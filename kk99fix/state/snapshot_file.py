"""A snapshot file: its header page, its sections, writing one and reading one.

    header page 4096 | section | section | ... | end

    section    kind 4 | length 4 | index 4 | crc32c 4 | payload
    end        kind 0, length 0

Rules:

- A file gets its final name only whole and synced, so one that is there is whole or damaged.
- Each checksum goes on from the header page's own, so no part of another file verifies here.
- The index counts from 0: no section can be missing, twice, or in another place.

What the sections hold is the business of `snapshots`.
"""

import mmap
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs
from crc32c import crc32c

from kk99fix.journal.errors import JournalDamagedError, JournalReadError
from kk99fix.journal.files import Files, write_all
from kk99fix.journal.segment import PAGE_BYTES, Identity, SegmentCapacity

MAGIC: Final = b"KK99SNAP"
SNAPSHOT_VERSION: Final = 1
FLAG_CLEAN: Final = 1
"""Of the header page: nobody was logged on and nothing was pending."""
HEADER_PAGE: Final = struct.Struct("<8sIIQqQQ16sI32s32s7I")
SECTION: Final = struct.Struct("<IIII")
_PAGE_CRC: Final = struct.Struct("<I")
_PAGE_CRC_OFFSET: Final = PAGE_BYTES - 4
_REMEDY: Final = "Move it out of the folder; an older one, or the whole journal, does as well"

TEMPORARY_SUFFIX: Final = ".tmp"

#: What a section is.
END: Final = 0
VENUE: Final = 1
CORE: Final = 2


@attrs.frozen
class SnapshotHeader:
    """The header page: whose snapshot this is, and where the journal goes on behind it."""

    #: Of the last record that it includes.
    lsn: int
    #: Venue time of that record.
    time_ns: int
    #: The segment in which the next record stands, or will.
    segment: int
    state_hash: int
    #: Of the segments that led to it; `durable` counts for nothing here.
    identity: Identity
    clean: bool

    def pack(self) -> bytes:
        """Return the whole page with its checksum."""
        page = HEADER_PAGE.pack(
            MAGIC,
            SNAPSHOT_VERSION,
            FLAG_CLEAN if self.clean else 0,
            self.lsn,
            self.time_ns,
            self.segment,
            self.state_hash,
            self.identity.journal_uuid,
            self.identity.trading_day,
            self.identity.dictionary_sha256,
            self.identity.core_version.encode("ascii"),
            *attrs.astuple(self.identity.capacity),
        ).ljust(_PAGE_CRC_OFFSET, b"\0")
        return page + _PAGE_CRC.pack(crc32c(page))


def write_file(
    files: Files, path: Path, header: SnapshotHeader, sections: Iterable[tuple[int, bytes]]
) -> None:
    """Write the file under a temporary name, sync it, and give it its own; OSError.

    A failure leaves no file behind.
    """
    temporary = path.with_suffix(TEMPORARY_SUFFIX)
    fd = files.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        try:
            offset = 0
            for part in _parts(header.pack(), sections):
                write_all(files, fd, part, offset)
                offset += len(part)
            files.fdatasync(fd)
        finally:
            files.close(fd)
        files.rename(temporary, path)
        files.sync_directory(path.parent)
    except OSError:
        with suppress(OSError):
            files.unlink(temporary)
        raise


def _parts(page: bytes, sections: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    yield page
    index = 0
    for kind, payload in sections:
        yield _head(page, kind, index, payload)
        yield payload
        index += 1
    yield _head(page, END, index, b"")


def _head(page: bytes | memoryview, kind: int, index: int, payload: bytes | memoryview) -> bytes:
    return SECTION.pack(kind, len(payload), index, _crc(page, kind, index, payload))


def _crc(page: bytes | memoryview, kind: int, index: int, payload: bytes | memoryview) -> int:
    about = bytes(page[_PAGE_CRC_OFFSET:PAGE_BYTES]) + SECTION.pack(kind, len(payload), index, 0)
    return crc32c(payload, crc32c(about))


def read_header(path: Path) -> SnapshotHeader:
    """Read and check the header page; JournalDamagedError, JournalReadError."""
    try:
        with path.open("rb") as file:
            page = file.read(PAGE_BYTES)
    except OSError as error:
        raise JournalReadError(path, error) from error
    return _unpack(page, path)


def _unpack(page: bytes | memoryview, path: Path) -> SnapshotHeader:
    if len(page) < PAGE_BYTES or bytes(page[: len(MAGIC)]) != MAGIC:
        raise JournalDamagedError(path, 0, "this is not a snapshot of kk99fix", _REMEDY)
    (stored,) = _PAGE_CRC.unpack_from(page, _PAGE_CRC_OFFSET)
    if crc32c(page[:_PAGE_CRC_OFFSET]) != stored:
        raise JournalDamagedError(path, 0, "the header page is damaged", _REMEDY)
    _, version, flags, lsn, time_ns, segment, state_hash, uuid, day, sha, core, *capacity = (
        HEADER_PAGE.unpack_from(page)
    )
    if version != SNAPSHOT_VERSION:
        found = f"the snapshot has format {version}, this program reads {SNAPSHOT_VERSION}"
        raise JournalDamagedError(path, 8, found, _REMEDY)
    core_version = core.rstrip(b"\0").decode("ascii")
    identity = Identity(uuid, day, sha, core_version, SegmentCapacity(*capacity))
    clean = bool(flags & FLAG_CLEAN)
    return SnapshotHeader(lsn, time_ns, segment, state_hash, identity, clean)


@attrs.frozen
class SnapshotFile:
    """A snapshot file that was read and whose every byte is right."""

    path: Path
    header: SnapshotHeader
    sections: list[tuple[int, memoryview]]


def read_file(path: Path) -> SnapshotFile:
    """Map a file and check all of it; JournalDamagedError, JournalReadError."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except OSError as error:
        raise JournalReadError(path, error) from error
    content = memoryview(mapped)
    return SnapshotFile(path, _unpack(content, path), list(_sections(content, path)))


def _sections(content: memoryview, path: Path) -> Iterator[tuple[int, memoryview]]:
    page, offset, index = content[:PAGE_BYTES], PAGE_BYTES, 0
    while True:
        if len(content) - offset < SECTION.size:
            raise JournalDamagedError(path, offset, "the file ends too early", _REMEDY)
        kind, length, stored_index, stored = SECTION.unpack_from(content, offset)
        start, end = offset + SECTION.size, offset + SECTION.size + length
        payload = content[start:end]
        if (
            len(payload) < length
            or stored_index != index
            or stored != _crc(page, kind, index, payload)
        ):
            raise JournalDamagedError(path, offset, f"section {index} is damaged", _REMEDY)
        if kind == END:
            if end != len(content):
                raise JournalDamagedError(path, end, "the file goes on behind its end", _REMEDY)
            return
        yield kind, payload
        offset, index = end, index + 1
