"""`kk99fix serve`: run the gateway."""

import resource
import signal
import sys
from functools import partial
from pathlib import Path
from typing import NoReturn

import click
import trio

from kk99fix.commands.options import (
    config_options,
    exit_with_mistakes,
    load_or_exit,
    secrets_option,
    seeds_or_exit,
)
from kk99fix.config.errors import ConfigError
from kk99fix.config.load import Settings
from kk99fix.gateway import assembly, logs, server
from kk99fix.gateway.child_reports import KEEPER, PROJECTOR
from kk99fix.gateway.children import ChildCommand
from kk99fix.gateway.core_files import forbid_core_files
from kk99fix.gateway.listening import ListenError, Place
from kk99fix.gateway.logs import Log
from kk99fix.gateway.operator_socket import OperatorSocketError
from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.reloader import Folders
from kk99fix.gateway.tls_listener import TlsListener
from kk99fix.journal.errors import JournalError, JournalWriteError
from kk99fix.matcher.values import CoreError
from kk99fix.vault.sealed_seeds import SealedSeeds
from kk99fix.vault.seeds import SeedError
from kk99fix.venue.recovery import DivergenceError
from kk99fix.venue.registry import ConfigRefusedError

#: EX_IOERR of sysexits.h: the journal could not be written.
EXIT_IO_ERROR = 74
#: What a person can act upon: each says in a sentence what is wrong.
START_ERRORS = (
    JournalError,
    DivergenceError,
    ConfigRefusedError,
    CoreError,
    MemoryError,
    OSError,
)
#: Descriptors that are no connections: journal, listeners, epoll, standard streams.
DESCRIPTORS_BESIDE = 64


@click.command(short_help="Run the gateway.")
@config_options
@secrets_option
@click.option(
    "--state",
    "state_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var"),
    show_default=True,
    help="Folder of the journal; made if it is not there.",
)
@click.option("--host", help="Address to listen on instead of venue.toml's.")
@click.option("--port", type=click.IntRange(0, 65535), help="FIX port instead of venue.toml's.")
@click.option(
    "--tls-port", type=click.IntRange(0, 65535), help="Port of FIX over TLS instead of [tls]'s."
)
@click.option(
    "--metrics-port", type=click.IntRange(0, 65535), help="Metrics port instead of venue.toml's."
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="The least important log line to show.",
)
def serve(
    config_dir: Path,
    sessions_dir: Path,
    secrets_dir: Path,
    state_dir: Path,
    host: str | None,
    port: int | None,
    tls_port: int | None,
    metrics_port: int | None,
    log_level: str,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C.

    The line `listening on HOST:PORT` on standard output means that counterparties can connect.
    A TLS listener, where venue.toml has one, says `listening with TLS on HOST:PORT` before it.
    Logs go to standard error.  A stop logs everybody out first.
    Session files and risk.toml are followed meanwhile; SIGHUP has them looked at now.

    \b
    Examples:
      kk99fix serve
      kk99fix serve --port 9944 --state /var/lib/kk99fix
      kk99fix serve --config /etc/kk99fix --sessions /etc/kk99fix/sessions
    """
    settings = load_or_exit(config_dir, sessions_dir)
    # Before there are children: the key leaves the environment here.
    seeds = seeds_or_exit(settings.venue.secrets, config_dir, secrets_dir)
    log = logs.configure(level=log_level)
    forbid_core_files()
    _tell_of_seeds(settings, seeds, log)
    # It asks for a look at the files; before there is anything to follow them it means nothing.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _allow_descriptors(settings.venue.listen.max_connections)
    tls = tls_or_exit(settings, config_dir, log)
    try:
        gateway = assembly.start(
            settings,
            state_dir,
            log,
            children=_children(settings, config_dir, sessions_dir, state_dir),
            seeds=seeds,
            folders=Folders(config_dir, sessions_dir),
            tls=tls,
        )
    except JournalWriteError as error:
        _give_up(error, EXIT_IO_ERROR)
    except START_ERRORS as error:
        _give_up(error, 1)
    places = server.places_of(
        gateway,
        ready=lambda host, port: click.echo(f"listening on {host}:{port}"),
        ready_tls=lambda host, port: click.echo(f"listening with TLS on {host}:{port}"),
        host=host,
        port=port,
        tls_port=tls_port,
    )
    _run(gateway, places, metrics_port)


def tls_or_exit(settings: Settings, config_dir: Path, log: Log) -> TlsListener | None:
    """Read what [tls] names; with mistakes in it, list all on standard error and exit 1."""
    if not settings.venue.tls.listens:
        return None
    try:
        return TlsListener(config_dir, settings.venue.tls, log)
    except ConfigError as error:
        exit_with_mistakes(error)


def _tell_of_seeds(settings: Settings, seeds: SealedSeeds, log: logs.Log) -> None:
    """Say at once which sessions cannot log on because their seed does not open."""
    for session in settings.sessions:
        name = session.logon.totp
        reason = None if name is None else _why_not_opened(seeds, name)
        if reason is not None:
            log.error("seed not opened", session=session.comp_id, name=name, reason=reason)


def _why_not_opened(seeds: SealedSeeds, name: str) -> str | None:
    try:
        seeds.seed(name)
    except SeedError as error:
        return str(error)
    return None


def _children(
    settings: Settings, config_dir: Path, sessions_dir: Path, state_dir: Path
) -> list[ChildCommand]:
    """Return what [children] wants to run beside the gateway."""
    run = ("-m", "kk99fix.child")
    state = ("--state", str(state_dir), "--follow", "--json-status")
    files = ("--config", str(config_dir), "--sessions", str(sessions_dir))
    children = []
    if settings.venue.children.keeper:
        children.append(ChildCommand(KEEPER, (*run, "--idle", "keep", *files, *state)))
    if settings.venue.children.projector:
        children.append(ChildCommand(PROJECTOR, (*run, "project", *state)))
    return children


def _run(gateway: Gateway, places: list[Place], metrics_port: int | None) -> None:
    listen = gateway.settings.venue.listen
    serving = partial(
        server.serve,
        gateway,
        places=places,
        metrics_host=listen.metrics_host,
        metrics_port=listen.metrics_port if metrics_port is None else metrics_port,
    )
    failures: list[Exception] = []
    try:
        trio.run(serving, strict_exception_groups=True)
    except* (JournalError, ListenError, OperatorSocketError) as group:
        failures += _leaves(group)
    for failure in failures:
        _give_up(failure, EXIT_IO_ERROR if isinstance(failure, JournalWriteError) else 1)


def _leaves(group: ExceptionGroup[Exception]) -> list[Exception]:
    """The exceptions of a group, those of groups inside it included."""
    found: list[Exception] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, ExceptionGroup) else [error]
    return found


def _give_up(error: Exception, code: int) -> NoReturn:
    """End the process with one sentence."""
    click.echo(f"kk99fix serve: {error}", err=True)
    sys.exit(code)


def _allow_descriptors(connections: int) -> None:
    """Raise the limit of open files to what the connections need, or end the process.

    A limit that connections can use up would one day leave none for the journal's next segment.
    """
    wanted = connections + DESCRIPTORS_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        message = (
            f"at most {hard} files may be open, and max_connections = {connections} of [listen] "
            f"in venue.toml needs {wanted}. Raise the limit (ulimit -Hn, LimitNOFILE= of systemd), "
            f"or lower max_connections."
        )
        _give_up(OSError(message), 1)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
