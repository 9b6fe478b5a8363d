"""The few system calls of the journal, gathered so that tests can make each of them fail.

`Files` makes the calls as they are and raises OSError.
`write_all` completes short writes; a sync is never repeated.
"""

import errno
import os
from pathlib import Path

from kk99fix.journal.record import Buffer


class Files:
    """The operating system, as far as the journal's writing side needs it."""

    def open(self, path: Path, flags: int) -> int:
        """Open `path` with O_* `flags`, mode 0640, and return the descriptor."""
        return os.open(path, flags | os.O_CLOEXEC, 0o640)

    def close(self, fd: int) -> None:
        """Close the descriptor."""
        os.close(fd)

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        """Write at `offset` and return how many bytes were taken."""
        return os.pwrite(fd, data, offset)

    def fdatasync(self, fd: int) -> None:
        """Wait until the file's bytes are on the disk."""
        os.fdatasync(fd)

    def drop_cache(self, fd: int) -> None:
        """Have what was synced of the file read from the disk again, where the system can."""
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def sync_directory(self, path: Path) -> None:
        """Wait until the names in a directory are on the disk."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name in the same directory."""
        old.rename(new)

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def free_bytes(self, directory: Path) -> int:
        """Return how many bytes a process without privileges may still write there."""
        room = os.statvfs(directory)
        return room.f_bavail * room.f_frsize


def write_all(files: Files, fd: int, data: Buffer, offset: int) -> None:
    """Write all of `data` at `offset`; OSError when the system refuses, or takes nothing.

    A write that takes a part goes on behind it, one that was interrupted is made again.
    """
    view = memoryview(data)
    while view:
        try:
            taken = files.pwrite(fd, view, offset)
        except InterruptedError:
            continue
        if taken <= 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        view = view[taken:]
        offset += taken
