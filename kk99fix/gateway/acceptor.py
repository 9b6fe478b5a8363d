"""From a new connection to a session in the pump, or to a silent close.

A connection is one Trio task until its Logon(A) is decided: absolute deadline, bounded bytes, one
frame, on the TLS listener behind a handshake with a deadline of its own.  Then its socket belongs
to the pump and the task is over.
Behind a balancer the address that its PROXY header names counts as if it had connected itself.
Whatever is wrong before that, nothing is sent: the cause goes to the log with a reference, and the
connection is closed at a fixed delay: after its Logon(A), where there is one, else after it began.
A Logon(A) that is not decided by then is refused, so a slow refusal looks like a fast one.
Only a connection that may not even knock (too many, or from a network of nobody) is closed at once,
and one that gives way to another because all room is used up (see `waiting_room`).
"""

import socket
from collections.abc import Callable
from typing import Final

import trio
from attrs import frozen

from kk99fix.config.venue import Listen
from kk99fix.fix import masking, split
from kk99fix.gateway.addresses import plain_address, within
from kk99fix.gateway.arrival import Arrival
from kk99fix.gateway.authentication import Admitted, Authenticator, Refusal
from kk99fix.gateway.connections import Connections
from kk99fix.gateway.first_frame import FirstFrame, read_first_frame
from kk99fix.gateway.logs import Log
from kk99fix.gateway.origin import Introduction, Origin
from kk99fix.gateway.peer import Peer
from kk99fix.gateway.refusals import Refusals
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.gateway.tls_causes import TlsCause
from kk99fix.gateway.tls_listener import Secured, TlsListener, TlsRefused
from kk99fix.gateway.waiting_room import WaitingRoom
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
    #: What OpenSSL calls it.
    detail: str | None = None


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
        tls: TlsListener | None = None,
    ) -> None:
        """Take the limits of [listen], and what serves the bytes that came behind a Logon(A).

        `tls` does the handshakes where there is a listener for them.
        """
        self._listen = listen
        self._authenticator = authenticator
        self._sequencer = sequencer
        self._connections = connections
        self._log = log
        self._serve_now = serve_now
        self._tls = tls
        self._room = WaitingRoom()
        self.refusals = Refusals(log)

    async def handle_tls(self, stream: trio.SocketStream) -> None:
        """Serve one new connection of the TLS listener."""
        await self.handle(stream, self._tls)

    async def handle(self, stream: trio.SocketStream, tls: TlsListener | None = None) -> None:
        """Serve one new connection until it is in the pump or closed; with `tls` over TLS."""
        started = trio.current_time()
        sock = stream.socket
        try:
            address = plain_address(str(sock.getpeername()[0]))
        except OSError:
            sock.close()
            return
        origin: Origin | None = Origin(address)
        if within(address, self._listen.proxy_from):
            origin = await self._introduced(sock, address, started)
        if origin is None:
            return
        cause = self._not_even_knock(origin.address)
        if cause is not None:
            self.refusals.note(cause, Peer(origin.address), None, balancer=origin.balancer)
            sock.close()
            return
        arrival = Arrival.plain(sock, origin)
        with self._room.place(origin.address) as place:
            closes_at: float | None = None
            with place.scope:
                closes_at = await self._log_on(arrival, tls, started)
                if closes_at is None:
                    return
                await trio.sleep_until(closes_at)
            if closes_at is None:
                self._refuse(arrival, Refused("gave-way"), None)
            sock.close()

    @property
    def pending(self) -> int:
        """Connections that have not logged on yet."""
        return len(self._room)

    @property
    def passwords_waiting(self) -> int:
        """Passwords that wait to be verified."""
        return self._authenticator.waiting

    def _full(self) -> bool:
        """Whether there is no room, also when one that has not logged on gives way."""
        room = self._listen.max_connections - len(self._connections)
        return len(self._room) >= room and not (room > 0 and self._room.make_room())

    def _not_even_knock(self, address: str) -> str | None:
        """Why a connection is closed at once; None when it may try to log on."""
        if not self._authenticator.reachable_from(address):
            return "network-of-nobody"
        from_here = self._connections.count_from(address) + self._room.count_from(address)
        if from_here >= self._listen.max_connections_per_address:
            return "connection-cap-of-address"
        return "connection-cap" if self._full() else None

    async def _introduced(
        self, sock: trio.socket.SocketType, balancer: str, started: float
    ) -> Origin | None:
        """Where a balancer's connection comes from; None when it has been closed instead."""
        if self._full():
            self.refusals.note("connection-cap", Peer(balancer), None)
            sock.close()
            return None
        with self._room.place(balancer) as place:
            with place.scope:
                return await self._read_header(sock, balancer, started)
            self.refusals.note("gave-way", Peer(balancer), None)
            sock.close()
        return None

    async def _read_header(
        self, sock: trio.socket.SocketType, balancer: str, started: float
    ) -> Origin | None:
        """Read the PROXY header; None when there is none and the connection is closed."""
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

    async def _log_on(
        self, arrival: Arrival, tls: TlsListener | None, started: float
    ) -> float | None:
        """Decide on a connection: when it is to be closed, None when it is in the pump."""
        refused: Refused | None = Refused("logon-timeout")
        first: FirstFrame | None = None
        asked = started
        try:
            with trio.move_on_at(started + self._listen.logon_timeout_s):
                refused = None if tls is None else await self._secure(arrival, tls, started)
                if refused is None:
                    refused = Refused("logon-timeout")
                    bytes_max = self._listen.max_pre_logon_bytes
                    first = await read_first_frame(arrival.receiver, arrival.data, bytes_max)
                    refused = Refused("closed-or-not-fix")
            if first is not None:
                asked = trio.current_time()
                refused = await self._decide_in_time(arrival, first, asked)
        except OSError:
            refused = Refused("connection-lost")
        if refused is None:
            self._serve_now()
            return None
        self._refuse(arrival, refused, first)
        return asked + self._listen.failed_logon_delay_s

    def _refuse(self, arrival: Arrival, refused: Refused, first: FirstFrame | None) -> None:
        self.refusals.note(
            refused.cause,
            arrival.peer,
            None if first is None else first.frame,
            live_address=refused.live_address,
            balancer=arrival.origin.balancer,
            detail=refused.detail,
        )

    async def _secure(self, arrival: Arrival, tls: TlsListener, started: float) -> Refused | None:
        """Do the handshake, within its own time; None when it is done."""
        found: Secured | TlsRefused | None = None
        with trio.move_on_at(started + tls.tls.handshake_timeout_s):
            try:
                found = await tls.secure(arrival.sock, arrival.origin.data, arrival.peer.address)
            except OSError:
                raise
            except Exception:  # noqa: BLE001 - a fault of ours may cost this logon, never the others
                self._log.exception("fault ended a logon", address=arrival.peer.address)
                return Refused("internal-fault")
        if isinstance(found, Secured):
            arrival.secured(found)
            return None
        failed = tls.note_timeout() if found is None else found
        return Refused(failed.cause, detail=failed.detail)

    async def _decide_in_time(
        self, arrival: Arrival, first: FirstFrame, asked: float
    ) -> Refused | None:
        """Decide on a Logon(A) before its refusal is due, so that none is ever told by its time."""
        due_s = self._listen.failed_logon_delay_s or self._listen.logon_timeout_s
        with trio.move_on_at(asked + due_s):
            return await self._decide(arrival, first)
        return Refused(Refusal.BUSY)

    async def _decide(self, arrival: Arrival, first: FirstFrame) -> Refused | None:
        """Hand the connection over: None when it is in the pump, else why not."""
        address = arrival.peer.address
        try:
            verdict = await self._authenticator.admit(split.split(first.frame), arrival.peer)
        except Exception:  # noqa: BLE001 - a fault of ours may cost this logon, never the others
            self._log.exception("fault ended a logon", address=address)
            return Refused("internal-fault")
        if isinstance(verdict, Refusal):
            return Refused(verdict)
        if self._tls is not None and not self._tls.trusts(arrival.peer):
            return Refused(TlsCause.CERTIFICATE_UNTRUSTED)
        if self._sequencer.venue.is_live(verdict.session):
            live_address = self._connections.address_of(verdict.session)
            self._probe(verdict, address, live_address)
            return Refused(Refusal.LIVE, live_address)
        return self._enter(arrival, first, verdict)

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

    def _enter(self, arrival: Arrival, first: FirstFrame, admitted: Admitted) -> Refused | None:
        """From here on nothing awaits: the socket goes to the pump, the Logon to the venue."""
        sock, origin, peer = arrival.sock, arrival.origin, arrival.peer
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        descriptor, channel = sock.fileno(), arrival.channel
        if not self._connections.add(descriptor, admitted.session, peer, first.rest, channel):
            return Refused("no-slot-free")
        sock.detach()
        masked, address = masking.mask(first.frame), peer.address
        self._sequencer.apply(LogonInput(admitted.session, masked, address, admitted.proof))
        if self._sequencer.venue.is_live(admitted.session):
            more = {} if origin.balancer is None else {"balancer": origin.balancer}
            if channel is not None:
                more["tls"] = str(channel.ssl_object.version())
            self._log.info("session logged on", session=admitted.comp_id, address=address, **more)
        self._sequencer.commit()
        return None
