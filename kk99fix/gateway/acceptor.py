"""From a new connection to a session in the pump, or to a silent close.

A connection is one Trio task until its Logon(A) is decided: absolute deadline, bounded bytes, one
frame.  Then its socket belongs to the pump and the task is over.
Whatever is wrong before that, nothing is sent: the cause goes to the log with a reference, and the
connection is closed at a fixed delay after it began.
"""

import itertools
import socket
from collections import Counter
from typing import Final

import trio
from attrs import frozen

from kk99fix.config.venue import Listen
from kk99fix.fix import masking, split
from kk99fix.fix.framing import Frame, Framer
from kk99fix.gateway.authentication import Admitted, Authenticator, Refusal
from kk99fix.gateway.connections import Connections
from kk99fix.gateway.logs import Log
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.venue.inputs import LogonInput

RECEIVE_BYTES: Final = 4096
USER_TIMEOUT_MS: Final = 30_000


@frozen
class FirstFrame:
    """The first frame of a connection and the bytes that came behind it."""

    frame: bytes
    rest: bytes


class Acceptor:
    """Takes connections in; one for the process."""

    def __init__(
        self,
        listen: Listen,
        authenticator: Authenticator,
        sequencer: Sequencer,
        connections: Connections,
        log: Log,
    ) -> None:
        """Take the limits from [listen] of venue.toml."""
        self._listen = listen
        self._authenticator = authenticator
        self._sequencer = sequencer
        self._connections = connections
        self._log = log
        self._pending: Counter[str] = Counter()
        self._references = itertools.count(1)
        self.refused: Counter[str] = Counter()

    async def handle(self, stream: trio.SocketStream) -> None:
        """Serve one new connection until it is in the pump or closed."""
        started = trio.current_time()
        sock = stream.socket
        try:
            address = str(sock.getpeername()[0])
        except OSError:
            sock.close()
            return
        if not self._may_come_in(address):
            self._refuse("connection-cap-or-network", address)
            sock.close()
            return
        self._pending[address] += 1
        try:
            await self._log_on(sock, address, started)
        finally:
            self._pending[address] -= 1
            if not self._pending[address]:
                del self._pending[address]

    @property
    def pending(self) -> int:
        """Connections that have not logged on yet."""
        return self._pending.total()

    def _may_come_in(self, address: str) -> bool:
        in_all = len(self._connections) + self.pending
        from_here = self._connections.count_from(address) + self._pending[address]
        return (
            in_all < self._listen.max_connections
            and from_here < self._listen.max_connections_per_address
            and self._authenticator.reachable_from(address)
        )

    async def _log_on(self, sock: trio.socket.SocketType, address: str, started: float) -> None:
        refusal: Refusal | str = "logon-timeout"
        first: FirstFrame | None = None
        try:
            with trio.move_on_at(started + self._listen.logon_timeout_s):
                first = await self._first_frame(sock)
                refusal = "closed-or-not-fix"
                if first is not None:
                    refusal = await self._decide(sock, address, first)
            if refusal == "":
                return
            self._refuse(refusal, address, first)
            await trio.sleep_until(started + self._listen.failed_logon_delay_s)
        except OSError:
            self._refuse("connection-lost", address)
        sock.close()

    async def _first_frame(self, sock: trio.socket.SocketType) -> FirstFrame | None:
        """The first frame; None when the bytes are no FIX, too long, or end."""
        framer = Framer(self._listen.max_pre_logon_bytes)
        while True:
            data = await sock.recv(RECEIVE_BYTES)
            if not data:
                return None
            framer.feed(data)
            event = framer.next_event()
            if isinstance(event, Frame):
                return FirstFrame(event.raw, framer.rest())
            if event is not None:
                return None

    async def _decide(
        self, sock: trio.socket.SocketType, address: str, first: FirstFrame
    ) -> Refusal | str:
        """Hand the connection over: "" when it is in the pump, else why not."""
        verdict = await self._authenticator.admit(split.split(first.frame), address)
        if isinstance(verdict, Refusal):
            return verdict
        if self._sequencer.venue.is_live(verdict.session):
            return Refusal.LIVE
        return self._enter(sock, address, first, verdict)

    def _enter(
        self,
        sock: trio.socket.SocketType,
        address: str,
        first: FirstFrame,
        admitted: Admitted,
    ) -> str:
        """From here on nothing awaits: the socket goes to the pump, the Logon to the venue."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        if not self._connections.add(sock.fileno(), admitted.session, address, first.rest):
            return "no-slot-free"
        sock.detach()
        self._log.info("session logged on", session=admitted.comp_id, address=address)
        self._sequencer.apply(LogonInput(admitted.session, masking.mask(first.frame), address))
        self._sequencer.commit()
        return ""

    def _refuse(self, cause: str, address: str, first: FirstFrame | None = None) -> None:
        self.refused[str(cause)] += 1
        self._log.warning(
            "logon refused",
            reference=next(self._references),
            cause=str(cause),
            address=address,
            frame=first.frame if first is not None else None,
        )
