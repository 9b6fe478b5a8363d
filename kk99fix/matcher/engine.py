"""The matching core for Python: one `Engine`, typed methods, no FIX rules of its own.

Ownership across the boundary:

| memory                         | allocated by | freed by        | valid until                  |
|--------------------------------|--------------|-----------------|------------------------------|
| engine and its pools           | core         | `Engine.close`  | `close`                      |
| journal buffer                 | `Engine`     | `Engine.close`  | `close`; content: `take`     |
| ring bytes seen by the pump    | core         | core            | the next call into the core  |
| bytes returned by methods here | Python       | Python          | as any bytes                 |
| payloads and frames passed in  | caller       | caller          | the call; the core copies    |

Rules kept here: one thread owns an engine (the GIL is released during calls, so a busy flag in
the caller's design is the only guard); every change of state happens inside `unit`.
Prices and quantities are int in units of 1e-8 (`*_e8`), times int nanoseconds of venue time.
"""

import mmap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import attrs

from kk99fix.matcher._core import ffi, lib
from kk99fix.matcher.structs import copy_limits, copy_list, copy_name, fill_command
from kk99fix.matcher.values import (
    BookOrder,
    Capacity,
    CapacityError,
    Command,
    Consumed,
    CoreError,
    CoreStatus,
    Fed,
    FeedEnd,
    FeedLimits,
    FeedOrder,
    Limits,
    Replayed,
    SessionView,
    Statistics,
    ThrottleLimits,
)

NONE: Final = 0xFFFFFFFF
JOURNAL_BUFFER_BYTES: Final = 1 << 30
#: Longest MassStatusReqID(584) of a request that can be answered.
MASS_STATUS_ID_MAX: Final = int(lib.KK_MASS_STATUS_ID_MAX)
_ROLES: Final = {"order-entry": 0, "drop-copy": 1}
_DIALECTS: Final = {"fix44": 0, "kk99": 1}
_PRECISIONS: Final = {"milliseconds": 0, "seconds": 1, "microseconds": 2}
_NOT_TOLD: Final = 2**64 - 1
_TEXT_BYTES: Final = 1024
_SNAPSHOT_PIECE_BYTES: Final = 1 << 20

Buffer = bytes | bytearray | memoryview


NO_THROTTLE: Final = ThrottleLimits()


def _check(status: int, what: str) -> None:
    if status != lib.KK_OK:
        raise CoreError(f"{what}: {CoreStatus(status).name.lower()}")


class Engine:
    """One matching core with its journal buffer."""

    def __init__(
        self, capacity: Capacity, *, first_lsn: int = 1, secret: bytes = bytes(16)
    ) -> None:
        """Reserve all memory; `CoreError` when a capacity is 0 or memory is not to be had.

        `secret`, 16 bytes, keys the hash of ids: replay needs the one that was live.
        """
        assert len(secret) == lib.KK_KEY_BYTES, "a key has its length"
        wanted = ffi.new("kk_capacity *")
        for name, value in attrs.asdict(capacity).items():
            setattr(wanted, name, value)
        handle = lib.kk_engine_new(wanted)
        if handle == ffi.NULL:
            raise CoreError(
                f"no memory for these capacities: {capacity}. Lower [capacity] of venue.toml "
                f"(orders, duplicate_window and ring_bytes cost most), or allow more (ulimit -v)."
            )
        self._handle: Final = handle
        # Private and never reserved: only the pages that a batch touches cost memory.
        self._buffer = mmap.mmap(
            -1, JOURNAL_BUFFER_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000
        )
        self._journal: Final = ffi.from_buffer("uint8_t[]", self._buffer)
        self._sessions_due = ffi.new("uint32_t[]", capacity.sessions)
        self._view = ffi.new("kk_session_view *")
        self._command = ffi.new("kk_command *")
        self._feed = ffi.new("kk_feed *")
        self._render = ffi.new("uint8_t[]", 2 * lib.KK_FRAME_MAX)
        self._form = ffi.new("kk_copy_form *")
        self._text = ffi.new("uint8_t[]", _TEXT_BYTES)
        self.capacity: Final = capacity
        lib.kk_engine_key(handle, secret)
        lib.kk_journal_bind(handle, self._journal, JOURNAL_BUFFER_BYTES, first_lsn)

    def close(self) -> None:
        """Free all memory; the engine may not be used again."""
        lib.kk_engine_free(self._handle)
        ffi.release(self._journal)
        self._buffer.close()

    def touch(self) -> None:
        """Back order slots and index with real pages now, instead of at their first use."""
        lib.kk_engine_touch(self._handle)

    # ------------------------------------------------------------------ for the pump

    @property
    def address(self) -> int:
        """Where the engine is; the pump, another extension, calls the core with it."""
        return int(ffi.cast("uintptr_t", self._handle))

    @property
    def journal_address(self) -> int:
        """Where the journal buffer is."""
        return int(ffi.cast("uintptr_t", self._journal))

    def function_address(self, name: str) -> int:
        """Where the core's function `kk_<name>` is."""
        return int(ffi.cast("uintptr_t", ffi.addressof(lib, f"kk_{name}")))

    # ------------------------------------------------------------------ journal

    @property
    def next_lsn(self) -> int:
        """Number of the next record."""
        return int(lib.kk_next_lsn(self._handle))

    @property
    def last_time_ns(self) -> int:
        """Time of the newest unit; 0 before the first."""
        return int(lib.kk_last_time_ns(self._handle))

    @property
    def journal_used(self) -> int:
        """Bytes of whole units that wait to be written."""
        return int(lib.kk_journal_used(self._handle))

    def take(self) -> bytes:
        """The waiting records, unsealed; the buffer is empty afterwards."""
        used = self.journal_used
        taken = bytes(ffi.buffer(self._journal, used))
        lib.kk_journal_take(self._handle)
        return taken

    def drop(self) -> None:
        """Forget the waiting records: they are written, or compared."""
        lib.kk_journal_take(self._handle)

    # ------------------------------------------------------------------ configuration

    def set_gate(self, *, is_open: bool) -> None:
        """Open or shut the fast path for all sessions."""
        lib.kk_gate_set(self._handle, is_open)

    def set_venue(
        self,
        *,
        max_order_age_ns: int,
        sending_time_tolerance_ns: int,
        trading_day: int,
        halted: bool,
    ) -> None:
        """Set the venue's parameters; `trading_day` (YYYYMMDD) counts only the first time."""
        params = ffi.new("kk_venue_params *")
        params.max_order_age_ns = max_order_age_ns
        params.sending_time_tolerance_ns = sending_time_tolerance_ns
        params.trading_day = trading_day
        params.halted = halted
        _check(lib.kk_venue_set(self._handle, params), "venue parameters")

    def set_storage_low(self, *, low: bool) -> None:
        """Refuse new orders and replaces from now on, or take them again."""
        lib.kk_storage_low_set(self._handle, low)

    def set_instrument(
        self,
        instrument: int,
        symbol: str,
        *,
        tick_e8: int,
        lot_e8: int,
        multiplier_e8: int,
        rate_e8: int,
        reference_price_e8: int,
        band_e8: int,
        is_open: bool,
    ) -> None:
        """Set or replace an instrument."""
        config = ffi.new("kk_instrument *")
        copy_name(config, "symbol", symbol)
        config.tick_e8 = tick_e8
        config.lot_e8 = lot_e8
        config.multiplier_e8 = multiplier_e8
        config.rate_e8 = rate_e8
        config.reference_price_e8 = reference_price_e8
        config.band_e8 = band_e8
        config.open = is_open
        _check(lib.kk_instrument_set(self._handle, instrument, config), f"instrument {symbol}")

    def set_firm(self, firm: int, limits: Limits, copies: Sequence[int]) -> None:
        """Set or replace a firm; `copies` are the drop-copy sessions entitled to all of it."""
        config = ffi.new("kk_firm_config *")
        copy_limits(config.limits, limits)
        copy_list(config, "copies", "copy_count", copies)
        _check(lib.kk_firm_set(self._handle, firm, config), f"firm {firm}")

    def set_account(
        self, account: int, name: str, firm: int, limits: Limits, copies: Sequence[int]
    ) -> None:
        """Set or replace an account of a firm that is already set."""
        config = ffi.new("kk_account_config *")
        copy_name(config, "name", name)
        config.firm = firm
        copy_limits(config.limits, limits)
        copy_list(config, "copies", "copy_count", copies)
        _check(lib.kk_account_set(self._handle, account, config), f"account {name}")

    def follow_all(self, session: int, *, follows: bool) -> None:
        """Copy a session on all that firms and accounts set so far do, or no longer."""
        status = lib.kk_follow_all(self._handle, session, follows)
        _check(status, f"copies of all to session {session}")

    def set_session(
        self,
        session: int,
        *,
        sender_comp_id: str,
        target_comp_id: str,
        firm: int,
        role: str,
        dialect: str,
        enabled: bool,
        cancel_on_disconnect: bool,
        accounts: Sequence[int],
        limits: Limits,
        throttle: ThrottleLimits = NO_THROTTLE,
        precision: str = "milliseconds",
        tells_last_processed: bool = False,
    ) -> None:
        """Set or replace a session; its numbers stay, and what its throttle has counted."""
        config = ffi.new("kk_session_config *")
        copy_name(config, "sender_comp_id", sender_comp_id)
        copy_name(config, "target_comp_id", target_comp_id)
        config.firm = firm
        config.role = _ROLES[role]
        config.dialect = _DIALECTS[dialect]
        config.enabled = enabled
        config.precision = _PRECISIONS[precision]
        config.tells_last_processed = tells_last_processed
        config.throttle.messages_per_second = throttle.messages_per_second
        config.throttle.orders_per_second = throttle.orders_per_second
        config.throttle.logout_after = throttle.logout_after
        config.cancel_on_disconnect = cancel_on_disconnect
        ids = ffi.new("uint32_t[]", list(accounts) or [0])
        config.accounts = ids
        config.account_count = len(accounts)
        copy_limits(config.limits, limits)
        _check(lib.kk_session_set(self._handle, session, config), f"session {sender_comp_id}")

    # ------------------------------------------------------------------ units

    @contextmanager
    def unit(
        self, kind: int, session: int, msg_seq_num: int, time_ns: int, payload: bytes
    ) -> Iterator[None]:
        """One input and all its outputs; an exception inside leaves the engine unusable."""
        lib.kk_unit_begin(
            self._handle,
            kind,
            session,
            msg_seq_num,
            time_ns,
            ffi.from_buffer(payload),
            len(payload),
        )
        yield
        lib.kk_unit_end(self._handle)

    def send(self, session: int, msg_type: bytes, body: bytes, header_extra: bytes = b"") -> int:
        """Send a message inside a unit; returns its MsgSeqNum(34)."""
        return int(
            lib.kk_send(
                self._handle,
                session,
                msg_type,
                len(msg_type),
                ffi.from_buffer(header_extra),
                len(header_extra),
                ffi.from_buffer(body),
                len(body),
            )
        )

    def submit_frame(self, session: int, message: bytes) -> bool:
        """Decode and apply a validated frame; False when only `submit` can take it."""
        data = ffi.from_buffer("uint8_t[]", message)
        status = lib.kk_decode_command(data, len(message), self._command)
        if status != lib.KK_OK:
            return False
        lib.kk_submit(self._handle, session, self._command)
        return True

    def submit(self, session: int, command: Command) -> None:
        """Apply a command that the caller decoded."""
        with fill_command(self._command, command):
            lib.kk_submit(self._handle, session, self._command)

    def mass_status(self, session: int, command: Command) -> None:
        """Answer an OrderMassStatusRequest(AF): a status request whose id is that of all reports.

        Its symbol, account and side restrict it where they are given.
        """
        with fill_command(self._command, command):
            lib.kk_mass_status_request(self._handle, session, self._command)

    def mass_status_pending(self, session: int) -> bool:
        """Whether a mass status request of the session is still being answered."""
        return bool(lib.kk_mass_status_pending(self._handle, session))

    def throttle(self, session: int) -> bytes:
        """Take one more message that is no D, F or G inside a unit.

        Empty when it is within the session's limits, else the Text(58) of its refusal.
        """
        length = lib.kk_throttle_message(self._handle, session, self._text, _TEXT_BYTES)
        return bytes(ffi.buffer(self._text, length))

    def throttle_breached(self, session: int) -> bool:
        """Whether the throttle has refused so many in a row that the session is to log out."""
        return bool(lib.kk_throttle_breached(self._handle, session))

    def record_resend(self, session: int, begin: int, end: int) -> None:
        """Record the frozen range [begin, end] of a ResendRequest(2)."""
        lib.kk_record_resend(self._handle, session, begin, end)

    def day_roll(self, trading_day: int) -> None:
        """Begin the trading day YYYYMMDD; Day orders of past days expire slice by slice."""
        lib.kk_day_roll(self._handle, trading_day)

    def expire_slice(self, limit: int) -> bool:
        """Look at up to `limit` order slots for expiry; True while slots remain."""
        return bool(lib.kk_expire_slice(self._handle, limit))

    @property
    def expire_pending(self) -> bool:
        """Whether slots wait to be looked at."""
        return bool(lib.kk_expire_pending(self._handle))

    @property
    def trading_day(self) -> int:
        """The trading day, YYYYMMDD; 0 before the first configuration."""
        return int(lib.kk_trading_day(self._handle))

    def pull_orders(self, session: int, below_order_id: int) -> None:
        """Cancel on disconnect: the walk pulls the session's orders with a lower OrderID(37)."""
        lib.kk_pull_orders(self._handle, session, below_order_id)

    def pull_all_orders(self, session: int, reason: int) -> None:
        """The walk pulls all orders that the session has now, for this reason."""
        lib.kk_pull_all_orders(self._handle, session, reason)

    def firm_open_orders(self, firm: int) -> int:
        """Live orders of a firm."""
        return int(lib.kk_firm_open_orders(self._handle, firm))

    def account_open_orders(self, account: int) -> int:
        """Live orders of an account."""
        return int(lib.kk_account_open_orders(self._handle, account))

    @property
    def next_order_id(self) -> int:
        """OrderID(37) of the next order."""
        return int(lib.kk_next_order_id(self._handle))

    def walk_slice(self, limit: int) -> bool:
        """Walk on over at most `limit` order slots; True while the walk is not at its end."""
        return bool(lib.kk_walk_slice(self._handle, limit))

    @property
    def walk_pending(self) -> bool:
        """Whether sessions wait for the walk over the order slots."""
        return bool(lib.kk_walk_pending(self._handle))

    # ------------------------------------------------------------------ bytes and replay

    def consume(self, session: int, data: bytes, now_ns: int) -> Consumed:
        """Apply the plain frames at the start of `data` (tests; live traffic goes by the pump)."""
        out = ffi.new("kk_consumed *")
        status = lib.kk_consume(
            self._handle, session, ffi.from_buffer(data), len(data), now_ns, out
        )
        return Consumed(CoreStatus(status), out.used, out.frame_length, out.messages, out.garbled)

    def replay(self, units: memoryview | bytes) -> Replayed:
        """Apply and compare whole units; stops at one that Python has to apply (PYTHON)."""
        out = ffi.new("kk_replayed *")
        status = lib.kk_replay(self._handle, ffi.from_buffer(units), len(units), out)
        return _replayed(status, out)

    def compare(self, unit: memoryview | bytes) -> Replayed:
        """Hold the unit just made against the recorded one."""
        out = ffi.new("kk_replayed *")
        status = lib.kk_replay_compare(self._handle, ffi.from_buffer(unit), len(unit), out)
        return _replayed(status, out)

    # ------------------------------------------------------------------ sessions

    def session(self, session: int) -> SessionView:
        """The session's row as it stands."""
        view = self._view
        lib.kk_session_look(self._handle, session, view)
        return SessionView(
            view.next_in,
            view.next_out,
            view.last_in_ns,
            view.last_out_ns,
            view.epoch,
            view.open_orders,
            bool(view.established),
            bool(view.plain),
        )

    def establish(self, session: int, *, established: bool) -> None:
        """Log the session on or off."""
        lib.kk_session_establish(self._handle, session, established)

    def set_plain(self, session: int, *, plain: bool) -> None:
        """Open or shut the session's fast path."""
        lib.kk_session_plain(self._handle, session, plain)

    def set_next_in(self, session: int, next_in: int) -> None:
        """Set the MsgSeqNum(34) expected next."""
        lib.kk_session_set_next_in(self._handle, session, next_in)

    def heard(self, session: int) -> None:
        """Count the unit's input as a sign of life."""
        lib.kk_session_heard(self._handle, session)

    def reset(self, session: int) -> None:
        """New epoch, both numbers 1."""
        lib.kk_session_reset(self._handle, session)

    def set_timers(self, session: int, heartbeat_ns: int, silence_ns: int) -> None:
        """Set after how much of our silence, and of theirs, the session is due."""
        lib.kk_session_timers(self._handle, session, heartbeat_ns, silence_ns)

    def sessions_due(self, now_ns: int) -> list[int]:
        """Established sessions whose heartbeat or silence deadline has passed."""
        count = lib.kk_sessions_due(
            self._handle, now_ns, self._sessions_due, self.capacity.sessions
        )
        return list(self._sessions_due[0:count])

    @property
    def next_deadline_ns(self) -> int:
        """The earliest such deadline; 2**63 - 1 when nobody is logged on."""
        return int(lib.kk_next_deadline_ns(self._handle))

    # ------------------------------------------------------------------ rings

    def attach(self, session: int) -> bool:
        """Give the session a send ring; False when all are in use."""
        return bool(lib.kk_ring_attach(self._handle, session) == lib.KK_OK)

    def detach(self, session: int) -> None:
        """Take the ring back with whatever is in it."""
        lib.kk_ring_detach(self._handle, session)

    def attached(self, session: int) -> bool:
        """Whether the session has a ring."""
        return bool(lib.kk_ring_attached(self._handle, session))

    def drain(self, session: int) -> bytes:
        """Take the released bytes (tests; live traffic goes by the pump)."""
        bytes_out = ffi.new("uint8_t const **")
        length = lib.kk_ring_peek(self._handle, session, bytes_out)
        data = bytes(ffi.buffer(bytes_out[0], length))
        lib.kk_ring_sent(self._handle, session, length)
        return data

    def release(self) -> None:
        """Let everything recorded so far leave."""
        lib.kk_rings_release(self._handle)

    def pending(self, session: int) -> int:
        """Bytes in the ring."""
        return int(lib.kk_ring_pending(self._handle, session))

    def ring_free(self, session: int) -> int:
        """Bytes for which the ring has room."""
        return int(lib.kk_ring_free(self._handle, session))

    def cursor(self, session: int) -> int:
        """First number that is not in the ring, 0 when the ring follows."""
        return int(lib.kk_ring_cursor(self._handle, session))

    def behind(self, session: int) -> int:
        """Bytes of messages that found the ring full and were not fed yet."""
        return int(lib.kk_ring_behind(self._handle, session))

    def unfollow(self, session: int) -> None:
        """Stop following, to feed the session from the journal."""
        lib.kk_ring_unfollow(self._handle, session)

    def feed(
        self,
        records: memoryview,
        seed: int,
        offset: int,
        source_offset: int | None,
        order: FeedOrder,
        limits: FeedLimits,
        *,
        unsealed: bool = False,
    ) -> Fed:
        """Push recorded messages into a ring that does not follow (`kk_feed_session`).

        `records` are those of one segment, as far as they are written; `seed` is the segment's.
        Or they are `unsealed`, in memory on their way to a segment, and not checked.
        """
        feed, kept = self._feed, ffi.from_buffer("uint8_t[]", records)
        feed.records, feed.length, feed.segment_seed = kept, len(records), seed
        feed.offset = offset
        feed.source_offset = lib.KK_FEED_NO_SOURCE if source_offset is None else source_offset
        feed.next, feed.last, feed.gap_from = order.next_number, order.last, order.gap_from
        feed.session, feed.epoch, feed.again = order.session, order.epoch, order.again
        feed.unsealed = unsealed
        feed.now_ns = order.now_ns
        feed.messages_max, feed.records_max = limits.messages, limits.records
        feed.bytes_max = limits.size_bytes
        end = lib.kk_feed_session(self._handle, feed)
        source = feed.source_offset
        return Fed(
            FeedEnd(end),
            feed.next,
            feed.gap_from,
            feed.offset,
            None if source == lib.KK_FEED_NO_SOURCE else source,
            feed.source_lsn,
            feed.messages,
            feed.bytes,
        )

    def push(self, session: int, data: bytes) -> bool:
        """Add bytes to a ring that does not follow (tests); False when they do not fit."""
        return bool(lib.kk_ring_push(self._handle, session, ffi.from_buffer(data), len(data)))

    def advance(self, session: int, next_number: int) -> None:
        """The ring has been fed up to, not including, `next_number`."""
        lib.kk_ring_advance(self._handle, session, next_number)

    def follow(self, session: int) -> bool:
        """Follow again; False while the cursor is behind."""
        return bool(lib.kk_ring_follow(self._handle, session))

    # ------------------------------------------------------------------ rendering

    def render_copy(
        self,
        session: int,
        number: int,
        source: bytes,
        *,
        time_ns: int,
        last_processed: int | None,
        precision: int,
        dialect: int,
    ) -> bytes:
        """The bytes of a drop copy of `source`, as its record says (tests; `feed` renders)."""
        form = self._form
        form.last_processed = _NOT_TOLD if last_processed is None else last_processed
        form.precision, form.dialect = precision, dialect
        length = lib.kk_render_copy(
            self._handle,
            session,
            number,
            form,
            time_ns,
            ffi.from_buffer(source),
            len(source),
            self._render,
            len(self._render),
        )
        return bytes(ffi.buffer(self._render, length))

    def render_resend(self, message: bytes, now_ns: int) -> bytes:
        """The bytes of a resend of `message` (tests; `feed` renders): 43=Y, 122, a new 52."""
        length = lib.kk_render_resend(
            ffi.from_buffer(message), len(message), now_ns, self._render, len(self._render)
        )
        return bytes(ffi.buffer(self._render, length))

    def render_gap_fill(self, session: int, number: int, new_seq_no: int, now_ns: int) -> bytes:
        """SequenceReset(4)-GapFill from `number` to `new_seq_no` (tests; `feed` renders)."""
        length = lib.kk_render_gap_fill(
            self._handle, session, number, new_seq_no, now_ns, self._render, len(self._render)
        )
        return bytes(ffi.buffer(self._render, length))

    # ------------------------------------------------------------------ looking inside

    def statistics(self) -> Statistics:
        """Counters since the start, replay included."""
        raw = ffi.new("kk_statistics *")
        lib.kk_statistics_read(self._handle, raw)
        return Statistics(
            messages_in=_by_character(raw.messages_in),
            messages_out=_by_character(raw.messages_out),
            orders_accepted=raw.orders_accepted,
            trades=raw.trades,
            refusals={i: n for i, n in enumerate(raw.refusals) if n},
            gate_frames=raw.gate_frames,
            escalated_frames=raw.escalated_frames,
            live_orders=raw.live_orders,
            live_levels=raw.live_levels,
            orders_capacity=raw.orders_capacity,
            rings_in_use=raw.rings_in_use,
        )

    def state_hash(self) -> int:
        """Hash of everything that can influence a later output."""
        return int(lib.kk_state_hash(self._handle))

    # ------------------------------------------------------------------ snapshots

    def snapshot(self) -> Iterator[bytes]:
        """Everything that decides later outputs beyond the configuration, piece by piece.

        Nothing may change before the last piece.
        """
        at = ffi.new("kk_snapshot *")
        buffer = ffi.new("uint8_t[]", _SNAPSHOT_PIECE_BYTES)
        while length := lib.kk_snapshot_write(self._handle, at, buffer, _SNAPSHOT_PIECE_BYTES):
            yield bytes(ffi.buffer(buffer, length))

    def restore(self, pieces: Iterable[Buffer]) -> None:
        """Go on where a snapshot was taken; the engine has the configuration of then, no more.

        `CapacityError` when it does not fit, `CoreError` when it is none; the engine can only be
        closed after either.
        """
        at = ffi.new("kk_snapshot *")
        used = ffi.new("size_t *")
        rest, status = b"", lib.KK_NEED_DATA
        for piece in pieces:
            data = b"".join((rest, piece))
            status = lib.kk_snapshot_read(self._handle, at, ffi.from_buffer(data), len(data), used)
            rest = data[used[0] :]
            if status != lib.KK_NEED_DATA:
                break
        if status == lib.KK_CAPACITY and at.short_of != ffi.NULL:
            name = bytes(ffi.string(at.short_of)).decode("ascii")
            raise CapacityError(name, at.needed, getattr(self.capacity, name))
        _check(status, "snapshot")

    def order_slot_bytes(self) -> int:
        """Bytes of memory for each order slot, indexes and echoed fields counted."""
        return int(lib.kk_order_slot_bytes(self._handle))

    def book(self, instrument: int, side: str, limit: int = 1000) -> list[BookOrder]:
        """Resting orders of one side ("1" bids, "2" asks), best first."""
        orders = ffi.new("kk_book_order[]", limit)
        count = lib.kk_book_read(self._handle, instrument, ord(side), orders, limit)
        return [
            BookOrder(o.order_id, o.price_e8, o.leaves_e8, o.cum_e8, o.session)
            for o in orders[0:count]
        ]


def _by_character(counts: Any) -> dict[str, int]:  # noqa: ANN401 - a cffi array
    return {chr(i): n for i, n in enumerate(counts) if n}


def _replayed(status: int, out: Any) -> Replayed:  # noqa: ANN401 - a cffi struct
    differs = status == lib.KK_MISMATCH
    return Replayed(
        CoreStatus(status),
        out.used,
        out.messages,
        out.recorded_offset,
        out.recorded_length,
        bytes(ffi.buffer(out.regenerated, out.regenerated_length)) if differs else b"",
    )
