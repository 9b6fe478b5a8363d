"""Options that the commands of `kk99fix harness` share."""

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
import trio

from kk99fix.harness.scenario import WITHIN_S
from kk99fix.harness.script.values import NAME
from kk99fix.harness.tls import TlsFileError, context_of, opener


def acceptor_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--host`, `--port` and `--within`, passed as `host`, `port` and `within_s`."""
    command = click.option(
        "--within",
        "within_s",
        type=click.FloatRange(min=0, min_open=True),
        default=WITHIN_S,
        show_default=True,
        help="Seconds that a step waits for what it expects.",
    )(command)
    command = click.option(
        "--port",
        type=click.IntRange(1, 65535),
        default=9944,
        show_default=True,
        help="Its FIX port.",
    )(command)
    return click.option(
        "--host", default="127.0.0.1", show_default=True, help="Address of the acceptor."
    )(command)


def tls_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--tls` and what belongs to it, passed as `open_stream`: what opens connections."""

    @functools.wraps(command)
    def with_opener(
        *arguments: Any,  # noqa: ANN401 - click's own
        tls: bool,
        tls_ca: Path | None,
        tls_certificate: Path | None,
        tls_key: Path | None,
        tls_name: str | None,
        **named: Any,  # noqa: ANN401 - click's own
    ) -> Any:  # noqa: ANN401 - click's own
        wanted = tls or any((tls_ca, tls_certificate, tls_key, tls_name))
        named["open_stream"] = trio.open_tcp_stream
        if wanted:
            try:
                context = context_of(tls_ca, tls_certificate, tls_key)
            except TlsFileError as error:
                raise click.UsageError(str(error)) from error
            named["open_stream"] = opener(context, tls_name)
        return command(*arguments, **named)

    file = click.Path(dir_okay=False, path_type=Path)
    options = (
        click.option("--tls", is_flag=True, help="Connect over TLS; the options below mean it."),
        click.option("--tls-ca", type=file, help="CA of its certificate, not the system's."),
        click.option("--tls-certificate", type=file, help="Certificate to show, with its chain."),
        click.option("--tls-key", type=file, help="Its key, if that is another file."),
        click.option("--tls-name", help="Name in its certificate, if not the host's."),
    )
    wrapped: Callable[..., Any] = with_opener
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--junit FILE`, `--json` and `--quiet`."""
    command = click.option("--quiet", is_flag=True, help="Show what failed, and no messages.")(
        command
    )
    command = click.option(
        "--json", "as_json", is_flag=True, help="One JSON object a scenario, and nothing else."
    )(command)
    return click.option(
        "--junit",
        "junit_file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the results here as JUnit XML.",
    )(command)


def variables_of(assignments: Iterable[str]) -> dict[str, str]:
    """Return what `--set NAME=VALUE` said; a usage error where it says nothing of the kind."""
    variables = {}
    for each in assignments:
        name, equals, value = each.partition("=")
        if not equals or not NAME.fullmatch(name):
            # What was given may be a secret.
            raise click.BadParameter("NAME=VALUE is wanted", param_hint="--set")
        variables[name] = value
    return variables
