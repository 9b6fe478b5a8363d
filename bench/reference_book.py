"""A small price-time book for the reference acceptor: limit orders, IOC remainders, cancels.

It speaks of orders and events and knows neither FIX nor sessions.
It is the place to put another core: whatever has `submit` and `cancel` can replace `Book`.
"""

import heapq
from collections import deque
from enum import Enum, auto

import attrs


class EventKind(Enum):
    """What happened to an order."""

    NEW = auto()
    TRADE = auto()
    CANCELLED = auto()


@attrs.define(eq=False)
class Order:
    """One order; `leaves` is what is still open, in lots, and `price` is in ticks."""

    owner: str
    cl_ord_id: str
    order_id: int
    is_buy: bool
    price: int
    quantity: int
    leaves: int
    immediate: bool = False

    @property
    def filled(self) -> int:
        """Lots executed; a cancelled order keeps its figure through `quantity` and `leaves`."""
        return self.quantity - self.leaves


@attrs.frozen
class Event:
    """One report to come: the order as it stood right after, and the fill if there was one."""

    kind: EventKind
    order: Order
    leaves: int
    filled: int
    last_quantity: int = 0
    last_price: int = 0


@attrs.define
class Side:
    """The levels of one side; the heap may hold prices whose level has become empty."""

    is_buy: bool
    levels: dict[int, deque[Order]] = attrs.field(factory=dict)
    heap: list[int] = attrs.field(factory=list)

    def add(self, order: Order) -> None:
        """Put an order behind all others at its price."""
        level = self.levels.get(order.price)
        if level is None:
            level = self.levels[order.price] = deque()
            heapq.heappush(self.heap, -order.price if self.is_buy else order.price)
        level.append(order)

    def best(self) -> Order | None:
        """Return the first order of the best price, dropping what is filled or cancelled."""
        while self.heap:
            price = -self.heap[0] if self.is_buy else self.heap[0]
            level = self.levels[price]
            while level and level[0].leaves == 0:
                level.popleft()
            if level:
                return level[0]
            heapq.heappop(self.heap)
            del self.levels[price]
        return None


@attrs.define
class Book:
    """Both sides of one symbol, and the live orders by owner and ClOrdID."""

    bids: Side = attrs.field(factory=lambda: Side(is_buy=True))
    asks: Side = attrs.field(factory=lambda: Side(is_buy=False))
    live: dict[tuple[str, str], Order] = attrs.field(factory=dict)

    def submit(self, order: Order) -> list[Event]:
        """Accept an order, match it, let the rest stand or, if immediate, cancel it."""
        events = [Event(EventKind.NEW, order, order.quantity, 0)]
        self.live[order.owner, order.cl_ord_id] = order
        opposite = self.asks if order.is_buy else self.bids
        while order.leaves and (maker := opposite.best()) is not None:
            beyond = maker.price > order.price if order.is_buy else maker.price < order.price
            if beyond:
                break
            events += self._trade(maker, order)
        if order.leaves and order.immediate:
            events.append(self._cancelled(order))
        elif order.leaves:
            (self.bids if order.is_buy else self.asks).add(order)
        return events

    def cancel(self, owner: str, cl_ord_id: str) -> Event | None:
        """Cancel a live order; None if there is none of that name."""
        order = self.live.get((owner, cl_ord_id))
        return None if order is None else self._cancelled(order)

    def _trade(self, maker: Order, taker: Order) -> list[Event]:
        quantity = min(maker.leaves, taker.leaves)
        events = []
        for order in (maker, taker):
            order.leaves -= quantity
            if order.leaves == 0:
                del self.live[order.owner, order.cl_ord_id]
            events.append(
                Event(EventKind.TRADE, order, order.leaves, order.filled, quantity, maker.price)
            )
        return events

    def _cancelled(self, order: Order) -> Event:
        filled = order.filled
        order.leaves = 0
        del self.live[order.owner, order.cl_ord_id]
        return Event(EventKind.CANCELLED, order, 0, filled)
