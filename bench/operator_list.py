"""What the operator's commands cost everybody else: `python -m bench.operator_list`.

A gateway with 2,000 session files, half of them logged on, is asked over its socket.
Whatever runs between two turns of the live loop holds it up, so the longest step of a task while a
command is answered is what an order may have to wait for it.
"""

import json
import resource
import socket
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import trio
from trio.abc import Instrument

from bench.gateway_files import REPOSITORY
from kk99fix.config.load import load
from kk99fix.fix import encode
from kk99fix.gateway import assembly, logs, server
from kk99fix.gateway.operator_path import SOCKET_NAME
from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.peer import Peer
from kk99fix.venue.credentials import CredentialKind
from kk99fix.venue.inputs import LogonFailedInput, LogonInput

SESSIONS = 2000
ONLINE = 1000
REFUSED = 1000
QUESTIONS: tuple[dict[str, object], ...] = (
    {"command": "sessions"},
    {"command": "sessions", "names": ["BROKER0001"]},
    {"command": "locks", "all": True},
    {"command": "refusals", "limit": 1000},
    {"command": "why", "reference": "BROKER0001"},
    {"command": "status"},
)
_SESSION = """\
[session]
sender_comp_id = "{name}"
target_comp_id = "KK99"
role = "order-entry"
firm = "Broker"
accounts = ["{name}-HOUSE"]

[logon]
heart_bt_int = [5, 3600]
"""


class Longest(Instrument):
    """Notes how long each step kept the processor; what other programs took is left out."""

    def __init__(self) -> None:
        """Begin with none."""
        self.took_ns: list[int] = []
        self._begun_ns = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002 - as inherited
        """Note when."""
        self._begun_ns = time.thread_time_ns()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002 - as inherited
        """Note how long it took."""
        self.took_ns.append(time.thread_time_ns() - self._begun_ns)


def write_files(folder: Path) -> None:
    """The shipped config/ with room for so many sessions, and their files."""
    (folder / "sessions").mkdir()
    (folder / "config").mkdir()
    for file in (REPOSITORY / "config").iterdir():
        text = file.read_text()
        if file.name == "risk.toml":
            # What it says of the shipped firms and accounts concerns nobody here.
            text = text.partition("[firm.")[0]
        for old, new in (
            ("sessions = 2048", "sessions = 4096"),
            ("max_connections = 1024", f"max_connections = {ONLINE + 64}"),
            ("ring_bytes = 1_048_576", "ring_bytes = 524_288"),
            ("orders = 1_000_000", "orders = 50_000"),
            ("duplicate_window = 4_000_000", "duplicate_window = 50_000"),
        ):
            text = text.replace(old, new)
        (folder / "config" / file.name).write_text(text)
    for number in range(SESSIONS):
        name = f"BROKER{number:04}"
        (folder / "sessions" / f"{name}.toml").write_text(_SESSION.format(name=name))


def fill(gateway: Gateway) -> list[socket.socket]:
    """Log half of the sessions on, have each fail once, and refuse many; return the sockets."""
    theirs = []
    sequencer = gateway.sequencer
    for number in range(SESSIONS):
        name = f"BROKER{number:04}"
        session = sequencer.venue.registry.session_id(name)
        assert session is not None
        failed = LogonFailedInput(session, CredentialKind.PASSWORD, "127.0.0.1", "credentials")
        sequencer.apply(failed)
        if number < ONLINE:
            ours, other = socket.socketpair()
            ours.setblocking(False)
            theirs.append(other)
            assert gateway.connections.add(ours.detach(), session, Peer("127.0.0.1"), b"")
            sequencer.apply(LogonInput(session, _logon(name), "127.0.0.1"))
        sequencer.commit()
    for number in range(REFUSED):
        peer = Peer(f"192.0.2.{number % 250}")
        cause = ("credentials", "network")[number % 2]
        gateway.acceptor.refusals.note(cause, peer, _logon(f"BROKER{number % 10:04}"))
    return theirs


def _logon(name: str) -> bytes:
    stamp = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime()).encode()
    terms = [(98, b"0"), (108, b"3600")]
    return encode.message(b"FIX.4.4", b"A", name.encode(), b"KK99", 1, stamp, terms)


async def ask(path: Path, question: dict[str, object]) -> int:
    """Ask once; return the bytes of the answer."""
    async with await trio.open_unix_socket(str(path)) as stream:
        await stream.send_all(json.dumps(question).encode() + b"\n")
        size = 0
        last = b""
        while not last.endswith(b"\n"):
            last = await stream.receive_some(1 << 20)
            size += len(last)
        return size


async def measure(gateway: Gateway, longest: Longest, state_dir: Path, rounds: int) -> None:
    """Serve, ask each question so many times, and print what it took."""
    ready, done = trio.Event(), trio.Event()

    def note_ready(_host: str, _port: int) -> None:
        ready.set()

    async with trio.open_nursery() as nursery:
        serving = partial(
            server.run,
            gateway,
            places=server.places_of(
                gateway, ready=note_ready, ready_tls=note_ready, host="127.0.0.1", port=0
            ),
            metrics_host="127.0.0.1",
            metrics_port=0,
            wait_for_stop=done.wait,
        )
        nursery.start_soon(serving)
        await ready.wait()
        sockets = fill(gateway)
        gateway.loop.run_pass()
        click.echo(f"{'':<44} {'answer':>12} {'in all':>10} {'longest step':>14}")
        for question in QUESTIONS:
            await report(longest, state_dir / SOCKET_NAME, question, rounds)
        for sock in sockets:
            sock.close()
        await trio.sleep(0.5)
        done.set()


async def report(longest: Longest, path: Path, question: dict[str, object], rounds: int) -> None:
    """Ask one question so many times; print the medians of time and of the longest step."""
    took_s, steps_ns, size = [], [], 0
    for _ in range(rounds):
        longest.took_ns.clear()
        begun_s = time.perf_counter()
        size = await ask(path, question)
        took_s.append(time.perf_counter() - begun_s)
        steps_ns.append(max(longest.took_ns))
        await trio.sleep(0.05)
    middle = rounds // 2
    click.echo(
        f"{json.dumps(question):<44} {size:>10} B {sorted(took_s)[middle] * 1e3:>7.1f} ms "
        f"{sorted(steps_ns)[middle] / 1e6:>11.2f} ms"
    )


@click.command()
@click.option("--rounds", default=15, show_default=True, help="How often each question is asked.")
def main(rounds: int) -> None:
    """Ask a gateway with 2,000 sessions, and print how long each answer holds the live loop."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * ONLINE + 256
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    with tempfile.TemporaryDirectory() as temporary, Path("/dev/null").open("w") as nothing:
        folder = Path(temporary)
        write_files(folder)
        settings = load(folder / "config", folder / "sessions")
        state_dir = folder / "var"
        gateway = assembly.start(settings, state_dir, logs.configure(nothing))
        longest = Longest()
        run: Callable[[], object] = partial(
            trio.run, measure, gateway, longest, state_dir, rounds, instruments=[longest]
        )
        run()


if __name__ == "__main__":
    main()
