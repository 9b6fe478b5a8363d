"""What can go wrong with the journal, each as a sentence with file, offset and what to do.

All of these are faults of the machine or of an operator, never of a counterparty.
"""

import os
from pathlib import Path

from kk99fix.journal.remedies import remedy


class JournalError(Exception):
    """The journal cannot be used; the text is for the person who runs the gateway."""


class JournalMissingError(JournalError):
    """There is no journal in the folder."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that was looked into."""
        super().__init__(
            f"{folder}: there is no journal here. Start `kk99fix serve` first, or name its folder "
            f"with --state."
        )


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


class JournalReadError(JournalError):
    """The system refused to open or read a file of the state directory."""

    def __init__(self, path: Path, cause: OSError, action: str = "read the file") -> None:
        """Take the file and the system's error."""
        super().__init__(
            f"{path}: cannot {action}: {_text(cause)}. {remedy(cause.errno)}, then start again.",
        )
        self.path = path
        self.errno = cause.errno


class JournalWriteError(JournalError):
    """A write, sync or rename failed: nothing more may leave, and the process ends.

    It is never tried again, since the kernel may have dropped what it could not write.
    """

    #: What it means, before what to do about it.
    consequence = "Nothing more is sent."
    #: When that is to be done.
    until = ", then start again"

    def __init__(self, path: Path, offset: int, action: str, cause: OSError) -> None:
        """Take the file, the offset of the write (0 where there is none) and the system's error."""
        super().__init__(
            f"{path}, offset {offset}: cannot {action}: {_text(cause)}. {self.consequence} "
            f"{remedy(cause.errno)}{self.until}.",
        )
        self.path = path
        self.offset = offset
        self.errno = cause.errno


class JournalPrepareError(JournalWriteError):
    """A segment could not be prepared ahead; the journal goes on while its segment has room."""

    consequence = "The current segment is still written."
    until = " before it is full"


def _text(cause: OSError) -> str:
    return os.strerror(cause.errno) if cause.errno else str(cause)
