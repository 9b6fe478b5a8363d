"""The command: `python -m bench`, which `make bench` runs."""

import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import attrs
import click
from rich.console import Console

from bench.client import ReportsWrongError
from bench.core import CoreFigure, run_core
from bench.lines import LINES
from bench.neighbours import NeighbourFailedError
from bench.pairs import PAIRS, Outcome, PairPlan
from bench.rounds import FLOOR, GATEWAY, REFERENCE, Plan
from bench.segments import SegmentPool
from bench.servers import ServerFailedError, build_tools
from bench.startup import Start, StartupPlan
from bench.table import inside_table, median_of, network_table, pair_table

SERVERS = (GATEWAY, FLOOR, REFERENCE)
CORE = "core"
STARTUP = "startup"
PAIR_NAMES = tuple(pair.line.name for pair in PAIRS)


def machine() -> dict[str, str | int]:
    """Say what this was measured on."""
    cpu = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def document(
    plan: Plan, core: list[CoreFigure], pairs: list[Outcome], starts: list[Start]
) -> dict[str, Any]:
    """Return everything measured, for a file."""
    medians = [median_of(line.name, server, plan.runs) for line in plan.lines for server in SERVERS]
    return {
        "machine": machine(),
        "seconds": plan.seconds,
        "medians": [attrs.asdict(value) for value in medians if value is not None],
        "runs": [attrs.asdict(run) | {"disturbed": run.disturbed} for run in plan.runs],
        "replays": [
            attrs.asdict(replay) | {"messages_per_s": replay.messages_per_s}
            for replay in plan.replays
        ],
        "pairs": [attrs.asdict(each) | {"ratio": each.ratio} for each in pairs],
        "starts": [attrs.asdict(start) for start in starts],
        "core": [attrs.asdict(figure) for figure in core],
    }


@click.command()
@click.option("--seconds", default=10.0, show_default=True, help="Measured time of one run.")
@click.option("--runs", default=5, show_default=True, help="Rounds; the table shows medians.")
@click.option("--quick", is_flag=True, help="One round of one second: does it work at all.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([*(each.name for each in LINES), *PAIR_NAMES, CORE, STARTUP]),
    help="This line alone; may be repeated.",
)
@click.option(
    "--server",
    "servers",
    multiple=True,
    type=click.Choice(SERVERS),
    help="This server alone; may be repeated.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write all figures here."
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where journals are written; the system's temporary folder otherwise.",
)
def main(
    seconds: float,
    runs: int,
    quick: bool,
    only: tuple[str, ...],
    servers: tuple[str, ...],
    json_file: Path | None,
    state: Path | None,
) -> None:
    """Measure the gateway beside a C echo server and an acceptor written the usual way."""
    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 170)
    if quick:
        seconds, runs = 1.0, 1
    root = Path(tempfile.mkdtemp(prefix="kk99fix-bench-", dir=state))
    lines = [line for line in LINES if not only or line.name in only]
    pool = SegmentPool(root / "pool")
    plan = Plan(lines, runs, seconds, root, servers or SERVERS, console.print)
    console.print("  ".join(f"{name} {value}" for name, value in machine().items()))
    try:
        build_tools()
        core = run_core() if not only or CORE in only else []
        plan.carry_out()
        starts = (
            StartupPlan(root, quick, console.print).carry_out()
            if not only or STARTUP in only
            else []
        )
        pairs = [
            PairPlan(pair, runs, seconds, root, quick, console.print).carry_out(pool)
            for pair in PAIRS
            if not only or pair.line.name in only
        ]
    except (NeighbourFailedError, ReportsWrongError, ServerFailedError) as error:
        raise click.ClickException(str(error)) from None
    finally:
        shutil.rmtree(root)
    if lines:
        console.print(network_table(lines, plan.runs))
    if pairs:
        console.print(pair_table(pairs))
    if core or plan.replays or starts:
        console.print(inside_table(core, plan.replays, starts))
    if json_file is not None:
        json_file.write_text(json.dumps(document(plan, core, pairs, starts), indent=2) + "\n")


if __name__ == "__main__":
    main()
