"""The pump for Python: sockets of logged-on sessions, drained and served by C in one call.

The pump and the engine share one thread.
A pass is `read`, then `handled` for each frame that Python took, then `flush`; the order of the
steps is the gateway's business, and that nothing is sent before it is recorded is the pump's.

| memory                        | allocated by | freed by     | valid until                     |
|-------------------------------|--------------|--------------|---------------------------------|
| connections, input buffers    | pump         | `Pump.close` | `close`                         |
| `Event.frame`                 | Python       | Python       | a copy, as any bytes            |
| file descriptors given to add | caller       | pump         | `remove` or `close` closes them |
| journal buffers at `durable`  | pump         | `Pump.close` | `close`; the engine has none then |
| `Unwritten.records`           | pump         | pump         | the next `flush`                |
| released bytes of `next_plain` | pump        | pump         | anything else is done           |
| `ciphertext`, `plaintext`     | Python       | Python       | the next connection's turn      |
"""

from enum import IntEnum
from typing import Any, Final

from attrs import frozen

from kk99fix.matcher._io import ffi, lib
from kk99fix.matcher.disk_calls import DiskCalls
from kk99fix.matcher.engine import Engine

_EVENTS_MAX: Final = 512
_CORE_FUNCTIONS: Final = (
    "consume",
    "journal_used",
    "journal_take",
    "journal_bind",
    "next_lsn",
    "rings_release",
    "rings_mark",
    "rings_release_marked",
    "rings_ready",
    "ring_peek",
    "ring_sent",
    "ring_pending",
    "ring_free",
    "ring_cursor",
    "ring_behind",
)


class EventKind(IntEnum):
    """What a connection has for Python (`kk_pump_event_kind`), but for ciphertext."""

    FRAME = 1
    CLOSED = 2
    TOO_LONG = 3
    GARBLED = 4
    SLOW = 5
    BEHIND = 6


class SlowLimit(IntEnum):
    """What a slow reader had too much of (`kk_pump_limit`)."""

    NONE = 0
    SECONDS = 1
    BYTES = 2


class FailedAction(IntEnum):
    """What the disk refused (`kk_journal_action`)."""

    NONE = 0
    WRITE = 1
    SYNC = 2
    SYNC_DIRECTORY = 3


class Flushed(IntEnum):
    """How a flush ended (`kk_pump_flushed`)."""

    DONE = 0
    ROLL = 1
    ERROR = 2


@frozen
class Event:
    """One thing that Python has to act upon."""

    kind: EventKind
    slot: int
    session: int
    #: errno of CLOSED, 0 for an orderly close.
    error: int
    #: The frame of FRAME; empty otherwise.
    frame: bytes
    #: Venue time at which the bytes were read.
    received_ns: int
    #: Of SLOW: which limit, how long the first byte has waited, how many wait.
    limit: SlowLimit = SlowLimit.NONE
    waited_ns: int = 0
    waiting_bytes: int = 0


@frozen
class Unwritten:
    """Records that follow what is on the disk: whole units, perhaps being sealed just now."""

    records: memoryview
    #: Offset of the first of them in what their buffer is filled with, and which filling that is.
    start: int
    number: int


@frozen
class Durability:
    """How far the disk is (`kk_pump_durability`); all 0 at level `process`."""

    durable_lsn: int = 0
    waiting_bytes: int = 0
    groups: int = 0
    group_bytes: int = 0
    group_bytes_max: int = 0
    idle_markers: int = 0
    sync_sum_ns: int = 0
    sync_max_ns: int = 0
    #: Groups by time from the write to the end of the sync: (upper bound in ns, count).
    sync_times: tuple[tuple[int, int], ...] = ()


@frozen
class PumpStatistics:
    """A snapshot of the pump's counters."""

    passes: int
    reads: int
    bytes_in: int
    sends: int
    bytes_out: int
    messages: int
    garbled: int
    journal_writes: int
    journal_bytes: int
    #: Messages by time from socket read to socket write: (upper bound in ns, count).
    latency: tuple[tuple[int, int], ...]
    latency_sum_ns: int
    queued_bytes_max: int
    connections: int


class Pump:
    """One pump over one engine."""

    def __init__(
        self,
        engine: Engine,
        *,
        connections: int,
        garbled_max: int,
        blocked_max_ns: int,
        waiting_max_bytes: int,
        disk: DiskCalls | None = None,
    ) -> None:
        """Reserve the connections' slots; `MemoryError` when that fails.

        The journal goes to `disk` instead of the system where one is given.
        """
        core = ffi.new("kk_pump_core *")
        core.engine = ffi.cast("void *", engine.address)
        for name in _CORE_FUNCTIONS:
            setattr(core, name, ffi.cast("kk_pump_function", engine.function_address(name)))
        core.journal = ffi.cast("uint8_t *", engine.journal_address)
        core.sessions = engine.capacity.sessions
        limits = ffi.new("kk_pump_limits *")
        limits.garbled_max = garbled_max
        limits.blocked_max_ns = blocked_max_ns
        limits.waiting_max_bytes = waiting_max_bytes
        self._disk: Final = disk
        files = lib.kk_files_system() if disk is None else disk.table
        handle = lib.kk_pump_new(core, connections, limits, files)
        if handle == ffi.NULL:
            raise MemoryError(f"no memory or no descriptor for {connections} connections")
        self._handle = handle
        self._events = ffi.new("kk_pump_event[]", _EVENTS_MAX)
        self._pieces = ffi.new("kk_pump_unwritten[2]")
        self._cipher_event = ffi.new("kk_pump_event *")
        self._plain = ffi.new("kk_pump_plain *")
        #: Slots of encrypted connections that can be read.
        self.ciphered: list[int] = []
        #: What came over an encrypted connection, and what was made of it.
        self.ciphertext: Final = memoryview(bytearray(lib.KK_PUMP_CIPHER_READ_MAX))
        self.plaintext: Final = memoryview(bytearray(lib.KK_PUMP_READ_MAX))
        self._ciphertext_at = ffi.from_buffer(self.ciphertext)
        self._plaintext_at = ffi.from_buffer(self.plaintext)
        self._sync_bounds = tuple(lib.kk_sync_bound_ns(i) for i in range(lib.KK_SYNC_BUCKETS))
        self._bounds = tuple(
            lib.kk_pump_latency_bound_ns(i) for i in range(lib.KK_PUMP_LATENCY_BUCKETS)
        )

    def close(self) -> None:
        """Close every connection; the pump may not be used again."""
        lib.kk_pump_free(self._handle)

    @property
    def descriptor(self) -> int:
        """The descriptor that becomes readable when there is something to do."""
        return int(lib.kk_pump_descriptor(self._handle))

    def set_clock(self, offset_ns: int, not_below_ns: int) -> None:
        """Venue time = boot-time clock + `offset_ns`, never below `not_below_ns` or the past."""
        lib.kk_pump_clock(self._handle, offset_ns, not_below_ns)

    def now_ns(self) -> int:
        """Venue time."""
        return int(lib.kk_pump_now(self._handle))

    def add(self, descriptor: int, session: int, data: bytes) -> int | None:
        """Take over a socket, with what was read beyond the Logon; its slot, None when full."""
        slot = lib.kk_pump_add(self._handle, descriptor, session, ffi.from_buffer(data), len(data))
        return None if slot == lib.KK_PUMP_NO_SLOT else int(slot)

    def remove(self, slot: int) -> None:
        """Close a connection after a last attempt to send what may leave."""
        lib.kk_pump_remove(self._handle, slot)

    def stop_reading(self, slot: int) -> None:
        """Read no more of a connection that is about to be closed."""
        lib.kk_pump_stop_reading(self._handle, slot)

    def sending(self, slot: int) -> bool:
        """Whether bytes of the connection wait to be sent."""
        return bool(lib.kk_pump_sending(self._handle, slot))

    def begin_cipher(self, slot: int) -> None:
        """Have the connection that was just added be an encrypted one."""
        lib.kk_pump_cipher_begin(self._handle, slot)

    def read_cipher(self, slot: int) -> int | Event:
        """Read a connection of `ciphered`; how many bytes of `ciphertext` there are."""
        event = self._cipher_event
        length: int = lib.kk_pump_cipher_read(self._handle, slot, self._ciphertext_at, event)
        return length if length or not event.kind else _event(event)

    def take_plain(self, slot: int, length: int) -> Event | None:
        """Give the core what was decrypted, the first bytes of `plaintext`."""
        event = self._cipher_event
        if lib.kk_pump_cipher_take(self._handle, slot, self._plaintext_at, length, event):
            return _event(event)
        return None

    def end_cipher(self, slot: int) -> None:
        """Have the connection be over for reading: its counterparty has said so."""
        lib.kk_pump_cipher_end(self._handle, slot)

    def next_plain(self) -> tuple[int, Any] | None:
        """After a flush: a slot, and its next bytes to be encrypted."""
        raw = self._plain
        if lib.kk_pump_cipher_plain(self._handle, raw):
            return raw.slot, ffi.buffer(raw.bytes, raw.length)
        return None

    def plain_of(self, slot: int) -> Any:  # noqa: ANN401 - a buffer of cffi, or None
        """Bytes of one connection that may leave now."""
        raw = self._plain
        if lib.kk_pump_cipher_plain_of(self._handle, slot, raw):
            return ffi.buffer(raw.bytes, raw.length)
        return None

    def send_cipher(self, slot: int, data: bytes, plain_length: int) -> bool:
        """Send what so many bytes have become, or 0 where the protocol speaks; False: no room."""
        sent: bool = lib.kk_pump_cipher_send(self._handle, slot, data, len(data), plain_length)
        return sent

    def start_durable(self, directory: int, idle_ns: int) -> None:
        """Begin with level `durable`, before the first segment: a thread writes and syncs groups.

        `directory` is the descriptor of the segments' directory; some `idle_ns` after a sync that
        nothing follows the newer watermark is written. `MemoryError` when no thread is to be had.
        """
        if not lib.kk_pump_durable(self._handle, directory, idle_ns):
            raise MemoryError("no memory, no descriptor or no thread for the journal's writer")

    @property
    def durable_descriptor(self) -> int:
        """The descriptor that becomes readable when a group is on the disk; level `durable`."""
        return int(lib.kk_pump_durable_descriptor(self._handle))

    @property
    def backed_up(self) -> bool:
        """Whether nothing is read before the group under way is on the disk."""
        return bool(lib.kk_pump_backed_up(self._handle))

    @property
    def settled(self) -> bool:
        """Whether everything recorded is written and, at level `durable`, on the disk."""
        return bool(lib.kk_pump_settled(self._handle))

    def wait(self) -> None:
        """Block until no group is under way; `flush` then takes note of it."""
        lib.kk_pump_wait(self._handle)

    def finish(self) -> Flushed:
        """Once everything has settled: block until the last watermark is on the disk as well."""
        return Flushed(lib.kk_pump_finish(self._handle))

    def unwritten(self) -> list[Unwritten]:
        """The records that are recorded and not known to be on the disk, the oldest first."""
        pieces = self._pieces
        return [
            Unwritten(
                memoryview(ffi.buffer(pieces[i].records, pieces[i].length)),
                pieces[i].start,
                pieces[i].number,
            )
            for i in range(lib.kk_pump_unwritten_read(self._handle, pieces))
        ]

    def durability(self) -> Durability:
        """How far the disk is."""
        raw = ffi.new("kk_pump_durability *")
        lib.kk_pump_durability_read(self._handle, raw)
        counts = raw.counts
        return Durability(
            durable_lsn=raw.durable_lsn,
            waiting_bytes=raw.waiting_bytes,
            groups=counts.groups,
            group_bytes=counts.group_bytes,
            group_bytes_max=counts.group_bytes_max,
            idle_markers=counts.idle_markers,
            sync_sum_ns=counts.sync_sum_ns,
            sync_max_ns=counts.sync_max_ns,
            sync_times=tuple(zip(self._sync_bounds, counts.sync_times, strict=True)),
        )

    def set_segment(self, descriptor: int, offset: int, end: int, seed: int) -> None:
        """Write records to this file from `offset` on, up to `end`."""
        lib.kk_pump_segment(self._handle, descriptor, offset, end, seed)

    @property
    def segment_offset(self) -> int:
        """Where the next record goes."""
        return int(lib.kk_pump_segment_offset(self._handle))

    @property
    def room_needed(self) -> int:
        """After `Flushed.ROLL`: bytes that the waiting records need."""
        return int(lib.kk_pump_room_needed(self._handle))

    @property
    def waiting_lsn(self) -> int:
        """After `Flushed.ROLL`: lsn of the first record that waits."""
        return int(lib.kk_pump_waiting_lsn(self._handle))

    @property
    def error(self) -> int:
        """After `Flushed.ERROR`: the errno of the failed write or sync."""
        return int(lib.kk_pump_error(self._handle))

    @property
    def failed_action(self) -> FailedAction:
        """After `Flushed.ERROR`: what failed."""
        return FailedAction(lib.kk_pump_failed_action(self._handle))

    def read(self) -> list[Event]:
        """Drain the ready sockets into the core; what is left for Python.

        Encrypted connections with something to be read are in `ciphered` then, by their slots.
        """
        self.ciphered.clear()
        events = self._events
        count = lib.kk_pump_read(self._handle, events, _EVENTS_MAX)
        found = []
        for i in range(count):
            raw = events[i]
            if raw.kind == lib.KK_PUMP_CIPHERTEXT:
                self.ciphered.append(raw.slot)
            else:
                found.append(_event(raw))
        return found

    def handled(self, slot: int) -> Event | None:
        """Go on behind the frame that Python has handled; the connection's next event."""
        event = self._events
        return _event(event[0]) if lib.kk_pump_handled(self._handle, slot, event) else None

    def defer(self, event: Event) -> None:
        """Leave the frame of `event` for the next pass."""
        lib.kk_pump_defer(self._handle, event.slot, len(event.frame))

    @property
    def pending(self) -> bool:
        """Whether a pass would find work without waiting."""
        return bool(lib.kk_pump_pending(self._handle))

    def flush(self) -> Flushed:
        """Write the records, then send what they allow; at `durable` what the disk has by now."""
        return Flushed(lib.kk_pump_flush(self._handle))

    def events(self) -> list[Event]:
        """After a flush: connections that failed, are slow, or want to be fed."""
        count = lib.kk_pump_events(self._handle, self._events, _EVENTS_MAX)
        return [_event(self._events[i]) for i in range(count)]

    def statistics(self) -> PumpStatistics:
        """Counters since the start."""
        raw = ffi.new("kk_pump_statistics *")
        lib.kk_pump_statistics_read(self._handle, raw)
        return PumpStatistics(
            passes=raw.passes,
            reads=raw.reads,
            bytes_in=raw.bytes_in,
            sends=raw.sends,
            bytes_out=raw.bytes_out,
            messages=raw.messages,
            garbled=raw.garbled,
            journal_writes=raw.journal_writes,
            journal_bytes=raw.journal_bytes,
            latency=tuple(zip(self._bounds, raw.latency, strict=True)),
            latency_sum_ns=raw.latency_sum_ns,
            queued_bytes_max=raw.queued_bytes_max,
            connections=raw.connections,
        )


def _event(raw: Any) -> Event:  # noqa: ANN401 - a cffi struct
    frame = bytes(ffi.buffer(raw.frame, raw.frame_length)) if raw.frame_length else b""
    return Event(
        EventKind(raw.kind),
        raw.slot,
        raw.session,
        raw.error,
        frame,
        raw.received_ns,
        SlowLimit(raw.limit),
        raw.waited_ns,
        raw.waiting_bytes,
    )
