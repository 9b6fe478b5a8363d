"""`kk99fix serve`: run the gateway."""

import resource
import sys
from functools import partial
from pathlib import Path

import click
import trio

from kk99fix.commands.options import config_options, load_or_exit
from kk99fix.config.load import Settings
from kk99fix.gateway import logs, server
from kk99fix.journal.errors import JournalError, JournalWriteError
from kk99fix.matcher.values import CoreError
from kk99fix.venue.recovery import DivergenceError
from kk99fix.venue.registry import ConfigRefusedError

#: EX_IOERR of sysexits.h: the journal could not be written.
EXIT_IO_ERROR = 74


@click.command(short_help="Run the gateway.")
@config_options
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
    state_dir: Path,
    host: str | None,
    port: int | None,
    metrics_port: int | None,
    log_level: str,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C.

    The line `listening on HOST:PORT` on standard output means that counterparties can connect.
    Logs go to standard error.  A stop logs everybody out first.

    \b
    Examples:
      kk99fix serve
      kk99fix serve --port 9944 --state /var/lib/kk99fix
      kk99fix serve --config /etc/kk99fix --sessions /etc/kk99fix/sessions
    """
    settings = load_or_exit(config_dir, sessions_dir)
    log = logs.configure(level=log_level)
    # A core file would hold credentials and orders.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        gateway = server.start(settings, state_dir, log)
    except (JournalError, DivergenceError, ConfigRefusedError, CoreError, OSError) as error:
        click.echo(f"kk99fix serve: {error}", err=True)
        sys.exit(1)
    _run(gateway, settings, host, port, metrics_port)


def _run(
    gateway: server.Gateway,
    settings: Settings,
    host: str | None,
    port: int | None,
    metrics_port: int | None,
) -> None:
    listen = settings.venue.listen
    serving = partial(
        server.serve,
        gateway,
        host=listen.host if host is None else host,
        port=listen.port if port is None else port,
        metrics_port=listen.metrics_port if metrics_port is None else metrics_port,
        ready=lambda host, port: click.echo(f"listening on {host}:{port}"),
    )
    try:
        trio.run(serving, strict_exception_groups=True)
    except* JournalWriteError as group:
        click.echo(f"kk99fix serve: {group.exceptions[0]}", err=True)
        sys.exit(EXIT_IO_ERROR)
    except* OSError as group:
        click.echo(f"kk99fix serve: {group.exceptions[0]}", err=True)
        sys.exit(1)
