"""Neighbours that might disturb the sessions under load: readers that stall, desks that resend.

A stalled reader is a socket of this process that logs on, sends what the gateway takes, and never
reads again; once it is stalled it costs nobody anything but what the gateway does about it.
The desks are `kk_desk`, a process that has what the load client leaves of their core: any other
scheduling would show in the load client's own latencies.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from bench.gateway_files import ACCOUNT_SUFFIX
from bench.servers import BUILD, Server, client_core

RECEIVE_BUFFER_BYTES = 65_536
#: The gateway takes nothing more of a reader that takes nothing.
STALLED_AFTER_S = 0.5
ORDERS_MAX = 100_000
BATCH = 100


class NeighbourFailedError(Exception):
    """A neighbour could not do what the line is about; the text says what it wrote."""


def _frame(comp_id: str, msg_type: str, number: int, body: str) -> bytes:
    now = datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]
    text = f"35={msg_type}\x0149={comp_id}\x0156=KK99\x0134={number}\x0152={now}\x01{body}"
    data = f"8=FIX.4.4\x019={len(text)}\x01{text}".encode()
    return data + b"10=%03d\x01" % (sum(data) % 256)


def _order(comp_id: str, number: int, cl_ord_id: int) -> bytes:
    body = f"11=S{cl_ord_id}\x011={comp_id}{ACCOUNT_SUFFIX}\x0155=AAPL\x0154=1\x01"
    terms = f"60={datetime.now(UTC):%Y%m%d-%H:%M:%S}\x0138=1\x0140=2\x0144=180\x01"
    return _frame(comp_id, "D", number, body + terms)


@contextlib.contextmanager
def stalled_reader(server: Server, comp_id: str) -> Iterator[None]:
    """Be logged on while the block runs, the numbers from 1, and read nothing."""
    with _stalled(server, comp_id):
        yield


@contextlib.contextmanager
def stalled_sender(server: Server, comp_id: str, first_id: int) -> Iterator[int]:
    """The same with orders of its own, until the gateway takes no more; gives the next id."""
    with _stalled(server, comp_id) as sock:
        yield first_id + _send_until_stalled(sock, comp_id, first_id)


@contextlib.contextmanager
def _stalled(server: Server, comp_id: str) -> Iterator[socket.socket]:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        sock.connect((server.host, server.port))
        sock.sendall(_frame(comp_id, "A", 1, "98=0\x01108=60\x01141=Y\x01"))
        if not sock.recv(4096).startswith(b"8=FIX.4.4"):
            raise NeighbourFailedError(f"{comp_id} was not let in")
        sock.setblocking(False)
        yield sock


def _send_until_stalled(sock: socket.socket, comp_id: str, first_id: int) -> int:
    """Send orders until the socket takes none for a while; return how many."""
    count, waiting = 0, b""
    last = time.monotonic()
    while time.monotonic() < last + STALLED_AFTER_S:
        if not waiting:
            batch = range(count, count + BATCH)
            waiting = b"".join(_order(comp_id, n + 2, first_id + n) for n in batch)
            count += BATCH
        if count > ORDERS_MAX:
            raise NeighbourFailedError(f"{comp_id} sent {ORDERS_MAX} orders and never stalled")
        with contextlib.suppress(BlockingIOError):
            waiting = waiting[sock.send(waiting) :]
            last = time.monotonic()
    return count


@attrs.frozen
class Resent:
    """What the desks fetched in one run."""

    messages: int
    bytes: int
    days: int
    seconds: float
    #: MsgSeqNum(34) with which each desk goes on.
    next_out: tuple[int, ...]

    @property
    def messages_per_s(self) -> float:
        """Messages sent again per second, all desks together."""
        return self.messages / self.seconds


@attrs.define
class Desks:
    """Drop-copy desks that fetch a day over and over."""

    comp_ids: Sequence[str]
    #: Messages of the day that was recorded for each.
    day: int
    next_out: list[int] = attrs.field(init=False)
    resent: list[Resent] = attrs.field(factory=list, init=False)
    _process: subprocess.Popen[str] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with the first number of each."""
        self.next_out = [1 for _ in self.comp_ids]

    @property
    def cpu_s(self) -> float:
        """CPU time that the running desks have used; 0 while none run."""
        return 0.0 if self._process is None else cpu_s_of(self._process.pid)

    @contextlib.contextmanager
    def fetching(self, server: Server) -> Iterator[None]:
        """Fetch while the block runs; NeighbourFailedError if a message was missing."""
        core = client_core()
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        command = [
            "chrt",
            "--idle",
            "0",
            *pinned,
            str(BUILD / "kk_desk"),
            server.host,
            str(server.port),
        ]
        for comp_id, next_out in zip(self.comp_ids, self.next_out, strict=True):
            command += [comp_id, str(next_out), str(self.day)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        self._process = process
        try:
            process.stdout.readline()  # all have asked
            yield
            process.send_signal(signal.SIGTERM)
            told, complaints = process.communicate(timeout=30)
        finally:
            self._process = None
            process.kill()
            process.wait()
        if process.returncode != 0:
            raise NeighbourFailedError(f"kk_desk: exit code {process.returncode}\n{complaints}")
        self._note(json.loads(told))

    def _note(self, told: dict[str, Any]) -> None:
        self.next_out = told["next_out"]
        values = (told["messages"], told["bytes"], told["days"], told["seconds"])
        self.resent.append(Resent(*values, tuple(self.next_out)))


def cpu_s_of(pid: int) -> float:
    """Return the CPU time that a process has used."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
