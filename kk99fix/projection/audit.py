"""Whether the tables say what the journal says: they are made once more and compared, row by row.

SQLite notices damage to its own structure, not a changed digit in a row; this notices both.
It works while the tables are followed: one state of them is looked at, and the copy ends at the
very record where that state does.
"""

import sqlite3
import tempfile
from itertools import zip_longest
from pathlib import Path
from typing import Final

import attrs

from kk99fix.journal.reader import journal_segments
from kk99fix.projection import database, schema
from kk99fix.projection.errors import ProjectionError, unusable
from kk99fix.projection.position import read_position, resumed
from kk99fix.projection.projector import Place, build

#: The position may differ by bookkeeping records, and is checked by itself.
_COMPARED: Final = tuple(table for table in schema.TABLES if table is not schema.JOURNAL_POSITION)


def audit(place: Place) -> int:
    """Return up to which lsn the tables were found right.

    ProjectionUnusableError names the first table that differs, and a row of it.
    """
    file = place.file
    with (
        database.opened_for_reading(file) as connection,
        tempfile.TemporaryDirectory(dir=file.parent, prefix="projection-audit-") as folder,
    ):
        stored = read_position(connection)
        if stored is None:
            raise unusable(file, "the tables are of another version of kk99fix")
        (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise unusable(file, f"the database is damaged ({verdict})")
        segments = journal_segments(place.state_dir)
        resumed(file, stored, segments)
        if stored.first_lsn < segments[0].header.first_lsn:
            raise ProjectionError(
                f"{file}: the tables begin at lsn {stored.first_lsn} and the journal now at "
                f"{segments[0].header.first_lsn}, so they cannot be compared. Keep them."
            )
        copy = Path(folder) / "copy.db"
        build(attrs.evolve(place, file=copy), copy, segments, last_lsn=stored.lsn)
        with database.opened_for_reading(copy) as right:
            for table in _COMPARED:
                _compare(file, table, connection, right)
        return stored.lsn


def _compare(
    file: Path, table: schema.Table, tables: sqlite3.Connection, copy: sqlite3.Connection
) -> None:
    query = f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}"  # noqa: S608 - names of ours
    found, right = (map(tuple, connection.execute(query)) for connection in (tables, copy))
    for row, expected in zip_longest(found, right):
        if row != expected:
            raise unusable(
                file, f"table {table.name} has the row {row}, and should have {expected}"
            )
