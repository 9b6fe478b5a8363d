"""What goes into the reference venue and comes out of it, and the orders that it remembers."""

from fractions import Fraction

import attrs

#: A session and its ClOrdID(11).
Id = tuple[str, str]

E8 = 100_000_000
NEVER = 99_999_999


@attrs.frozen(kw_only=True)
class Request:
    """A D, F, G, H or AF as a counterparty means it; None and "" where a field is absent."""

    kind: str
    session: str
    clord_id: str
    orig_clord_id: str = ""
    order_id: str = ""
    account: str = ""
    symbol: str = "AAPL"
    side: str = "1"
    qty: int | None = None
    price: int | None = None
    ord_type: str = "2"
    time_in_force: str = ""
    #: ExecInst(18): H keeps the order on a disconnect, Q cancels it.
    on_disconnect: str = ""
    age_ns: int = 0
    poss_resend: bool = False
    #: MassStatusReqType(585) of an AF, whose MassStatusReqID(584) is `clord_id`.
    mass_type: str = ""


@attrs.frozen
class Refusal:
    """A reject code; the numbers in 1e-8, where the code has them."""

    code: str
    limit: int | None = None
    value: int | None = None
    headroom: int | None = None


@attrs.frozen(kw_only=True)
class Report:
    """What one ExecutionReport(8) or OrderCancelReject(9) has to say."""

    session: str
    msg_type: str
    order_id: str
    clord_id: str
    ord_status: str
    exec_type: str = ""
    orig_clord_id: str = ""
    symbol: str = ""
    side: str = ""
    qty: int | None = None
    price: int | None = None
    ord_type: str = ""
    time_in_force: str = ""
    trade: str = ""
    last_qty: int | None = None
    last_price: int | None = None
    leaves: int | None = None
    cum: int | None = None
    avg_px: int | None = None
    liquidity: str = ""
    priority: str = ""
    mass_id: str = ""
    total: int | None = None
    last: str = ""
    refusal: Refusal | None = None


@attrs.define(kw_only=True, eq=False)
class Order:
    """An accepted order, for ever."""

    number: int
    session: str
    account: str
    symbol: str
    side: str
    qty: int
    price: int | None
    ord_type: str
    time_in_force: str
    clord_id: str
    last_day: int
    on_disconnect: str = ""
    #: live, filled, cancelled or expired.
    state: str = "live"
    #: Rank in time among the resting orders; None while it does not rest.
    place: int | None = None
    fills: list[tuple[int, int]] = attrs.field(factory=list)
    slot: int = 0
    #: Whether its slot belongs to another order now.
    gone: bool = False

    @property
    def cum(self) -> int:
        """CumQty(14)."""
        return sum(qty for qty, _ in self.fills)

    @property
    def leaves(self) -> int:
        """LeavesQty(151)."""
        return self.qty - self.cum if self.state == "live" else 0

    @property
    def avg_px(self) -> int:
        """AvgPx(6): `round` of a fraction goes half to even."""
        if not self.fills:
            return 0
        return round(Fraction(sum(qty * price for qty, price in self.fills), self.cum))

    @property
    def status(self) -> str:
        """OrdStatus(39)."""
        ended = {"filled": "2", "cancelled": "4", "expired": "C"}
        return ended.get(self.state) or ("1" if self.fills else "0")


@attrs.frozen
class Room:
    """How many orders, price levels and closed ids there is room for."""

    orders: int
    levels: int
    closed_ids: int


def priority(order: Order) -> tuple[int, int]:
    """Price, then time; the best comes first."""
    assert order.price is not None
    assert order.place is not None
    return (-order.price if order.side == "1" else order.price, order.place)


def crosses(taker: Order, maker: Order) -> bool:
    """Whether an order may trade against a resting one of the other side."""
    if taker.price is None:
        return True
    assert maker.price is not None
    return maker.price <= taker.price if taker.side == "1" else maker.price >= taker.price
