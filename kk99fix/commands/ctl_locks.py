"""`kk99fix ctl locks` and `kk99fix ctl unlock`: failed logons, lock-out, and an end of it."""

import json
from pathlib import Path
from typing import Any, Final

import click

from kk99fix.commands.operator_client import ask_or_exit
from kk99fix.commands.spans import since, span
from kk99fix.commands.tables import Column, print_json, print_table
from kk99fix.commands.usual_options import json_answer_option, json_rows_option, state_option

_COLUMNS: Final = (
    Column("session", whole=True),
    Column("credential"),
    Column("standing", whole=True),
    Column("open in", right=True),
    Column("failures in 24 h", right=True),
    Column("in a row", right=True),
    Column("last failure", right=True),
    Column("last success", right=True, rank=1),
)


@click.command("locks", short_help="List whose logon failed or is locked.")
@click.option("--all", "every", is_flag=True, help="Also those without a failure in 24 hours.")
@json_rows_option
@state_option
def locks_command(*, every: bool, as_json: bool, state_dir: Path) -> None:
    """List the credentials that failed within 24 hours: how often, and whether they may be tried.

    `backed-off` has to wait a little after failures in a row, `locked` has failed as often as a
    day allows. Both end by themselves, `open in` says when, or with `kk99fix ctl unlock`.

    \b
    Examples:
      kk99fix ctl locks
      kk99fix ctl locks --all --json
    """
    answer = ask_or_exit(state_dir, "locks", all=every)
    rows = answer["locks"]
    if as_json:
        print_json(rows)
        return
    if rows:
        print_table(_COLUMNS, [_cells(row, answer["now_ns"]) for row in rows])
    shut = sum(row["standing"] != "open" for row in rows)
    click.echo(f"{len(rows)} credential{'s' * (len(rows) != 1)}, {shut} may not be tried now")


def _cells(row: dict[str, Any], now_ns: int) -> tuple[str, ...]:
    open_at_ns = row["open_at_ns"]
    return (
        row["session"],
        row["credential"],
        row["standing"],
        "" if open_at_ns is None else span((open_at_ns - now_ns) / 1e9),
        str(row["failures_of_day"]),
        str(row["failures_in_a_row"]),
        _ago(row["last_failure_ns"], now_ns),
        _ago(row["last_success_ns"], now_ns),
    )


def _ago(moment_ns: int | None, now_ns: int) -> str:
    return "" if moment_ns is None else f"{since(moment_ns, now_ns)} ago"


@click.command("unlock", short_help="Lift a session's lock-out.")
@click.argument("session", metavar="COMPID")
@json_answer_option
@state_option
def unlock_command(*, session: str, as_json: bool, state_dir: Path) -> None:
    """Have the failed logons of a session count no more, so that it may try again at once.

    A one-time code that was used stays used. The journal has the command.

    \b
    Examples:
      kk99fix ctl unlock BROKER1
    """
    answer = ask_or_exit(state_dir, "unlock", session=session)
    if as_json:
        click.echo(json.dumps(answer))
        return
    count = answer["failures"]
    was = "locked" if answer["was_locked"] else "not locked"
    click.echo(
        f"{session} may try again: {count} failure{'s' * (count != 1)} forgotten, it was {was}"
    )
