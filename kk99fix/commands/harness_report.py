"""Reports the outcomes of `kk99fix harness`: lines for people, JSON, JUnit XML."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from kk99fix.harness.script.junit import junit_xml
from kk99fix.harness.script.outcome import Outcome


def report(outcomes: Sequence[Outcome], junit_file: Path | None, *, as_json: bool) -> None:
    """Print every outcome, and write the file that was asked for."""
    if junit_file is not None:
        try:
            junit_file.write_bytes(junit_xml(outcomes))
        except OSError as error:
            click.echo(f"--junit: {junit_file} cannot be written: {error.strerror}", err=True)
            sys.exit(2)
    if as_json:
        for outcome in outcomes:
            click.echo(json.dumps(outcome.json()))
        return
    for outcome in outcomes:
        click.echo(f"{outcome.verdict.value:<7} {outcome.name} ({outcome.seconds:.1f} s)")
        for line in outcome.complaint.splitlines():
            click.echo(f"        {line}")
    passed = sum(outcome.passed for outcome in outcomes)
    click.echo(f"{passed} of {len(outcomes)} passed")
