import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import attrs
import pytest
from support.journal_files import IDENTITY
from support.projection_day import (
    Day,
    begin_journal,
    database_of,
    dump,
    place_of,
    project_all,
    rows_of,
    take_all,
    trade,
)

from kk99fix.journal.files import Files
from kk99fix.journal.removed import Removed, write_removed
from kk99fix.journal.segment import list_segments
from kk99fix.projection import database, schema
from kk99fix.projection.audit import audit
from kk99fix.projection.errors import (
    ProjectionBusyError,
    ProjectionDiskError,
    ProjectionError,
    ProjectionMissingError,
    ProjectionUnusableError,
    faults_of,
)
from kk99fix.projection.projector import Place, projecting, rebuild

FLIPS = 80


@pytest.fixture(scope="module")
def day() -> Day:
    """A day of random orders."""
    day = trade(9, 250)
    day.comparison.close()
    return day


def change(state_dir: Path, statement: str) -> None:
    """Change the database behind the projector's back."""
    connection = sqlite3.connect(database_of(state_dir))
    with connection:
        connection.execute(statement)
    connection.close()


def test_a_database_of_another_journal_is_refused(day: Day, tmp_path: Path) -> None:
    """Tables of one journal never go on with another one."""
    day.write(tmp_path)
    project_all(tmp_path)
    shutil.rmtree(tmp_path / "journal")
    begin_journal(tmp_path, attrs.evolve(IDENTITY, journal_uuid=b"x" * 16)).append(day.units[0])
    with pytest.raises(ProjectionUnusableError, match=r"are of journal .*project --rebuild"):
        project_all(tmp_path)


def test_a_database_ahead_of_the_journal_is_refused(day: Day, tmp_path: Path) -> None:
    """A journal that was put back to an older copy shows by its missing end."""
    day.write(tmp_path)
    project_all(tmp_path)
    shutil.rmtree(tmp_path / "journal")
    writer = begin_journal(tmp_path)
    for unit in day.units[:-1]:
        writer.append(unit)
    with pytest.raises(ProjectionUnusableError, match=r"journal ends before it.*--rebuild"):
        project_all(tmp_path)
    rebuild(place_of(tmp_path))
    assert project_all(tmp_path) == 0


def test_a_journal_that_went_another_way_is_refused(day: Day, tmp_path: Path) -> None:
    """An older copy that was traded on shows by the checksum of the last record."""
    writer = begin_journal(tmp_path)
    for unit in day.units[:2]:
        writer.append(unit)
    project_all(tmp_path)
    change(tmp_path, "UPDATE journal_position SET record_crc32c = record_crc32c + 1")
    with pytest.raises(ProjectionUnusableError, match="another record than the tables know"):
        project_all(tmp_path)


def test_tables_of_another_version_are_built_anew(day: Day, tmp_path: Path) -> None:
    """Another version of the schema is no error: the tables are made again."""
    day.write(tmp_path)
    project_all(tmp_path)
    expected = dump(database_of(tmp_path))
    change(tmp_path, f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    change(tmp_path, "DROP TABLE orders")
    said: list[str] = []
    with projecting(Place(tmp_path, database_of(tmp_path), said.append)) as projector:
        assert projector.step() == 0

    assert dump(database_of(tmp_path)) == expected
    assert "another version" in said[0]


def test_what_retention_removed_is_not_missed_silently(day: Day, tmp_path: Path) -> None:
    """Tables that end before the journal begins cannot go on; new ones say where they begin."""
    writer = begin_journal(tmp_path, segment_bytes=1 << 16)
    for unit in day.units[:3]:
        writer.append(unit)
    project_all(tmp_path)
    for unit in day.units[3:]:
        writer.append(unit)
    directory = tmp_path / "journal"
    write_removed(Files(), directory, Removed(segment=2))
    first_lsn = list_segments(directory)[0].header.first_lsn
    with pytest.raises(ProjectionUnusableError, match="what is between is gone") as caught:
        project_all(tmp_path)
    assert "the present ones are kept beside" in str(caught.value)
    said: list[str] = []
    file = database_of(tmp_path)
    rebuild(Place(tmp_path, file, said.append, lambda: day.comparison.desk.venue.registry.content))
    kept = dump(file.with_name("projection-kept-1.db"))

    assert f"begins at lsn {first_lsn}" in said[0]
    assert "projection-kept-1.db: the tables of before" in said[1]
    assert len(kept["journal_position"]) == 1
    assert rows_of(database_of(tmp_path), "SELECT first_lsn FROM journal_position") == [
        {"first_lsn": first_lsn}
    ]
    assert (
        rows_of(database_of(tmp_path), "SELECT min(lsn) AS lsn FROM executions")[0]["lsn"]
        > first_lsn
    )


def test_what_is_kept_beside_is_never_written_over(tmp_path: Path) -> None:
    """Whichever of the older ones somebody has removed, the others stay as they are."""
    file = tmp_path / "projection.db"
    file.write_bytes(b"now")
    second = tmp_path / "projection-kept-2.db"
    second.write_bytes(b"before")
    kept = database.keep_aside(file)

    assert kept is not None
    assert kept.read_bytes() == b"now"
    assert second.read_bytes() == b"before"


@pytest.mark.parametrize(
    ("code", "error", "text"),
    [
        ("SQLITE_FULL", ProjectionDiskError, "disk is full"),
        ("SQLITE_IOERR_WRITE", ProjectionDiskError, "mend the disk"),
        ("SQLITE_READONLY", ProjectionDiskError, "right to the file"),
        ("SQLITE_BUSY", ProjectionBusyError, "locked the database"),
        ("SQLITE_CORRUPT", ProjectionUnusableError, "project --rebuild"),
        ("SQLITE_NOTADB", ProjectionUnusableError, "project --rebuild"),
        ("SQLITE_CONSTRAINT_PRIMARYKEY", ProjectionUnusableError, "project --rebuild"),
    ],
)
def test_what_sqlite_says_becomes_what_to_do(
    code: str, error: type[ProjectionError], text: str
) -> None:
    """Each kind of trouble is named with the file and a remedy."""
    trouble = sqlite3.OperationalError("something")
    trouble.sqlite_errorname = code
    with pytest.raises(error, match=f"projection.db: .*{text}"), faults_of(Path("projection.db")):
        raise trouble


def test_a_disk_that_fills_up_costs_nothing(day: Day, tmp_path: Path) -> None:
    """SQLite's own error for a full disk ends the projector; with room again it goes on."""
    day.write(tmp_path)
    file = database_of(tmp_path)
    with projecting(place_of(tmp_path)) as projector:
        projector._connection.execute("PRAGMA max_page_count = 18")
        with pytest.raises(ProjectionDiskError, match="disk is full"):
            take_all(projector)
    project_all(tmp_path)
    expected = dump(file)
    rebuild(place_of(tmp_path))

    assert dump(file) == expected


def test_a_database_that_somebody_has_locked_is_left_alone(
    day: Day, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program's write transaction is no damage: it is said, and the next try goes on."""
    day.write(tmp_path)
    project_all(tmp_path)
    monkeypatch.setattr(database, "BUSY_WAIT_S", 0)
    connection = sqlite3.connect(database_of(tmp_path), isolation_level=None)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("UPDATE orders SET symbol = symbol")
    with pytest.raises(ProjectionBusyError, match="locked the database"):
        project_all(tmp_path)
    connection.execute("ROLLBACK")
    connection.close()

    assert project_all(tmp_path) == 0


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """A second projector of the same database is told who is first."""
    file = database_of(tmp_path)
    stack = ExitStack()
    with database.writer_lock(file), pytest.raises(ProjectionBusyError, match=f"{os.getpid()}"):
        stack.enter_context(database.writer_lock(file))
    with database.writer_lock(file):
        pass


def test_no_projection_yet_names_the_command(tmp_path: Path) -> None:
    """Who reads before there is anything is told what to run."""
    with ExitStack() as stack, pytest.raises(ProjectionMissingError, match="Run `kk99fix project`"):
        stack.enter_context(database.opened_for_reading(database_of(tmp_path)))


def flip(path: Path, chance: random.Random) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


@pytest.mark.slow
def test_a_flipped_bit_is_found_and_a_rebuild_mends_it(day: Day, tmp_path: Path) -> None:
    """A start or a check refuses every flip that changes what can be read from the tables."""
    day.write(tmp_path)
    file = database_of(tmp_path)
    project_all(tmp_path)
    expected, good = dump(file), file.read_bytes()
    chance = random.Random(3)  # noqa: S311 - seeded on purpose
    refused = found = 0
    for _ in range(FLIPS):
        file.resolve().write_bytes(good)
        flip(file.resolve(), chance)
        if not goes_on(tmp_path):
            refused += 1
        elif not is_right(tmp_path):
            found += 1
        else:
            assert dump(file) == expected
    assert refused > FLIPS / 20
    assert found > FLIPS / 4
    file.resolve().write_bytes(b"no database at all" + good[18:])
    assert not goes_on(tmp_path)
    rebuild(place_of(tmp_path))
    assert dump(file) == expected
    assert is_right(tmp_path)


def test_a_check_of_followed_tables_ends_where_they_do(day: Day, tmp_path: Path) -> None:
    """The journal may have more than the tables, in the middle of a chunk."""
    writer = begin_journal(tmp_path)
    for unit in day.units[:100]:
        writer.append(unit)
    project_all(tmp_path)
    for unit in day.units[100:]:
        writer.append(unit)
    lsn = rows_of(database_of(tmp_path), "SELECT lsn FROM journal_position")[0]["lsn"]

    assert audit(place_of(tmp_path)) == lsn
    assert not list(tmp_path.glob("projection-audit-*"))


def is_right(state_dir: Path) -> bool:
    """Whether a check finds nothing; if it does, it says what to do."""
    try:
        audit(place_of(state_dir))
    except ProjectionUnusableError as error:
        assert "kk99fix project --rebuild" in str(error)  # noqa: PT017 - either way is right
        return False
    return True


def goes_on(state_dir: Path) -> bool:
    """Whether the projector takes the database; if it refuses, it says what to do."""
    try:
        project_all(state_dir)
    except ProjectionUnusableError as error:
        assert "kk99fix project --rebuild" in str(error)  # noqa: PT017 - either way is right
        return False
    return True


@pytest.fixture
def damage() -> Callable[[Path, str], None]:
    """Change a row as no program of ours would."""
    return change


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE positions SET bought_qty = 'much'",
        "UPDATE positions SET bought_notional = NULL",
        "UPDATE journal_position SET lsn = lsn - 200, offset = offset",
    ],
)
def test_rows_that_make_no_sense_are_refused(
    day: Day, tmp_path: Path, damage: Callable[[Path, str], None], statement: str
) -> None:
    """Rows that the projector needs and cannot understand are no reason for a traceback."""
    day.write(tmp_path)
    project_all(tmp_path)
    damage(tmp_path, statement)
    with pytest.raises(ProjectionUnusableError, match="project --rebuild"):
        project_all(tmp_path)
