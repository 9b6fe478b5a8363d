"""What can go wrong with the projection, each as a sentence with the file and what to do.

None of it concerns order flow: the journal holds everything, and the tables can be built anew.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

REBUILD: Final = "kk99fix project --rebuild"


class ProjectionError(Exception):
    """The projection cannot be used; the text is for the person who runs it."""

    #: Exit code of `kk99fix project`, from sysexits.h.
    exit_code: ClassVar[int] = 1


class ProjectionMissingError(ProjectionError):
    """There is no database yet."""


class ProjectionUnusableError(ProjectionError):
    """The database is damaged, of another journal, or ahead of it: it has to be built anew."""

    exit_code = 65


class ProjectionDiskError(ProjectionError):
    """The disk is full, read-only or broken."""

    exit_code = 74


class ProjectionBusyError(ProjectionError):
    """Somebody else has the database; another try may succeed."""

    exit_code = 75


@contextlib.contextmanager
def faults_of(file: Path) -> Iterator[None]:
    """Turn what SQLite says of `file` into a sentence with what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(file, error) from error


def _explained(file: Path, error: sqlite3.Error) -> ProjectionError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return ProjectionBusyError(
            f"{file}: somebody else has locked the database ({error}). "
            f"End what writes to it; nothing but `kk99fix project` should."
        )
    if name.startswith("SQLITE_FULL"):
        return ProjectionDiskError(
            f"{file}: the disk is full. Make room on it; the projection then goes on by itself."
        )
    if name.startswith(("SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return ProjectionDiskError(
            f"{file}: cannot use the file: {error}. "
            f"Give this user the right to the file and its folder, or mend the disk."
        )
    return unusable(file, f"the database is damaged ({error})")


def unusable(file: Path, found: str) -> ProjectionUnusableError:
    """Return the error for a database that has to be built anew."""
    return ProjectionUnusableError(
        f"{file}: {found}. Run `{REBUILD}`: it builds the tables anew from all that the journal "
        f"has. Where [retention] has removed its beginning the present ones are kept beside."
    )
