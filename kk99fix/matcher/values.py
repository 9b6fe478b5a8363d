"""Values that cross the boundary to the core, as frozen Python objects.

Prices and quantities are int in units of 1e-8 (`*_e8`), times int nanoseconds of venue time.
Knows nothing of the built module.
"""

from enum import IntEnum

from attrs import frozen


class CoreStatus(IntEnum):
    """Answers of the core (`kk_status` in kk_core.h, in its order)."""

    OK = 0
    NEED_DATA = 1
    ESCALATE = 2
    OUT_FULL = 3
    GARBLED = 4
    TOO_LONG = 5
    CAPACITY = 6
    INVALID = 7
    PYTHON = 8
    MISMATCH = 9


class FeedEnd(IntEnum):
    """Why a call of `Engine.feed` ended (`kk_feed_end`, in its order)."""

    LIMIT = 0
    DONE = 1
    FULL = 2
    SEGMENT = 3
    SOURCE = 4
    MISSING = 5
    DAMAGED = 6
    SOURCE_DAMAGED = 7
    UNLIKE = 8


class CoreError(Exception):
    """The core refused a call that only a mistake of ours, or a full table, can cause."""


class CapacityError(CoreError):
    """What was in use does not fit: `name` of the capacities is `given` and has to be `needed`."""

    def __init__(self, name: str, needed: int, given: int) -> None:
        """Say it."""
        super().__init__(f"{needed} {name} are in use, and there is room for {given}")
        self.name = name
        self.needed = needed
        self.given = given


@frozen
class Capacity:
    """Sizes of the core's pools, reserved at start."""

    orders: int
    levels: int
    sessions: int
    firms: int
    accounts: int
    instruments: int
    duplicate_window: int
    rings: int
    ring_bytes: int


@frozen
class Limits:
    """Order limits; 0 is unlimited."""

    max_order_qty_e8: int = 0
    max_order_notional_e8: int = 0
    max_open_orders: int = 0


@frozen
class ThrottleLimits:
    """How fast a session may send (`kk_throttle_limits`); 0 is unlimited."""

    messages_per_second: int = 0
    orders_per_second: int = 0
    #: So many refusals in a row log the session out; 0 is never.
    logout_after: int = 0


@frozen
class SessionView:
    """A session's row of the session table (`kk_session_view`)."""

    next_in: int
    next_out: int
    last_in_ns: int
    last_out_ns: int
    epoch: int
    open_orders: int
    established: bool
    plain: bool


@frozen
class Consumed:
    """What `Engine.consume` did with its bytes (`kk_consumed`)."""

    status: CoreStatus
    used: int
    frame_length: int
    messages: int
    garbled: int


@frozen
class Replayed:
    """What `Engine.replay` did; the last three say where outputs differ (MISMATCH only)."""

    status: CoreStatus
    used: int
    messages: int
    recorded_offset: int
    recorded_length: int
    regenerated: bytes


@frozen
class Command:
    """A decoded D, F, G or H, for what the core's own decoder does not take.

    `echo` holds the echoed body fields as "tag=value<SOH>" in order of arrival.
    `reason` refuses the command with that `kk_reason`; 0 lets the core decide.
    """

    kind: str
    clord_id: bytes
    orig_clord_id: bytes = b""
    order_id: bytes = b""
    account: bytes = b""
    symbol: bytes = b""
    text: bytes = b""
    status_req_id: bytes = b""
    sender_sub_id: bytes = b""
    target_sub_id: bytes = b""
    echo: bytes = b""
    price_e8: int | None = None
    order_qty_e8: int | None = None
    sent_ns: int = 0
    #: "" for none, which only a mass status request may have.
    side: str = "1"
    ord_type: str = "2"
    time_in_force: str = "0"
    #: ExecInst(18): "H" keeps the order on a disconnect, "Q" cancels it; "" is as its session.
    on_disconnect: str = ""
    poss_resend: bool = False
    reason: int = 0


@frozen
class Statistics:
    """A snapshot of the core's counters (`kk_statistics`)."""

    messages_in: dict[str, int]
    messages_out: dict[str, int]
    orders_accepted: int
    trades: int
    refusals: dict[int, int]
    gate_frames: int
    escalated_frames: int
    live_orders: int
    live_levels: int
    orders_capacity: int
    rings_in_use: int


@frozen
class BookOrder:
    """A resting order as `Engine.book` lists it."""

    order_id: int
    price_e8: int
    leaves_e8: int
    cum_e8: int
    session: int


@frozen
class FeedOrder:
    """What a session is to be fed: numbers up to `last`, from `next_number` on."""

    session: int
    epoch: int
    next_number: int
    last: int
    #: First number of the open run of administrative messages; 0 for none.
    gap_from: int
    #: A range that was asked for; else what was never sent before, and the cursor moves with it.
    again: bool
    now_ns: int


@frozen
class FeedLimits:
    """When one call of `Engine.feed` ends at the latest."""

    messages: int
    records: int
    size_bytes: int


@frozen
class Fed:
    """What one call of `Engine.feed` did, and where the next one goes on."""

    end: FeedEnd
    next_number: int
    gap_from: int
    #: Of the record to look at next, or of the one that is wrong.
    offset: int
    #: Of the last message record before it; None when none was passed.
    source_offset: int | None
    #: `FeedEnd.SOURCE`: the record whose offset is wanted.
    source_lsn: int
    messages: int
    size_bytes: int
