"""A neighbour that breaks the rules: `kk99fix harness misbehave`, over and over, beside the load.

It has what the load client leaves of its core, as the desks of `neighbours` have.
Every answer that it gets must be right, and the good session beside it must be told everything:
a scenario that fails ends the benchmark.
"""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from bench.gateway_files import REPOSITORY
from bench.neighbours import NeighbourFailedError, cpu_s_of
from bench.servers import Server, client_core
from kk99fix.harness.misbehaving.catalog import catalog

#: Those that wait more than they do, and the one that orders what the load client trades.
LEFT_OUT: Final = frozenset(
    {
        *("one-byte-a-second", "logon-a-byte-a-second", "silent-connections", "other-protocols"),
        *("gap-never-filled", "silence", "slow-reader", "no-logon", "mutants"),
    }
)
#: More often than a run has the time for.
_TIMES: Final = 1000
_READY_WITHIN_S: Final = 30.0
_BEGUN: Final = "the good session alone"


@attrs.define
class Rogue:
    """The bad session and the good one beside it."""

    bad: str
    good: str
    folder: Path
    #: Scenarios that passed, of each run.
    passed: list[int] = attrs.field(factory=list, init=False)
    _process: subprocess.Popen[bytes] | None = attrs.field(default=None, init=False)

    @property
    def cpu_s(self) -> float:
        """CPU time that it has used; 0 while it does not run."""
        return 0.0 if self._process is None else cpu_s_of(self._process.pid)

    @contextlib.contextmanager
    def misbehaving(self, server: Server) -> Iterator[None]:
        """Be bad while the block runs; NeighbourFailedError if an answer was wrong."""
        told = self.folder / "rogue"
        with told.open("wb") as out:
            process = subprocess.Popen(
                self._command(server), stdout=out, stderr=subprocess.STDOUT, cwd=REPOSITORY
            )
        self._process = process
        try:
            _wait_until_begun(process, told)
            yield
        finally:
            self._process = None
            process.send_signal(signal.SIGTERM)
            process.wait()
        lines = told.read_text().splitlines()
        if any(line.startswith("  failed") for line in lines):
            raise NeighbourFailedError("misbehave: an answer was wrong\n" + "\n".join(lines[-20:]))
        self.passed.append(sum(line.startswith("  passed") for line in lines))

    def _command(self, server: Server) -> list[str]:
        core = client_core()
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        names = [name for name in catalog() if name not in LEFT_OUT]
        kk99fix = [sys.executable, "-m", "bench.yielding"]
        command = ["chrt", "--idle", "0", *pinned, *kk99fix, "harness", "misbehave", "--quiet"]
        command += ["--host", server.host, "--port", str(server.port), "--within", "30"]
        command += ["--bad", self.bad, "--good", self.good, "--symbol", "SPY"]
        command += ["--far-price", "520", "--good-symbol", "BTC-USD", "--good-price", "60000"]
        return [*command, *names * _TIMES]


def _wait_until_begun(process: subprocess.Popen[bytes], told: Path) -> None:
    begun = time.monotonic()
    while _BEGUN not in told.read_text():
        if process.poll() is not None or time.monotonic() - begun > _READY_WITHIN_S:
            raise NeighbourFailedError(f"misbehave did not begin\n{told.read_text()}")
        time.sleep(0.01)
