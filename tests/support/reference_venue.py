"""The venue once more, written as naively as its rules allow, to hold the core against.

Orders stand in one list; whoever trades next is looked for in all of them.
Prices and quantities are integers in units of 1e-8, the average price is a fraction until it is
rounded.
It knows neither FIX nor sessions' numbers: a `Request` in, the `Report`s that have to follow out.

A slot for each order is all that it knows of memory: who asks for a closed order is told of it
until its slot has been given to another.
"""

from typing import Any

import attrs

from support.reference_checks import Checks
from support.reference_throttle import ReferenceThrottle
from support.reference_values import (
    NEVER,
    Id,
    Order,
    Refusal,
    Report,
    Request,
    Room,
    crosses,
    priority,
)
from support.reference_walk import Walker

#: An order's id counts as closed once so many later ones have been closed as well.
WAITING = 8


class ReferenceVenue:
    """Orders and the rules about them; `configuration` is that of the CONFIG input."""

    def __init__(
        self, configuration: dict[str, Any], trading_day: int, room: Room, walk_slice: int
    ) -> None:
        """Begin without orders."""
        self.configuration = configuration
        self.checks = Checks(configuration)
        self.room = room
        self.trading_day = trading_day
        self.orders: list[Order] = []
        self._live: list[Order] = []
        #: Every id that is known; None: its request was refused.
        self.ids: dict[Id, Order | None] = {}
        #: Ids that are not the current one of a live order, in the order of becoming so.
        self._closed_ids: list[Id] = []
        self._waiting: list[Id] = []
        #: Ids that an order had before it was replaced.
        self._former_ids: set[Id] = set()
        self._slots: list[Order] = []
        self._closed: list[Order] = []
        self.trades = 0
        self._places = 0
        self._reports: list[Report] = []
        self._unexpired: int | None = None
        self._throttles = {
            name: ReferenceThrottle(session["throttle"])
            for name, session in configuration["sessions"].items()
        }
        self._walker = Walker(
            slice=walk_slice,
            slots=self._slots,
            live=self._live,
            cancels=lambda name: configuration["sessions"][name]["cancel_on_disconnect"],
            report=self._report,
            add=self._add,
            cancel=self._cancel,
            expire_if_due=self._expire_if_due,
        )

    # ------------------------------------------------------------------ what can happen

    def handle(self, request: Request, now_ns: int) -> list[Report]:
        """Apply one request; returns all reports that follow, in order."""
        self._reports = []
        too_fast = self._throttles[request.session].refusal(request.kind, now_ns)
        if too_fast is not None:
            self._refuse_too_fast(request, too_fast)
            return self._reports
        match request.kind:
            case "D":
                self._new(request)
            case "F" | "G":
                self._change(request)
            case "H":
                self._status(request)
            case "AF":
                self._mass_status(request)
        return self._reports

    def begin_day(self, day: int, slots: int) -> list[Report]:
        """Begin a trading day and look at the first orders for expiry."""
        self.trading_day = day
        self._unexpired = 0
        return self.expire(slots)

    def expire(self, slots: int) -> list[Report]:
        """Look at the orders in the next slots."""
        self._reports = []
        if self._unexpired is not None:
            for order in self._slots[self._unexpired : self._unexpired + slots]:
                self._expire_if_due(order)
            self._unexpired += slots
            if self._unexpired >= len(self._slots):
                self._unexpired = None
        return self._reports

    def leave(self, session: str) -> list[Report]:
        """A connection ends: the walk begins for its orders, if any of them go."""
        self._reports = []
        self._walker.pull(session, len(self.orders) + 1)
        return self._reports

    def tick(self, slots: int) -> list[Report]:
        """Look at the orders in the next slots, for expiry and for whoever waits for the walk."""
        self.expire(slots)
        self._walker.go_on()
        return self._reports

    @property
    def walking(self) -> bool:
        """Whether sessions wait for the walk."""
        return self._walker.pending

    @property
    def busy(self) -> bool:
        """Whether a tick has something to do."""
        return self.expiring or self.walking

    @property
    def expiring(self) -> bool:
        """Whether orders wait to be looked at."""
        return self._unexpired is not None

    # ------------------------------------------------------------------ what can be seen

    def live(self) -> list[Order]:
        """Orders that are live, in the order of their numbers."""
        return list(self._live)

    def book(self, symbol: str, side: str) -> list[Order]:
        """Resting orders of one side, best first."""
        resting = [
            order
            for order in self._live
            if order.place is not None and (order.symbol, order.side) == (symbol, side)
        ]
        return sorted(resting, key=priority)

    # ------------------------------------------------------------------ too many

    def _refuse_message(self, request: Request, refusal: Refusal) -> None:
        self._add(
            session=request.session,
            msg_type="j",
            order_id="",
            clord_id=request.clord_id,
            ord_status="",
            refusal=refusal,
        )

    def _refuse_too_fast(self, request: Request, refusal: Refusal) -> None:
        """Refuse a request unseen; of an id that cannot be used, only that is told."""
        if request.kind in {"H", "AF"}:
            self._refuse_message(request, refusal)
            return
        code = self._id_code(request)
        named = self._named(request.session, request.orig_clord_id)
        if not code:
            self._spend(request)
        self._refuse(request, named, Refusal(code) if code else refusal)

    # ------------------------------------------------------------------ new orders

    def _new(self, request: Request) -> None:
        if self._id_is_answered(request):
            return
        account = self.checks.account_of(request)
        refusal = self.checks.symbol_and_account(request, account)
        refusal = refusal or self.checks.terms(request, request.ord_type)
        refusal = refusal or self.checks.open_orders(request.session, account, self._live)
        refusal = refusal or self._lack_of_room(request)
        if refusal is not None:
            self._spend(request)
            self._refuse_new(request, refusal)
            return
        assert request.qty is not None
        order = Order(
            number=len(self.orders) + 1,
            session=request.session,
            account=account,
            symbol=request.symbol,
            side=request.side,
            qty=request.qty,
            price=request.price if request.ord_type == "2" else None,
            ord_type=request.ord_type,
            time_in_force=request.time_in_force or "0",
            clord_id=request.clord_id,
            last_day=NEVER,
            on_disconnect=request.on_disconnect,
        )
        order.last_day = self._last_day(order)
        self.orders.append(order)
        self._live.append(order)
        self._take_slot(order)
        self.ids[request.session, request.clord_id] = order
        self._report(order, exec_type="0", ord_status="0")
        self._take(order)

    def _lack_of_room(self, request: Request) -> Refusal | None:
        """Whether there is no slot, or no level if the order might come to rest."""
        rests = request.ord_type == "2" and request.time_in_force not in {"3", "4"}
        full = rests and self._lacks_level(request.symbol, request.side, request.price)
        return Refusal("CAPACITY") if full or len(self._live) >= self.room.orders else None

    def _lacks_level(self, symbol: str, side: str, price: int | None) -> bool:
        resting = [order for order in self._live if order.place is not None]
        levels = {(order.symbol, order.side, order.price) for order in resting}
        return (symbol, side, price) not in levels and len(levels) >= self.room.levels

    def _take_slot(self, order: Order) -> None:
        """A slot never used, or else that of the order closed longest ago."""
        order.slot = len(self._slots)
        if order.slot < self.room.orders:
            self._slots.append(order)
            return
        former = self._closed.pop(0)
        self._walker.lose(former)
        former.gone = True
        order.slot = former.slot
        self._slots[order.slot] = order

    def _last_day(self, order: Order) -> int:
        return self.trading_day if order.time_in_force == "0" else NEVER

    def _take(self, order: Order) -> None:
        """Trade an order against the book; then let the rest rest, or cancel it."""
        if order.time_in_force == "4" and self._obtainable(order) < order.leaves:
            self._cancel(order, "FOK_NOT_FILLED")
            return
        while order.state == "live":
            maker = self._best_against(order)
            if maker is None:
                break
            if not self._expire_if_due(maker):
                self._trade(maker, order)
        if order.state != "live":
            return
        if order.time_in_force in {"3", "4"}:
            self._cancel(order, "IOC_REMAINDER")
        elif order.ord_type == "1":
            self._cancel(order, "MARKET_REMAINDER")
        else:
            self._places += 1
            order.place = self._places

    def _crossing(self, order: Order) -> list[Order]:
        other = self.book(order.symbol, "2" if order.side == "1" else "1")
        return [maker for maker in other if crosses(order, maker)]

    def _best_against(self, order: Order) -> Order | None:
        return next(iter(self._crossing(order)), None)

    def _obtainable(self, order: Order) -> int:
        alive = [maker for maker in self._crossing(order) if maker.last_day >= self.trading_day]
        return sum(maker.leaves for maker in alive)

    def _trade(self, maker: Order, taker: Order) -> None:
        qty = min(maker.leaves, taker.leaves)
        assert maker.price is not None
        self.trades += 1
        for order, liquidity in ((maker, "1"), (taker, "2")):
            order.fills.append((qty, maker.price))
            if order.cum == order.qty:
                self._end(order, "filled")
            self._report(
                order,
                exec_type="F",
                trade=str(self.trades),
                last_qty=qty,
                last_price=maker.price,
                liquidity=liquidity,
            )

    def _end(self, order: Order, state: str) -> None:
        order.state = state
        order.place = None
        self._live.remove(order)
        self._closed.append(order)
        self._retire_id((order.session, order.clord_id))

    def _cancel(self, order: Order, code: str) -> None:
        self._end(order, "cancelled")
        self._report(order, exec_type="4", refusal=Refusal(code))

    def _expire_if_due(self, order: Order) -> bool:
        if order.state != "live" or order.last_day >= self.trading_day:
            return False
        self._end(order, "expired")
        self._report(order, exec_type="C", refusal=Refusal("DAY_EXPIRED"))
        return True

    # ------------------------------------------------------------------ cancel and replace

    def _change(self, request: Request) -> None:
        if self._id_is_answered(request):
            return
        order = self._named(request.session, request.orig_clord_id)
        code = ""
        if order is None:
            code = "UNKNOWN_ORDER"
        elif request.order_id not in {"", str(order.number)} and not order.gone:
            code, order = "UNKNOWN_ORDER", None
        elif order.state != "live":
            code = "TOO_LATE"
        elif order.clord_id != request.orig_clord_id:
            code = "NOT_LAST_CLORDID"
        elif request.symbol not in {"", order.symbol} or request.side != order.side:
            code = "REPLACE_MISMATCH"
        if code:
            refusal: Refusal | None = Refusal(code)
        else:
            assert order is not None
            refusal = self._replace_refusal(request, order) if request.kind == "G" else None
        if refusal is not None:
            self._spend(request)
            self._refuse_change(request, order, refusal)
            return
        assert order is not None
        if request.kind == "F":
            former = order.clord_id
            self._end(order, "cancelled")
            self._spend(request, order)
            self._report(order, exec_type="4", clord_id=request.clord_id, orig_clord_id=former)
        else:
            self._replace(request, order)

    def _replace_refusal(self, request: Request, order: Order) -> Refusal | None:
        account_agrees = not request.account or self.checks.account_of(request) == order.account
        if request.ord_type != order.ord_type or not account_agrees:
            return Refusal("REPLACE_MISMATCH")
        if request.time_in_force in {"3", "4"}:
            return Refusal("UNSUPPORTED_TIME_IN_FORCE")
        as_new = attrs.evolve(request, account=order.account, symbol=order.symbol)
        refusal = self.checks.terms(as_new, order.ord_type)
        if refusal is None and self._lacks_level(order.symbol, order.side, request.price):
            return Refusal("CAPACITY")
        return refusal

    def _replace(self, request: Request, order: Order) -> None:
        assert request.qty is not None
        former, order.clord_id = order.clord_id, request.clord_id
        self.ids[request.session, request.clord_id] = order
        self._former_ids.add((request.session, former))
        self._retire_id((request.session, former))
        order.time_in_force = request.time_in_force or "0"
        order.last_day = self._last_day(order)
        order.on_disconnect = request.on_disconnect or order.on_disconnect
        if request.qty <= order.cum:
            order.qty = order.cum
            self._end(order, "filled")
            self._report(order, exec_type="5", orig_clord_id=former)
        elif request.price == order.price and request.qty <= order.qty:
            order.qty = request.qty
            self._report(order, exec_type="5", orig_clord_id=former, priority="0")
        else:
            order.qty, order.price, order.place = request.qty, request.price, None
            self._report(order, exec_type="5", orig_clord_id=former, priority="1")
            self._take(order)

    # ------------------------------------------------------------------ status of many

    def _mass_status(self, request: Request) -> None:
        if request.mass_type == "1" and not request.symbol:
            text = "Conditionally Required Field Missing: Symbol(55)"
            self._refuse_message(request, Refusal(text))
        elif request.session in self._walker.asked:
            text = "an earlier OrderMassStatusRequest(AF) is still being answered"
            self._refuse_message(request, Refusal(text))
        elif code := self._mass_status_refusal(request):
            self._walker.report_none(request, code)
        else:
            self._walker.ask(request, len(self.orders) + 1)

    def _mass_status_refusal(self, request: Request) -> str:
        if request.mass_type not in {"1", "7"}:
            return "UNSUPPORTED_MASS_STATUS"
        if request.symbol and request.symbol not in self.configuration["instruments"]:
            return "UNKNOWN_SYMBOL"
        if not self.checks.account_of(request):
            return "UNKNOWN_ACCOUNT"
        if request.side not in {"", "1", "2"}:
            return "UNSUPPORTED_SIDE"
        has_orders = any(order.session == request.session for order in self._live)
        return "" if has_orders else "NO_OPEN_ORDERS"

    # ------------------------------------------------------------------ status

    def _status(self, request: Request) -> None:
        order = self._named(request.session, request.clord_id)
        agrees = order is not None and request.order_id in {"", str(order.number)}
        if order is None or not (agrees or order.gone):
            self._report_unknown(request, "UNKNOWN_ORDER", "8")
        else:
            self._report_state(request, request.clord_id, order)

    def _report_state(self, request: Request, clord_id: str, order: Order) -> None:
        if order.gone:
            status = self._status_of(request.session, clord_id, order)
            self._report_unknown(request, "TOO_LATE", status)
        else:
            self._report(order, exec_type="I")

    def _status_of(self, session: str, clord_id: str, order: Order | None) -> str:
        """OrdStatus(39) of an order as far as it is known; of a former id only that it was one."""
        if order is None or (order.gone and (session, clord_id) in self._former_ids):
            return "8"
        return order.status

    def _report_unknown(self, request: Request, code: str, status: str) -> None:
        self._add(
            session=request.session,
            msg_type="8",
            order_id=request.order_id or "NONE",
            clord_id=request.clord_id,
            exec_type="I",
            ord_status=status,
            symbol=request.symbol,
            side=request.side,
            leaves=0,
            cum=0,
            avg_px=0,
            refusal=Refusal(code),
        )

    # ------------------------------------------------------------------ ids

    def _spend(self, request: Request, order: Order | None = None) -> None:
        """The id of a request that was refused, or of a cancel."""
        key = (request.session, request.clord_id)
        self.ids[key] = order
        self._close_id(key)

    def _retire_id(self, key: Id) -> None:
        """The id is no longer that of a live order."""
        self._waiting.append(key)
        if len(self._waiting) > WAITING:
            self._close_id(self._waiting.pop(0))

    def _close_id(self, key: Id) -> None:
        """From now on the id is remembered until so many others are closed."""
        self._closed_ids.append(key)
        if len(self._closed_ids) > self.room.closed_ids:
            oldest = self._closed_ids.pop(0)
            del self.ids[oldest]
            self._former_ids.discard(oldest)

    def _named(self, session: str, clord_id: str) -> Order | None:
        """The order that ever had this id; one whose day is over expires now."""
        order = self.ids.get((session, clord_id))
        if order is not None:
            self._expire_if_due(order)
        return order

    def _id_code(self, request: Request) -> str:
        """Why the id of a request cannot be used; "" when it can."""
        if len(request.clord_id) > 36:
            return "CLORDID_TOO_LONG"
        known = (request.session, request.clord_id) in self.ids
        return "DUPLICATE_CLORDID" if known else ""

    def _id_is_answered(self, request: Request) -> bool:
        code = self._id_code(request)
        if code == "DUPLICATE_CLORDID" and request.poss_resend:
            order = self._named(request.session, request.clord_id)
            if order is not None:
                self._report_state(request, request.clord_id, order)
                return True
        if not code:
            return False
        named = self._named(request.session, request.orig_clord_id)
        self._refuse(request, named, Refusal(code))
        return True

    def _refuse(self, request: Request, named: Order | None, refusal: Refusal) -> None:
        if request.kind == "D":
            self._refuse_new(request, refusal)
        else:
            self._refuse_change(request, named, refusal)

    # ------------------------------------------------------------------ reports

    def _add(self, **fields: Any) -> None:  # noqa: ANN401 - as Report takes them
        self._reports.append(Report(**fields))

    def _report(self, order: Order, **event: Any) -> None:  # noqa: ANN401 - as Report takes them
        fields: dict[str, Any] = {
            "session": order.session,
            "msg_type": "8",
            "order_id": str(order.number),
            "clord_id": order.clord_id,
            "ord_status": order.status,
            "symbol": order.symbol,
            "side": order.side,
            "qty": order.qty,
            "price": order.price,
            "ord_type": order.ord_type,
            "time_in_force": order.time_in_force,
            "leaves": order.leaves,
            "cum": order.cum,
            "avg_px": order.avg_px,
        }
        self._add(**fields | event)

    def _refuse_new(self, request: Request, refusal: Refusal) -> None:
        self._add(
            session=request.session,
            msg_type="8",
            order_id="NONE",
            clord_id=request.clord_id,
            exec_type="8",
            ord_status="8",
            symbol=request.symbol,
            side=request.side,
            qty=request.qty,
            price=request.price,
            ord_type=request.ord_type,
            time_in_force=request.time_in_force or "0",
            leaves=0,
            cum=0,
            avg_px=0,
            refusal=refusal,
        )

    def _refuse_change(self, request: Request, order: Order | None, refusal: Refusal) -> None:
        self._add(
            session=request.session,
            msg_type="9",
            order_id=str(order.number) if order and not order.gone else "NONE",
            clord_id=request.clord_id,
            orig_clord_id=request.orig_clord_id,
            ord_status=self._status_of(request.session, request.orig_clord_id, order),
            refusal=refusal,
        )
