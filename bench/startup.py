"""How long a start takes: behind a clean stop, behind a crash, and from nothing.

Behind a clean stop there are 100,000 live orders, behind the crash a full segment more; the day
that is replayed from nothing has ten million messages.
Each start is that of the process itself: from its first instruction to the line that it listens.
The pools are those that ship: a million orders, four million remembered ids.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import attrs

from bench.client import ReportsWrongError
from bench.gateway_files import ACCOUNT_SUFFIX, SEGMENT_BYTES, GatewayFiles, write_gateway_files
from bench.lines import Line
from bench.servers import BUILD, Server, client_core, gateway_command, running

LINE = Line("startup", "starts", "plain", 4, 1000, orders=1_000_000)
WINDOW = 4_000_000
LIVE_ORDERS = 100_000
#: What comes behind them: orders that rest until they are cancelled.
MODE = "resting+cancel"
#: Records of one operation take so many bytes at least: request, report and its drop copy.
OPERATION_BYTES = 600
OPERATION_MESSAGES = 3
DAY_MESSAGES = 10_000_000


@attrs.frozen
class Start:
    """One start; `messages` are the records that were replayed."""

    what: str
    aim_s: float
    ready_after_s: float
    messages: int
    journal_bytes: int

    @property
    def text(self) -> str:
        """What it was, for a table."""
        return f"start {self.what}, {self.messages:,} messages replayed (aim {self.aim_s:g} s)"


@attrs.define
class StartupPlan:
    """Carries the starts out, each on state that was made for it."""

    root: Path
    quick: bool
    say: Callable[[str], None]
    starts: list[Start] = attrs.field(factory=list)
    _run: int = attrs.field(default=0, init=False)

    def carry_out(self) -> list[Start]:
        """Make the state of each start and time it."""
        for size, name in ((SEGMENT_BYTES, "1 GiB"), (64 << 20, "64 MiB")):
            self._behind_a_snapshot(size, name)
        self._from_nothing()
        return self.starts

    def _behind_a_snapshot(self, segment_bytes: int, name: str) -> None:
        files = self._files(segment_bytes)
        scale = 100 if self.quick else 1
        with running(gateway_command(files), files.state) as server:
            self._load(server, "plain", LIVE_ORDERS // scale)
        with running(gateway_command(files), files.state) as server:
            if name == "1 GiB":
                self._note(f"with {LIVE_ORDERS:,} live orders after a clean stop", 5, server, files)
            self._load(server, MODE, segment_bytes // OPERATION_BYTES // scale)
            os.kill(server.pid, signal.SIGKILL)
        with running(gateway_command(files), files.state) as server:
            self._note(f"from that snapshot and a segment of {name}", 5, server, files)
        shutil.rmtree(files.state.parent)

    def _from_nothing(self) -> None:
        files = self._files(SEGMENT_BYTES)
        operations = DAY_MESSAGES // OPERATION_MESSAGES // (100 if self.quick else 1)
        with running(gateway_command(files), files.state) as server:
            self._load(server, MODE, operations)
            os.kill(server.pid, signal.SIGKILL)
        with running(gateway_command(files), files.state) as server:
            self._note("from nothing", 30, server, files)
        shutil.rmtree(files.state.parent)

    def _files(self, segment_bytes: int) -> GatewayFiles:
        folder = self.root / f"startup-{self._run}"
        folder.mkdir(parents=True)
        files = write_gateway_files(folder, LINE)
        venue = files.config / "venue.toml"
        text = venue.read_text().replace(
            f"segment_bytes = {SEGMENT_BYTES}", f"segment_bytes = {segment_bytes}"
        )
        lines = [
            f"duplicate_window = {WINDOW}" if line.startswith("duplicate_window") else line
            for line in text.splitlines()
        ]
        venue.write_text("\n".join(lines) + "\n")
        return files

    def _load(self, server: Server, mode: str, operations: int) -> None:
        command = [str(BUILD / "kk_load"), "--host", server.host, "--port", str(server.port)]
        command += ["--sessions", f"LOAD:{LINE.sessions}", "--account", ACCOUNT_SUFFIX, "--reset"]
        command += ["--mode", mode, "--window", str(LINE.window), "--seconds", "600"]
        command += ["--operations", str(operations), "--id-base", str(self._run * WINDOW * 4 + 1)]
        core = client_core()
        command += [] if core is None else ["--cpu", str(core)]
        self._run += 1
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != 0:
            raise ReportsWrongError(f"startup: {done.stderr.decode('utf-8', 'replace')}")

    def _note(self, what: str, aim_s: float, server: Server, files: GatewayFiles) -> None:
        log = (files.state / "stderr").read_text()
        events = (json.loads(row) for row in log.splitlines() if row.startswith("{"))
        (event,) = (event for event in events if event["event"] == "journal replayed")
        size = sum(path.stat().st_size for path in files.journal.glob("*.kkj"))
        start = Start(what, aim_s, server.ready_after_s, event["records"], size)
        self.starts.append(start)
        self.say(f"{start.text}: {start.ready_after_s:.2f} s")
