"""The projector beside a gateway: how fast it catches up, and how far behind it stays.

It runs as the gateway starts it, as a child that gives way, wherever the two cores have room.
How old the tables are is seen from outside: the venue time of the newest record in them, read a few
times a second, against the moment at which the next one shows.
"""

import json
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import attrs

from bench.neighbours import NeighbourFailedError, cpu_s_of

SAMPLE_EVERY_S = 0.02
_POSITION = "SELECT lsn, time_ns FROM journal_position"


@attrs.frozen
class CatchUp:
    """A run over records that were there before."""

    records: int
    seconds: float
    cpu_s: float

    @property
    def cpu_s_per_million(self) -> float:
        """CPU seconds for a million records, which other programs beside it hardly change."""
        return self.cpu_s * 1e6 / max(self.records, 1)

    @property
    def records_per_s(self) -> float:
        """Records per second, the start of the process included."""
        return self.records / self.seconds


@attrs.define
class Projector:
    """`kk99fix project` on one state directory."""

    state: Path
    catch_ups: list[CatchUp] = attrs.field(factory=list)
    #: The most that the tables were behind, of each run beside which they were followed.
    behind_s: list[float] = attrs.field(factory=list)
    _process: subprocess.Popen[bytes] | None = attrs.field(default=None, init=False)

    @property
    def cpu_s(self) -> float:
        """CPU time that the process that follows has used; 0 while none does."""
        return 0.0 if self._process is None else cpu_s_of(self._process.pid)

    def catch_up(self) -> None:
        """Take what is there and note how long it took."""
        begun, before_s = time.monotonic(), _cpu_s_of_ended()
        lines = _ended(self._start())
        seconds, cpu_s = time.monotonic() - begun, _cpu_s_of_ended() - before_s
        self.catch_ups.append(CatchUp(json.loads(lines[-1])["records"], seconds, cpu_s))

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow while the block runs, caught up at its start, and watch how far it is behind."""
        self.catch_up()
        process = self._start("--follow")
        assert process.stdout is not None
        process.stdout.readline()  # it has looked at the database, and follows
        self._process = process
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(ended,))
        watch.start()
        try:
            yield
        finally:
            self._process = None
            ended.set()
            watch.join()
            process.terminate()
            _ended(process)

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start it; it runs until its standard input is closed, at the latest."""
        command = [sys.executable, "-P", "-m", "kk99fix.child", "project", "--json-status"]
        return subprocess.Popen(
            [*command, "--state", str(self.state), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def _watch(self, ended: threading.Event) -> None:
        file = self.state / "projection.db"
        seen: list[tuple[int, int]] = []
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            _, newest_ns = connection.execute(_POSITION).fetchone()
            while not ended.wait(SAMPLE_EVERY_S):
                _, time_ns = connection.execute(_POSITION).fetchone()
                if time_ns != newest_ns:
                    newest_ns = time_ns
                    seen.append((time.time_ns(), time_ns))
        self.behind_s.append(oldest_s(seen))


def _ended(process: subprocess.Popen[bytes]) -> list[bytes]:
    """Wait for the end and return the lines that were said; NeighbourFailedError."""
    assert process.stdout is not None
    with process:
        # Its standard input stays open meanwhile, which `communicate` would close.
        said = process.stdout.read()
        code = process.wait()
    if code != 0:
        raise NeighbourFailedError(f"kk99fix project: {said.decode()}")
    return said.splitlines()


def _cpu_s_of_ended() -> float:
    """Return the CPU time of all processes that this one has waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def oldest_s(seen: list[tuple[int, int]]) -> float:
    """Return how old the tables were at most; `seen` is when each state showed, and its time.

    A state is oldest just before the next one shows; the first belongs to what came before.
    """
    return max((at - before for (_, before), (at, _) in pairwise(seen)), default=0) / 1e9
