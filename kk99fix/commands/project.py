"""`kk99fix project`: carry the tables in SQLite on along the journal."""

import gc
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import click

from kk99fix.commands.options import give_way
from kk99fix.commands.projection_options import database_option, file_of
from kk99fix.commands.usual_options import state_option
from kk99fix.journal.errors import JournalError
from kk99fix.projection import database
from kk99fix.projection.audit import audit
from kk99fix.projection.errors import ProjectionError
from kk99fix.projection.projector import Place, Projector, projecting, rebuild
from kk99fix.state.configuration import last_configuration

#: How long to wait, once caught up, before the journal is looked at again: each transaction is a
#: sync of the disk that the gateway's journal is on, so a few a second have to do.
WAIT_AFTER_STEP_S: Final = 0.2
WAIT_IDLE_S: Final = 0.1
STATUS_EVERY_S: Final = 1.0
#: EX_DATAERR of sysexits.h: the journal is damaged or not there.
EXIT_JOURNAL: Final = 66


@click.command(short_help="Follow the journal into tables.")
@state_option
@database_option
@click.option("--follow", is_flag=True, help="Go on until stopped, instead of ending at the end.")
@click.option("--rebuild", "anew", is_flag=True, help="Build the tables anew from the journal.")
@click.option("--check", is_flag=True, help="Compare every row with the journal; change nothing.")
@click.option(
    "--json-status", is_flag=True, help="Say how far it is as lines of JSON, once a second at most."
)
def project(
    *,
    state_dir: Path,
    db_file: Path | None,
    follow: bool,
    anew: bool,
    check: bool,
    json_status: bool,
) -> None:
    """Follow the journal into a SQLite database that everything else can read.

    Sessions, orders, executions, trades and positions as tables; docs/projection.md explains
    each. `kk99fix serve` runs this with --follow as its child, so it is needed by hand only for a
    stopped gateway, for another file, or to build the tables anew. Nothing is lost by building
    anew what stands in the journal; where [retention] has removed its beginning, the old tables
    are kept beside under another name. Whoever reads meanwhile keeps the old tables.

    \b
    Exits with 0 at the end or when it is stopped,
      65  the database is damaged or not of this journal: run it with --rebuild
      66  the journal is damaged or not there
      74  the disk is full, read-only or broken
      75  another process writes the database

    \b
    Examples:
      kk99fix project                        catch up and end
      kk99fix project --follow               until Ctrl-C
      kk99fix project --rebuild              anew, beside the old ones
      kk99fix project --check                whether a bit of them has changed since
      kk99fix project --db /tmp/audit.db     into a file of its own
    """
    file = file_of(state_dir, db_file)
    say = _Status(as_json=json_status)
    place = Place(state_dir, file, say.line, lambda: last_configuration(state_dir), give_way())
    try:
        if check:
            lsn = audit(place)
            say.line(f"{file}: every row is what the journal says, up to lsn {lsn}")
            return
        with database.writer_lock(file), _stopped_by_signals() as stopped:
            if anew:
                rebuild(place)
            with projecting(place) as projector:
                _run(projector, say, stopped, follow=follow)
                say.progress(projector, 0, due=True)
    except ProjectionError as error:
        _give_up(error, error.exit_code)
    except JournalError as error:
        _give_up(error, EXIT_JOURNAL)


def _run(projector: Projector, say: "_Status", stopped: list[int], *, follow: bool) -> None:
    """Take steps until a signal comes, or without `follow` until there is nothing more."""
    with _collected_by_hand():
        while not stopped:
            records = projector.step()
            say.progress(projector, records, due=False)
            if records == 0 and not follow:
                return
            if follow and projector.caught_up:
                gc.collect()
                time.sleep(WAIT_AFTER_STEP_S if records else WAIT_IDLE_S)


@contextmanager
def _collected_by_hand() -> Iterator[None]:
    """Leave garbage to the block: rows are many and have no cycles.

    Looking for some among them costs a tenth of the processor time, and milliseconds at once.
    """
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


class _Status:
    """What is said while it runs: sentences for people, or one JSON object a line."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._records = 0
        self._said_s = 0.0
        self._said_lsn = -1

    def line(self, text: str) -> None:
        """Say a sentence."""
        click.echo(json.dumps({"event": "note", "text": text}) if self._as_json else text)

    def progress(self, projector: Projector, records: int, *, due: bool) -> None:
        """Say how far it is, at most once a second; always where it is due."""
        self._records += records
        now_s = time.monotonic()
        stored = projector.stored
        if not due and (now_s - self._said_s < STATUS_EVERY_S or stored.lsn == self._said_lsn):
            return
        self._said_s, self._said_lsn = now_s, stored.lsn
        if self._as_json:
            status = {
                "event": "projected",
                "lsn": stored.lsn,
                "time_ns": stored.time_ns,
                "records": self._records,
            }
            click.echo(json.dumps(status))
        elif due:
            click.echo(f"the tables stand at lsn {stored.lsn}, {self._records} records were new")


@contextmanager
def _stopped_by_signals() -> Iterator[list[int]]:
    """Yield a list that gets the signal which asks to stop, SIGINT or SIGTERM; one step ends."""
    stopped: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stopped.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _give_up(error: Exception, code: int) -> NoReturn:
    """End the process with one sentence."""
    click.echo(f"kk99fix project: {error}", err=True)
    sys.exit(code)
