"""What a start brings to the disk before it reads or writes: the folders, and the last segment.

A sync that failed may leave bytes in the system's cache that the disk never took, and a process
that was killed leaves bytes there that nobody synced. So the file is synced, the cache dropped, and
the start reads what the disk has. What is valid then is on the disk before anything new is written.

Earlier segments were synced before their successors were begun, or at level `process` never
promised to be.
"""

import os
from pathlib import Path

from kk99fix.journal.errors import JournalWriteError
from kk99fix.journal.files import Files


def make_folder(files: Files, folder: Path) -> None:
    """Make a folder and those above it, their names on the disk; JournalWriteError.

    Nothing in a folder outlives the machine whose own name was not synced.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in missing:
            files.sync_directory(each.parent)
    except OSError as error:
        raise JournalWriteError(folder, 0, "make the folder", error) from error


def settle(files: Files, path: Path) -> None:
    """Sync a segment and its name, and have its bytes read from the disk; JournalWriteError."""
    try:
        fd = files.open(path, os.O_RDWR)
        try:
            files.fdatasync(fd)
            files.drop_cache(fd)
        finally:
            files.close(fd)
        files.sync_directory(path.parent)
    except OSError as error:
        raise JournalWriteError(path, 0, "sync the last segment", error) from error
