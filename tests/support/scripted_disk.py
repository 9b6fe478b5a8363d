"""A disk that does what the system does, or waits, or fails, and keeps what was asked of it."""

import errno
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

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
    _changed: threading.Condition = attrs.field(factory=threading.Condition, init=False)
    _holds: bool = attrs.field(default=False, init=False)
    _held: int = attrs.field(default=0, init=False)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Have every sync wait while the block runs."""
        self._hold(holds=True)
        try:
            yield
        finally:
            self._hold(holds=False)

    @property
    def held(self) -> bool:
        """Whether a sync waits."""
        with self._changed:
            return self._holds and self._held > 0

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
        with self._changed:
            self._held += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._holds)
            self._held -= 1
        answer = self.syncs.popleft() if self.syncs else 0
        if answer < 0:
            raise OSError(-answer, os.strerror(-answer))
        os.fsync(fd)

    def _hold(self, *, holds: bool) -> None:
        with self._changed:
            self._holds = holds
            self._changed.notify_all()


INTERRUPTED = -errno.EINTR
