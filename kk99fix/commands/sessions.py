"""`kk99fix sessions`: who is logged on, and how far each session is."""

import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import click

from kk99fix.commands.operator_client import NotRunningError, RefusedError, ask
from kk99fix.commands.options import config_options, load_or_exit
from kk99fix.commands.spans import since, size
from kk99fix.commands.tables import Column, print_json, print_table
from kk99fix.commands.usual_options import json_rows_option, state_option

NOT_RUNNING: Final = "gateway not running"
_COLUMNS: Final = (
    Column("session", whole=True),
    Column("role", rank=4),
    Column("firm", rank=5),
    Column("state"),
    Column("from", rank=1),
    Column("since", right=True, rank=3),
    Column("heard", right=True),
    Column("next in", right=True),
    Column("next out", right=True),
    Column("waiting", right=True, rank=2),
    Column("orders", right=True),
    Column("notes"),
)


@click.command(short_help="List who is logged on.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--online", is_flag=True, help="Only those that have a connection.")
@click.option("--watch", is_flag=True, help="List again and again, until Ctrl-C.")
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(0.2, 3600),
    default=2.0,
    show_default=True,
    help="Seconds between two lists of --watch.",
)
@json_rows_option
@state_option
@config_options
def sessions(
    *,
    names: tuple[str, ...],
    online: bool,
    watch: bool,
    every_s: float,
    as_json: bool,
    state_dir: Path,
    config_dir: Path,
    sessions_dir: Path,
) -> None:
    """List the sessions: who is on and from where, both sequence numbers, queues and orders.

    A NAME may have the wildcards * and ?. `since` and `heard` are how long ago the connection
    began and the last valid message came; `waiting` is what has still to be sent.
    When no gateway runs, the files are listed, without any of that.

    \b
    Examples:
      kk99fix sessions
      kk99fix sessions --online --watch
      kk99fix sessions "BROKER*" --json
    """
    try:
        while True:
            rows, now_ns = _rows(names, state_dir, config_dir, sessions_dir, online=online)
            if watch and not as_json:
                click.clear()
            if as_json:
                print_json(rows)
            else:
                _print(rows, now_ns)
            if not watch:
                return
            sys.stdout.flush()
            time.sleep(every_s)
    except KeyboardInterrupt:
        sys.exit(0)


def _rows(
    names: tuple[str, ...], state_dir: Path, config_dir: Path, sessions_dir: Path, *, online: bool
) -> tuple[list[dict[str, Any]], int]:
    """Return what the gateway says, or what the files say where none runs, and venue time."""
    try:
        answer = ask(state_dir, "sessions", names=list(names), online=online)
    except NotRunningError as error:
        click.echo(f"kk99fix: {error}", err=True)
    except RefusedError as error:
        click.echo(f"kk99fix: {error}", err=True)
        sys.exit(1)
    else:
        return answer["sessions"], answer["now_ns"]
    files = load_or_exit(config_dir, sessions_dir).sessions
    found = [
        {
            "session": file.comp_id,
            "role": file.session.role,
            "firm": file.session.firm,
            "state": NOT_RUNNING,
        }
        for file in files
        if not online and (not names or any(fnmatchcase(file.comp_id, name) for name in names))
    ]
    return found, 0


def _print(rows: list[dict[str, Any]], now_ns: int) -> None:
    if rows:
        print_table(_COLUMNS, [_cells(row, now_ns) for row in rows])
    on = sum(row["state"] not in {"offline", NOT_RUNNING} for row in rows)
    click.echo(f"{len(rows)} session{'s' * (len(rows) != 1)}, {on} with a connection")


def _cells(row: dict[str, Any], now_ns: int) -> tuple[str, ...]:
    known = (row["session"], row["role"], row["firm"], row["state"])
    if row["state"] == NOT_RUNNING:
        return (*known, *[""] * (len(_COLUMNS) - len(known)))
    return (
        *known,
        f"{row['address'] or ''}{' over TLS' if row['tls'] else ''}",
        since(row["since_ns"], now_ns),
        since(row["last_in_ns"], now_ns),
        str(row["next_in"]),
        str(row["next_out"]),
        size(row["waiting_bytes"]) if row["waiting_bytes"] else "",
        str(row["open_orders"]) if row["role"] == "order-entry" else "",
        "; ".join(_notes(row, now_ns)),
    )


def _certification(known: dict[str, Any] | None) -> list[str]:
    """Whether it has still to be certified, or a run is on."""
    if known is None:
        return []
    if known["run_until_ns"] is not None:
        return ["it is being certified"]
    if known["passed"] == known["functions"]:
        return []
    orders = ", no orders yet" if known["required"] else ""
    return [f"certified for {known['passed']} of {known['functions']}{orders}"]


def _notes(row: dict[str, Any], now_ns: int) -> list[str]:
    """What is not as it mostly is."""
    notes = []
    if not row["enabled"]:
        notes.append("disabled")
    notes += _certification(row["certification"])
    if row["locked"]:
        notes.append(f"its logon is {row['locked']}")
    if row["left_to_feed"]:
        notes.append(f"{row['left_to_feed']} messages to be sent from the journal")
    elif row["behind"]:
        notes.append(f"{row['behind']} messages behind")
    if row["cancels_at_ns"] is not None:
        seconds = max(0, row["cancels_at_ns"] - now_ns) / 1e9
        notes.append(f"its orders go in {seconds:.0f} s")
    if not row["in_period"]:
        notes.append("outside its schedule")
    return notes
