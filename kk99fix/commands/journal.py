"""`kk99fix journal`: look into the journal of a running or a stopped gateway."""

from pathlib import Path

import click

from kk99fix.commands.journal_replay import replay_command
from kk99fix.commands.journal_stderr import faults_reported
from kk99fix.commands.journal_verify import verify_command
from kk99fix.commands.usual_options import json_rows_option, state_option
from kk99fix.journal.printer import Selection, show
from kk99fix.journal.reader import journal_segments, read_records
from kk99fix.journal.record import Kind


@click.group(short_help="Look into the journal.")
def journal() -> None:
    """Look into the journal: every input and every output of the venue, in order.

    \b
    Examples:
      kk99fix journal show                     all of it
      kk99fix journal show --session BROKER1   what one counterparty sent and received
      kk99fix journal verify                   whether every byte is as it was written
      kk99fix journal replay                   whether the venue gives every output again
    """


journal.add_command(verify_command)
journal.add_command(replay_command)


@journal.command("show", short_help="Print the records of the journal.")
@state_option
@click.option("--from", "from_lsn", type=int, default=0, metavar="LSN", help="First record.")
@click.option("--to", "to_lsn", type=int, metavar="LSN", help="Last record.")
@click.option("--session", metavar="ID", help="Only this session: its number or SenderCompID.")
@click.option(
    "--kind",
    type=click.Choice([kind.name for kind in Kind], case_sensitive=False),
    metavar="KIND",
    help="Only records of this kind, such as MESSAGE.",
)
@click.option("--messages", "messages_only", is_flag=True, help="Only records with a FIX message.")
@json_rows_option
def show_command(
    *,
    state_dir: Path,
    from_lsn: int,
    to_lsn: int | None,
    session: str | None,
    kind: str | None,
    messages_only: bool,
    as_json: bool,
) -> None:
    """Print lsn, UTC time, kind, session, epoch, MsgSeqNum and text of each record.

    Works while the gateway runs: it ends where the written part ends.
    SOH is shown as |, anything else that is not printable as \\xNN.
    Exits with 1 if a file is missing or damaged.

    \b
    Examples:
      kk99fix journal show --messages --session BROKER1
      kk99fix journal show --kind CONFIG --json
      kk99fix journal show --from 1000 --to 1999
      kk99fix journal show --kind GROUP        what was synced together at level durable
    """
    selection = Selection(to_lsn, session, Kind[kind] if kind else None, messages_only)
    bookkeeping = selection.kind is not None and selection.kind.is_bookkeeping
    with faults_reported():
        records = read_records(journal_segments(state_dir), from_lsn, bookkeeping=bookkeeping)
        for text in show(records, selection, as_json=as_json):
            click.echo(text)
