"""`kk99fix demo`: two brokers trade on a running gateway, and a compliance desk watches."""

import sys
import time
from pathlib import Path
from typing import Final

import click
import trio
from rich.console import Console

from kk99fix.commands.options import config_options, load_or_exit
from kk99fix.config.load import Settings
from kk99fix.config.sessions import SessionFile
from kk99fix.harness.client import Identity
from kk99fix.harness.demo.run import Demo, DemoError, Plan
from kk99fix.harness.demo.screen import Lines, Painting
from kk99fix.harness.demo.summary import summarize

BROKERS: Final = ("BROKER1", "BROKER2")
DESK: Final = "DROPCOPY1"
#: More books than this are hard to follow.
INSTRUMENTS_MAX: Final = 4


@click.command(short_help="Watch two brokers trade.")
@config_options
@click.option("--host", help="Address of the gateway instead of venue.toml's.")
@click.option("--port", type=click.IntRange(1, 65535), help="FIX port instead of venue.toml's.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="How long to trade; until Ctrl-C if not said.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0.1, max=1000),
    default=8.0,
    show_default=True,
    help="Orders, changes and cancels a second.",
)
@click.option("--seed", type=int, help="The same number makes the same flow of orders.")
@click.option("--plain", is_flag=True, help="Print lines, as it is done without a terminal.")
def demo(
    config_dir: Path,
    sessions_dir: Path,
    host: str | None,
    port: int | None,
    seconds: float | None,
    rate: float,
    seed: int | None,
    *,
    plain: bool,
) -> None:
    """Trade on a running gateway as BROKER1 and BROKER2, and watch as DROPCOPY1.

    Shows the books as they are built, what each broker is told in plain words, and what the
    compliance desk sees.  At the end all open orders are cancelled, and the desk's copies are
    compared with the brokers' reports: exits with 1 if they differ.
    The three sessions log on with ResetSeqNumFlag(141)=Y, because the demo keeps nothing on disk.

    \b
    Examples:
      kk99fix demo                          until Ctrl-C
      kk99fix demo --seconds 30 --rate 50   a busy half minute
      kk99fix demo --seconds 5 --plain      lines instead of a picture
    """
    settings = load_or_exit(config_dir, sessions_dir)
    now_s = int(time.time())
    try:
        plan = Plan(
            host=host or settings.venue.listen.host,
            port=port or settings.venue.listen.port,
            identities={name: _identity(settings, name) for name in (*BROKERS, DESK)},
            desk=DESK,
            accounts={name: _session(settings, name).session.accounts for name in BROKERS},
            instruments=[each for each in settings.instruments.instrument if each.open][
                :INSTRUMENTS_MAX
            ],
            rate=rate,
            seconds=seconds,
            seed=now_s if seed is None else seed,
            prefix=f"{now_s:x}",
        )
        _run(plan, plain=plain or not sys.stdout.isatty())
    except DemoError as error:
        click.echo(f"kk99fix demo: {error}", err=True)
        sys.exit(1)


def _run(plan: Plan, *, plain: bool) -> None:
    run = Demo(plan, Lines(click.echo) if plain else Painting(Console()))
    began = time.monotonic()
    trio.run(run.run)
    summary = summarize(run.market, time.monotonic() - began)
    for line in summary.lines:
        click.echo(line)
    if not summary.good:
        sys.exit(1)


def _session(settings: Settings, name: str) -> SessionFile:
    session = settings.session(name)
    role = "drop-copy" if name == DESK else "order-entry"
    if session is None or session.session.role != role:
        raise DemoError(
            f"it trades as the shipped sessions, and there is no {name} of role {role} among "
            "the session files; name their folder with --sessions"
        )
    if session.logon.asks_for_proof:
        raise DemoError(f"{name} asks for a password or a signature, and the demo has none")
    return session


def _identity(settings: Settings, name: str) -> Identity:
    session = _session(settings, name)
    shortest_s, longest_s = session.logon.heart_bt_int
    return Identity(
        name,
        session.session.target_comp_id,
        heart_bt_int_s=min(max(10, shortest_s), longest_s),
        kk99=session.session.dialect == "kk99",
    )
