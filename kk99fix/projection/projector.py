"""The projector: takes what the journal has more than the tables, one transaction at a time.

Theory of operation
-------------------
A step takes a chunk of whole units from the follower, folds it into rows and writes them together
with the new position in one transaction. After a crash at any point the tables stand at the end of
some step, and the next projector goes on from there. What fails in a step leaves the fold ahead of
the tables, so the projector is given up then and a new one made.

It reads no clock and never waits: how often to look is the business of whoever calls.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
from sqlite_utils import Database

from kk99fix.journal.follow import Follower
from kk99fix.journal.segment import Segment
from kk99fix.projection import database, schema
from kk99fix.projection.errors import faults_of, unusable
from kk99fix.projection.fold import Fold
from kk99fix.projection.position import (
    FAST_SCAN,
    JOURNAL_FOLDER,
    StoredPosition,
    journal_segments,
    read_position,
    resumed,
    start_of,
    write_position,
)

#: Journal taken in one step: a transaction of about ten thousand records.
CHUNK_BYTES: Final = 4 << 20


class Projector:
    """Carries a database on along its journal; see the top of this module."""

    def __init__(
        self,
        file: Path,
        connection: sqlite3.Connection,
        stored: StoredPosition,
        follower: Follower,
    ) -> None:
        """Begin where the tables stand; ProjectionUnusableError where their rows make no sense."""
        self._file = file
        self._connection = connection
        self._follower = follower
        self.stored = stored
        try:
            self._fold = Fold(connection)
        except (ValueError, TypeError, AttributeError) as error:
            raise unusable(file, f"the database is damaged ({error})") from error

    def step(self) -> int:
        """Take one chunk; returns how many records it had, 0 when there was nothing new."""
        chunk = self._follower.take(CHUNK_BYTES)
        if chunk is None:
            return 0
        with faults_of(self._file):
            records = self._fold.take(chunk)
            stored = self._position()
            with database.transaction(self._connection):
                self._fold.write()
                write_position(self._connection, stored)
        self.stored = stored
        return records

    def _position(self) -> StoredPosition:
        last, follower = self._fold.last, self._follower.position
        return attrs.evolve(
            self.stored,
            lsn=last.lsn,
            time_ns=last.time_ns,
            record_crc32c=last.crc32c,
            segment=follower.segment,
            offset=follower.offset,
            trading_day=self._fold.trading_day or self.stored.trading_day,
        )


@contextmanager
def projecting(state_dir: Path, file: Path, say: Callable[[str], None]) -> Iterator[Projector]:
    """Open the database that follows the journal of `state_dir`, making it where needed.

    A database of another schema version is built anew first. The caller holds the writer's lock.
    Raises ProjectionError and JournalError.
    """
    segments = journal_segments(state_dir)
    database.remove_others(file)
    if not file.exists():
        rebuild(state_dir, file, say, segments=segments, whole=False)
    with database.opened(file, file) as connection:
        _check_pages(file, connection)
        stored = read_position(connection)
        if stored is not None:
            yield _projector(state_dir, file, connection, stored, segments)
            return
    say(f"{file}: the tables are of another version of kk99fix and are built anew")
    rebuild(state_dir, file, say, segments=segments)
    with projecting(state_dir, file, say) as projector:
        yield projector


def rebuild(
    state_dir: Path,
    file: Path,
    say: Callable[[str], None],
    *,
    segments: list[Segment] | None = None,
    whole: bool = True,
) -> None:
    """Build a new database beside `file`, then let `file` lead to it; readers keep the old one.

    With `whole` it holds all of the journal before it takes the place; else it starts empty.
    The caller holds the writer's lock.
    """
    segments = segments or journal_segments(state_dir)
    if segments[0].header.first_lsn > 1:
        say(f"{file}: the journal begins at lsn {segments[0].header.first_lsn}; so do the tables")
    generation = database.next_generation(file)
    build(state_dir, generation, file, segments, last_lsn=None if whole else 0)
    database.put_in_place(generation, file)
    database.remove_others(file)


def build(
    state_dir: Path, path: Path, file: Path, segments: list[Segment], *, last_lsn: int | None
) -> None:
    """Make a database at `path` that holds the journal up to `last_lsn`; errors name `file`."""
    with database.opened(path, file) as connection:
        stored = start_of(segments)
        with database.transaction(connection):
            schema.create(Database(connection))
            write_position(connection, stored)
        follower = Follower(
            state_dir / JOURNAL_FOLDER, stored.following, FAST_SCAN, last_lsn=last_lsn
        )
        projector = Projector(file, connection, stored, follower)
        while projector.step():
            pass
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _projector(
    state_dir: Path,
    file: Path,
    connection: sqlite3.Connection,
    stored: StoredPosition,
    segments: list[Segment],
) -> Projector:
    position = resumed(file, stored, segments)
    follower = Follower(state_dir / JOURNAL_FOLDER, position, FAST_SCAN)
    return Projector(file, connection, stored, follower)


def _check_pages(file: Path, connection: sqlite3.Connection) -> None:
    """Refuse a database whose pages are not as SQLite wrote them."""
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise unusable(file, f"the database is damaged ({verdict})")
