"""`kk99fix harness`: the FIX client side, for testers."""

import sys
from pathlib import Path
from typing import Final

import click
import trio

from kk99fix.commands.harness_misbehave import misbehave
from kk99fix.commands.harness_options import (
    acceptor_options,
    report_options,
    tls_options,
    variables_of,
)
from kk99fix.commands.harness_report import report
from kk99fix.commands.tables import Column, print_json, print_table
from kk99fix.harness.misbehaving.catalog import catalog
from kk99fix.harness.scenario import Scenario, StreamOpener
from kk99fix.harness.script.library import find, shipped
from kk99fix.harness.script.lines import ScriptError
from kk99fix.harness.script.outcome import Outcome, exit_code
from kk99fix.harness.script.parse import read
from kk99fix.harness.script.play import play
from kk99fix.harness.script.steps import Script
from kk99fix.harness.transcript import Transcript

WRONG: Final = 2


@click.group(short_help="Try out a FIX 4.4 acceptor.")
def harness() -> None:
    """Play FIX 4.4 scenarios against an acceptor: this gateway or any other.

    A scenario is a plain text file; docs/harness.md is the reference of its notation.
    What it shows of passwords and of RawData(96) is ***.

    \b
    Examples:
      kk99fix harness list                                what comes with the package
      kk99fix harness run first_trade                     one of these, against 127.0.0.1:9944
      kk99fix harness run my.scenario --host uat --port 9880 --set buyer=ACME
      kk99fix harness check my.scenario                   is it written right
      kk99fix harness misbehave all                       be a bad counterparty in every way
    """


@harness.command("run", short_help="Play scripts.")
@click.argument("names", metavar="FILE...", nargs=-1, required=True)
@acceptor_options
@tls_options
@click.option(
    "--set",
    "assignments",
    metavar="NAME=VALUE",
    multiple=True,
    help="A value for ${NAME}; may be repeated.",
)
@report_options
def run_command(
    names: tuple[str, ...],
    host: str,
    port: int,
    within_s: float,
    assignments: tuple[str, ...],
    junit_file: Path | None,
    open_stream: StreamOpener,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Play scripts one after another, and show every message with the names of its fields.

    FILE is a path, or the name of a script that comes with the package.
    Exits with 0 if everything came as expected, with 1 if not, and with 2 if a script is wrong,
    nobody listens or a value is missing.

    \b
    Examples:
      kk99fix harness run first_trade cancel replace
      kk99fix harness run my.scenario --set symbol=MSFT --within 20
      PASSWORD=... kk99fix harness run my.scenario        for ${env:PASSWORD} in it
      kk99fix harness run first_trade --port 9946 --tls-ca ca.pem
      kk99fix harness run first_trade --quiet --junit results.xml
    """
    scripts = [_read(name) for name in names]
    variables = variables_of(assignments)
    show = None if quiet or as_json else click.echo

    async def play_all() -> list[Outcome]:
        outcomes = []
        for script in scripts:
            if show is not None:
                show(f"{script.name}: {script.title}")
            scenario = Scenario(
                host,
                port,
                within_s=within_s,
                transcript=Transcript(show=show),
                open_stream=open_stream,
            )
            outcomes.append(await play(script, scenario, variables))
        return outcomes

    outcomes = trio.run(play_all)
    report(outcomes, junit_file, as_json=as_json)
    sys.exit(exit_code(outcomes))


harness.add_command(misbehave)


@harness.command("check", short_help="Is a script written right.")
@click.argument("names", metavar="FILE...", nargs=-1, required=True)
def check_command(names: tuple[str, ...]) -> None:
    """Read scripts without playing them, and say what they need.

    The first mistake of a script is shown with its file and line; exits with 2 if there is one.

    \b
    Examples:
      kk99fix harness check my.scenario
      kk99fix harness check *.scenario
    """
    for name in names:
        script = _read(name)
        needs = f", needs {' '.join(f'--set {each}=...' for each in script.parameters)}"
        click.echo(
            f"{script.path}: {len(script.steps)} steps of {', '.join(script.parties) or 'nobody'}"
            f"{needs if script.parameters else ''}"
        )


@harness.command("list", short_help="What comes with the package.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_command(*, as_json: bool) -> None:
    """List the scripts and the scenarios of the misbehaving peer.

    \b
    Examples:
      kk99fix harness list
      kk99fix harness show first_trade    the script itself, to begin your own from
    """
    found = [("script", script.name, script.title) for script in shipped()]
    found += [("misbehaviour", each.name, each.does) for each in catalog().values()]
    if as_json:
        print_json({"kind": kind, "name": name, "shows": shows} for kind, name, shows in found)
        return
    print_table((Column("kind", whole=True), Column("name", whole=True), Column("shows")), found)


@harness.command("show", short_help="Print a script that comes with the package.")
@click.argument("name")
def show_command(name: str) -> None:
    """Print a script, to begin your own from.

    \b
    Examples:
      kk99fix harness show first_trade > my.scenario
      kk99fix harness show parties.inc > parties.inc    what most of them include
    """
    try:
        click.echo(find(name).read_text(encoding="utf-8"), nl=False)
    except OSError as error:
        click.echo(f"{name}: {error.strerror}; `kk99fix harness list` has the names", err=True)
        sys.exit(WRONG)


def _read(name: str) -> Script:
    try:
        return read(find(name))
    except ScriptError as error:
        click.echo(str(error), err=True)
        sys.exit(WRONG)
