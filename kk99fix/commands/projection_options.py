"""What the commands on the tables share: which file, and which rows."""

import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from kk99fix.commands.tables import time_text
from kk99fix.commands.usual_options import DEFAULT_STATE_DIR
from kk99fix.projection.behind import records_behind
from kk99fix.projection.database import DATABASE_NAME, opened_for_reading
from kk99fix.projection.errors import ProjectionError
from kk99fix.projection.position import read_position

_NS_PER_S: Final = 1_000_000_000
_SPAN: Final = re.compile(r"(\d+)([smhd])")
_SPAN_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
database_option = click.option(
    "--db",
    "db_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"The database.  [default: {DATABASE_NAME} in the folder of --state]",
)


class Since(click.ParamType[int]):
    """A moment as text, as nanoseconds: `2026-11-25`, `2026-11-25T09:30`, or `90s`, `15m`, `2d`."""

    name = "since"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """Return the moment; click's error says what would be right."""
        span = _SPAN.fullmatch(value)
        if span is not None:
            return time.time_ns() - int(span[1]) * _SPAN_S[span[2]] * _NS_PER_S
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is no moment; 2026-11-25, 2026-11-25T09:30:00 (UTC) or a span back "
                f"from now such as 90s, 15m, 2h or 1d would be right",
                param,
                ctx,
            )
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        return round(moment.timestamp() * 1_000_000) * 1000


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the filters that orders and trades share."""
    options = (
        click.option("--session", metavar="NAME", help="Only of this session (SenderCompID)."),
        click.option("--account", metavar="NAME", help="Only of this account."),
        click.option("--symbol", metavar="SYMBOL", help="Only in this instrument."),
        click.option(
            "--since",
            "since_ns",
            type=Since(),
            metavar="MOMENT",
            help="Only from then on: 2026-11-25T09:30 (UTC), or 15m, 2h, 1d back from now.",
        ),
        click.option(
            "--limit",
            type=click.IntRange(1),
            default=50,
            show_default=True,
            help="The newest so many.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def file_of(state_dir: Path, db_file: Path | None) -> Path:
    """Return the database that is meant."""
    return state_dir / DATABASE_NAME if db_file is None else db_file


@contextmanager
def reading(state_dir: Path, db_file: Path | None) -> Iterator[sqlite3.Connection]:
    """Open the tables; what is wrong with them is one sentence, and exit code 1.

    At the end standard error says how far they are behind the journal, if they are.
    """
    file = file_of(state_dir, db_file)
    hint = "" if state_dir == DEFAULT_STATE_DIR else f" --state {state_dir}"
    hint += "" if db_file is None else f" --db {db_file}"
    try:
        with opened_for_reading(file, hint) as connection:
            yield connection
            _say_how_far(state_dir, file, connection)
    except ProjectionError as error:
        click.echo(error, err=True)
        sys.exit(1)


def _say_how_far(state_dir: Path, file: Path, connection: sqlite3.Connection) -> None:
    stored = read_position(connection)
    if stored is None:
        click.echo(
            f"{file}: the tables are of another version of kk99fix. Run `kk99fix project`.",
            err=True,
        )
        sys.exit(1)
    if stored.first_lsn > 1:
        click.echo(f"the tables begin at lsn {stored.first_lsn}: older segments are gone", err=True)
    behind = records_behind(state_dir, stored)
    if behind:
        click.echo(
            f"the tables are {behind} records behind the journal, at {time_text(stored.time_ns)}; "
            f"`kk99fix project` brings them up to it",
            err=True,
        )
