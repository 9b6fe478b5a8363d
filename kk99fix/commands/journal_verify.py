"""`kk99fix journal verify`: every byte of the state directory held against its checksums."""

import json
import sys
from pathlib import Path

import click

from kk99fix.commands.journal_stderr import faults_reported, progress
from kk99fix.commands.usual_options import state_option
from kk99fix.state.verification import Verification, verify


@click.command("verify", short_help="Check every byte of the journal.")
@state_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify_command(*, state_dir: Path, as_json: bool) -> None:
    """Check every byte of segments, seals and snapshots, and change nothing.

    Checksums and dense numbers of all records, the SHA-256 of sealed segments, the chain of the
    seals, and the checksums of snapshots; compressed segments are decompressed for it. Every
    problem is told with file, offset and what to do. Works while the gateway runs.

    An unfinished unit at the end is none: the process died while it wrote it, or is writing it now.
    A start cuts it. Keep the chain value elsewhere: it vouches for everything before it.

    \b
    Exits with 0 if everything is as it was written, with 1 if there is a problem or no journal.

    \b
    Examples:
      kk99fix journal verify
      kk99fix journal verify --state /var/lib/kk99fix --json
    """
    with faults_reported():
        found = verify(state_dir, progress)
    if as_json:
        click.echo(json.dumps(_as_json(found)))
    else:
        _print(found)
    sys.exit(1 if found.problems else 0)


def _print(found: Verification) -> None:
    for problem in found.problems:
        click.echo(problem.text, err=True)
    if found.problems:
        count = len(found.problems)
        click.echo(f"{count} problem{'s' if count != 1 else ''} found", err=True)
        return
    click.echo(
        f"{found.segments} segments, {found.next_lsn - found.first_lsn} records "
        f"from lsn {found.first_lsn} on, all valid"
    )
    if found.removed_segment:
        click.echo(f"segments up to {found.removed_segment} were removed by retention")
    if found.compressed:
        click.echo(f"{found.compressed} segments are compressed")
    if found.sealed:
        click.echo(f"{found.sealed} segments are sealed, chain {found.chain.hex()}")
    if found.snapshots:
        click.echo(f"{found.snapshots} snapshots, all valid")
    if found.tail is not None and found.tail.stale_bytes:
        click.echo(
            f"{found.tail.segment.path}, offset {found.tail.offset}: "
            f"{found.tail.stale_bytes} bytes of an unfinished unit"
        )


def _as_json(found: Verification) -> dict[str, object]:
    tail = found.tail
    return {
        "segments": found.segments,
        "compressed": found.compressed,
        "removed_segment": found.removed_segment,
        "first_lsn": found.first_lsn,
        "next_lsn": found.next_lsn,
        "sealed": found.sealed,
        "chain": found.chain.hex(),
        "snapshots": found.snapshots,
        "unfinished_bytes": 0 if tail is None else tail.stale_bytes,
        "problems": [
            {"file": str(problem.file), "offset": problem.offset, "text": problem.text}
            for problem in found.problems
        ],
    }
