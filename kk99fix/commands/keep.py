"""`kk99fix keep`: verify and seal complete segments, save snapshots, compress and remove."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

import click

from kk99fix.commands.options import config_options, give_way, load_or_exit
from kk99fix.commands.usual_options import state_option
from kk99fix.config.venue import VenueFile
from kk99fix.journal.errors import (
    JournalDamagedError,
    JournalError,
    JournalLockedError,
    JournalMissingError,
    JournalWriteError,
)
from kk99fix.journal.lock import StateLock
from kk99fix.journal.names import JOURNAL_FOLDER
from kk99fix.keeper.keeper import Keeper, KeeperPolicy
from kk99fix.state.retention import RetentionPolicy

LOCK_NAME: Final = "keeper.lock"
LOOK_EVERY_S: Final = 0.5
STATUS_EVERY_S: Final = 1.0
#: Of sysexits.h: EX_DATAERR, EX_NOINPUT, EX_IOERR, EX_TEMPFAIL.
EXIT_DIFFERS: Final = 65
EXIT_JOURNAL: Final = 66
EXIT_IO_ERROR: Final = 74
EXIT_LOCKED: Final = 75


@click.command(short_help="Seal, snapshot and tidy the journal.")
@config_options
@state_option
@click.option("--follow", is_flag=True, help="Go on until stopped, instead of ending at the end.")
@click.option("--json-status", is_flag=True, help="Say what is done as lines of JSON.")
def keep(
    *, config_dir: Path, sessions_dir: Path, state_dir: Path, follow: bool, json_status: bool
) -> None:
    """Replay complete segments, compare every output, and write their seals.

    Saves snapshots, and compresses and removes old segments as [snapshots] and [retention] of
    venue.toml say. `kk99fix serve` runs this with --follow as its child unless [children] switches
    it off; by hand it works on a running or a stopped gateway's state, one at a time. A segment is
    complete once a later one exists. Killing it at any moment loses nothing.

    \b
    Exits with 0 at the end,
      65  replay gave another output than the recorded one: both are printed
      66  a segment or a seal is damaged, or there is no journal
      74  the disk is full, read-only or broken
      75  another keeper works on this state
    With --follow a difference or damage is said and waited with, since starting over finds it
    again.

    \b
    Examples:
      kk99fix keep                           seal what is complete, and end
      kk99fix keep --follow                  until Ctrl-C
      kk99fix keep --state /var/lib/kk99fix
    """
    policy = policy_of(load_or_exit(config_dir, sessions_dir).venue)
    say = _Sayer(as_json=json_status)
    try:
        require_journal(state_dir)
        with StateLock(state_dir, LOCK_NAME):
            keeper = _keeper(state_dir, policy, say, follow=follow)
            _run(keeper, say, follow=follow)
    except JournalLockedError as error:
        _give_up(error, EXIT_LOCKED)
    except JournalWriteError as error:
        _give_up(error, EXIT_IO_ERROR)
    except JournalError as error:
        _give_up(error, EXIT_JOURNAL)
    if keeper.alarm is not None:
        damaged = isinstance(keeper.alarm, JournalDamagedError)
        _give_up(keeper.alarm, EXIT_JOURNAL if damaged else EXIT_DIFFERS)


def require_journal(state_dir: Path) -> None:
    """Raise JournalError where there is no journal."""
    if not (state_dir / JOURNAL_FOLDER).is_dir():
        raise JournalMissingError(state_dir / JOURNAL_FOLDER)


def policy_of(venue: VenueFile) -> KeeperPolicy:
    """Return what venue.toml says to the keeper."""
    return KeeperPolicy(
        every_segments=venue.snapshots.every_segments,
        every_minutes=venue.snapshots.every_minutes,
        snapshots_kept=venue.snapshots.kept,
        retention=RetentionPolicy(
            keep_days=venue.retention.keep_days,
            compress_after_days=venue.retention.compress_after_days,
            compress_after_segments=venue.retention.compress_after_segments,
        ),
    )


def _keeper(state_dir: Path, policy: KeeperPolicy, say: "_Sayer", *, follow: bool) -> Keeper:
    """Return the keeper; of a damaged seal that is said, and with `follow` waited with."""
    try:
        return Keeper(state_dir, policy, say.event, time.time_ns)
    except JournalDamagedError as error:
        say.event("damage", {"text": str(error)})
        with suppress(KeyboardInterrupt):
            while follow:
                time.sleep(LOOK_EVERY_S)
        raise


def _run(keeper: Keeper, say: "_Sayer", *, follow: bool) -> None:
    """Do what there is to do; with `follow` until Ctrl-C."""
    often = give_way().often
    with suppress(KeyboardInterrupt):
        while True:
            # Replays, hashes and compresses in C, for seconds at a time.
            with often():
                busy = keeper.step()
            say.status(keeper.status, due=False)
            if not busy and not follow and not keeper.doubts:
                break
            if not busy:
                time.sleep(LOOK_EVERY_S)
    say.status(keeper.status, due=True)


class _Sayer:
    """What is said: sentences for people, or one JSON object a line."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._said_s = 0.0
        self._said: dict[str, object] = {}

    def event(self, name: str, values: dict[str, object]) -> None:
        """Say what was done; what ends the command is said by its end."""
        if self._as_json:
            click.echo(json.dumps({"event": name, **values}))
        elif name not in ("mismatch", "damage"):
            click.echo(f"{name}: " + ", ".join(f"{key} {value}" for key, value in values.items()))

    def status(self, of: Callable[[], dict[str, object]], *, due: bool) -> None:
        """Say how far it is: as JSON once a second where it changed, else at the end."""
        now_s = time.monotonic()
        if not due and (not self._as_json or now_s - self._said_s < STATUS_EVERY_S):
            return
        self._said_s, status = now_s, of()
        if self._as_json and status != self._said:
            click.echo(json.dumps({"event": "status", **status}))
        elif due:
            click.echo(
                f"sealed up to segment {status['sealed_segment']}, "
                f"verified up to lsn {status['verified_lsn']}, "
                f"{status['lag_segments']} segments wait"
            )
        self._said = status


def _give_up(error: Exception, code: int) -> NoReturn:
    """End the process with one sentence."""
    click.echo(f"kk99fix keep: {error}", err=True)
    sys.exit(code)
