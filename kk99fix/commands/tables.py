"""How rows are shown: tables that fit the terminal, or one JSON object a line."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

import attrs
import click
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from kk99fix.config.decimals import format_e8
from kk99fix.journal.printer import printable, utc

#: A pipe or a file has no width to keep to.
_PIPE_WIDTH: Final = 200
_ANY_WIDTH: Final = 10_000


def time_text(time_ns: int) -> str:
    """Return a moment as `YYYY-MM-DDTHH:MM:SS.mmmmmmZ`."""
    return f"{utc(time_ns)[:26]}Z"


def decimal(value_e8: int | None) -> str:
    """Return a price or quantity for a table."""
    return "" if value_e8 is None else format_e8(value_e8)


def plain(text: str | None) -> str:
    """Return text of a counterparty so that no terminal takes it for more."""
    return "" if text is None else printable(text.encode("latin-1", "backslashreplace"))


def json_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row for people and programs: decimals and times as text, without their units."""
    shown: dict[str, Any] = {}
    for name, value in row.items():
        if name.endswith("_e8"):
            shown[name[:-3]] = None if value is None else format_e8(value)
        elif name.endswith("_ns"):
            shown[name[:-3]] = None if value is None else time_text(value)
        else:
            shown[name] = value
    return shown


def print_json(rows: Iterable[dict[str, Any]]) -> None:
    """Print one object a line."""
    for row in rows:
        click.echo(json.dumps(json_row(row)))


@attrs.frozen
class Column:
    """A column of a table; where the terminal is too narrow, the highest rank is left out first."""

    heading: str
    right: bool = False
    #: 0: it is never left out.
    rank: int = 0
    #: It is never broken into lines.
    whole: bool = False


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table that fits the terminal; names in it are no markup."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    console = Console(highlight=False, markup=False, width=width)
    cells = list(rows)
    shown = list(range(len(columns)))
    while True:
        table = _table(columns, cells, shown)
        last = max(shown, key=lambda index: columns[index].rank)
        if columns[last].rank == 0 or _width(console, table) <= console.width:
            break
        shown.remove(last)
    console.print(table)
    left_out = [columns[index].heading for index in range(len(columns)) if index not in shown]
    if left_out:
        console.print(f"left out for want of width: {', '.join(left_out)}; --json has them")


def _width(console: Console, table: Table) -> int:
    """Return how wide a table would like to be."""
    options = console.options.update(max_width=_ANY_WIDTH)
    return Measurement.get(console, options, table).maximum


def _table(columns: Sequence[Column], rows: list[Sequence[str]], shown: list[int]) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for index in shown:
        column = columns[index]
        justify: Literal["left", "right"] = "right" if column.right else "left"
        table.add_column(column.heading, justify=justify, overflow="fold", no_wrap=column.whole)
    for row in rows:
        table.add_row(*(row[index] for index in shown))
    return table


@attrs.frozen
class Times:
    """How the moments of a table are shown: where all are of one day, it stands in the heading."""

    heading: str
    decimals: int
    with_day: bool

    @classmethod
    def of(cls, heading: str, moments_ns: Sequence[int], decimals: int) -> "Times":
        """Look at all moments of a column."""
        days = {utc(moment_ns)[:10] for moment_ns in moments_ns}
        if len(days) == 1:
            return cls(f"{heading} UTC\n{days.pop()}", decimals, with_day=False)
        return cls(f"{heading} UTC", decimals, with_day=True)

    def text(self, time_ns: int) -> str:
        """Return a moment as the table shows it."""
        text = utc(time_ns)
        return text[5 if self.with_day else 11 : 20 + self.decimals].replace("T", " ")
