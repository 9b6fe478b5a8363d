from pathlib import Path

import attrs
import pytest

from bench.client import Run
from bench.core import CoreFigure, parse_figures
from bench.gateway_files import write_gateway_files
from bench.lines import LINES, Line
from bench.neighbours import Resent
from bench.pairs import ALONE, BESIDE, PAIRS, Outcome
from bench.projector import oldest_s
from bench.rogue import LEFT_OUT
from bench.rounds import FLOOR, GATEWAY
from bench.segments import SegmentPool, zero
from bench.table import median_of, ratio
from kk99fix.config.load import load
from kk99fix.harness.misbehaving.catalog import catalog

RUN = Run(
    line="plain",
    server=GATEWAY,
    round=0,
    elapsed_s=10.0,
    answered=10,
    orders_per_s=100.0,
    messages_in=10,
    messages_out=10,
    cpu_s_per_million=1.0,
    p50_us=10.0,
    p99_us=20.0,
    p99_9_us=30.0,
    max_us=40.0,
    client_cpu_s=1.0,
    stolen_s=0.0,
    foreign_s=0.0,
    rss_mib=1.0,
)


def test_core_figures_are_lines_of_name_value_unit() -> None:
    """Other lines that the micro-benchmarks print are let pass."""
    text = "cc -O3 ...\nbook_mix 71.25 ns/op\nreplay 1,250,000 messages/s\n\n3 passed, 0 failed\n"

    assert parse_figures(text) == [
        CoreFigure("book_mix", 71.25, "ns/op"),
        CoreFigure("replay", 1_250_000.0, "messages/s"),
    ]


def test_neighbours_are_felt_by_the_ratio_of_medians() -> None:
    """p99 beside them over p99 alone, each the median of its undisturbed runs."""
    alone = [attrs.evolve(RUN, server=ALONE, p99_us=p99) for p99 in (10.0, 20.0, 30.0)]
    beside = [attrs.evolve(RUN, server=BESIDE, p99_us=p99) for p99 in (21.0, 22.0, 90.0)]
    disturbed = attrs.evolve(RUN, server=BESIDE, p99_us=900.0, stolen_s=5.0)
    resent = Resent(messages=300, bytes=1, days=1, seconds=2.0, next_out=(4,))
    outcome = Outcome(PAIRS[0], [*alone, *beside, disturbed], [resent], 1.0, 1.0)

    assert outcome.ratio == pytest.approx(1.1)
    assert outcome.resent_per_s == 150.0
    assert attrs.evolve(outcome, resent=[]).resent_per_s == 0.0


def test_what_misbehaves_beside_the_load_is_there() -> None:
    """What is left out of the catalog is in it, and enough remains."""
    assert set(catalog()) >= LEFT_OUT
    assert len(set(catalog()) - LEFT_OUT) > 25


def test_tables_are_oldest_just_before_the_next_state_shows() -> None:
    """The age counts from the newest record that was shown, however often somebody looked."""
    seen = [(10_000_000_000, 3_000_000_000), (10_300_000_000, 10_200_000_000)]

    assert oldest_s([*seen, (10_900_000_000, 10_800_000_000)]) == 7.3
    assert oldest_s([*seen[1:], (10_900_000_000, 10_800_000_000)]) == 0.7
    assert oldest_s(seen[:1]) == 0.0


def test_a_median_leaves_out_disturbed_runs() -> None:
    """A run that the host disturbed counts only where no other is left."""
    runs = [
        attrs.evolve(RUN, orders_per_s=100.0),
        attrs.evolve(RUN, orders_per_s=300.0),
        attrs.evolve(RUN, orders_per_s=7.0, stolen_s=2.0),
    ]

    calm, stolen = median_of("plain", GATEWAY, runs), median_of("plain", GATEWAY, runs[2:])

    assert calm is not None
    assert (calm.orders_per_s, calm.runs, calm.disturbed) == (200.0, 3, 1)
    assert stolen is not None
    assert stolen.orders_per_s == 7.0


def test_a_peer_is_shown_with_the_ratio() -> None:
    """The cell has the peer's figure and ours as a multiple of it."""
    ours = median_of("plain", GATEWAY, [RUN])
    floor = median_of("plain", FLOOR, [attrs.evolve(RUN, server=FLOOR, orders_per_s=400.0)])

    assert ratio(LINES[0], ours, floor) == "400 /s\n0.25 x"
    assert ratio(LINES[0], ours, None) == "-"


@pytest.mark.parametrize("line", LINES, ids=[line.name for line in LINES])
def test_the_gateway_accepts_the_files_of_each_line(tmp_path: Path, line: Line) -> None:
    """What the benchmark writes passes the checks of `kk99fix check`."""
    files = write_gateway_files(tmp_path, line)

    settings = load(files.config, files.sessions)

    assert len(settings.sessions) == line.sessions + line.drop_copy
    assert settings.venue.capacity.orders >= line.orders
    assert not settings.venue.children.keeper
    assert not settings.venue.children.projector


def test_segments_are_lent_as_zeros_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file serves the next run, zeroed again."""
    monkeypatch.setattr("bench.segments.SEGMENT_BYTES", 8192)
    pool, journal = SegmentPool(tmp_path / "pool"), tmp_path / "journal"
    journal.mkdir()
    pool.lend(journal, 1)
    prepared = journal / "prepared-00000001.zeros"
    inode = prepared.stat().st_ino
    prepared.rename(journal / "00000001.kkj").write_bytes(b"x" * 8192)

    pool.take_back(journal)
    pool.lend(journal, 1)

    assert prepared.stat().st_ino == inode
    assert prepared.read_bytes() == bytes(8192)


def test_zero_makes_the_whole_size(tmp_path: Path) -> None:
    """A prepared segment has no byte missing."""
    size = (5 << 20) + 4096
    zero(tmp_path / "segment", size)

    assert (tmp_path / "segment").read_bytes() == bytes(size)
