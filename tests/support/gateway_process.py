"""The real program, `kk99fix serve`, in a process of its own: started, stopped and killed."""

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from support.lines import LineReader

REPOSITORY = Path(__file__).resolve().parent.parent.parent
READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 30.0


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def copy_files(folder: Path, **changes: object) -> None:
    """Copy the shipped config/ and sessions/; `changes` replace keys of venue.toml.

    Keeper and projector are off unless asked for: what they do is tested for itself.
    """
    for name in ("config", "sessions"):
        shutil.copytree(REPOSITORY / name, folder / name)
    venue = folder / "config" / "venue.toml"
    text = venue.read_text()
    for key, value in ({"keeper": "false", "projector": "false"} | changes).items():
        text, count = re.subn(rf"(?m)^{key} = [^#\n]*", f"{key} = {value} ", text)
        assert count == 1, key
    venue.write_text(text)


class GatewayProcess:
    """One gateway over folder/config, folder/sessions and folder/var, on one port throughout."""

    def __init__(self, folder: Path, *, log_level: str = "info") -> None:
        """Take files that `copy_files` made; nothing is started yet."""
        self.folder = folder
        self.log_level = log_level
        self.port = free_port()
        self.starts = 0
        self._process: subprocess.Popen[str] | None = None
        self._lines: LineReader | None = None

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and return once it listens."""
        lines = self._spawn()
        try:
            lines.wait_line("listening on ", READY_WITHIN_S)
        except (EOFError, TimeoutError) as error:
            self.end(signal.SIGKILL)
            raise AssertionError(f"did not start:\n{self.log()}") from error

    def start_and_kill(self, within_s: float) -> None:
        """Start, and kill it on the way; at the latest when it listens."""
        lines = self._spawn()
        with contextlib.suppress(TimeoutError):
            lines.wait_line("listening on ", within_s)
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; return the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self.wait()

    def kill_within(self, within_s: float) -> None:
        """Wait for an end that has begun, and kill it on the way if it takes longer."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within_s)
        self.end(signal.SIGKILL)

    def wait(self) -> int:
        """Wait for the end; return the exit code."""
        assert self._process is not None
        assert self._lines is not None
        try:
            return self._process.wait(STOPPED_WITHIN_S)
        finally:
            self._process.kill()
            self._process.wait()
            self._lines.join()
            self._process = None

    def log(self) -> str:
        """Return what every start so far has logged."""
        return "".join(self._errors_path(n).read_text() for n in range(1, self.starts + 1))

    def close(self) -> None:
        """Kill what still runs, at the end of a test."""
        if self._process is not None:
            self.end(signal.SIGKILL)

    def _errors_path(self, start: int) -> Path:
        return self.folder / f"gateway-{start}.stderr"

    def _spawn(self) -> LineReader:
        assert self._process is None
        self.starts += 1
        with self._errors_path(self.starts).open("w") as errors:
            self._process = subprocess.Popen(
                [
                    Path(sys.executable).with_name("kk99fix"),
                    "serve",
                    *("--config", self.folder / "config"),
                    *("--sessions", self.folder / "sessions"),
                    *("--secrets", self.folder / "secrets"),
                    *("--state", self.folder / "var"),
                    *("--port", str(self.port)),
                    *("--log-level", self.log_level),
                ],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self._process.stdout is not None
        self._lines = LineReader(self._process.stdout)
        return self._lines
