"""The acceptor as it serves: a gateway in this process, and counterparties on loopback sockets."""

from typing import Any

import trio
from support.live_gateway import Live, wait_until
from support.live_peer import WITHIN_S, LivePeer

from kk99fix.venue.session_commands import StopInput

NS_PER_S = 1_000_000_000
_ENDS = frozenset({"session ended", "session cut", "logon refused"})


class LiveStage:
    """What the gateway does by itself, time apart: that is set forward."""

    comp_id = "KK99"

    def __init__(self, live: Live) -> None:
        """Take a gateway that serves."""
        self._live = live
        self._peers: dict[str, LivePeer] = {}
        #: Bytes that the pump has to have read.
        self._sent_bytes = 0
        #: Ends of connections that the script has told of.
        self._ends_seen = 0

    def now_ns(self) -> int:
        """Return venue time."""
        return self._live.gateway.sequencer.pump.now_ns()

    def unread(self) -> list[bytes]:
        """Return frames that were not expected."""
        return [frame for peer in self._peers.values() for frame in peer.frames[peer._read :]]

    async def connect(self, who: str, how: str) -> None:
        """Open a socket."""
        assert not how
        self._peers[who] = await self._live.peer(who.partition("#")[0])

    async def send(self, who: str, data: bytes) -> None:
        """Send, and wait until the gateway has taken it."""
        peer = self._peers[who]
        await peer.send_bytes(data)
        if peer.frames:  # the Logon(A) is not the pump's
            self._sent_bytes += len(data)
            statistics = self._live.gateway.sequencer.pump.statistics
            session = self._session(who)
            venue = self._live.gateway.storage.venue
            await wait_until(
                lambda: statistics().bytes_in >= self._sent_bytes or not venue.is_live(session)
            )

    async def frame(self, who: str) -> bytes | None:
        """Read until a frame is whole, or the end."""
        peer = self._peers[who]
        with trio.fail_after(WITHIN_S):
            while peer._read == len(peer.frames):
                if not await peer._more():
                    return None
        peer._read += 1
        return peer.frames[peer._read - 1]

    async def ended(self, who: str) -> str:
        """Return the cause in the log."""
        await self._peers.pop(who).stream.aclose()
        return str((await self._next_end())["cause"])

    async def drop(self, who: str) -> None:
        """Close the socket."""
        await self._peers.pop(who).stream.aclose()
        await self._next_end()
        await self._live.wait_until_gone(who.partition("#")[0])

    async def wait(self, seconds: float) -> None:
        """Set venue time forward, and wait until what is due then has happened."""
        clock, sequencer = self._live.gateway.clock, self._live.gateway.sequencer
        clock.offset_ns += round(seconds * NS_PER_S)
        sequencer.pump.set_clock(clock.offset_ns, 0)
        await wait_until(lambda: not self._due())

    async def numbers(self, session: str, wanted: tuple[int, int]) -> tuple[int, int]:
        """Return the numbers in the core's session table, as soon as they are as wanted."""
        with trio.move_on_after(WITHIN_S):
            await wait_until(lambda: self._numbers(session) == wanted)
        return self._numbers(session)

    async def log_out(self, session: str, text: str) -> None:
        """Ask the venue."""
        sequencer = self._live.gateway.sequencer
        sequencer.apply(StopInput(self._session(session), text))
        sequencer.commit()

    async def say(self, msg_type: str, body: str) -> None:
        """The venue says nothing of its own accord."""
        raise NotImplementedError

    async def settle(self) -> None:
        """Nobody is fed, and nothing was sent that did not arrive."""
        gateway = self._live.gateway
        await wait_until(lambda: not len(gateway.feeder) and not gateway.connections.queued_bytes)
        for peer in self._peers.values():
            with trio.move_on_after(0):
                await peer._more()
            await peer.stream.aclose()

    def _due(self) -> bool:
        deadline_ns = self._live.gateway.storage.venue.next_deadline_ns()
        return deadline_ns is not None and deadline_ns <= self.now_ns()

    def _numbers(self, session: str) -> tuple[int, int]:
        view = self._live.gateway.storage.venue.engine.session(self._session(session))
        return view.next_in, view.next_out

    def _session(self, who: str) -> int:
        session = self._live.gateway.storage.venue.registry.session_id(who.partition("#")[0])
        assert session is not None
        return session

    async def _next_end(self) -> dict[str, Any]:
        """Return the log line about the next connection that ended."""
        await wait_until(lambda: len(self._ends()) > self._ends_seen)
        self._ends_seen += 1
        return self._ends()[self._ends_seen - 1]

    def _ends(self) -> list[dict[str, Any]]:
        return [line for line in self._live.logged.lines if line["event"] in _ENDS]
