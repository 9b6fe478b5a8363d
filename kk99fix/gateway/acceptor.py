"""From a new connection to a session in the pump, or to a silent close.

A connection is one Trio task until its Logon(A) is decided: absolute deadline, bounded bytes, one
frame.  Then its socket belongs to the pump and the task is over.
Behind a balancer the address that its PROXY header names counts as if it had connected itself.
Whatever is wrong before that, nothing is sent: the cause goes to the log with a reference, and the
connection is closed at a fixed delay: after its Logon(A), where there is one, else after it began.
A Logon(A) that is not decided by then is refused, so a slow refusal looks like a fast one.
Only a connection that may not even knock (too many, or from a network of nobody) is closed at once.
"""

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio
from attrs import frozen

from kk99fix.config.venue import Listen
from kk99fix.fix import masking, split
from kk99fix.gateway.addresses import plain_address, within
from kk99fix.gateway.authentication import Admitted, Authenticator, Refusal
from kk99fix.gateway.connections import Connections
from kk99fix.gateway.first_frame import FirstFrame, read_first_frame
from kk99fix.gateway.logs import Log
from kk99fix.gateway.origin import Introduction, Origin
from kk99fix.gateway.peer import Peer
from kk99fix.gateway.refusals import Refusals
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.venue.inputs import LogonInput
from kk99fix.venue.session_commands import ProbeInput

NS_PER_S: Final = 1_000_000_000
USER_TIMEOUT_MS: Final = 30_000


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
            address = plain_address(str(sock.getpeername()[0]))
        except OSError:
            sock.close()
            return
        origin: Origin | None = Origin(address)
        if within(address, self._listen.proxy_from) and not self._full():
            with self._counted(address):
                origin = await self._introduced(sock, address, started)
        if origin is None:
            return
        cause = self._not_even_knock(origin.address)
        if cause is not None:
            self.refusals.note(cause, Peer(origin.address), None, balancer=origin.balancer)
            sock.close()
            return
        with self._counted(origin.address):
            await self._log_on(sock, origin, started)

    @property
    def pending(self) -> int:
        """Connections that have not logged on yet."""
        return self._pending.total()

    @property
    def passwords_waiting(self) -> int:
        """Passwords that wait to be verified."""
        return self._authenticator.waiting

    @contextmanager
    def _counted(self, address: str) -> Iterator[None]:
        """Count a connection that has not logged on yet."""
        self._pending[address] += 1
        try:
            yield
        finally:
            self._pending[address] -= 1
            if not self._pending[address]:
                del self._pending[address]

    def _full(self) -> bool:
        return len(self._connections) + self.pending >= self._listen.max_connections

    def _not_even_knock(self, address: str) -> str | None:
        """Why a connection is closed at once; None when it may try to log on."""
        if self._full():
            return "connection-cap"
        from_here = self._connections.count_from(address) + self._pending[address]
        if from_here >= self._listen.max_connections_per_address:
            return "connection-cap-of-address"
        return None if self._authenticator.reachable_from(address) else "network-of-nobody"

    async def _introduced(
        self, sock: trio.socket.SocketType, balancer: str, started: float
    ) -> Origin | None:
        """Where a balancer's connection comes from; None when it has been closed instead."""
        introduction = Introduction(balancer)
        refused = Refused("logon-timeout")
        try:
            with trio.move_on_at(started + self._listen.logon_timeout_s):
                origin = await introduction.read(sock)
                if origin is not None:
                    return origin
                refused = Refused("no-proxy-header")
        except OSError:
            refused = Refused("connection-lost")
        if introduction.silent:
            self._log.debug("health check", address=balancer)
        else:
            self.refusals.note(refused.cause, Peer(balancer), None)
            await trio.sleep_until(started + self._listen.failed_logon_delay_s)
        sock.close()
        return None

    async def _log_on(self, sock: trio.socket.SocketType, origin: Origin, started: float) -> None:
        refused: Refused | None = Refused("logon-timeout")
        first: FirstFrame | None = None
        asked = started
        try:
            with trio.move_on_at(started + self._listen.logon_timeout_s):
                first = await read_first_frame(sock, origin.data, self._listen.max_pre_logon_bytes)
                refused = Refused("closed-or-not-fix")
            if first is not None:
                asked = trio.current_time()
                refused = await self._decide_in_time(sock, origin, first, asked)
        except OSError:
            refused = Refused("connection-lost")
        if refused is None:
            self._serve_now()
            return
        self.refusals.note(
            refused.cause,
            Peer(origin.address),
            None if first is None else first.frame,
            live_address=refused.live_address,
            balancer=origin.balancer,
        )
        await trio.sleep_until(asked + self._listen.failed_logon_delay_s)
        sock.close()

    async def _decide_in_time(
        self, sock: trio.socket.SocketType, origin: Origin, first: FirstFrame, asked: float
    ) -> Refused | None:
        """Decide on a Logon(A) before its refusal is due, so that none is ever told by its time."""
        due_s = self._listen.failed_logon_delay_s or self._listen.logon_timeout_s
        with trio.move_on_at(asked + due_s):
            return await self._decide(sock, origin, first)
        return Refused(Refusal.BUSY)

    async def _decide(
        self, sock: trio.socket.SocketType, origin: Origin, first: FirstFrame
    ) -> Refused | None:
        """Hand the connection over: None when it is in the pump, else why not."""
        address = origin.address
        try:
            verdict = await self._authenticator.admit(split.split(first.frame), Peer(address))
        except Exception:  # noqa: BLE001 - a fault of ours may cost this logon, never the others
            self._log.exception("fault ended a logon", address=address)
            return Refused("internal-fault")
        if isinstance(verdict, Refusal):
            return Refused(verdict)
        if self._sequencer.venue.is_live(verdict.session):
            live_address = self._connections.address_of(verdict.session)
            self._probe(verdict, address, live_address)
            return Refused(Refusal.LIVE, live_address)
        return self._enter(sock, origin, first, verdict)

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
        origin: Origin,
        first: FirstFrame,
        admitted: Admitted,
    ) -> Refused | None:
        """From here on nothing awaits: the socket goes to the pump, the Logon to the venue."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        address = origin.address
        if not self._connections.add(sock.fileno(), admitted.session, address, first.rest):
            return Refused("no-slot-free")
        sock.detach()
        masked = masking.mask(first.frame)
        self._sequencer.apply(LogonInput(admitted.session, masked, address, admitted.proof))
        if self._sequencer.venue.is_live(admitted.session):
            more = {} if origin.balancer is None else {"balancer": origin.balancer}
            self._log.info("session logged on", session=admitted.comp_id, address=address, **more)
        self._sequencer.commit()
        return None
