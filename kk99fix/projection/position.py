"""Where the tables stand in the journal, and whether that journal is still the one they know.

The position is stored in the very transaction that stores the rows, so the two never disagree.
"""

import sqlite3
from pathlib import Path

import attrs

from kk99fix.journal.follow import JournalPosition
from kk99fix.journal.reader import segments_from
from kk99fix.journal.record import HEADER
from kk99fix.journal.segment import PAGE_BYTES, Segment, map_records
from kk99fix.projection import schema
from kk99fix.projection.errors import unusable
from kk99fix.scanning import FAST_SCAN


@attrs.frozen
class StoredPosition:
    """The row of `journal_position`, without its key."""

    journal_uuid: str
    first_lsn: int
    lsn: int
    time_ns: int
    record_crc32c: int
    segment: int
    offset: int
    trading_day: str | None

    @property
    def following(self) -> JournalPosition:
        """Where following goes on."""
        return JournalPosition(self.lsn + 1, self.segment, self.offset)


def read_position(connection: sqlite3.Connection) -> StoredPosition | None:
    """Return the stored position; None where the tables are of another version, or not there."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != schema.SCHEMA_VERSION:
        return None
    columns = ", ".join(schema.JOURNAL_POSITION.columns)
    row = connection.execute(f"SELECT {columns} FROM {schema.JOURNAL_POSITION.name}").fetchone()  # noqa: S608 - names of ours
    return None if row is None else StoredPosition(*tuple(row)[1:])


def write_position(connection: sqlite3.Connection, position: StoredPosition) -> None:
    """Store the position; the transaction is the caller's."""
    row = (1, *attrs.astuple(position))
    connection.execute(schema.JOURNAL_POSITION.upsert(), row)


def start_of(segments: list[Segment]) -> StoredPosition:
    """Return the position before the first record that the journal still has."""
    header = segments[0].header
    return StoredPosition(
        header.identity.journal_uuid.hex(),
        header.first_lsn,
        header.first_lsn - 1,
        0,
        0,
        header.number,
        PAGE_BYTES,
        None,
    )


def resumed(file: Path, stored: StoredPosition, segments: list[Segment]) -> JournalPosition:
    """Return where following goes on; ProjectionUnusableError where this is not the journal."""
    first = segments[0].header
    uuid = first.identity.journal_uuid.hex()
    if uuid != stored.journal_uuid:
        found = f"the tables are of journal {stored.journal_uuid}, this one is {uuid}"
        raise unusable(file, found)
    if stored.lsn < first.first_lsn - 1:
        found = (
            f"the tables end at lsn {stored.lsn}, and the journal begins at {first.first_lsn}: "
            f"what is between is gone"
        )
        raise unusable(file, found)
    if stored.lsn >= first.first_lsn:
        _check_last_record(file, stored, segments)
    numbers = {segment.header.number for segment in segments}
    if stored.segment in numbers:
        return stored.following
    return JournalPosition(stored.lsn + 1, first.number, PAGE_BYTES)


def _check_last_record(file: Path, stored: StoredPosition, segments: list[Segment]) -> None:
    """Refuse a journal that does not have the last record of the tables."""
    segment = segments_from(segments, stored.lsn)[0]
    records = map_records(segment)
    offset = FAST_SCAN.find_lsn(records, 0, stored.lsn)
    if offset == len(records):
        found = (
            f"the tables know lsn {stored.lsn}, and the journal ends before it: it was put back "
            f"to an older copy, or lost its end with the machine"
        )
        raise unusable(file, found)
    if HEADER.unpack_from(records, offset)[1] != stored.record_crc32c:
        found = f"lsn {stored.lsn} of the journal is another record than the tables know"
        raise unusable(file, found)
