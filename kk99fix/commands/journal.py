"""`kk99fix journal`: look into the journal of a running or a stopped gateway."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from kk99fix.journal.errors import JournalError
from kk99fix.journal.printer import Selection, show
from kk99fix.journal.reader import JournalReader, read_records
from kk99fix.journal.record import Kind
from kk99fix.journal.segment import Segment, list_segments

DEFAULT_STATE_DIR = Path("var")
JOURNAL_DIR_NAME = "journal"


state_option = click.option(
    "--state",
    "state_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_STATE_DIR,
    show_default=True,
    help="Folder that `kk99fix serve` keeps its state in.",
)


@click.group(short_help="Look into the journal.")
def journal() -> None:
    """Look into the journal: every input and every output of the venue, in order.

    \b
    Examples:
      kk99fix journal show                     all of it
      kk99fix journal show --session BROKER1   what one counterparty sent and received
      kk99fix journal verify                   whether every byte is as it was written
    """


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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
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
    with _faults_reported():
        records = read_records(_segments(state_dir), from_lsn, bookkeeping=bookkeeping)
        for text in show(records, selection, as_json=as_json):
            click.echo(text)


@journal.command("verify", short_help="Check every byte of the journal.")
@state_option
def verify_command(state_dir: Path) -> None:
    """Check every byte of the journal, as a start does, and change nothing.

    Says how many records there are and whether the last unit is unfinished: the process died while
    it wrote it, or is writing it now. A start cuts such a unit.
    Exits with 1 if a file is missing or damaged.

    \b
    Examples:
      kk99fix journal verify
      kk99fix journal verify --state /var/lib/kk99fix
    """
    with _faults_reported():
        segments = _segments(state_dir)
        tail = JournalReader(segments).recover()
        first_lsn = segments[0].header.first_lsn
        click.echo(
            f"{len(segments)} segments, {tail.next_lsn - first_lsn} records "
            f"from lsn {first_lsn} on, all valid"
        )
        if tail.stale_bytes:
            click.echo(
                f"{tail.segment.path}, offset {tail.offset}: "
                f"{tail.stale_bytes} bytes of an unfinished unit"
            )


def _segments(state_dir: Path) -> list[Segment]:
    segments = list_segments(state_dir / JOURNAL_DIR_NAME)
    if not segments:
        raise JournalError(f"{state_dir / JOURNAL_DIR_NAME}: there is no journal here.")
    return segments


@contextlib.contextmanager
def _faults_reported() -> Iterator[None]:
    """Turn a journal that cannot be read into one sentence on standard error and exit code 1."""
    try:
        yield
    except JournalError as error:
        click.echo(error, err=True)
        sys.exit(1)
