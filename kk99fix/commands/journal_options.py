"""What the commands of `kk99fix journal` share: the state directory, and how faults are told."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from kk99fix.journal.errors import JournalError

DEFAULT_STATE_DIR = Path("var")

state_option = click.option(
    "--state",
    "state_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_STATE_DIR,
    show_default=True,
    help="Folder that `kk99fix serve` keeps its state in.",
)


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
