"""`kk99fix ctl refusals` and `kk99fix ctl why`: the logons that were refused, and why."""

import json
import textwrap
from pathlib import Path
from typing import Any, Final

import click

from kk99fix.commands.operator_client import ask_or_exit
from kk99fix.commands.tables import (
    Column,
    Times,
    json_row,
    plain,
    print_json,
    print_table,
    time_text,
)
from kk99fix.commands.usual_options import json_answer_option, json_rows_option, state_option

_COLUMNS: Final = (
    Column("reference", whole=True),
    Column("refused"),
    Column("cause", whole=True),
    Column("address"),
    Column("SenderCompID"),
    Column("Username", rank=1),
)
_WIDTH: Final = 96


@click.command("refusals", short_help="List the logons that were refused lately.")
@click.option("--session", metavar="COMPID", help="Only of this SenderCompID(49).")
@click.option("--address", metavar="ADDRESS", help="Only from this address.")
@click.option("--cause", metavar="CAUSE", help="Only for this cause, such as credentials.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many."
)
@json_rows_option
@state_option
def refusals_command(
    *,
    session: str | None,
    address: str | None,
    cause: str | None,
    limit: int,
    as_json: bool,
    state_dir: Path,
) -> None:
    """List the logons that were refused lately, the newest first, and count them by cause.

    The newest hundred of each cause are kept; the log has the others.

    \b
    Examples:
      kk99fix ctl refusals
      kk99fix ctl refusals --session BROKER1
      kk99fix ctl refusals --cause credentials --limit 10 --json
    """
    narrowing = {"session": session, "address": address, "cause": cause}
    given = {name: value for name, value in narrowing.items() if value is not None}
    answer = ask_or_exit(state_dir, "refusals", limit=limit, **given)
    rows = answer["refusals"]
    if as_json:
        print_json(rows)
        return
    if rows:
        times = Times.of("refused", [row["time_ns"] for row in rows], decimals=3)
        columns = [_COLUMNS[0], Column(times.heading, whole=True), *_COLUMNS[2:]]
        print_table(columns, [_cells(row, times) for row in rows])
    counts = ", ".join(f"{cause} {count}" for cause, count in answer["counts"].items())
    click.echo(f"{len(rows)} of {answer['kept']} shown; since the start: {counts or 'none'}")
    if rows:
        click.echo(f"`kk99fix ctl why {rows[0]['reference']}` explains the newest")


def _cells(row: dict[str, Any], times: Times) -> tuple[str, ...]:
    return (
        row["reference"],
        times.text(row["time_ns"]),
        row["cause"],
        row["address"],
        plain(row["sender_comp_id"]),
        plain(row["username"]),
    )


@click.command("why", short_help="Why a logon was refused.")
@click.argument("reference", metavar="REFERENCE|COMPID|ADDRESS")
@json_answer_option
@state_option
def why_command(*, reference: str, as_json: bool, state_dir: Path) -> None:
    """Explain why a logon was refused.

    It is the one with that reference in the log, or the newest of a session or from an address.
    The counterparty was told nothing, whatever the cause; tell it what it needs and no more.

    \b
    Examples:
      kk99fix ctl why mf3k2a81-17
      kk99fix ctl why BROKER1
      kk99fix ctl why 192.0.2.17
    """
    answer = ask_or_exit(state_dir, "why", reference=reference)
    if as_json:
        click.echo(json.dumps(json_row(answer)))
        return
    for name, text in _explanation(answer):
        lines = textwrap.wrap(text, _WIDTH - 14, break_on_hyphens=False) or [""]
        click.echo("\n".join(f"{name if not i else '':<13} {line}" for i, line in enumerate(lines)))


def _explanation(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and text of each line."""
    lines = [
        ("reference", f"{answer['reference']}, at {time_text(answer['time_ns'])}"),
        ("from", _from(answer)),
        ("cause", f"{answer['cause']}: {answer['means']}"),
        ("at step", f"{answer['step']} of {answer['steps']}, {answer['step_name']}"),
        ("right is", answer["right"]),
        ("look at", answer["look"]),
        ("what to do", answer["do"]),
    ]
    if answer["detail"]:
        lines.insert(3, ("in detail", plain(answer["detail"])))
    if answer["file_changed"]:
        lines.append(("note", "the session's file has changed since; this is about it as it was"))
    if answer["frame"]:
        lines.append(("first message", plain(answer["frame"]).replace("|", "| ")))
    return lines


def _from(answer: dict[str, Any]) -> str:
    text = f"{answer['address']}{' over TLS' if answer['tls'] else ''}"
    if answer["balancer"]:
        text += f", through {answer['balancer']}"
    if answer["sender_comp_id"]:
        text += f", as {plain(answer['sender_comp_id'])} to {plain(answer['target_comp_id'])}"
    if answer["username"]:
        text += f", user {plain(answer['username'])}"
    if answer["certificate"]:
        text += f", with certificate {answer['certificate']} ({answer['certificate_subject']})"
    return text
