"""Lines that compare a flow with itself: the same orders with and without bad neighbours.

Orders flow at a fixed rate, answered or not (an open loop), on one gateway that stays up; runs with
and without the neighbours take turns, and who begins changes from round to round.
The figure is the ratio of the two medians of p99.
"""

import json
import math
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import attrs

from bench.client import ReportsWrongError, Run, Task, run_from
from bench.files import Files
from bench.gateway_files import ACCOUNT_SUFFIX, comp_ids, desk_ids, write_gateway_files
from bench.lines import Line
from bench.neighbours import Desks, Resent, stalled_reader, stalled_sender
from bench.projector import CatchUp, Projector
from bench.rogue import Rogue
from bench.rounds import describe
from bench.segments import SegmentPool
from bench.servers import BUILD, Server, client_core, gateway_command, running

ALONE, BESIDE = "alone", "beside"
#: ClOrdIDs(11) of one run begin so far behind those of the run before.
IDS_OF_A_RUN = 100_000_000
SEGMENTS_PREPARED = 2


@attrs.frozen
class Pair:
    """One comparison."""

    line: Line
    #: Sessions that the load client uses; the others are the neighbours'.
    loaded: int
    #: Orders per second, and in a quick run.
    rate: int
    quick_rate: int
    #: Orders recorded before the first run, and in a quick run.
    recorded: int
    quick_recorded: int
    #: p99 with the neighbours may be so many times that without.
    aim: float
    #: What is recorded: a mode of the load client.
    recorded_mode: str = "plain"
    #: Whether the neighbour is the projector.
    projected: bool = False
    #: Session files that come, change and go.
    reloaded: int = 0
    #: Whether the neighbours are a bad session and a good one beside it.
    misbehaving: bool = False


PAIRS: tuple[Pair, ...] = (
    Pair(
        Line(
            "stalled",
            "49 sessions, 20,000/s, beside a session and a desk that read nothing",
            "plain",
            50,
            100_000,
            orders=6_000_000,
        ),
        loaded=49,
        rate=20_000,
        quick_rate=5_000,
        recorded=0,
        quick_recorded=0,
        aim=1.10,
    ),
    Pair(
        Line(
            "resending",
            "4 sessions, 20,000/s, beside 10 desks that fetch a day of a million reports",
            "plain",
            4,
            100_000,
            orders=6_000_000,
            drop_copy=False,
            desks=10,
        ),
        loaded=4,
        rate=20_000,
        quick_rate=5_000,
        recorded=1_000_000,
        quick_recorded=20_000,
        aim=1.25,
    ),
    Pair(
        Line(
            "projection",
            "4 sessions, 20,000/s, beside the projector that follows them into SQLite",
            "plain",
            4,
            100_000,
            orders=6_000_000,
        ),
        loaded=4,
        rate=20_000,
        quick_rate=5_000,
        recorded=500_000,
        quick_recorded=20_000,
        aim=1.10,
        recorded_mode="mix",
        projected=True,
    ),
    Pair(
        Line(
            "reloading",
            "4 sessions, 20,000/s, beside 500 session files that come, change and go",
            "plain",
            4,
            100_000,
            orders=6_000_000,
            drop_copy=False,
            further=500,
        ),
        loaded=4,
        rate=20_000,
        quick_rate=5_000,
        recorded=0,
        quick_recorded=0,
        aim=1.10,
        reloaded=500,
    ),
    Pair(
        Line(
            "misbehaving",
            "4 sessions, 20,000/s, beside a session that breaks the rules in every way",
            "plain",
            6,
            100_000,
            orders=6_000_000,
        ),
        loaded=4,
        rate=20_000,
        quick_rate=5_000,
        recorded=0,
        quick_recorded=0,
        aim=1.10,
        misbehaving=True,
    ),
)


@attrs.frozen
class Outcome:
    """What came of one pair."""

    pair: Pair
    runs: list[Run]
    resent: list[Resent]
    #: Memory of the gateway's own, files it maps left out, before the first run and after the last.
    rss_begin_mib: float
    rss_end_mib: float
    #: How fast the projector took what was recorded.
    catch_up: CatchUp | None = None
    #: The most that the tables were behind, of each run.
    behind_s: Sequence[float] = ()
    #: Scenarios of the misbehaving peer that passed, of each run.
    misbehaved: Sequence[int] = ()

    def p99_us(self, which: str) -> float:
        """Median p99 of the undisturbed runs, where there are any."""
        mine = [run for run in self.runs if run.server == which]
        calm = [run for run in mine if not run.disturbed] or mine
        return median(run.p99_us for run in calm)

    @property
    def ratio(self) -> float:
        """p99 with the neighbours as a multiple of that without."""
        return self.p99_us(BESIDE) / self.p99_us(ALONE)

    @property
    def resent_per_s(self) -> float:
        """Messages sent again per second; 0 where nobody asked."""
        return median([each.messages_per_s for each in self.resent] or [0.0])


@attrs.define
class PairPlan:
    """Runs one pair on one gateway."""

    pair: Pair
    rounds: int
    seconds: float
    root: Path
    quick: bool
    say: Callable[[str], None]
    #: ClOrdID(11) with which the stalled sender goes on.
    _next_id: int = attrs.field(default=1, init=False)
    _run: int = attrs.field(default=0, init=False)
    _reloader: Files = attrs.field(init=False)

    def carry_out(self, pool: SegmentPool) -> Outcome:
        """Record a day if the pair wants one, then all rounds."""
        pair = self.pair
        recorded = pair.quick_recorded if self.quick else pair.recorded
        folder = self.root / "pair"
        folder.mkdir(parents=True)
        line = attrs.evolve(pair.line, orders=200_000) if self.quick else pair.line
        files = write_gateway_files(folder, line)
        self._reloader = Files(files, pair.reloaded)
        desks, projector = Desks(desk_ids(line.desks), recorded), Projector(files.state)
        bad, good = comp_ids(line.sessions)[-2:]
        rogue = Rogue(bad, good, folder)
        runs: list[Run] = []
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, folder)
            stack.callback(pool.take_back, files.journal)
            pool.lend(files.journal, SEGMENTS_PREPARED)
            server = stack.enter_context(running(gateway_command(files), folder))
            if recorded:
                self._record(server, recorded)
            if pair.projected:
                projector.catch_up()
            begin_mib = anonymous_mib(server.pid)
            for number in range(self.rounds):
                for which in (ALONE, BESIDE) if number % 2 == 0 else (BESIDE, ALONE):
                    with self._neighbours(server, which, desks, projector, rogue):
                        before_s = desks.cpu_s + projector.cpu_s + rogue.cpu_s
                        run = self._load(server, which, number)
                        used_s = desks.cpu_s + projector.cpu_s + rogue.cpu_s - before_s
                        foreign_s = run.foreign_s - used_s
                        runs.append(attrs.evolve(run, foreign_s=max(foreign_s, 0.0)))
                    self.say(describe(runs[-1]))
            end_mib = anonymous_mib(server.pid)
        caught_up = next(iter(projector.catch_ups), None)
        return Outcome(
            pair,
            runs,
            desks.resent,
            begin_mib,
            end_mib,
            caught_up,
            tuple(projector.behind_s),
            tuple(rogue.passed),
        )

    def _record(self, server: Server, orders: int) -> None:
        options = ["--window", "1000", "--operations", str(orders), "--seconds", "600"]
        self._client(server, [*options, "--mode", self.pair.recorded_mode])
        self.say(f"recorded {orders:,} orders")

    @contextmanager
    def _neighbours(
        self, server: Server, which: str, desks: Desks, projector: Projector, rogue: Rogue
    ) -> Iterator[None]:
        """Be beside the load, if this is the run for it."""
        with ExitStack() as stack:
            if which == BESIDE and self.pair.reloaded:
                stack.enter_context(self._reloader.at_work(self.seconds))
            elif which == BESIDE and self.pair.projected:
                stack.enter_context(projector.following())
            elif which == BESIDE and self.pair.misbehaving:
                stack.enter_context(rogue.misbehaving(server))
            elif which == BESIDE and self.pair.line.desks:
                stack.enter_context(desks.fetching(server))
            elif which == BESIDE:
                stack.enter_context(stalled_reader(server, "DROPCOPY1"))
                last = comp_ids(self.pair.line.sessions)[-1]
                sender = stalled_sender(server, last, self._next_id)
                self._next_id = stack.enter_context(sender)
            yield

    def _load(self, server: Server, which: str, number: int) -> Run:
        rate = self.pair.quick_rate if self.quick else self.pair.rate
        warmup_s = min(0.5, self.seconds / 4)
        options = ["--window", str(self.pair.line.window), "--rate", str(rate)]
        options += ["--seconds", str(self.seconds), "--warmup", str(warmup_s)]
        figures = self._client(server, options)
        task = Task(self.pair.line, which, number, self.seconds, warmup_s)
        return run_from(task, figures, anonymous_mib(server.pid))

    def _client(self, server: Server, options: Sequence[str]) -> dict[str, object]:
        """Run the load client with fresh numbers and fresh ids."""
        command = [str(BUILD / "kk_load"), "--host", server.host, "--port", str(server.port)]
        command += [
            "--sessions",
            f"LOAD:{self.pair.loaded}",
            "--account",
            ACCOUNT_SUFFIX,
            "--reset",
        ]
        command += ["--server-pid", str(server.pid), "--seed", str(self._run + 1)]
        command += ["--id-base", str(self._run * IDS_OF_A_RUN + 1), *options]
        core = client_core()
        command += [] if core is None else ["--cpu", str(core)]
        self._run += 1
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != 0:
            what = f"{self.pair.line.name}: exit code {done.returncode}"
            raise ReportsWrongError(f"{what}\n{done.stderr.decode('utf-8', 'replace')}")
        figures: dict[str, object] = json.loads(done.stdout)
        return figures


def anonymous_mib(pid: int) -> float:
    """Return the memory of a process that is no file's, from /proc/PID/status."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return math.nan
