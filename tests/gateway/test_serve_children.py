"""The real program with its real children: they work, and they end with it, however it ends."""

import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.fix_client import FixClient, stamp
from support.fix_peer import Fields
from support.gateway_process import GatewayProcess, copy_files, free_port

from kk99fix.journal.segment import list_segments

SMALL = {
    "keeper": "true",
    "projector": "true",
    "orders": 20_000,
    "duplicate_window": 20_000,
    "segment_bytes": 1 << 20,
    "every_segments": 1,
    "compress_after_segments": 1,
    "kept": 1,
}
WITHIN_S = 60.0


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway with small segments that are soon compressed, not started."""
    copy_files(tmp_path, metrics_port=free_port(), **SMALL)
    process = GatewayProcess(tmp_path)
    yield process
    process.close()


def children_of(pid: int) -> dict[str, int]:
    """The children's processes by the command that they run."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    pids = [int(child) for path in listed for child in path.read_text().split()]
    found: dict[str, int] = {}
    for child in pids:
        words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        found.update({name: child for name in ("keep", "project") if name in words})
    return found


def gives_way(pid: int) -> bool:
    """Whether a process has the lowest priority and a handler for the timer that makes it yield."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return os.getpriority(os.PRIO_PROCESS, pid) == 19 and bool(caught >> signal.SIGALRM - 1 & 1)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for what another process does."""
    end_s = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < end_s, what
        time.sleep(0.02)


def metrics(gateway: GatewayProcess) -> dict[str, float]:
    """The series that have no labels, and those of a child by its name."""
    text = (gateway.folder / "config/venue.toml").read_text()
    port = text.split("metrics_port = ")[1].split()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def trade(client: FixClient, count: int) -> None:
    """Enter orders that rest, and read their reports."""
    for first in range(0, count, 500):
        before = len(client.received)
        for number in range(first, min(count, first + 500)):
            head: Fields = [(11, f"o{number}"), (55, "AAPL"), (54, 1), (60, stamp())]
            client.send("D", [*head, (38, 100), (40, 2), (44, "180.00")])
        wanted = before + min(500, count - first)
        client.read_until(lambda wanted=wanted: len(client.received) >= wanted)  # type: ignore[misc]


@pytest.mark.slow
def test_children_follow_and_end_with_the_gateway(gateway: GatewayProcess) -> None:
    """They seal, save, compress and project beside trading; kill -9 of the parent ends them."""
    gateway.start()
    journal = gateway.folder / "var/journal"
    wait_until(lambda: len(children_of(gateway.pid)) == 2, "two children")
    children = children_of(gateway.pid)
    wait_until(lambda: os.sched_getscheduler(children["keep"]) == os.SCHED_IDLE, "idle")
    wait_until(lambda: all(gives_way(pid) for pid in children.values()), "children that yield")
    with closing(FixClient("BROKER1", gateway.port)) as client:
        client.log_on()
        trade(client, 9000)
        wait_until(lambda: metrics(gateway)["kk99_segments_compressed_total"] >= 2, gateway.log())
        segments = list_segments(journal)
        assert segments[0].compressed
        wait_until(lambda: metrics(gateway)["kk99_projected_lsn"] > 9000, "projected")
        second_lsn = segments[1].header.first_lsn
        wait_until(lambda: metrics(gateway)["kk99_verified_lsn"] > second_lsn, "verified")
        found = metrics(gateway)
        assert found["kk99_determinism_mismatches_total"] == 0
        assert found['kk99_child_up{child="keeper"}'] == 1
        assert found["kk99_snapshot_lsn"] > 0
        client.fetch_again(1)
        assert client.complaints == []
    os.kill(children["keep"], signal.SIGKILL)
    wait_until(
        lambda: children_of(gateway.pid).get("keep", 0) not in (0, children["keep"]), "again"
    )
    children = children_of(gateway.pid)
    gateway.end(signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children.values()), "gone")
    gateway.start()
    wait_until(lambda: len(children_of(gateway.pid)) == 2, "two children")
    assert gateway.end(signal.SIGTERM) == 0
