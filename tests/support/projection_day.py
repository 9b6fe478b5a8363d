"""Days for the projection: random orders on a desk, and their journal as files."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from kk99fix.journal.segment import Identity
from kk99fix.journal.writer import JournalWriter
from kk99fix.projection import database, schema
from kk99fix.projection.projector import Place, Projector, projecting
from kk99fix.venue.recovery import unit_length
from support.comparison import Comparison
from support.journal_files import IDENTITY
from support.order_stream import SESSIONS, OrderStream
from support.small_venue import CAPACITY, configuration

Tables = dict[str, list[tuple[Any, ...]]]


@attrs.define
class Day:
    """A desk that has traded, and the units of its journal."""

    comparison: Comparison
    units: list[bytes]

    def write(self, state_dir: Path, *, segment_bytes: int = 1 << 18) -> None:
        """Write the whole journal into a state directory."""
        writer = begin_journal(state_dir, segment_bytes=segment_bytes)
        for unit in self.units:
            writer.append(unit)
        writer.close()


def trade(seed: int, steps: int, config: dict[str, Any] | None = None) -> Day:
    """Let random requests come, with day rolls, disconnects and ticks between them."""
    chance = random.Random(seed)  # noqa: S311 - seeded on purpose
    capacity = attrs.evolve(CAPACITY, orders=20_000, duplicate_window=65_536)
    comparison = Comparison(config or configuration(), capacity=capacity)
    stream = OrderStream(chance, comparison.reference)
    days = 0
    for _ in range(steps):
        comparison.do(stream.next())
        comparison.desk.now_ns += chance.choice([0, 1, 999_999, 10_000_000])
        dice = chance.random()
        if dice < 0.002:
            days += 1
            comparison.begin_day(20260921 + days)
        elif dice < 0.006:
            comparison.leave(chance.choice(SESSIONS))
        elif comparison.reference.busy and dice < 0.2:
            comparison.tick()
    return Day(comparison, list(units_of(bytes(comparison.desk.journal))))


def units_of(journal: bytes) -> Iterator[bytes]:
    """Cut a journal into its units."""
    view, offset = memoryview(journal), 0
    while offset < len(view):
        length = unit_length(view, offset)
        yield bytes(view[offset : offset + length])
        offset += length


def begin_journal(
    state_dir: Path, identity: Identity = IDENTITY, *, segment_bytes: int = 1 << 18
) -> JournalWriter:
    """Make an empty journal in a state directory and return its writer."""
    directory = state_dir / "journal"
    directory.mkdir(parents=True, exist_ok=True)
    writer = JournalWriter(directory, identity, segment_bytes=segment_bytes)
    writer.create()
    return writer


def database_of(state_dir: Path) -> Path:
    """Return the database of a state directory."""
    return state_dir / database.DATABASE_NAME


def place_of(state_dir: Path) -> Place:
    """Return where a state directory is projected to by default."""
    return Place(state_dir, database_of(state_dir))


def project_all(state_dir: Path) -> int:
    """Carry the tables on to the end of the journal; returns how many records were new."""
    with projecting(place_of(state_dir)) as projector:
        return take_all(projector)


def take_all(projector: Projector) -> int:
    """Take steps until nothing is new."""
    total = 0
    while records := projector.step():
        total += records
    return total


def dump(file: Path) -> Tables:
    """Return all rows of all tables, sorted."""
    return {
        table.name: sorted(
            (tuple(row.values()) for row in rows_of(file, f"SELECT * FROM {table.name}")),  # noqa: S608 - names of ours
            key=repr,
        )
        for table in schema.TABLES
    }


def rows_of(file: Path, query: str) -> list[dict[str, Any]]:
    """Return what a query finds."""
    with database.opened_for_reading(file) as connection:
        return [dict(row) for row in connection.execute(query)]
