"""A disk that does what the system does, unless a test says otherwise, and keeps what was asked."""

import errno
import os
from collections import deque

import attrs


@attrs.define
class ScriptedDisk:
    """Takes one answer after the other from a list for each call; then all goes as usual.

    An answer of `writes` is how many bytes are taken at most, or an errno below 0; of `syncs` an
    errno below 0, or 0.
    """

    writes: deque[int] = attrs.field(factory=deque)
    syncs: deque[int] = attrs.field(factory=deque)
    calls: list[str] = attrs.field(factory=list)

    def pwrite(self, fd: int, data: memoryview, offset: int) -> int:
        """Write, perhaps less than all."""
        self.calls.append("pwrite")
        answer = self.writes.popleft() if self.writes else len(data)
        if answer < 0:
            raise OSError(-answer, os.strerror(-answer))
        return os.pwrite(fd, data[:answer], offset)

    def fdatasync(self, fd: int) -> None:
        """Sync a file."""
        self.calls.append("fdatasync")
        self._sync(fd)

    def fsync(self, fd: int) -> None:
        """Sync a directory."""
        self.calls.append("fsync")
        self._sync(fd)

    def _sync(self, fd: int) -> None:
        answer = self.syncs.popleft() if self.syncs else 0
        if answer < 0:
            raise OSError(-answer, os.strerror(-answer))
        os.fsync(fd)


INTERRUPTED = -errno.EINTR
