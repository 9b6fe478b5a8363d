"""Starting and stopping the servers under load: the gateway, the echo floor, the reference.

Each prints `listening on HOST:PORT` when it is ready, and runs on a core of its own.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from bench.gateway_files import REPOSITORY, GatewayFiles

READY_WITHIN_S = 300.0
STOP_WITHIN_S = 60.0
_TLS = re.compile(rb"^listening with TLS on \S+:(\d+)\s*$", re.MULTILINE)
_READY = re.compile(rb"^listening on (\S+):(\d+)\s*$", re.MULTILINE)
BUILD = REPOSITORY / "build" / "bench"


class ServerFailedError(Exception):
    """A server ended, or was not ready in time; the text shows what it wrote."""


@attrs.frozen
class Server:
    """A running server."""

    pid: int
    host: str
    port: int
    #: From the start of the process to the line that says it is ready.
    ready_after_s: float
    #: Where it takes TLS; None where it does not.
    tls_port: int | None = None


def server_core() -> int | None:
    """Return the core for servers, None on a machine with one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0] if len(cores) > 1 else None


def client_core() -> int | None:
    """Return the core for the load client, None on a machine with one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[1] if len(cores) > 1 else None


def build_tools() -> None:
    """Compile the load client and the echo floor."""
    subprocess.run(["make", "-s", "-C", REPOSITORY / "bench" / "load"], check=True)  # noqa: S607 - make comes from PATH


def gateway_command(files: GatewayFiles) -> list[str]:
    """Return the command that serves these files."""
    kk99fix = Path(sys.executable).with_name("kk99fix")
    folders = ["--config", files.config, "--sessions", files.sessions, "--state", files.state]
    return [str(part) for part in [kk99fix, "serve", *folders]]


def floor_command() -> list[str]:
    """Return the command of the echo server on a free port."""
    return [str(BUILD / "kk_echo"), "0"]


def reference_command() -> list[str]:
    """Return the command of the Trio acceptor on a free port."""
    return [sys.executable, "-m", "bench.reference_acceptor"]


@contextmanager
def running(command: Sequence[str], folder: Path) -> Iterator[Server]:
    """Run a server until the end of the block; its output goes to files in `folder`."""
    pinned = (
        [*command] if server_core() is None else ["taskset", "-c", str(server_core()), *command]
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    out_path, error_path = folder / "stdout", folder / "stderr"
    with out_path.open("wb") as out, error_path.open("wb") as errors:
        begun = time.monotonic()
        process = subprocess.Popen(
            pinned, cwd=folder, env=environment, stdout=out, stderr=errors, stdin=subprocess.DEVNULL
        )
        try:
            match = wait_ready(process, out_path, error_path, begun)
            ready_after_s = time.monotonic() - begun
            over_tls = _TLS.search(match.string)
            tls_port = None if over_tls is None else int(over_tls[1])
            yield Server(process.pid, match[1].decode(), int(match[2]), ready_after_s, tls_port)
        finally:
            stop(process)


def wait_ready(
    process: subprocess.Popen[bytes], out: Path, errors: Path, begun: float
) -> re.Match[bytes]:
    """Return the match of the line that says ready; ServerFailedError if it does not come."""
    while time.monotonic() - begun < READY_WITHIN_S:
        match = _READY.search(out.read_bytes())
        if match is not None:
            return match
        if process.poll() is not None:
            break
        time.sleep(0.002)
    tail = (out.read_bytes() + errors.read_bytes())[-4000:].decode("utf-8", "replace")
    raise ServerFailedError(f"not ready (exit code {process.poll()}):\n{tail}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server: politely first, then not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
