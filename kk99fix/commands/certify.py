"""`kk99fix certify`: let a counterparty's engine show what it can do, and write a report."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from attrs import frozen

from kk99fix.commands.certify_watch import Watch
from kk99fix.commands.operator_client import NotRunningError, RefusedError, ask, ask_or_exit
from kk99fix.commands.tables import time_text
from kk99fix.commands.usual_options import state_option
from kk99fix.config.decimals import format_e8
from kk99fix.gateway.operator_certification import RUN_MAX_S
from kk99fix.harness.certification import report, scenarios
from kk99fix.harness.certification.examination import Examination, FunctionResult, Patience
from kk99fix.journal.errors import JournalError

REPORT_FOLDER: Final = "certification"
NOT_PASSED: Final = 3
POLL_S: Final = 0.05
#: Lots of the quantity that is asked for, and of half of it.
_LOTS: Final = 100


@frozen
class Plan:
    """What is examined: the session as the gateway describes it, and with what."""

    standing: dict[str, Any]
    functions: list[scenarios.Function]
    variables: dict[str, str]
    patience: Patience

    @property
    def lasts_s(self) -> int:
        """So long the run may take at most: every step as often and as late as it may come."""
        steps = sum(len(function.steps) for function in self.functions)
        once_s = self.patience.step_s + self.patience.answer_s
        return min(int(steps * once_s * self.patience.mistakes_max) + 60, RUN_MAX_S)


@click.command(short_help="Certify a counterparty's engine.")
@click.argument("session", metavar="COMPID")
@click.option(
    "--function",
    "only",
    multiple=True,
    metavar="NAME",
    help="Only this function of the session's file; repeatable.",
)
@click.option("--symbol", help="Instrument to trade; else the first one that may be used.")
@click.option(
    "--step-timeout",
    "step_s",
    type=click.FloatRange(1, 3600),
    default=300.0,
    show_default=True,
    help="Seconds to wait for each message.",
)
@click.option("--show", is_flag=True, help="Only show what was passed, and when.")
@click.option("--revoke", is_flag=True, help="Take back all that was passed.")
@click.option("--json", "as_json", is_flag=True, help="With --show: print it as JSON.")
@state_option
def certify(
    *,
    session: str,
    only: tuple[str, ...],
    symbol: str | None,
    step_s: float,
    show: bool,
    revoke: bool,
    as_json: bool,
    state_dir: Path,
) -> None:
    """Go through the functions that the session's file names under [certification].

    The counterparty's own engine drives: each message that it should send is asked for here, and
    what it sends and what the venue answers is watched in the journal. Meanwhile the session may
    enter orders, also if it is not certified yet: on a test venue in every instrument, elsewhere
    in those with certification = true.

    What was passed is recorded, and a report is written into the state directory as Markdown and
    as HTML. Exits with 3 if a function was not passed.

    \b
    Examples:
      kk99fix certify BROKER1
      kk99fix certify BROKER1 --function cancel --function replace
      kk99fix certify BROKER1 --show
      kk99fix certify BROKER1 --show --json
    """
    if as_json and not show:
        raise click.UsageError("--json is for --show; a run writes its report into a file.")
    if revoke:
        ask_or_exit(state_dir, "certify", session=session, step="revoke")
        click.echo(f"{session}: what it had passed counts no more")
        return
    standing = ask_or_exit(state_dir, "certification", session=session)
    if show:
        _show(standing, as_json=as_json)
        return
    try:
        plan = planned(standing, only, symbol, Patience(step_s=step_s))
    except ValueError as error:
        click.echo(f"kk99fix: {error}", err=True)
        sys.exit(1)
    try:
        results = conduct(state_dir, plan, click.echo)
    except (NotRunningError, RefusedError) as error:
        click.echo(f"kk99fix: {error}", err=True)
        sys.exit(1)
    sys.exit(0 if all(result.passed for result in results) else NOT_PASSED)


def planned(
    standing: dict[str, Any], only: tuple[str, ...], symbol: str | None, patience: Patience
) -> Plan:
    """What is to be done; ValueError says what is wrong with the question."""
    name, named = standing["session"], list(standing["functions"])
    if not named:
        raise ValueError(
            f"the file of {name} names no functions; under [certification] "
            f'functions = ["limit", "cancel"] would be right'
        )
    for function in only:
        if function not in named:
            raise ValueError(f"{name} has no function {function!r}; {', '.join(named)} are")
    known, wanted = scenarios.read(), [each for each in named if not only or each in only]
    functions = [known[each] for each in known if each in wanted]
    return Plan(standing, functions, _variables(standing, functions, symbol), patience)


def conduct(
    state_dir: Path,
    plan: Plan,
    say: Callable[[str], None],
    clock_s: Callable[[], float] = time.monotonic,
) -> list[FunctionResult]:
    """Hold the run, write the reports, record what was passed; NotRunningError, RefusedError.

    A run whose gateway stops meanwhile goes on once it is back: the journal does.
    """
    name = plan.standing["session"]
    began = ask(state_dir, "certify", session=name, step="begin", seconds=plan.lasts_s)
    examination = Examination(plan.functions, plan.variables, plan.patience)
    try:
        if not began["online"]:
            say(f"{name} is not logged on: whatever it sends is seen once it is")
        watch = Watch(state_dir, began["segment"], began["lsn"], began["session_id"])
        _watch(examination, watch, say, clock_s)
    except KeyboardInterrupt:
        examination.give_up("the operator ended the run")
    except JournalError as error:
        examination.give_up(f"the journal could not be followed: {error}")
    finally:
        with suppress(
            NotRunningError, RefusedError
        ):  # then it ends by itself; its file may be gone
            ask(state_dir, "certify", session=name, step="end")
    try:
        for path in _write(state_dir, plan, examination):
            say(f"report: {path}")
    except OSError as error:
        say(f"no report could be written: {error}")
    if examination.passed:
        passed = examination.passed
        ask(state_dir, "certify", session=name, step="passed", functions=passed)
    say(f"{name} {report.verdict(examination.results)}")
    return examination.results


def _watch(
    examination: Examination,
    watch: Watch,
    say: Callable[[str], None],
    clock_s: Callable[[], float],
) -> None:
    for line in examination.begin(clock_s()):
        say(line)
    while not examination.done:
        for message in watch.take():
            for line in examination.see(message, clock_s()):
                say(line)
        for line in examination.tick(clock_s()):
            say(line)
        time.sleep(POLL_S)


def _variables(
    standing: dict[str, Any], functions: list[scenarios.Function], symbol: str | None
) -> dict[str, str]:
    """What the scenarios leave open: instrument, price and quantities."""
    usable = standing["instruments"]
    trades = any(
        scenario.send is not None and scenario.send.msg_type == "D"
        for function in functions
        for scenario in function.steps
    )
    if not trades:
        return {}
    if symbol is not None and symbol not in usable:
        raise ValueError(f"{symbol} may not be used; {', '.join(usable) or 'none'} may")
    if not usable:
        raise ValueError(
            "no instrument may be used: certification = true at one in instruments.toml, or "
            "test_venue = true in venue.toml, would be right"
        )
    chosen = symbol or next(iter(usable))
    row = usable[chosen]
    # Far enough below the middle that nobody sells there, and within the band.
    price_e8 = row["reference_price_e8"] - row["band_e8"] // 2
    return {
        "symbol": chosen,
        "price": format_e8(price_e8 - price_e8 % row["tick_e8"]),
        "quantity": format_e8(row["lot_e8"] * _LOTS),
        "half": format_e8(row["lot_e8"] * (_LOTS // 2)),
    }


def _write(state_dir: Path, plan: Plan, examination: Examination) -> list[Path]:
    """Write both reports and return where they are."""
    name, now = plan.standing["session"], datetime.now(UTC)
    folder = state_dir / REPORT_FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    venue = "the test venue" if plan.standing["test_venue"] else "the venue"
    when = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    subject = report.Subject(name, venue, when, plan.standing["dialect"])
    known, paths = report.names(), []
    for suffix, render in ((".md", report.markdown), (".html", report.html)):
        path = folder / f"{name}-{now:%Y%m%d-%H%M%S}{suffix}"
        path.write_text(render(subject, examination.results, known), encoding="utf-8")
        paths.append(path)
    return paths


def _show(standing: dict[str, Any], *, as_json: bool) -> None:
    name = standing["session"]
    if as_json:
        passed = {
            function: None if passed_ns is None else time_text(passed_ns)
            for function, passed_ns in standing["functions"].items()
        }
        kept = {key: standing[key] for key in ("session", "required", "complete")}
        click.echo(json.dumps(kept | {"functions": passed}))
        return
    needed = "is required" if standing["required"] else "is not required"
    done = "complete" if standing["complete"] else "not complete"
    click.echo(f"{name}: certification {needed}, {done}")
    for function, passed_ns in standing["functions"].items():
        when = "not passed" if passed_ns is None else f"passed {time_text(passed_ns)}"
        click.echo(f"  {function:<12} {when}")
