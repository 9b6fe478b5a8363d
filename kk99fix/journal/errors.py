"""What can go wrong with the journal, each as a sentence with file, offset and what to do.

All of these are faults of the machine or of an operator, never of a counterparty.
"""

import os
from pathlib import Path


class JournalError(Exception):
    """The journal cannot be used; the text is for the person who runs the gateway."""


class JournalLockedError(JournalError):
    """Another process owns the state directory."""


class JournalDamagedError(JournalError):
    """A file of the journal is missing, foreign, of the wrong size or has invalid bytes.

    `offset` is that of the first doubtful byte in `path`, 0 where the file as a whole is wrong.
    """

    def __init__(self, path: Path, offset: int, found: str, remedy: str) -> None:
        """Take what was found and what to do about it, each without a full stop."""
        super().__init__(f"{path}, offset {offset}: {found}. {remedy}.")
        self.path = path
        self.offset = offset


class JournalWriteError(JournalError):
    """A write, sync or rename failed: nothing more may leave, and the process ends.

    It is never tried again, since the kernel may have dropped what it could not write.
    """

    def __init__(self, path: Path, offset: int, action: str, cause: OSError) -> None:
        """Take the file, the offset of the write (0 where there is none) and the system's error."""
        text = os.strerror(cause.errno) if cause.errno else str(cause)
        super().__init__(
            f"{path}, offset {offset}: cannot {action}: {text}. Nothing more is sent. "
            f"Mend the disk or make room on it, then start again.",
        )
        self.path = path
        self.offset = offset
        self.errno = cause.errno
