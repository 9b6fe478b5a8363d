"""`kk99fix journal replay`: the journal through the venue once more, every output compared."""

import json
import sys
from pathlib import Path
from typing import Final

import attrs
import click
from rich.console import Console
from rich.table import Table

from kk99fix.commands.journal_stderr import faults_reported, progress
from kk99fix.commands.usual_options import state_option
from kk99fix.state.replaying import Replay, replay_journal
from kk99fix.venue.recovery import DivergenceError

#: EX_DATAERR of sysexits.h: the venue gave another output than the recorded one.
EXIT_DIFFERS: Final = 65
_COLUMNS: Final = ("messages_in", "messages_out", "orders", "trades", "refusals")


@click.command("replay", short_help="Replay the journal and compare every output.")
@state_option
@click.option("--from-snapshot", is_flag=True, help="Begin at the newest snapshot.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay_command(*, state_dir: Path, from_snapshot: bool, as_json: bool) -> None:
    """Replay the journal through this version of the venue, and compare every output.

    Says how fast it was, the state's hash behind the last record, and what each trading day came
    to. Changes nothing, and works while the gateway runs: it ends with the last whole unit, at
    level durable with the last one that is known to be on the disk. It needs as much memory as
    the venue.

    \b
    Exits with 0 if every output is as it was recorded,
      65  one differs: its position and both byte strings are printed
      1   a file is missing or damaged, or another version wrote it

    \b
    Examples:
      kk99fix journal replay                   from the first record
      kk99fix journal replay --from-snapshot   what a start would replay
      kk99fix journal replay --json
    """
    with faults_reported():
        try:
            came_to = replay_journal(state_dir, progress, from_snapshot=from_snapshot)
        except DivergenceError as error:
            click.echo(error, err=True)
            sys.exit(EXIT_DIFFERS)
    if as_json:
        click.echo(json.dumps(_as_json(came_to)))
    else:
        _print(came_to)


def _print(came_to: Replay) -> None:
    click.echo(
        f"{came_to.segments} segments, lsn {came_to.first_lsn} to {came_to.next_lsn - 1}: "
        f"{came_to.records} records compared in {came_to.seconds:.3f} s, "
        f"{came_to.records_per_s:,.0f} a second"
    )
    click.echo(f"state hash {came_to.state_hash:016x} behind lsn {came_to.next_lsn - 1}")
    if not came_to.days:
        return
    table = Table("trading day", *(name.replace("_", " ") for name in _COLUMNS), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for day in came_to.days:
        table.add_row(str(day.trading_day), *(f"{getattr(day, name):,}" for name in _COLUMNS))
    Console().print(table)


def _as_json(came_to: Replay) -> dict[str, object]:
    return {
        "segments": came_to.segments,
        "first_lsn": came_to.first_lsn,
        "last_lsn": came_to.next_lsn - 1,
        "records": came_to.records,
        "seconds": round(came_to.seconds, 6),
        "records_per_s": round(came_to.records_per_s),
        "state_hash": f"{came_to.state_hash:016x}",
        "days": [attrs.asdict(day) for day in came_to.days],
    }
