"""`kk99fix harness misbehave`: a bad counterparty in every way, and a good one beside it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
import trio

from kk99fix.commands.harness_options import acceptor_options, report_options, tls_options
from kk99fix.commands.harness_report import report
from kk99fix.harness.client import Identity
from kk99fix.harness.misbehaving.catalog import Target, catalog, measure_alone, run, scenarios_at
from kk99fix.harness.misbehaving.registry import Misbehaviour
from kk99fix.harness.scenario import StreamOpener
from kk99fix.harness.script.outcome import Outcome, exit_code

ALL: Final = "all"


@click.command("misbehave", short_help="Be a bad counterparty.")
@click.argument("names", metavar="[NAME...]", nargs=-1)
@acceptor_options
@tls_options
@click.option("--bad", default="BROKER1", show_default=True, help="CompID of the bad session.")
@click.option("--good", default="BROKER2", show_default=True, help="CompID of the good one.")
@click.option("--target", default="KK99", show_default=True, help="CompID of the acceptor.")
@click.option("--symbol", default="AAPL", show_default=True, help="What the bad one orders ...")
@click.option("--far-price", default="175.00", show_default=True, help="... and trades not at.")
@click.option(
    "--good-symbol", default="SPY", show_default=True, help="What the good one trades ..."
)
@click.option("--good-price", default="560.00", show_default=True, help="... with itself.")
@click.option(
    "--scale",
    type=click.IntRange(1, 10_000),
    default=1,
    show_default=True,
    help="How many times as large floods and storms are.",
)
@report_options
def misbehave(
    names: tuple[str, ...],
    host: str,
    port: int,
    within_s: float,
    bad: str,
    good: str,
    target: str,
    symbol: str,
    far_price: str,
    good_symbol: str,
    good_price: str,
    scale: int,
    junit_file: Path | None,
    open_stream: StreamOpener,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Break the rules of FIX on one session, while another trades beside it.

    NAME is one of `kk99fix harness list`; without one, or with `all`, everything is tried.
    Each way of being bad has the answer that it has to get, and the good session must be told
    exactly what its own orders cause. For use against test systems: it sends orders in both
    instruments, and logs on with ResetSeqNumFlag(141)=Y. Some take a minute or two, as a byte a
    second does.
    Exits with 0 if every answer was right, with 1 if not, with 2 if it could not be tried.

    \b
    Examples:
      kk99fix harness misbehave all --quiet
      kk99fix harness misbehave gap wrong-checksum
      kk99fix harness misbehave flood resend-storm --scale 50 --quiet
    """
    chosen = _chosen(names)
    at = Target(
        host=host,
        port=port,
        bad=Identity(bad, target),
        good=Identity(good, target),
        symbol=symbol,
        far_price=far_price,
        good_symbol=good_symbol,
        good_price=good_price,
        within_s=within_s,
        scale=scale,
    )
    show = None if as_json else click.echo
    outcomes = trio.run(_run_all, chosen, at, open_stream, show, quiet)
    report(outcomes, junit_file, as_json=as_json)
    sys.exit(exit_code(outcomes))


async def _run_all(
    chosen: list[Misbehaviour],
    at: Target,
    open_stream: StreamOpener,
    show: Callable[[str], None] | None,
    quiet: bool,
) -> list[Outcome]:
    say = show or (lambda _line: None)
    make = scenarios_at(at, open_stream)
    alone = await measure_alone(at, make)
    say(f"the good session alone: p99 {alone * 1e3:.1f} ms from an order to its report")
    outcomes = []
    for each in chosen:
        say(f"{each.name}: {each.does}")
        outcome, p99_s = await run(each, at, make, show=None if quiet else show)
        say(f"  {outcome.verdict.value}; the good session beside it: p99 {p99_s * 1e3:.1f} ms")
        outcomes.append(outcome)
    return outcomes


def _chosen(names: tuple[str, ...]) -> list[Misbehaviour]:
    known = catalog()
    if not names or names == (ALL,):
        return list(known.values())
    for name in names:
        if name not in known:
            raise click.BadParameter(
                f"{name!r} is none; `kk99fix harness list` has their names", param_hint="NAME"
            )
    return [known[name] for name in names]
