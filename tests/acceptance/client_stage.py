"""Our side as the initiator, live: the FIX client of the harness, and a loopback socket."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import trio
from acceptance.initiator import HEART_BT_INT_S, options
from support.live_gateway import wait_until
from support.live_peer import WITHIN_S, LivePeer
from support.session_desk import pairs

from kk99fix.harness.client import Client, Identity, SessionEndedError
from kk99fix.harness.ledger import Ledger

HOST = "127.0.0.1"


class ClientStage:
    """The FIX client of the harness, and a counterparty that listens on loopback."""

    comp_id = "BROKER1"

    def __init__(self, tasks: trio.Nursery, listener: trio.SocketListener) -> None:
        """Begin without a connection."""
        self._tasks = tasks
        self._listener = listener
        self._ledger = Ledger(b"BROKER1", b"KK99")
        self._client: Client | None = None
        self._peer: LivePeer | None = None

    def now_ns(self) -> int:
        """Return the client's time."""
        return time.time_ns()

    def unread(self) -> list[bytes]:
        """Return frames that were not expected."""
        return [] if self._peer is None else self._peer.frames[self._peer._read :]

    async def connect(self, who: str, how: str) -> None:
        """Connect, and log on in a task of its own, which then reads for ever."""
        port = self._listener.socket.getsockname()[1]
        stream = await trio.open_tcp_stream(HOST, port)
        identity = Identity("BROKER1", "KK99", heart_bt_int_s=HEART_BT_INT_S)
        client = Client(stream, identity, self._ledger)
        self._client = client
        self._peer = LivePeer(who, await self._listener.accept())

        async def serve() -> None:
            with suppress(SessionEndedError):
                await client.logon(
                    reset="reset" in options(how), next_expected="next-expected" in options(how)
                )
                await client.wait_ended()

        self._tasks.start_soon(serve)

    async def send(self, who: str, data: bytes) -> None:
        """Send over the socket."""
        del who
        assert self._peer is not None
        await self._peer.send_bytes(data)

    async def frame(self, who: str) -> bytes | None:
        """Read until a frame is whole, or the end."""
        del who
        peer = self._peer
        assert peer is not None
        with trio.fail_after(WITHIN_S):
            while peer._read == len(peer.frames):
                if not await peer._more():
                    return None
        peer._read += 1
        return peer.frames[peer._read - 1]

    async def ended(self, who: str) -> str:
        """Return how the client says it ended."""
        del who
        assert self._client is not None
        return (await self._client.wait_ended()).cause

    async def drop(self, who: str) -> None:
        """Close the counterparty's socket, and wait until the client has seen it."""
        del who
        client = self._client
        assert self._peer is not None
        assert client is not None
        await self._peer.stream.aclose()
        await wait_until(lambda: client._ending is not None)

    async def wait(self, seconds: float) -> None:
        """Time of the client is the system's."""
        raise NotImplementedError

    async def numbers(self, session: str, wanted: tuple[int, int]) -> tuple[int, int]:
        """Return the client's numbers, as soon as they are as wanted."""
        del session
        ledger = self._ledger
        with trio.move_on_after(WITHIN_S):
            await wait_until(lambda: (ledger.next_in, ledger.next_out) == wanted)
        return ledger.next_in, ledger.next_out

    async def log_out(self, session: str, text: str) -> None:
        """Ask the client, whose task waits for the end already."""
        del session
        client = self._client
        assert client is not None
        now_ns = time.time_ns()
        await client._carry_out(client._session.stop(text.encode(), self._ledger.numbers, now_ns))

    async def say(self, msg_type: str, body: str) -> None:
        """Send an application message."""
        client = self._client
        assert client is not None
        await wait_until(lambda: client.established)
        await client.send(msg_type, pairs(body))

    async def settle(self) -> None:
        """Close both ends."""
        if self._peer is not None:
            with trio.move_on_after(0):
                await self._peer._more()
            await self._peer.stream.aclose()


@asynccontextmanager
async def client_stage() -> AsyncIterator[ClientStage]:
    """Listen while the block runs."""
    (listener,) = await trio.open_tcp_listeners(0, host=HOST)
    async with listener, trio.open_nursery() as tasks:
        yield ClientStage(tasks, listener)
        tasks.cancel_scope.cancel()
