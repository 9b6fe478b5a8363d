"""Connections of logged-on sessions: which slot of the pump serves which session.

A connection ends in one of three ways: the counterparty closes it (a DISCONNECT input follows),
the venue asks for it (what is in the ring still leaves, for a bounded time), or it is cut (slow,
garbled, too long; a DISCONNECT input with the cause).
"""

import os
from collections import Counter
from typing import Final

from attrs import define

from kk99fix.gateway.feeder import Feeder
from kk99fix.gateway.logs import Log
from kk99fix.gateway.peer import Peer
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.gateway.tls_channel import Channel
from kk99fix.gateway.tls_live import Broken, TlsSessions
from kk99fix.matcher.pump import Event, EventKind, SlowLimit
from kk99fix.venue.inputs import DisconnectInput
from kk99fix.venue.outcome import Disconnected

NS_PER_S: Final = 1_000_000_000
#: How long a connection that is about to be closed may take to drain.
DRAIN_NS: Final = 2 * NS_PER_S

#: Cause of the end of a connection whose bytes are no TLS any more.
TLS_BROKEN: Final = "tls-broken"

_CUT_CAUSES: Final = {
    EventKind.CLOSED: "connection-closed",
    EventKind.TOO_LONG: "frame-too-long",
    EventKind.GARBLED: "garbled",
    EventKind.SLOW: "slow-reader",
}
_SLOW_LIMITS: Final = {SlowLimit.SECONDS: "max_seconds", SlowLimit.BYTES: "max_bytes"}


@define
class Connection:
    """One connection in the pump."""

    session: int
    slot: int
    peer: Peer
    #: Since when, in venue time.
    since_ns: int
    #: Until when it may drain; None while it is live.
    closing_until_ns: int | None = None

    @property
    def address(self) -> str:
        """Where it comes from."""
        return self.peer.address


class Connections:
    """The table of connections, and their ends."""

    def __init__(self, sequencer: Sequencer, feeder: Feeder, log: Log) -> None:
        """Begin without any; registers for the venue's disconnects."""
        self._sequencer = sequencer
        self._feeder = feeder
        self._log = log
        self._by_session: dict[int, Connection] = {}
        self._closing: set[int] = set()
        self._tls = TlsSessions(sequencer.pump)
        #: Ends of connections, by cause.
        self.ended: Counter[str] = Counter()
        sequencer.on_disconnect = self._close_for_venue
        sequencer.on_released = self._tls.encrypt_released

    def __len__(self) -> int:
        """Return the number of connections, closing ones included."""
        return len(self._by_session)

    def count_from(self, address: str) -> int:
        """Return the number of connections from one address."""
        return sum(1 for each in self._by_session.values() if each.peer.address == address)

    def address_of(self, session: int) -> str | None:
        """Return where the session's connection comes from; None without one."""
        connection = self._by_session.get(session)
        return None if connection is None else connection.peer.address

    def of(self, session: int) -> Connection | None:
        """Return the session's connection, a closing one included; None without one."""
        return self._by_session.get(session)

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait in the rings of all connections."""
        engine = self._sequencer.venue.engine
        return sum(engine.pending(session) for session in self._by_session)

    @property
    def encrypted(self) -> int:
        """How many connections are encrypted."""
        return len(self._tls)

    def peer_of(self, session: int) -> Peer | None:
        """Return who is at the other end of a live session; None of one that is not."""
        connection = self._by_session.get(session)
        live = connection is not None and self._sequencer.venue.is_live(session)
        return connection.peer if connection is not None and live else None

    def add(
        self,
        descriptor: int,
        session: int,
        peer: Peer,
        rest: bytes,
        channel: Channel | None = None,
    ) -> bool:
        """Give a socket to the pump, with a ring; False when no ring or slot is free.

        Until that answer the descriptor is the caller's.  `channel` has the keys of a TLS one.
        """
        leftover = self._by_session.get(session)
        if leftover is not None:
            self._remove(leftover)
        engine, pump = self._sequencer.venue.engine, self._sequencer.pump
        if not engine.attach(session):
            return False
        slot = pump.add(descriptor, session, rest)
        if slot is None:
            engine.detach(session)
            return False
        self._by_session[session] = Connection(session, slot, peer, pump.now_ns())
        if channel is not None:
            self._tls.add(slot, channel)
        return True

    def decrypt(self, slot: int) -> Event | None:
        """Take what came over an encrypted connection; what it has for Python now."""
        found = self._tls.read(slot)
        if isinstance(found, Broken):
            self._end_broken([found])
            return None
        return found

    def cut_broken(self) -> bool:
        """End the encrypted connections that cannot be written to; whether there were any."""
        broken = self._tls.take_broken()
        if broken:
            self._end_broken(broken)
        return bool(broken)

    def _end_broken(self, broken: list[Broken]) -> None:
        details = {each.slot: each.detail for each in broken}
        for connection in list(self._by_session.values()):
            if connection.slot in details:
                self._end(connection, TLS_BROKEN, detail=details[connection.slot])

    def cut(self, event: Event) -> None:
        """End a connection for what the pump reports; the venue is told."""
        connection = self._by_session.get(event.session)
        if connection is None or connection.slot != event.slot:
            return
        self._end(connection, _CUT_CAUSES[event.kind], **_details(event))

    def sweep(self) -> None:
        """Remove closing connections that have drained, or had their time."""
        if not self._closing:
            return
        now_ns = self._sequencer.pump.now_ns()
        for session in sorted(self._closing):
            connection = self._by_session[session]
            until_ns = connection.closing_until_ns
            pump = self._sequencer.pump
            drained = not self._feeder.feeds(session) and not pump.sending(connection.slot)
            if drained or (until_ns is not None and now_ns >= until_ns):
                self._remove(connection)

    def close_all(self, cause: str) -> None:
        """End every connection that is left, live ones with a DISCONNECT input."""
        for connection in list(self._by_session.values()):
            self._end(connection, cause)

    def _end(self, connection: Connection, cause: str, **details: object) -> None:
        """Remove a connection; the venue is told if its session is live."""
        if self._sequencer.venue.is_live(connection.session):
            self._note_end("session cut", connection, cause, **details)
            self._sequencer.apply(DisconnectInput(connection.session, cause))
        self._remove(connection)

    def close(self, session: int, cause: str, **details: object) -> None:
        """End a session's connection at once, for a cause of ours."""
        connection = self._by_session.get(session)
        if connection is not None and self._sequencer.venue.is_live(session):
            self._end(connection, cause, **details)

    def _close_for_venue(self, disconnected: Disconnected) -> None:
        connection = self._by_session.get(disconnected.session)
        if connection is None:
            return
        self._note_end("session ended", connection, disconnected.cause)
        self._sequencer.pump.stop_reading(connection.slot)
        connection.closing_until_ns = self._sequencer.pump.now_ns() + DRAIN_NS
        self._closing.add(disconnected.session)

    def _remove(self, connection: Connection) -> None:
        self._tls.end(connection.slot)
        self._sequencer.pump.remove(connection.slot)
        self._sequencer.venue.engine.detach(connection.session)
        self._feeder.forget(connection.session)
        del self._by_session[connection.session]
        self._closing.discard(connection.session)

    def _note_end(self, event: str, connection: Connection, cause: str, **details: object) -> None:
        self.ended[cause] += 1
        name = self._sequencer.venue.registry.session_names()[connection.session]
        self._log.info(event, session=name, cause=cause, address=connection.peer.address, **details)


def _details(event: Event) -> dict[str, object]:
    """What the log says beside the cause of a cut."""
    if event.kind is EventKind.SLOW:
        return {
            "limit": _SLOW_LIMITS[event.limit],
            "waited_s": round(event.waited_ns / NS_PER_S, 3),
            "waiting_bytes": event.waiting_bytes,
        }
    return {"error": os.strerror(event.error)} if event.error else {}
