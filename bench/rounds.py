"""The order of a benchmark: rounds over all lines, and in each line all servers in turn.

Alternating the servers within a round spreads the machine's bad minutes over all of them.
Every run of the gateway starts from empty state with its segments prepared.
"""

import json
import math
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import attrs

from bench.certificates import CA_FILE
from bench.client import Run, Task, run_client
from bench.disk import sync_p50_us
from bench.gateway_files import write_gateway_files
from bench.lines import Line
from bench.segments import SegmentPool
from bench.servers import floor_command, gateway_command, reference_command, running

GATEWAY, FLOOR, REFERENCE = "gateway", "floor", "reference"

#: The peers are steady after a moment; longer runs of them would only cost time and memory.
PEER_SECONDS = 3.0
#: Of a GiB each, for the first run of a line; later ones prepare what the one before wrote.
#: More than a run writes would push those it does write out of the page cache, in which a segment
#: that was just prepared stands; fewer, and the gateway has to make them while it is measured.
SEGMENTS_PER_SECOND = 0.8
#: What the reference acceptor can answer within the client's drain time.
REFERENCE_OUTSTANDING = 4000


@attrs.frozen
class Replay:
    """A restart on the journal of a run: everything in it was applied and compared again."""

    line: str
    #: Records verified, applied and compared, and how long that took the gateway.
    messages: int
    seconds: float
    #: From the start of the process until it listened.
    restart_s: float

    @property
    def messages_per_s(self) -> float:
        """Journaled messages per second."""
        return self.messages / self.seconds


def read_replay(line: str, restart_s: float, log: str) -> Replay:
    """Return what the gateway logged of its replay."""
    events = (json.loads(row) for row in log.splitlines() if row.startswith("{"))
    (event,) = (event for event in events if event["event"] == "journal replayed")
    return Replay(line, event["records"], event["seconds"], restart_s)


@attrs.define
class Plan:
    """What to run, and what came of it so far."""

    lines: Sequence[Line]
    rounds: int
    seconds: float
    root: Path
    servers: Sequence[str]
    say: Callable[[str], None]
    runs: list[Run] = attrs.field(factory=list)
    replays: list[Replay] = attrs.field(factory=list)
    #: Segments that the newest run of a line wrote to.
    _written: dict[str, int] = attrs.field(factory=dict, init=False)

    def carry_out(self) -> None:
        """Run everything; the first wrong report ends it."""
        pool = SegmentPool(self.root / "pool")
        for number in range(self.rounds):
            for line in self.lines:
                for server in self._servers_of(line):
                    run = self._gateway(line, number, pool) if server == GATEWAY else None
                    run = run or self._peer(line, number, server)
                    self.runs.append(run)
                    self.say(describe(run))

    def _servers_of(self, line: Line) -> list[str]:
        """The servers that a line is for: the peers speak no TLS."""
        return [server for server in self.servers if server == GATEWAY or not line.tls]

    def _gateway(self, line: Line, number: int, pool: SegmentPool) -> Run:
        folder = self.root / "run"
        folder.mkdir(parents=True)
        files = write_gateway_files(folder, line)
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, folder)
            stack.callback(pool.take_back, files.journal)
            guess = math.ceil(self.seconds * SEGMENTS_PER_SECOND)
            pool.lend(files.journal, 1 + self._written.get(line.name, guess))
            command = gateway_command(files)
            task = Task(
                *(line, GATEWAY, number, self.seconds, self._warmup_s(self.seconds)),
                ca_file=files.config / CA_FILE if line.tls else None,
            )
            with running(command, folder) as server:
                run = run_client(task, server)
            if line.durability == "durable":
                run = attrs.evolve(run, disk_us=sync_p50_us(folder / "disk"))
            self._written[line.name] = len(list(files.journal.glob("*.kkj")))
            if line.replay and number == self.rounds - 1:
                shutil.rmtree(files.state / "snapshots")  # else there is nothing to replay
                with running(command, folder) as again:
                    restart_s = again.ready_after_s
                log = (folder / "stderr").read_text()
                self.replays.append(read_replay(line.name, restart_s, log))
        return run

    def _peer(self, line: Line, number: int, name: str) -> Run:
        folder = self.root / "run"
        folder.mkdir(parents=True)
        seconds = min(self.seconds, PEER_SECONDS)
        if name == REFERENCE:
            window = min(line.window, REFERENCE_OUTSTANDING // line.sessions)
            line = attrs.evolve(line, window=max(window, 1))
        task = Task(line, name, number, seconds, self._warmup_s(seconds), floor=name == FLOOR)
        command = floor_command() if name == FLOOR else reference_command()
        try:
            with running(command, folder) as server:
                return run_client(task, server)
        finally:
            shutil.rmtree(folder)

    @staticmethod
    def _warmup_s(seconds: float) -> float:
        return min(0.5, seconds / 4)


def describe(run: Run) -> str:
    """Return one line of progress."""
    disk = f"  disk p50 {run.disk_us:,.0f} us" if run.disk_us else ""
    mark = "  disturbed" if run.disturbed else ""
    return (
        f"round {run.round + 1}  {run.line:<13} {run.server:<10}"
        f"{run.orders_per_s:>12,.0f}/s {run.cpu_s_per_million:>8.2f} CPU s/M"
        f"  p50 {run.p50_us:,.0f} us  p99 {run.p99_us:,.0f} us  client {run.client_cpu_s:.1f} CPU s"
        f"{disk}  stolen {run.stolen_s:.2f} s  foreign {run.foreign_s:.2f} s{mark}"
    )
