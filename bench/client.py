"""One run of the load client, and its figures as a value."""

import json
import subprocess
from pathlib import Path
from typing import Any

import attrs

from bench.gateway_files import ACCOUNT_SUFFIX
from bench.lines import Line
from bench.servers import BUILD, Server, client_core

#: CPU time, as a share of the run on one core, from which a run counts as disturbed.
STOLEN_SHARE = 0.02
FOREIGN_SHARE = 0.10


class ReportsWrongError(Exception):
    """The load client found missing, doubled or wrong reports, or lost its connection."""


@attrs.frozen
class Run:
    """What one run gave; `cpu_s_per_million` is the server's, per million operations."""

    line: str
    server: str
    round: int
    elapsed_s: float
    answered: int
    orders_per_s: float
    messages_in: int
    messages_out: int
    cpu_s_per_million: float
    p50_us: float
    p99_us: float
    p99_9_us: float
    max_us: float
    client_cpu_s: float
    stolen_s: float
    foreign_s: float
    rss_mib: float
    #: p50 of 4 KiB written and synced on the same disk right after the run; 0: not measured.
    disk_us: float = 0.0

    @property
    def disturbed(self) -> bool:
        """The host or another program took CPU time that the run needed."""
        return (
            self.stolen_s > STOLEN_SHARE * self.elapsed_s
            or self.foreign_s > FOREIGN_SHARE * self.elapsed_s
        )


@attrs.frozen
class Task:
    """What the client is to do, beyond its line."""

    line: Line
    server_name: str
    round: int
    seconds: float
    warmup_s: float
    #: The peer answers New to everything.
    floor: bool = False
    #: File of the CA of the server's certificate, where the line is over TLS.
    ca_file: Path | None = None


def arguments(task: Task, server: Server) -> list[str]:
    """Return the client's command line."""
    line = task.line
    command: list[object] = [BUILD / "kk_load", "--host", server.host]
    command += ["--port", server.port if task.ca_file is None else server.tls_port]
    command += [] if task.ca_file is None else ["--tls", task.ca_file]
    command += ["--sessions", f"LOAD:{line.sessions}", "--mode", line.mode]
    command += ["--window", line.window, "--refill", line.refill, "--account", ACCOUNT_SUFFIX]
    command += ["--seconds", task.seconds, "--warmup", task.warmup_s, "--seed", task.round + 1]
    command += ["--server-pid", server.pid]
    command += [] if task.floor else ["--capacity", line.orders // line.sessions]
    command += ["--spin"] if line.spin else []
    command += ["--floor"] if task.floor else []
    core = client_core()
    command += [] if core is None else ["--cpu", core]
    return [str(part) for part in command]


def run_client(task: Task, server: Server) -> Run:
    """Put one server under load; ReportsWrongError if a single report is missing or wrong."""
    done = subprocess.run(arguments(task, server), capture_output=True, check=False)
    if done.returncode != 0:
        what = f"{task.line.name} against {task.server_name}: exit code {done.returncode}"
        raise ReportsWrongError(f"{what}\n{done.stderr.decode('utf-8', 'replace')}")
    return run_from(task, json.loads(done.stdout), peak_rss_mib(server.pid))


def run_from(task: Task, figures: dict[str, Any], rss_mib: float) -> Run:
    """Turn the client's JSON into a Run."""
    latency = figures["latency_us"]
    server_cpu_s, own_cpu_s = figures["server_cpu_s"] or 0.0, figures["own_cpu_s"]
    foreign_s = (figures["busy_s"] or 0.0) - server_cpu_s - own_cpu_s
    return Run(
        line=task.line.name,
        server=task.server_name,
        round=task.round,
        elapsed_s=figures["elapsed_s"],
        answered=figures["answered"],
        orders_per_s=figures["orders_per_s"],
        messages_in=figures["messages_in"],
        messages_out=figures["messages_out"],
        cpu_s_per_million=server_cpu_s * 1e6 / max(figures["answered"], 1),
        p50_us=latency["p50"],
        p99_us=latency["p99"],
        p99_9_us=latency["p99_9"],
        max_us=latency["max"],
        client_cpu_s=own_cpu_s,
        stolen_s=figures["steal_s"] or 0.0,
        foreign_s=max(foreign_s, 0.0),
        rss_mib=rss_mib,
    )


def peak_rss_mib(pid: int) -> float:
    """Return the most memory a process has held, from /proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:  # noqa: PTH123 - not a file of ours
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0
