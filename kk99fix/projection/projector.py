"""The projector: takes what the journal has more than the tables, one transaction at a time.

Theory of operation
-------------------
A step takes whole units from the follower, piece by piece, folds each piece into rows and writes
them, all together with the new position in one transaction. After a crash at any point the tables
stand at the end of some step, and the next projector goes on from there. What fails in a step
leaves the fold ahead of the tables, so the projector is given up then and a new one made.
A piece is small: its rows are written while they are in the processor's cache, and nothing that is
done for all of it at once, such as verifying it, takes more than some twenty microseconds.

It reads no clock and never waits: how often to look is the business of whoever calls.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
from sqlite_utils import Database

from kk99fix.journal.errors import JournalError
from kk99fix.journal.follow import Chunk, Follower
from kk99fix.journal.names import JOURNAL_FOLDER
from kk99fix.journal.reader import journal_segments
from kk99fix.journal.segment import Segment
from kk99fix.matcher.giving_way import KEEPING_ON, GiveWay
from kk99fix.projection import database, schema
from kk99fix.projection.errors import faults_of, unusable
from kk99fix.projection.fold import Fold
from kk99fix.projection.position import (
    StoredPosition,
    read_position,
    resumed,
    start_of,
    write_position,
)
from kk99fix.scanning import FAST_SCAN

#: Journal taken in one step at most: a transaction of about twenty thousand records.
STEP_BYTES: Final = 8 << 20
PIECE_BYTES: Final = 32 << 10


class Projector:
    """Carries a database on along its journal; see the top of this module."""

    def __init__(
        self,
        file: Path,
        connection: sqlite3.Connection,
        stored: StoredPosition,
        follower: Follower,
        give_way: GiveWay = KEEPING_ON,
    ) -> None:
        """Begin where the tables stand; ProjectionUnusableError where their rows make no sense."""
        self._file = file
        self._connection = connection
        self._follower = follower
        self._give_way = give_way
        self.stored = stored
        #: Whether the last step found so little that the next one may wait.
        self.caught_up = False
        try:
            self._fold = Fold(connection, give_way)
        except (ValueError, TypeError, AttributeError) as error:
            raise unusable(file, f"the database is damaged ({error})") from error

    def step(self) -> int:
        """Take what is new, up to a limit; returns how many records, 0 when there was nothing."""
        piece = self._follower.take(min(PIECE_BYTES, STEP_BYTES))
        records = taken_bytes = 0
        if piece is not None:
            with faults_of(self._file), database.transaction(self._connection, self._give_way):
                while piece is not None:
                    records += self._fold.take(piece)
                    self._fold.write_rows()
                    taken_bytes += len(piece.data)
                    piece = self._more(taken_bytes)
                self._fold.write()
                stored = self._position()
                write_position(self._connection, stored)
            self.stored = stored
        self.caught_up = taken_bytes < STEP_BYTES // 2
        return records

    def _more(self, taken_bytes: int) -> Chunk | None:
        """Return the next piece of a step that has taken so much, None where it ends."""
        if taken_bytes >= STEP_BYTES:
            return None
        try:
            return self._follower.take(min(PIECE_BYTES, STEP_BYTES - taken_bytes))
        except JournalError:
            # What is before the damage counts; the next step begins with it.
            return None

    def learn(self, configuration: dict[str, Any]) -> None:
        """Take names from elsewhere than the journal, whose beginning is gone."""
        self._fold.configure(configuration, self.stored.time_ns)
        with faults_of(self._file), database.transaction(self._connection, self._give_way):
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
    #: How often whoever else wants the processor gets it.
    give_way: GiveWay = KEEPING_ON


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
    with database.opened(file, file, place.give_way) as connection:
        _check_pages(file, connection, place.give_way)
        stored = read_position(connection)
        if stored is not None:
            position = resumed(file, stored, segments)
            follower = Follower(place.state_dir / JOURNAL_FOLDER, position, FAST_SCAN)
            yield Projector(file, connection, stored, follower, place.give_way)
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
    with database.opened(path, file, place.give_way) as connection:
        stored = start_of(segments)
        with database.transaction(connection, place.give_way):
            schema.create(Database(connection))
            write_position(connection, stored)
        directory = place.state_dir / JOURNAL_FOLDER
        follower = Follower(directory, stored.following, FAST_SCAN, last_lsn=last_lsn)
        projector = Projector(file, connection, stored, follower, place.give_way)
        configuration = place.known() if stored.first_lsn > 1 else None
        if configuration is not None:
            projector.learn(configuration)
        while projector.step():
            pass
        with place.give_way.often():
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _check_pages(file: Path, connection: sqlite3.Connection, give_way: GiveWay) -> None:
    """Refuse a database whose pages are not as SQLite wrote them."""
    # Has the lock that the check would otherwise perhaps wait for.
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    with give_way.often():
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    connection.execute("COMMIT")
    if verdict != "ok":
        raise unusable(file, f"the database is damaged ({verdict})")
