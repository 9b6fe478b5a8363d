"""Compressed files of the journal: a segment as one zstd frame with length and checksum.

A frame of 16 bytes that zstd skips ends the file, so that a file that was cut is known as such.

`compress` writes one, `Inflation` reads it piece by piece into shared memory that can be mapped
over like the file itself, so that whoever must not wait can go on with something else meanwhile.
What the bytes mean is the business of `segment`.
"""

import hashlib
import mmap
import os
import struct
from pathlib import Path
from typing import Final

import zstandard

from kk99fix.journal.errors import JournalDamagedError, JournalReadError
from kk99fix.journal.files import Files, write_all

PIECE_BYTES: Final = 1 << 20
FRAME_HEADER_MAX_BYTES: Final = 18
#: A skippable frame of zstd: its magic number, the length of what it holds, and that.
TRAILER: Final = struct.pack("<II8s", 0x184D2A50, 8, b"KK99 END")
_REMEDY: Final = "Restore the file from a copy"


def compress(files: Files, source: Path, target: Path) -> None:
    """Write `source` compressed to `target`, and wait until it is on the disk; OSError."""
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    fd = files.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        offset = 0
        with source.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            for piece in compressor.read_to_iter(file, size=size):
                write_all(files, fd, piece, offset)
                offset += len(piece)
        write_all(files, fd, TRAILER, offset)
        files.fdatasync(fd)
    finally:
        files.close(fd)


def sha256_of(path: Path, *, compressed: bool) -> bytes:
    """Return the SHA-256 of a segment's file as it was written; raises as `Inflation` does."""
    if not compressed:
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except OSError as error:
            raise JournalReadError(path, error) from error
    inflation = Inflation(path, content_bytes(path))
    while not inflation.step():
        pass
    return hashlib.sha256(inflation.mapped).digest()


def content_bytes(path: Path) -> int:
    """Return how many bytes a compressed file says that it holds."""
    try:
        with path.open("rb") as file:
            head = file.read(FRAME_HEADER_MAX_BYTES)
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - len(TRAILER)))
            trailer = file.read()
    except OSError as error:
        raise JournalReadError(path, error) from error
    if trailer != TRAILER:
        raise JournalDamagedError(path, end, "the file is cut off", _REMEDY)
    try:
        size = zstandard.get_frame_parameters(head).content_size
    except zstandard.ZstdError as error:
        raise JournalDamagedError(path, 0, "this is not a zstd file", _REMEDY) from error
    if size == zstandard.CONTENTSIZE_UNKNOWN:
        raise JournalDamagedError(path, 0, "the zstd frame does not name its length", _REMEDY)
    return size


class Inflation:
    """One compressed file on its way into memory.

    JournalDamagedError when it is not whole, not as long as it says, or fails its checksum.
    """

    def __init__(self, path: Path, size: int) -> None:
        """Take a file that holds `size` bytes; JournalReadError."""
        self._path = path
        self._done = 0
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise JournalReadError(path, error) from error
        self._reader = zstandard.ZstdDecompressor().stream_reader(self._file)
        #: Shared, so that pages that were let go are still there.
        self.mapped = mmap.mmap(-1, size)

    def step(self, length: int = PIECE_BYTES) -> bool:
        """Take in `length` bytes more; True when all are there and the checksum is right."""
        self._fill(min(self._done + length, len(self.mapped)))
        if self._done < len(self.mapped):
            return False
        # Reading on looks at the checksum.
        if self._read_into(memoryview(bytearray(1))):
            raise self._damaged("bytes follow the end of the segment")
        self.close()
        return True

    def head(self) -> bytes:
        """Take in what there is room for, however much follows, and return it."""
        self._fill(len(self.mapped))
        self.close()
        return self.mapped[:]

    def close(self) -> None:
        """Close the file; what was taken in stays."""
        self._file.close()

    def _fill(self, end: int) -> None:
        with memoryview(self.mapped) as whole:
            while self._done < end:
                taken = self._read_into(whole[self._done : end])
                if taken == 0:
                    raise self._damaged(f"the file ends after {self._done} bytes of its segment")
                self._done += taken

    def _read_into(self, view: memoryview) -> int:
        try:
            return self._reader.readinto(view)
        except zstandard.ZstdError as error:
            raise self._damaged(f"the compressed bytes are damaged ({error})") from error
        except OSError as error:
            self.close()
            raise JournalReadError(self._path, error) from error

    def _damaged(self, found: str) -> JournalDamagedError:
        self.close()
        return JournalDamagedError(self._path, self._done, found, _REMEDY)
