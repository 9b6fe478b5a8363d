"""The pump over virtual wires: the order of its steps is that of `matcher_c/io`, its time virtual.

It takes the place of `kk99fix.matcher.pump.Pump` under the real sequencer, live loop, connections
and feeder.  What it does with bytes, events and rings follows kk_pump_read.c, kk_pump_flush.c and
kk_pump_blocked.c; each write is one step of the disk, each send one more, so that a crash falls
between any two of them.
At level `durable` groups take their time in virtual time, as kk_pump_durable.c has it: what leaves
waits for the sync of its group, and what gathers meanwhile is the next one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import attrs

from kk99fix.journal.record import pack_group, seal, unpack_header
from kk99fix.matcher._core import ffi, lib
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.pump import Event, EventKind, FailedAction, Flushed, SlowLimit, Unwritten
from kk99fix.matcher.values import CoreStatus
from simulation.crashes import Disk
from simulation.time_line import TimeLine
from simulation.wires import Wire

READ_MAX: Final = 65_536
GROUP_BYTES: Final = 48
#: Below so much room in its ring a session is not read.
RING_LOW: Final = 4096


@attrs.define(eq=False)
class Connection:
    """One connection in the pump."""

    slot: int
    session: int
    wire: Wire
    #: Sees every frame that leaves.
    tap: Callable[[bytes], None]
    data: bytes
    deferred: bool = False
    with_python: int = 0
    stopped: bool = False
    failed: bool = False
    told: bool = False
    blocked_since_ns: int = 0
    garbled_in_row: int = 0


@attrs.define
class Surroundings:
    """What the pump has instead of a kernel."""

    time_line: TimeLine
    disk: Disk
    #: Wires and taps by the number that stands for a descriptor.
    wires: dict[int, tuple[Wire, Callable[[bytes], None]]]
    #: Told of each batch of whole units, unsealed, once it may be seen outside.
    on_recorded: Callable[[bytes], None]
    #: Told when there is something to do.
    wake: Callable[[], None]
    #: Told of the venue's engine between two inputs, before what they caused is handed over.
    on_applied: Callable[[Engine], None] = lambda _: None
    #: A fault to be injected into what leaves: frame in, frames out.
    tamper: Callable[[bytes], list[bytes]] | None = None
    #: A fault to be injected: messages leave before their records are written.
    hasty: bool = False


class VirtualPump:
    """One pump; see the top of this module."""

    def __init__(self, engine: Engine, surroundings: Surroundings, limits: dict[str, Any]) -> None:
        """Begin without connections."""
        self._engine = engine
        self._around = surroundings
        self._limits = limits
        self._connections: dict[int, Connection] = {}
        self._by_session: dict[int, Connection] = {}
        self._ready = ffi.new("uint32_t[]", engine.capacity.sessions)
        self._deferred: list[int] = []
        self._waiting = b""
        self._fd, self._end, self._seed = -1, 0, 0
        self._durable, self._idle_ns = False, 0
        #: Under way to the disk, and what of the filled buffer was there before it.
        self._group: bytes | None = None
        self._done_bytes = self._filling = 0
        self._watermark = self._marked = engine.next_lsn - 1
        self._marking = False
        #: The directory is to be synced before anything in the segment counts.
        self._name_is_new = True
        self.closed = False
        self._not_below_ns = 0
        self._bytes_out = ffi.new("uint8_t const **")
        self.segment_offset = 0
        self.room_needed = 0
        self.error = 0
        self.descriptor = -1
        #: No wire of the simulation is encrypted.
        self.ciphered: list[int] = []

    # ------------------------------------------------------------------ clock and segment

    def now_ns(self) -> int:
        """Venue time is virtual time."""
        return max(self._around.time_line.now_ns, self._not_below_ns)

    def set_clock(self, offset_ns: int, not_below_ns: int) -> None:
        """Nothing steers virtual time."""
        del offset_ns
        self._not_below_ns = max(self._not_below_ns, not_below_ns)

    def set_segment(self, descriptor: int, offset: int, end: int, seed: int) -> None:
        """Write to this file from `offset` on, up to `end`."""
        self._fd, self.segment_offset, self._end, self._seed = descriptor, offset, end, seed
        self._name_is_new = True

    @property
    def waiting_lsn(self) -> int:
        """Lsn of the first record that waits."""
        return unpack_header(self._waiting, 0).lsn

    # ------------------------------------------------------------------ connections

    def add(self, descriptor: int, session: int, data: bytes) -> int | None:
        """Take over a wire."""
        free = (
            slot for slot in range(self._limits["connections"]) if slot not in self._connections
        )
        slot = next(free, None)
        if slot is None:
            return None
        wire, tap = self._around.wires[descriptor]
        connection = Connection(slot, session, wire, tap, data)
        self._connections[slot] = self._by_session[session] = connection
        wire.venue.on_bytes = wire.venue.on_end = self._around.wake
        wire.venue.on_room = wire.peer.on_room = self._around.wake
        if data:
            self._defer(connection)
        return slot

    def remove(self, slot: int) -> None:
        """Close a connection after a last attempt to send what may leave."""
        connection = self._connections.pop(slot)
        del self._by_session[connection.session]
        if not connection.failed:
            self._send(connection)
        if slot in self._deferred:
            self._deferred.remove(slot)
        connection.wire.close(connection.wire.peer)
        connection.wire.venue.on_bytes = connection.wire.venue.on_end = lambda: None

    def stop_reading(self, slot: int) -> None:
        """Read no more of a connection that is about to be closed."""
        self._connections[slot].stopped = True

    def sending(self, slot: int) -> bool:
        """Whether bytes of the connection wait to be sent."""
        connection = self._connections[slot]
        return not connection.failed and self._engine.pending(connection.session) > 0

    @property
    def failed_action(self) -> FailedAction:
        """Nothing fails here but the whole process."""
        return FailedAction.NONE

    def close(self) -> None:
        """Close every connection; a process that has died sends nothing more."""
        self.closed = True
        if self._around.disk.crashed:
            self._connections.clear()
            self._by_session.clear()
        for slot in list(self._connections):
            self.remove(slot)

    # ------------------------------------------------------------------ the way in

    def read(self) -> list[Event]:
        """Drain the ready wires into the core; what is left for Python."""
        events: list[Event | None] = []
        deferred, self._deferred = self._deferred, []
        for slot in deferred:
            connection = self._connections[slot]
            connection.deferred = False
            if not connection.stopped and not connection.failed:
                events.append(self._consume(connection))
        events += [self._read(connection) for connection in list(self._connections.values())]
        return [event for event in events if event is not None]

    def _read(self, connection: Connection) -> Event | None:
        end = connection.wire.venue
        if connection.failed or connection.with_python or connection.deferred:
            return None
        if connection.stopped:
            return self._fail(connection) if end.ended else None
        if end.arrived and self._engine.ring_free(connection.session) >= RING_LOW:
            connection.data += connection.wire.take(end, READ_MAX)
            return self._consume(connection)
        if end.ended and not end.arrived:
            return self._fail(connection)
        return None

    def _consume(self, connection: Connection) -> Event | None:
        data = connection.data
        consumed = self._engine.consume(connection.session, data, self.now_ns())
        self._around.on_applied(self._engine)
        connection.data = data[consumed.used :]
        row = 0 if consumed.messages else connection.garbled_in_row
        connection.garbled_in_row = row + consumed.garbled
        if connection.garbled_in_row > self._limits["garbled_max"]:
            connection.stopped = True
            return self._event(connection, EventKind.GARBLED)
        if consumed.status is CoreStatus.ESCALATE:
            connection.with_python = consumed.frame_length
            return self._event(
                connection, EventKind.FRAME, connection.data[: consumed.frame_length]
            )
        if consumed.status is CoreStatus.TOO_LONG:
            connection.stopped = True
            return self._event(connection, EventKind.TOO_LONG)
        if consumed.status is CoreStatus.OUT_FULL:
            self._defer(connection)
        return None

    def handled(self, slot: int) -> Event | None:
        """Go on behind the frame that Python has handled."""
        connection = self._connections[slot]
        connection.data = connection.data[connection.with_python :]
        connection.with_python = connection.garbled_in_row = 0
        if connection.stopped or connection.failed:
            return None
        return self._consume(connection)

    def defer(self, event: Event) -> None:
        """Leave the frame of `event` for the next pass."""
        connection = self._connections[event.slot]
        connection.with_python = 0
        self._defer(connection)

    @property
    def pending(self) -> bool:
        """Whether a pass would find work without waiting."""
        return bool(self._deferred) or any(map(self._has_work, self._connections.values()))

    @property
    def anybody_blocked(self) -> bool:
        """Whether bytes wait for a wire that takes no more."""
        return bool(self._blocked())

    def _blocked(self) -> list[Connection]:
        """Those for which bytes wait."""
        return [
            each for each in self._connections.values() if each.blocked_since_ns and not each.failed
        ]

    def _has_work(self, connection: Connection) -> bool:
        if connection.failed or connection.told:
            return connection.told
        end = connection.wire.venue
        if not end.arrived or connection.stopped:
            return end.ended
        return self._engine.ring_free(connection.session) >= RING_LOW

    # ------------------------------------------------------------------ the way out

    def flush(self) -> Flushed:
        """Write the records, then send what they allow; at `durable` what the disk has by now."""
        if self._group is not None and not self._durable:
            raise AssertionError("a group at level process")
        if self._around.hasty:
            self._engine.release()
            self._send_ready()
        if not self._durable:
            self._waiting += self._take()
            while self._waiting:
                fits = self._fitting(0)
                if not fits:
                    return self._roll(0)
                self._write(self._waiting[:fits])
            self._engine.release()
            self._send_ready()
            return Flushed.DONE
        return self._flush_durable()

    def _take(self) -> bytes:
        """Take over what was recorded since the last time."""
        self._around.on_applied(self._engine)
        return self._engine.take()

    def _write(self, batch: bytes) -> None:
        """Write whole units at level `process`: they may be seen from now on."""
        sealed = seal(batch, self._seed)
        self._around.disk.pwrite(self._fd, sealed, self.segment_offset)
        self.segment_offset += len(sealed)
        self._waiting = self._waiting[len(batch) :]
        self._around.on_recorded(batch)

    # ------------------------------------------------------------------ groups

    def start_durable(self, directory: int, idle_ns: int) -> None:
        """Begin with level `durable`."""
        del directory
        self._durable, self._idle_ns = True, idle_ns

    def _flush_durable(self) -> Flushed:
        """Release what is on the disk, and begin the next group when none is under way."""
        if self._group is not None:
            return Flushed.DONE
        if not self._waiting:
            lib.kk_rings_release_marked(self._engine._handle)
            if not self._engine.journal_used:
                self._engine.release()
                self._send_ready()
                self._mark_later()
                return Flushed.DONE
            self._waiting, self._done_bytes = self._take(), 0
            self._filling += 1
            lib.kk_rings_mark(self._engine._handle)
        fits = self._fitting(GROUP_BYTES)
        if not fits:
            return self._roll(GROUP_BYTES)
        self._group = self._waiting[:fits]
        header = pack_group(self.waiting_lsn, self._watermark)
        sealed = seal(header + self._group, self._seed)
        self._around.disk.pwrite(self._fd, sealed, self.segment_offset)
        took_ns = self._around.disk.sync_time_ns()
        self._around.time_line.after(took_ns, self._sync_if_open)
        self._send_ready()
        return Flushed.DONE

    def _sync_if_open(self) -> None:
        if self._group is not None and not self.closed:
            self._sync()
            self._around.wake()

    def _sync(self) -> None:
        """The group under way is on the disk."""
        group = self._group
        assert group is not None
        self._around.disk.fdatasync(self._fd)
        if self._name_is_new:
            self._around.disk.sync_directory(Path())
            self._name_is_new = False
        self.segment_offset += GROUP_BYTES + len(group)
        self._group = None
        self._done_bytes += len(group)
        self._waiting = self._waiting[len(group) :]
        self._watermark = self.waiting_lsn - 1 if self._waiting else self._last_lsn(group)
        self._around.on_recorded(group)

    @staticmethod
    def _last_lsn(group: bytes) -> int:
        offset = lsn = 0
        while offset < len(group):
            header = unpack_header(group, offset)
            offset, lsn = offset + header.length, header.lsn
        return lsn

    def _mark_later(self) -> None:
        """Soon after a sync that nothing follows the newer watermark is written."""
        if self._watermark > self._marked and not self._marking:
            self._marking = True

            def mark() -> None:
                self._marking = False
                if not self.closed and self.settled and self._fd >= 0:
                    self._write_marker()

            self._around.time_line.after(self._idle_ns, mark)

    def _write_marker(self) -> None:
        if self._watermark > self._marked and self._end - self.segment_offset >= GROUP_BYTES:
            marker = seal(pack_group(self._watermark + 1, self._watermark), self._seed)
            self._around.disk.pwrite(self._fd, marker, self.segment_offset)
            self._around.disk.fdatasync(self._fd)
            self.segment_offset += GROUP_BYTES
            self._marked = self._watermark

    @property
    def backed_up(self) -> bool:
        """Never: so much does not gather in a simulation."""
        return False

    @property
    def settled(self) -> bool:
        """Whether everything recorded is written and, at level `durable`, on the disk."""
        return self._group is None and not self._waiting and not self._engine.journal_used

    def wait(self) -> None:
        """Block until no group is under way."""
        if self._group is not None:
            self._sync()

    def finish(self) -> Flushed:
        """Once everything has settled: have the last watermark on the disk as well."""
        if self._durable:
            self._write_marker()
        return Flushed.DONE

    def unwritten(self) -> list[Unwritten]:
        """The records that are not known to be on the disk, the oldest first."""
        pieces = []
        if self._waiting and self._durable:
            rest = memoryview(self._waiting)
            pieces.append(Unwritten(rest, self._done_bytes, self._filling))
        used = self._engine.journal_used
        if used and self._durable:
            gathered = memoryview(ffi.buffer(self._engine._journal, used))
            pieces.append(Unwritten(gathered, 0, self._filling + 1))
        return pieces

    # ------------------------------------------------------------------ segments and sends

    def _roll(self, extra_bytes: int) -> Flushed:
        self.room_needed = len(self._waiting) + extra_bytes
        return Flushed.ROLL

    def _fitting(self, extra_bytes: int) -> int:
        """Bytes of the leading whole units for which the segment has room."""
        room = self._end - self.segment_offset - extra_bytes
        fits = offset = 0
        while offset < len(self._waiting):
            header = unpack_header(self._waiting, offset)
            offset += header.length
            if offset > room:
                break
            if header.ends_unit:
                fits = offset
        return fits

    def _send_ready(self) -> None:
        handle, sessions = self._engine._handle, self._engine.capacity.sessions
        count = lib.kk_rings_ready(handle, self._ready, sessions)
        for session in self._ready[0:count]:
            connection = self._by_session.get(session)
            if connection is not None and not connection.failed:
                self._send(connection)
        for connection in self._blocked():
            self._send(connection)

    def _send(self, connection: Connection) -> None:
        engine, session = self._engine, connection.session
        while True:
            length = lib.kk_ring_peek(engine._handle, session, self._bytes_out)
            room = connection.wire.room(connection.wire.peer)
            taken = min(length, room)
            if taken:
                self._around.disk.step()
                data = bytes(ffi.buffer(self._bytes_out[0], taken))
                lib.kk_ring_sent(engine._handle, session, taken)
                self._leave(connection, data)
            if length == 0 or taken < length:
                break
        if length > taken:
            connection.blocked_since_ns = connection.blocked_since_ns or self.now_ns()
        else:
            connection.blocked_since_ns = 0
        connection.told = connection.told or self._wants_feeding(session)

    def _leave(self, connection: Connection, data: bytes) -> None:
        if self._around.tamper is not None:
            data = b"".join(self._around.tamper(data))
        connection.tap(data)
        connection.wire.send(connection.wire.peer, data)

    def _wants_feeding(self, session: int) -> bool:
        engine = self._engine
        if not engine.cursor(session):
            return False
        return engine.pending(session) <= engine.ring_free(session)

    def events(self) -> list[Event]:
        """After a flush: connections that failed, are slow, or want to be fed."""
        events = []
        for connection in list(self._connections.values()):
            if connection.told:
                connection.told = False
                kind = EventKind.CLOSED if connection.failed else EventKind.BEHIND
                events.append(self._event(connection, kind))
            waited_ns = self.now_ns() - connection.blocked_since_ns
            slow = connection.blocked_since_ns and waited_ns > self._limits["blocked_max_ns"]
            if slow and not connection.failed:
                events.append(self._event(connection, EventKind.SLOW))
        return events

    # ------------------------------------------------------------------ small things

    def _defer(self, connection: Connection) -> None:
        if not connection.deferred:
            connection.deferred = True
            self._deferred.append(connection.slot)

    def _fail(self, connection: Connection) -> Event:
        connection.failed = True
        return self._event(connection, EventKind.CLOSED)

    def _event(self, connection: Connection, kind: EventKind, frame: bytes = b"") -> Event:
        limit = SlowLimit.SECONDS if kind is EventKind.SLOW else SlowLimit.NONE
        return Event(kind, connection.slot, connection.session, 0, frame, self.now_ns(), limit)
