"""Medians and tables: one row per line, the peers as ratios beside it."""

from collections.abc import Sequence
from statistics import median

import attrs
from rich.table import Table

from bench.client import Run
from bench.core import CoreFigure
from bench.lines import Line
from bench.pairs import ALONE, BESIDE, Outcome
from bench.rounds import FLOOR, GATEWAY, REFERENCE, Replay
from bench.startup import Start


@attrs.frozen
class Median:
    """The medians of one server on one line, over its undisturbed runs where there are any."""

    line: str
    server: str
    runs: int
    disturbed: int
    orders_per_s: float
    cpu_s_per_million: float
    p50_us: float
    p99_us: float
    p99_9_us: float
    rss_mib: float
    stolen_s: tuple[float, ...]
    disk_us: float


def median_of(line: str, server: str, runs: Sequence[Run]) -> Median | None:
    """Return the medians, None where nothing was run."""
    mine = [run for run in runs if (run.line, run.server) == (line, server)]
    if not mine:
        return None
    calm = [run for run in mine if not run.disturbed] or mine
    return Median(
        line=line,
        server=server,
        runs=len(mine),
        disturbed=sum(run.disturbed for run in mine),
        orders_per_s=median(run.orders_per_s for run in calm),
        cpu_s_per_million=median(run.cpu_s_per_million for run in calm),
        p50_us=median(run.p50_us for run in calm),
        p99_us=median(run.p99_us for run in calm),
        p99_9_us=median(run.p99_9_us for run in calm),
        rss_mib=max(run.rss_mib for run in mine),
        stolen_s=tuple(run.stolen_s for run in mine),
        disk_us=median(run.disk_us for run in calm),
    )


def ratio(line: Line, ours: Median | None, peer: Median | None) -> str:
    """Return the peer's figure and ours as a multiple of it."""
    if peer is None:
        return "-"
    theirs: float = getattr(peer, line.compared)
    unit = "us p50" if line.compared == "p50_us" else "/s"
    text = f"{theirs:,.0f} {unit}"
    return text if ours is None else f"{text}\n{getattr(ours, line.compared) / theirs:.3g} x"


def network_table(lines: Sequence[Line], runs: Sequence[Run]) -> Table:
    """Return the table of everything that went over loopback."""
    table = Table(title="Over loopback TCP, medians", title_justify="left")
    table.add_column("line", no_wrap=True)
    for title in ("orders/s", "CPU s per million", "p50 / p99 / p99.9 us", "peak MiB"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("echo floor,\ngateway as multiple", justify="right")
    table.add_column("reference,\ngateway as multiple", justify="right")
    table.add_column("stolen s of each run", justify="right")
    for line in lines:
        ours = median_of(line.name, GATEWAY, runs)
        floor, reference = (median_of(line.name, peer, runs) for peer in (FLOOR, REFERENCE))
        peers = [ratio(line, ours, floor), ratio(line, ours, reference)]
        table.add_row(f"{line.name}\n{line.title}", *figures(ours), *peers, stolen(ours))
    return table


def figures(ours: Median | None) -> list[str]:
    """Return the cells of the gateway's own figures."""
    if ours is None:
        return ["-"] * 4
    disk = f"\ndisk alone p50 {ours.disk_us:,.1f}" if ours.disk_us else ""
    return [
        f"{ours.orders_per_s:,.0f}",
        f"{ours.cpu_s_per_million:.2f}",
        f"{ours.p50_us:,.1f} / {ours.p99_us:,.1f} / {ours.p99_9_us:,.1f}{disk}",
        f"{ours.rss_mib:,.0f}",
    ]


def stolen(ours: Median | None) -> str:
    """Return stolen seconds per run, and how many runs were left out as disturbed."""
    if ours is None:
        return "-"
    text = " ".join(f"{seconds:.2f}" for seconds in ours.stolen_s)
    return f"{text}\n{ours.disturbed} of {ours.runs} disturbed" if ours.disturbed else text


def pair_table(outcomes: Sequence[Outcome]) -> Table:
    """Return the table of flows beside bad neighbours and without them."""
    table = Table(title="The same flow with and without bad neighbours", title_justify="left")
    table.add_column("line", no_wrap=True)
    for title in ("p99 us\nalone", "p99 us\nbeside", "multiple", "aim", "memory MiB"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("resent\nmessages/s", justify="right", no_wrap=True)
    table.add_column("caught up records/s,\nCPU s per million", justify="right", no_wrap=True)
    table.add_column("behind s\nat most", justify="right", no_wrap=True)
    table.add_column("orders/s\nalone, beside", justify="right")
    for each in outcomes:
        rates = [
            median(run.orders_per_s for run in each.runs if run.server == which)
            for which in (ALONE, BESIDE)
        ]
        table.add_row(
            f"{each.pair.line.name}\n{each.pair.line.title}".replace(", beside", ",\nbeside"),
            f"{each.p99_us(ALONE):,.0f}",
            f"{each.p99_us(BESIDE):,.0f}",
            f"{each.ratio:.3f}",
            f"{each.pair.aim:.2f}",
            f"{each.rss_begin_mib:,.0f} to {each.rss_end_mib:,.0f}",
            neighbours_did(each),
            caught_up(each),
            f"{max(each.behind_s):.2f}" if each.behind_s else "-",
            "\n".join(f"{rate:,.0f}" for rate in rates),
        )
    return table


def neighbours_did(outcome: Outcome) -> str:
    """Return how many messages a second were sent again, or scenarios passed in a run."""
    if outcome.misbehaved:
        return f"{median(outcome.misbehaved):,.0f}\nbad deeds"
    return f"{outcome.resent_per_s:,.0f}" if outcome.resent else "-"


def caught_up(outcome: Outcome) -> str:
    """Return how fast the projector took what was recorded, and what that cost."""
    figure = outcome.catch_up
    return f"{figure.records_per_s:,.0f}\n{figure.cpu_s_per_million:.1f}" if figure else "-"


def inside_table(
    core: Sequence[CoreFigure], replays: Sequence[Replay], starts: Sequence[Start]
) -> Table:
    """Return the table of what was measured without a network."""
    table = Table(title="In process", title_justify="left")
    table.add_column("what")
    table.add_column("value", justify="right")
    table.add_column("unit")
    for figure in core:
        table.add_row(figure.name, f"{figure.value:,.1f}", figure.unit)
    for replay in replays:
        name = f"replay of {replay.line}, {replay.messages:,} messages in {replay.seconds:.1f} s"
        table.add_row(name, f"{replay.messages_per_s:,.0f}", "messages/s")
    for start in starts:
        table.add_row(start.text, f"{start.ready_after_s:.2f}", "s")
    return table
