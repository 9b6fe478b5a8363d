"""One process per state directory: an flock on its file `lock`.

The lock belongs to the open file, so it ends with the process however that dies.
The file's text, the owner's process id, is only for the message.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from kk99fix.journal.errors import JournalLockedError, JournalReadError
from kk99fix.journal.remedies import remedy

LOCK_NAME = "lock"


class StateLock:
    """Holds the state directory from construction to `close`; also a context manager."""

    def __init__(self, state_directory: Path, name: str = LOCK_NAME) -> None:
        """Take the lock; JournalLockedError when another process has it, else JournalReadError.

        Another `name` locks something else than writing, such as the keeper's work.
        """
        self.path = state_directory / name
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise JournalReadError(self.path, error, "open the lock file") from error
        try:
            self._take(state_directory)
        except BaseException:
            os.close(self._fd)
            raise
        # The pid is for a message alone: a full disk does not keep the lock from holding.
        with suppress(OSError):
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def _take(self, state_directory: Path) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise JournalLockedError(
                f"{self.path}: another kk99fix process (pid {owner}) uses {state_directory}. "
                f"Stop it, or name another directory with --state.",
            ) from None
        except OSError as error:
            raise JournalLockedError(
                f"{self.path}: cannot lock the file: {os.strerror(error.errno or 0)}. "
                f"{remedy(error.errno)}.",
            ) from error

    def close(self) -> None:
        """Give the lock back; the file stays, since removing it would let two processes in."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        """Return the lock itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the lock back."""
        self.close()
