"""From a new connection to a session in the pump, or to a silent close.

A connection is one Trio task until its Logon(A) is decided: absolute deadline, bounded bytes, one
frame.  Then its socket belongs to the pump and the task is over.
Whatever is wrong before that, nothing is sent: the cause goes to the log with a reference, and the
connection is closed at a fixed delay after it began.  Only a connection that may not even knock
(too many, or from a network of nobody) is closed at once.
"""

import socket
from collections import Counter
from collections.abc import Callable
from typing import Final

import trio
from attrs import frozen

from kk99fix.config.venue import Listen
from kk99fix.fix import masking, split
from kk99fix.fix.framing import Frame, Framer
from kk99fix.gateway.authentication import Admitted, Authenticator, Refusal
from kk99fix.gateway.connections import Connections
from kk99fix.gateway.logs import Log
from kk99fix.gateway.refusals import Refusals
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.venue.inputs import LogonInput
from kk99fix.venue.session_commands import ProbeInput

NS_PER_S: Final = 1_000_000_000
RECEIVE_BYTES: Final = 4096
USER_TIMEOUT_MS: Final = 30_000


@frozen
class FirstFrame:
    """The first frame of a connection and the bytes that came behind it."""

    frame: bytes
    rest: bytes


@frozen
class Refused:
    """Why a connection does not become a session."""

    cause: str
    #: Where the session's live connection comes from, if that is why.
    live_address: str | None = None


class Acceptor:
    """Takes connections in; one for the process."""

    def __init__(
        self,
        listen: Listen,
        authenticator: Authenticator,
        sequencer: Sequencer,
        connections: Connections,
        log: Log,
        serve_now: Callable[[], None],
    ) -> None:
        """Take the limits of [listen], and what serves the bytes that came behind a Logon(A)."""
        self._listen = listen
        self._authenticator = authenticator
        self._sequencer = sequencer
        self._connections = connections
        self._log = log
        self._serve_now = serve_now
        self._pending: Counter[str] = Counter()
        self.refusals = Refusals(log)

    async def handle(self, stream: trio.SocketStream) -> None:
        """Serve one new connection until it is in the pump or closed."""
        started = trio.current_time()
        sock = stream.socket
        try:
            address = str(sock.getpeername()[0])
        except OSError:
            sock.close()
            return
        cause = self._not_even_knock(address)
        if cause is not None:
            self.refusals.note(cause, address, None)
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

    def _not_even_knock(self, address: str) -> str | None:
        """Why a connection is closed at once; None when it may try to log on."""
        if len(self._connections) + self.pending >= self._listen.max_connections:
            return "connection-cap"
        from_here = self._connections.count_from(address) + self._pending[address]
        if from_here >= self._listen.max_connections_per_address:
            return "connection-cap-of-address"
        return None if self._authenticator.reachable_from(address) else "network-of-nobody"

    async def _log_on(self, sock: trio.socket.SocketType, address: str, started: float) -> None:
        refused: Refused | None = Refused("logon-timeout")
        first: FirstFrame | None = None
        try:
            with trio.move_on_at(started + self._listen.logon_timeout_s):
                first = await self._first_frame(sock)
                refused = await self._decide(sock, address, first)
        except OSError:
            refused = Refused("connection-lost")
        if refused is None:
            self._serve_now()
            return
        frame = None if first is None else first.frame
        self.refusals.note(refused.cause, address, frame, refused.live_address)
        await trio.sleep_until(started + self._listen.failed_logon_delay_s)
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
        self, sock: trio.socket.SocketType, address: str, first: FirstFrame | None
    ) -> Refused | None:
        """Hand the connection over: None when it is in the pump, else why not."""
        if first is None:
            return Refused("closed-or-not-fix")
        try:
            verdict = await self._authenticator.admit(split.split(first.frame), address)
        except Exception:  # noqa: BLE001 - a fault of ours may cost this logon, never the others
            self._log.exception("fault ended a logon", address=address)
            return Refused("internal-fault")
        if isinstance(verdict, Refusal):
            return Refused(verdict)
        if self._sequencer.venue.is_live(verdict.session):
            live_address = self._connections.address_of(verdict.session)
            self._probe(verdict, address, live_address)
            return Refused(Refusal.LIVE, live_address)
        return self._enter(sock, address, first, verdict)

    def _probe(self, admitted: Admitted, address: str, live_address: str | None) -> None:
        """Find out whether the connection that the session has is half dead, now and then."""
        sequencer = self._sequencer
        if sequencer.venue.may_probe(admitted.session, sequencer.pump.now_ns()):
            self._log.info(
                "session probed",
                session=admitted.comp_id,
                address=address,
                live_address=live_address,
            )
            wait_ns = self._listen.half_dead_wait_s * NS_PER_S
            sequencer.apply(ProbeInput(admitted.session, wait_ns))
            sequencer.commit()

    def _enter(
        self,
        sock: trio.socket.SocketType,
        address: str,
        first: FirstFrame,
        admitted: Admitted,
    ) -> Refused | None:
        """From here on nothing awaits: the socket goes to the pump, the Logon to the venue."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        if not self._connections.add(sock.fileno(), admitted.session, address, first.rest):
            return Refused("no-slot-free")
        sock.detach()
        self._sequencer.apply(LogonInput(admitted.session, masking.mask(first.frame), address))
        if self._sequencer.venue.is_live(admitted.session):
            self._log.info("session logged on", session=admitted.comp_id, address=address)
        self._sequencer.commit()
        return None
