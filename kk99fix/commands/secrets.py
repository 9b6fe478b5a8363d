"""`kk99fix secrets`: the key that seeds of one-time passwords are sealed under, and its changes."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from attrs import asdict, frozen

from kk99fix.commands.options import config_options, load_or_exit, secrets_option, seeds_or_exit
from kk99fix.commands.tables import Column, print_table
from kk99fix.config.load import Settings
from kk99fix.vault.keys import VARIABLE
from kk99fix.vault.rotation import make_key_file, rotate
from kk99fix.vault.sealed_seeds import SealedSeeds
from kk99fix.vault.seeds import SeedError


@click.group(short_help="Keep the seeds of one-time passwords.")
def secrets() -> None:
    """Make and change the key that seeds are sealed under, and see whether all seeds open.

    The key is in KK99_SEED_KEY, or in the file that key_file of [secrets] in venue.toml names.
    Seeds themselves are made by `kk99fix onboard --totp`.

    \b
    Examples:
      kk99fix secrets new-key config/seed.key   a key, in a file of its own
      kk99fix secrets list                      every seed, and whether the key opens it
      kk99fix secrets rotate                    a new key for all of them
    """


@secrets.command("new-key", short_help="Make a key.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def new_key_command(file: Path) -> None:
    """Write a new random key to FILE, which its owner alone may read.

    A file that is there is never overwritten: without its key a seed is lost.
    Keep a copy of the key where no copy of the secrets folder is.

    \b
    Examples:
      kk99fix secrets new-key config/seed.key
      kk99fix secrets new-key /run/kk99.key && export KK99_SEED_KEY="$(cat /run/kk99.key)"
    """
    with _faults_reported():
        key = make_key_file(file)
    click.echo(
        f'{file} holds key {key.id.hex()}. Name it with key_file = "..." under [secrets] in '
        f"venue.toml, or put its content into {VARIABLE}."
    )


@secrets.command("list", short_help="Show the seeds and whether they open.")
@config_options
@secrets_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def list_command(config_dir: Path, sessions_dir: Path, secrets_dir: Path, *, as_json: bool) -> None:
    """Show every seed, the sessions that name it, its key, and whether it opens.

    No seed is shown.  Exits with 1 if one does not open.

    \b
    Examples:
      kk99fix secrets list
      kk99fix secrets list --json
    """
    settings = load_or_exit(config_dir, sessions_dir)
    seeds = seeds_or_exit(settings.venue.secrets, config_dir, secrets_dir)
    rows = [_row(seeds, name, _users(settings, name)) for name in seeds.names()]
    if as_json:
        click.echo(json.dumps({"seeds": [asdict(row) for row in rows]}, indent=2))
    else:
        _print_table(rows, secrets_dir)
    if any(row.fault for row in rows):
        sys.exit(1)


@secrets.command("rotate", short_help="Seal all seeds under a new key.")
@config_options
@secrets_option
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the new key goes; the key file itself if not said.",
)
def rotate_command(
    config_dir: Path, sessions_dir: Path, secrets_dir: Path, to: Path | None
) -> None:
    """Make a new key and seal every seed under it; counterparties notice nothing.

    With a key file the gateway may run: it finds both keys meanwhile, and the file holds the new
    one at the end.  With a key in KK99_SEED_KEY name a file for the new one by --to, put its
    content into the variable, and start the gateway again.
    If a seed does not open nothing is changed.  An interrupted change goes on when it is repeated.

    \b
    Examples:
      kk99fix secrets rotate
      kk99fix secrets rotate --to /run/kk99.key
    """
    settings = load_or_exit(config_dir, sessions_dir)
    seeds = seeds_or_exit(settings.venue.secrets, config_dir, secrets_dir)
    with _faults_reported():
        done = rotate(seeds, to)
    count = len(done.sealed)
    click.echo(f"{count} seed{'' if count == 1 else 's'} sealed under the key in {done.key_file}")
    if done.before:
        click.echo(f"{len(done.before)} were under it already")
    if to is not None:
        click.echo(
            f"Give the gateway that key: put the file's content into {VARIABLE} and start it again."
        )


@frozen
class Row:
    """One seed, as people see it."""

    name: str
    #: The id of the key that it is sealed under; empty where the file does not say.
    key: str
    #: Why it does not open; empty where it does.
    fault: str
    #: Sessions whose files name it.
    sessions: list[str]


def _users(settings: Settings, name: str) -> list[str]:
    return [session.comp_id for session in settings.sessions if session.logon.totp == name]


def _row(seeds: SealedSeeds, name: str, users: list[str]) -> Row:
    key = ""
    try:
        key = seeds.key_id(name).hex()
        seeds.seed(name)
    except SeedError as error:
        return Row(name, key, str(error), users)
    return Row(name, key, "", users)


def _print_table(rows: list[Row], secrets_dir: Path) -> None:
    if not rows:
        click.echo(f"there is no seed in {secrets_dir}; `kk99fix onboard --totp` makes one")
        return
    columns = [Column(heading) for heading in ("seed", "sessions", "key", "opens")]
    print_table(columns, [_cells(row) for row in rows])


def _cells(row: Row) -> tuple[str, ...]:
    return row.name, ", ".join(row.sessions) or "none", row.key, row.fault or "yes"


@contextmanager
def _faults_reported() -> Iterator[None]:
    """Turn what cannot be done into one sentence on standard error and exit code 1."""
    try:
        yield
    except SeedError as error:
        click.echo(error, err=True)
        sys.exit(1)
