"""The database file: opening it, one writer at a time, and putting a new one in its place.

    projection.db          a link to the file below
    projection-2.db        the database, in WAL mode, with its -wal and -shm beside it
    projection.db.lock     held with flock by the one process that writes

A database that is built anew gets the next number and then the link, in one rename. SQLite names
the -wal after the file that a link leads to, so whoever reads the old one goes on with its own,
and nobody's -wal is ever applied to another database.

Rules for SQLite: local disk, no fork with an open handle, no second open of the file beside SQLite.
"""

import contextlib
import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kk99fix.journal.files import Files
from kk99fix.matcher.giving_way import KEEPING_ON, GiveWay
from kk99fix.projection.errors import (
    ProjectionBusyError,
    ProjectionDiskError,
    ProjectionMissingError,
    faults_of,
)

DATABASE_NAME: Final = "projection.db"
BUSY_WAIT_S: Final = 5
_CACHE_KIB: Final = 65_536
#: Twice SQLite's own: fewer pages to split and to hand to the system, a fifteenth of all work.
_PAGE_BYTES: Final = 8192
#: Pages of the WAL after which it is carried over into the database: 4 MiB, about a millisecond in
#: which the system takes no other thread.
_CHECKPOINT_PAGES: Final = 512
#: Steps of SQLite's machine between two times that the processor is given up: some 20 us of work.
_GIVE_WAY_EVERY: Final = 500

# Python looks for an adapter of every None, in vain and for longer than it takes to bind it.
sqlite3.register_adapter(type(None), {None: None}.__getitem__)


@contextlib.contextmanager
def writer_lock(file: Path) -> Iterator[None]:
    """Be the only one who writes the database; ProjectionBusyError when another process is."""
    path = file.with_name(f"{file.name}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise _disk_error(path, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise ProjectionBusyError(
                f"{file}: another `kk99fix project` (pid {owner}) writes this database; while "
                f"`kk99fix serve` runs that is its child, which keeps the tables up to date. "
                f"To rebuild sound tables stop the gateway first."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def opened(path: Path, file: Path, give_way: GiveWay = KEEPING_ON) -> Iterator[sqlite3.Connection]:
    """Open a database for writing, making it where it is not there; errors name `file`."""
    with faults_of(file):
        _make(path)
        connection = sqlite3.connect(path, timeout=BUSY_WAIT_S, isolation_level=None)
        with contextlib.closing(connection):
            if give_way is not KEEPING_ON:
                connection.set_progress_handler(give_way.now, _GIVE_WAY_EVERY)
            connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            yield connection


@contextlib.contextmanager
def opened_for_reading(file: Path, state_hint: str = "") -> Iterator[sqlite3.Connection]:
    """Open a database that may be followed and rebuilt meanwhile; it is never changed."""
    if not file.exists():
        raise ProjectionMissingError(
            f"{file}: there is no projection yet. Run `kk99fix project{state_hint}` once; "
            f"`kk99fix serve` keeps it up to date while it runs."
        )
    with faults_of(file):
        uri = f"{file.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_WAIT_S, isolation_level=None)
        with contextlib.closing(connection):
            connection.row_factory = sqlite3.Row
            # One state of the journal for all that is read.
            connection.execute("BEGIN")
            yield connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, give_way: GiveWay = KEEPING_ON) -> Iterator[None]:
    """Make all that is written in it count together, or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # A full disk has rolled it back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    # Writes all pages, and now and then carries them over: no loop of ours, and no waiting.
    with give_way.often():
        connection.execute("COMMIT")


def next_generation(file: Path) -> Path:
    """Return the path for a new database beside the one that `file` leads to."""
    numbers = [number for number, _ in _generations(file)]
    return file.with_name(f"{file.stem}-{max(numbers, default=0) + 1}{file.suffix}")


def put_in_place(generation: Path, file: Path) -> None:
    """Let `file` lead to a new database that is complete and closed."""
    link = file.with_name(f"{file.name}.new")
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(generation.name)
        link.replace(file)
        Files().sync_directory(file.parent)
    except OSError as error:
        raise _disk_error(file, error) from error


def keep_aside(file: Path) -> Path | None:
    """Give the database that `file` leads to a name that nothing removes; None: there is none."""
    if not file.exists():
        return None
    old = file.resolve()
    number = 1
    while (kept := file.with_name(f"{file.stem}-kept-{number}{file.suffix}")).exists():
        number += 1
    try:
        for suffix in ("-wal", ""):
            if old.with_name(old.name + suffix).exists():
                old.with_name(old.name + suffix).rename(kept.with_name(kept.name + suffix))
    except OSError as error:
        raise _disk_error(kept, error) from error
    return kept


def remove_others(file: Path) -> None:
    """Remove the databases that `file` does not lead to; who reads one keeps it until he ends."""
    current = file.resolve().name
    for _, path in _generations(file):
        if path.name != current:
            for suffix in ("", "-wal", "-shm", "-journal"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)


def _make(path: Path) -> None:
    """Make an empty file that, like the journal, only its user and group may read."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
    except FileExistsError:
        pass
    except OSError as error:
        raise _disk_error(path, error) from error


def _generations(file: Path) -> list[tuple[int, Path]]:
    pattern = re.compile(rf"{re.escape(file.stem)}-(\d+){re.escape(file.suffix)}")
    found = ((pattern.fullmatch(path.name), path) for path in file.parent.iterdir())
    return sorted((int(match[1]), path) for match, path in found if match is not None)


def _disk_error(path: Path, cause: OSError) -> ProjectionDiskError:
    return ProjectionDiskError(
        f"{path}: cannot use the file: {cause.strerror}. "
        f"Give this user the right to the folder, or make room on the disk."
    )
