"""The pump's calls to the disk, made through Python: for who has to see or fail each of them.

Without one the pump calls the system by itself.  The methods are called on the journal's thread and
on the pump's, never on both at once; an OSError is what the system would have answered.
"""

import errno
from collections.abc import Callable
from typing import Any, Protocol

from kk99fix.matcher._io import ffi


class Disk(Protocol):
    """What the journal needs of a disk."""

    def pwrite(self, fd: int, data: memoryview, offset: int, /) -> int:
        """Write at `offset`; how many bytes were taken."""

    def fdatasync(self, fd: int, /) -> None:
        """Wait until the file's bytes are on the disk."""

    def fsync(self, fd: int, /) -> None:
        """The same for a directory and the names in it."""


class DiskCalls:
    """The table of calls into one disk; it has to live as long as the pump that has it."""

    def __init__(self, disk: Disk) -> None:
        """Make the calls' C side."""

        def pwrite(_: Any, fd: int, data: Any, length: int, offset: int) -> int:  # noqa: ANN401
            view = memoryview(ffi.buffer(data, length))
            return _answer(lambda: disk.pwrite(fd, view, offset))

        def fdatasync(_: Any, fd: int) -> int:  # noqa: ANN401 - a cffi pointer
            return _answer(lambda: disk.fdatasync(fd))

        def fsync(_: Any, fd: int) -> int:  # noqa: ANN401 - a cffi pointer
            return _answer(lambda: disk.fsync(fd))

        writes = "int64_t(void *, int, uint8_t const *, uint64_t, uint64_t)"
        failed = -errno.EIO
        self._calls = (
            ffi.callback(writes, pwrite, error=failed),
            ffi.callback("int(void *, int)", fdatasync, error=failed),
            ffi.callback("int(void *, int)", fsync, error=failed),
        )
        self.table = ffi.new("kk_files *")
        self.table.pwrite, self.table.fdatasync, self.table.fsync = self._calls


def _answer(call: Callable[[], int | None]) -> int:
    try:
        return call() or 0
    except OSError as error:
        return -(error.errno or errno.EIO)
