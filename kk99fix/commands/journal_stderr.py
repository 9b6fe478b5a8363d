"""What the commands of `kk99fix journal` say on standard error: faults, and what is being done."""

import contextlib
import sys
from collections.abc import Iterator

import click

from kk99fix.journal.errors import JournalError


@contextlib.contextmanager
def faults_reported() -> Iterator[None]:
    """Turn a journal that cannot be read into one sentence on standard error and exit code 1."""
    try:
        yield
    except JournalError as error:
        click.echo(error, err=True)
        sys.exit(1)


def progress(line: str) -> None:
    """Say on standard error what is being done, where a person looks."""
    if sys.stderr.isatty():
        click.echo(line, err=True)
