"""What several commands share: where the files are, and what to do when they are wrong."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from kk99fix.config.errors import ConfigError
from kk99fix.config.load import DEFAULT_CONFIG_DIR, DEFAULT_SESSIONS_DIR, Settings, load
from kk99fix.config.venue import Secrets
from kk99fix.matcher.giving_way import KEEPING_ON, GiveWay
from kk99fix.vault.opening import open_seeds
from kk99fix.vault.sealed_seeds import SealedSeeds
from kk99fix.vault.seeds import SeedError

DEFAULT_SECRETS_DIR: Final = Path("secrets")


def config_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--config DIR` and `--sessions DIR`, passed as `config_dir` and `sessions_dir`."""
    folder = click.Path(file_okay=False, path_type=Path)
    command = click.option(
        "--sessions",
        "sessions_dir",
        type=folder,
        default=DEFAULT_SESSIONS_DIR,
        show_default=True,
        help="Folder with one file per counterparty session.",
    )(command)
    return click.option(
        "--config",
        "config_dir",
        type=folder,
        default=DEFAULT_CONFIG_DIR,
        show_default=True,
        help="Folder with venue.toml, instruments.toml, calendar.toml and risk.toml.",
    )(command)


def give_way() -> GiveWay:
    """Return how the running command gives way: as a child of `serve`, or not at all."""
    return click.get_current_context().find_object(GiveWay) or KEEPING_ON


def load_or_exit(config_dir: Path, sessions_dir: Path) -> Settings:
    """Return what the files say; with mistakes in them, list all on standard error and exit 1."""
    try:
        return load(config_dir, sessions_dir)
    except ConfigError as error:
        exit_with_mistakes(error)


def exit_with_mistakes(error: ConfigError) -> NoReturn:
    """List all mistakes on standard error and exit 1."""
    for mistake in error.mistakes:
        click.echo(mistake, err=True)
    count = len(error.mistakes)
    click.echo(f"{count} mistake{'s' if count != 1 else ''} found", err=True)
    sys.exit(1)


secrets_option = click.option(
    "--secrets",
    "secrets_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_SECRETS_DIR,
    show_default=True,
    help="Folder of the sealed seeds of one-time passwords.",
)


def seeds_or_exit(secrets: Secrets, config_dir: Path, secrets_dir: Path) -> SealedSeeds:
    """Return the seeds that [secrets] names; where a key is no key, say so and exit 1."""
    key_file = None if secrets.key_file is None else config_dir / secrets.key_file
    try:
        return open_seeds(secrets.store, secrets_dir, key_file, os.environ)
    except SeedError as error:
        click.echo(error, err=True)
        sys.exit(1)
