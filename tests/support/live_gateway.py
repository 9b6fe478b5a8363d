"""A gateway inside the test's own Trio loop, on real loopback sockets."""

import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio

from kk99fix.config.load import Settings
from kk99fix.gateway import assembly, logs, server
from kk99fix.gateway.logs import Log
from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.reloader import Folders
from kk99fix.gateway.tls_listener import TlsListener
from kk99fix.vault.seeds import Seeds
from support.config_folder import ConfigFolder
from support.gateway_process import free_port
from support.live_peer import LivePeer

HOST = "127.0.0.1"
STOP_WITHIN_S = 10.0
DURABLE, PROCESS = 'durability = "durable"', 'durability = "process"'
#: Small enough that a gateway starts in a moment; what is recorded leaves in the same pass.
SMALL = {
    DURABLE: PROCESS,
    "segment_bytes = 67_108_864": "segment_bytes = 1_048_576",
    "orders = 1_000_000": "orders = 50_000",
    "levels = 100_000": "levels = 10_000",
    "duplicate_window = 4_000_000": "duplicate_window = 50_000",
    "ring_bytes = 1_048_576": "ring_bytes = 524_288",
    "sessions = 2048": "sessions = 64",
    "max_connections = 1024": "max_connections = 32",
    "max_connections_per_address = 256": "max_connections_per_address = 32",
    "failed_logon_delay_s = 2": "failed_logon_delay_s = 0",
}


def small_settings(
    folder: Path,
    changes: dict[str, str] | None = None,
    *,
    broker1: dict[str, str] | None = None,
) -> Settings:
    """The shipped files with small pools; further texts of venue.toml and BROKER1.toml replaced."""
    files = ConfigFolder(folder)
    for old, new in (SMALL | (changes or {})).items():
        files.replace("config/venue.toml", old, new)
    for old, new in (broker1 or {}).items():
        files.replace("sessions/BROKER1.toml", old, new)
    return files.load()


def at_level(level: str) -> dict[str, str]:
    """Return the change of `small_settings` that makes a gateway serve at `level`."""
    return {PROCESS: f'durability = "{level}"'}


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until something holds that no event tells; an error when it takes too long."""
    with trio.fail_after(STOP_WITHIN_S):
        while not condition():  # noqa: ASYNC110 - the gateway has no events for tests
            await trio.sleep(0.005)


class LogLines:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        """Begin without any; the process's log goes here from now on."""
        self.text = io.StringIO()
        self.log: Log = logs.configure(self.text, level="debug")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """All lines so far."""
        return [json.loads(line) for line in self.text.getvalue().splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the lines about one event."""
        return [line for line in self.lines if line["event"] == event]


@attrs.define
class Live:
    """A gateway that serves."""

    gateway: Gateway
    logged: LogLines
    port: int
    metrics_port: int
    _stops: trio.MemorySendChannel[None]
    tls_port: int = 0

    def stop(self) -> None:
        """Ask the gateway to stop, as a signal does."""
        self._stops.send_nowait(None)

    async def peer(self, comp_id: str) -> LivePeer:
        """Connect a counterparty."""
        return LivePeer(comp_id, await trio.open_tcp_stream(HOST, self.port))

    async def logged_on(
        self, comp_id: str, next_out: int = 1, *, heart_bt_int: int = 60
    ) -> LivePeer:
        """Connect a counterparty and log it on."""
        peer = await self.peer(comp_id)
        peer.next_out = next_out
        await peer.log_on(heart_bt_int)
        return peer

    async def wait_until_gone(self, comp_id: str) -> None:
        """Wait until the gateway has noticed that a session's connection is over."""
        session = self.gateway.storage.venue.registry.session_id(comp_id)
        assert session is not None
        await wait_until(lambda: self.gateway.connections.address_of(session) is None)

    async def wait_until_stopped(self) -> None:
        """Wait until the journal is closed."""
        await wait_until(lambda: self.gateway.storage.writer.fd < 0)


@asynccontextmanager
async def live_gateway(
    settings: Settings,
    state_dir: Path,
    *,
    seeds: Seeds | None = None,
    folders: Folders | None = None,
    config_dir: Path | None = None,
) -> AsyncIterator[Live]:
    """Serve while the block runs, then stop as SIGTERM does.

    With `folders` their files are followed, with a `config_dir` there is TLS too.
    """
    logged = LogLines()
    stops, stopped = trio.open_memory_channel[None](10)
    tls = None if config_dir is None else TlsListener(config_dir, settings.venue.tls, logged.log)
    gateway = assembly.start(settings, state_dir, logged.log, seeds=seeds, folders=folders, tls=tls)
    live = Live(gateway, logged, 0, free_port(), stops)
    listening = trio.Event()

    def ready(_host: str, port: int) -> None:
        live.port = port
        listening.set()

    def ready_tls(_host: str, port: int) -> None:
        live.tls_port = port

    async def serve() -> None:
        await server.run(
            live.gateway,
            places=server.places_of(
                live.gateway, ready=ready, ready_tls=ready_tls, host=HOST, port=0, tls_port=0
            ),
            metrics_host=HOST,
            metrics_port=live.metrics_port,
            wait_for_stop=stopped.receive,
        )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        await listening.wait()
        yield live
        live.stop()
        await live.wait_until_stopped()
