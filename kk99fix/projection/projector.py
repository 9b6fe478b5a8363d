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
from typing import Any, Final

import attrs
from sqlite_utils import Database

from kk99fix.journal.follow import Follower
from kk99fix.journal.names import JOURNAL_FOLDER
from kk99fix.journal.segment import Segment
from kk99fix.projection import database, schema
from kk99fix.projection.errors import faults_of, unusable
from kk99fix.projection.fold import Fold
from kk99fix.projection.position import (
    FAST_SCAN,
    StoredPosition,
    journal_segments,
    read_position,
    resumed,
    start_of,
    write_position,
)

#: Journal taken in one step at most: a transaction of about twenty thousand records.
CHUNK_BYTES: Final = 8 << 20


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
        #: Whether the last step found so little that the next one may wait.
        self.caught_up = False
        try:
            self._fold = Fold(connection)
        except (ValueError, TypeError, AttributeError) as error:
            raise unusable(file, f"the database is damaged ({error})") from error

    def step(self) -> int:
        """Take one chunk; returns how many records it had, 0 when there was nothing new."""
        chunk = self._follower.take(CHUNK_BYTES)
        self.caught_up = chunk is None or len(chunk.data) < CHUNK_BYTES // 2
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

    def learn(self, configuration: dict[str, Any]) -> None:
        """Take names from elsewhere than the journal, whose beginning is gone."""
        self._fold.configure(configuration, self.stored.time_ns)
        with faults_of(self._file), database.transaction(self._connection):
            self._fold.write()

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


@attrs.frozen
class Place:
    """Which journal is followed into which database, and what to do besides."""

    state_dir: Path
    file: Path
    #: Takes a sentence for people.
    say: Callable[[str], None] = lambda _: None
    #: The configuration that is known without the journal, if there is one.
    known: Callable[[], dict[str, Any] | None] = lambda: None


@contextmanager
def projecting(place: Place) -> Iterator[Projector]:
    """Open the database that follows the journal, making it where needed.

    A database of another schema version is built anew first. The caller holds the writer's lock.
    Raises ProjectionError and JournalError.
    """
    file = place.file
    segments = journal_segments(place.state_dir)
    database.remove_others(file)
    if not file.exists():
        rebuild(place, whole=False)
    with database.opened(file, file) as connection:
        _check_pages(file, connection)
        stored = read_position(connection)
        if stored is not None:
            position = resumed(file, stored, segments)
            follower = Follower(place.state_dir / JOURNAL_FOLDER, position, FAST_SCAN)
            yield Projector(file, connection, stored, follower)
            return
    place.say(f"{file}: the tables are of another version of kk99fix and are built anew")
    rebuild(place)
    with projecting(place) as projector:
        yield projector


def rebuild(place: Place, *, whole: bool = True) -> None:
    """Build a new database beside the old one, then let `file` lead to it; readers keep the old.

    With `whole` it holds all of the journal before it takes the place; else it starts empty.
    Where the beginning of the journal is gone, the old database is kept beside under another name.
    The caller holds the writer's lock.
    """
    file = place.file
    segments = journal_segments(place.state_dir)
    first_lsn = segments[0].header.first_lsn
    generation = database.next_generation(file)
    build(place, generation, segments, last_lsn=None if whole else 0)
    if first_lsn > 1:
        place.say(f"{file}: the journal begins at lsn {first_lsn}, and so do the tables")
        kept = database.keep_aside(file)
        if kept is not None:
            place.say(f"{kept}: the tables of before, which may know what the journal has no more")
    database.put_in_place(generation, file)
    database.remove_others(file)


def build(place: Place, path: Path, segments: list[Segment], *, last_lsn: int | None) -> None:
    """Make a database at `path` that holds the journal up to `last_lsn`."""
    file = place.file
    with database.opened(path, file) as connection:
        stored = start_of(segments)
        with database.transaction(connection):
            schema.create(Database(connection))
            write_position(connection, stored)
        directory = place.state_dir / JOURNAL_FOLDER
        follower = Follower(directory, stored.following, FAST_SCAN, last_lsn=last_lsn)
        projector = Projector(file, connection, stored, follower)
        configuration = place.known() if stored.first_lsn > 1 else None
        if configuration is not None:
            projector.learn(configuration)
        while projector.step():
            pass
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _check_pages(file: Path, connection: sqlite3.Connection) -> None:
    """Refuse a database whose pages are not as SQLite wrote them."""
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise unusable(file, f"the database is damaged ({verdict})")
