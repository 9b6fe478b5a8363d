"""Options that the commands of `kk99fix harness` share."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from kk99fix.harness.scenario import WITHIN_S
from kk99fix.harness.script.values import NAME


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
