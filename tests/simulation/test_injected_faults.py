"""A simulation finds the faults that it is there for: each is injected once and has to be named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kk99fix.journal.errors import JournalError
from kk99fix.matcher.engine import Engine
from kk99fix.projection.fold import Fold
from kk99fix.projection.schema import EXECUTIONS
from kk99fix.venue import order_entry
from kk99fix.venue.given import Copies
from kk99fix.venue.leaving import Leaving
from simulation import process, units
from simulation.crashes import Disk
from simulation.sessions import END
from simulation.units import BrokenError
from simulation.world import World

pytestmark = pytest.mark.slow

#: Across a roll of the trading day.
SEED = 4
HOURS = 0.07
REPORT = b"\x0135=8\x01"
BEFORE = 40
SOME_RUNS = 10


def broken(folder: Path, *, durable: bool = False, ready: Callable[[World], None]) -> str:
    """Run with a fault; what was found."""
    world = World(folder, SEED, durable=durable)
    ready(world)
    with pytest.raises((BrokenError, JournalError)) as found:
        world.run(HOURS)
    return str(found.value)


def _nothing(_: World) -> None:
    """The fault is somewhere else."""


def tampering(change: Callable[[bytes], list[bytes]]) -> Callable[[World], None]:
    """Change one report that leaves alone, after some others."""

    def ready(world: World) -> None:
        left = [BEFORE]

        def tamper(data: bytes) -> list[bytes]:
            if REPORT not in data or b"\x0143=Y" in data or len(END.findall(data)) != 1:
                return [data]
            left[0] -= 1
            return change(data) if left[0] == 0 else [data]

        world.around.tamper = tamper

    return ready


def test_a_report_that_is_never_sent(tmp_path: Path) -> None:
    """A report that is recorded and does not leave is missed at the next one."""
    assert broken(tmp_path, ready=tampering(lambda _: [])).startswith("N1: ")


def test_a_report_that_is_sent_twice(tmp_path: Path) -> None:
    """A report that leaves twice is seen at once."""
    assert broken(tmp_path, ready=tampering(lambda data: [data, data])).startswith("N1: ")


def test_a_report_that_says_something_else(tmp_path: Path) -> None:
    """A report that leaves with another content than the recorded one is seen at once."""
    change = tampering(
        lambda data: [data.replace(b"\x0154=1", b"\x0154=2").replace(b"\x0139=", b"\x0138=")]
    )
    assert broken(tmp_path, ready=change).startswith("N1: ")


@pytest.mark.parametrize("durable", [False, True])
def test_a_message_that_is_sent_before_its_record(tmp_path: Path, durable: bool) -> None:
    """What leaves before its record is written, or synced, is seen at once."""

    def ready(world: World) -> None:
        world.around.hasty = True

    assert broken(tmp_path, durable=durable, ready=ready).startswith("F1: ")


def test_an_order_that_is_answered_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that is submitted twice gets two answers."""
    submit = order_entry.submit

    def twice(*wanted: Any) -> None:  # noqa: ANN401 - as submit takes them
        submit(*wanted)
        submit(*wanted)

    monkeypatch.setattr(order_entry, "submit", twice)
    assert broken(tmp_path, ready=_nothing).startswith("O6: ")


def test_a_book_without_one_of_its_orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that the reports know and the book has lost is seen at once."""
    book = Engine.book

    def lossy(*wanted: Any) -> list[Any]:  # noqa: ANN401 - as book takes them
        return list(book(*wanted))[1:]

    monkeypatch.setattr(Engine, "book", lossy)
    assert broken(tmp_path, ready=_nothing).startswith("B3: ")


def test_a_report_that_adds_up_to_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fill that the quantities of its order do not follow is seen at once."""
    fields_of = units.fields_of

    def wrong(message: bytes) -> units.Fields:
        fields = fields_of(message)
        return fields | {14: "0"} if fields.get(150) == "F" else fields

    monkeypatch.setattr(units, "fields_of", wrong)
    assert broken(tmp_path, ready=_nothing).startswith("O2: ")


def test_a_day_that_never_rolls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A roll that is left out is missed a moment later."""
    monkeypatch.setattr(process, "catch_up_day", lambda *_: None)
    assert broken(tmp_path, ready=_nothing).startswith("B8: the trading day")


def test_orders_that_outlive_their_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disconnect after which nothing is cancelled is seen a moment later."""
    monkeypatch.setattr(Leaving, "left", lambda *_: None)
    assert broken(tmp_path, ready=_nothing).startswith("O7: ")


def test_a_desk_that_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report without its copies is seen at once."""
    monkeypatch.setattr(Copies, "of", lambda *_: [])
    assert broken(tmp_path, ready=_nothing).startswith("D1: ")


def test_a_table_that_has_lost_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An execution that the projector never wrote is missed when the tables are built anew."""
    write, runs = Fold.write, []

    def lossy(fold: Fold) -> None:
        write(fold)
        runs.append(fold)
        if len(runs) == SOME_RUNS:
            fold._connection.execute(f"DELETE FROM {EXECUTIONS.name}")  # noqa: S608 - a name of ours

    monkeypatch.setattr(Fold, "write", lossy)
    assert broken(tmp_path, ready=_nothing).startswith("F7: ")


def test_a_disk_that_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a sync brings nothing to the disk, a death of the machine shows it."""
    monkeypatch.setattr(Disk, "fdatasync", lambda self, _: self.step())

    def ready(world: World) -> None:
        monkeypatch.setattr(world, "_machine_dies", lambda: True)

    found = broken(tmp_path, durable=True, ready=ready)
    assert (
        found.startswith("F2: ") or "the journal" in found or "damaged" in found or "kkj" in found
    )
