"""B: the books, built once more from nothing but the reports, and held against the core's.

B1 best bid below best ask, B2 orders by price and then by time, B3 the same orders with the same
quantities on both sides of the comparison, B4 what rests has leaves on tick and lot, B5 trades at
the resting price inside both limits, B6 nobody better or earlier was passed over, B7 two sides to
each trade, B8 what may not rest never does, B11 and B12 accepted orders and those that live.
"""

from bisect import insort
from collections import defaultdict

import attrs
from support.small_venue import e8

from kk99fix.matcher.engine import Engine
from simulation.units import Sent, Unit, require

#: Looked at so many orders of one side, at most.
DEPTH = 400


@attrs.define
class Resting:
    """An order in a book: sorted by price, best first, then by arrival."""

    key: tuple[int, int]
    order_id: str
    leaves: int


@attrs.define
class Books:
    """All books of the venue, as the reports tell of them."""

    #: By symbol and side, best first.
    sides: dict[tuple[str, str], list[Resting]] = attrs.field(
        factory=lambda: defaultdict(list), init=False
    )
    _places: dict[str, tuple[tuple[str, str], Resting]] = attrs.field(factory=dict, init=False)
    _arrivals: int = attrs.field(default=0, init=False)
    _touched: set[str] = attrs.field(factory=set, init=False)
    accepted: int = attrs.field(default=0, init=False)
    trades: int = attrs.field(default=0, init=False)

    def see(self, unit: Unit) -> None:
        """Take one unit's reports in."""
        #: The order that is being matched: New, or moved. It rests before the next one comes.
        loose: dict[str, Sent] = {}
        maker: Sent | None = None
        for sent in unit.sent:
            if sent[35] != "8" or sent[39] == "8" or sent[150] == "I":
                continue
            self._touched.add(sent[55])
            if sent[150] in {"0", "5"}:
                self._rest_all(loose)
            if sent[150] == "0":
                self.accepted += 1
                loose[sent[37]] = sent
            elif sent[150] == "F" and maker is None:
                maker = sent
            elif sent[150] == "F":
                assert maker is not None
                self._trade(maker, sent)
                maker = None
                if sent[37] in loose:
                    loose[sent[37]] = sent
            elif sent[150] == "5":
                self._replaced(sent, loose)
            else:
                loose.pop(sent[37], None)
                self._leave(sent[37])
        require(maker is None, "B7", "a trade with one side", maker)
        self._rest_all(loose)

    def look(
        self, engine: Engine, instruments: dict[str, int], rules: dict[str, dict[str, int]]
    ) -> None:
        """Hold the books that changed against the core's."""
        for symbol in sorted(self._touched & instruments.keys()):
            self._look_at(symbol, engine, instruments[symbol], rules.get(symbol))
        self._touched.clear()

    def look_at_all(self, engine: Engine, live: int) -> None:
        """Hold the counts against the core's."""
        statistics = engine.statistics()
        resting = len(self._places)
        require(
            statistics.live_orders == live == resting, "B11", statistics.live_orders, live, resting
        )
        levels = {(place, resting.key[0]) for place, resting in self._places.values()}
        require(statistics.live_levels == len(levels), "B12", statistics.live_levels, len(levels))

    def resting(self, order_id: str) -> bool:
        """Whether an order is in a book."""
        return order_id in self._places

    # ------------------------------------------------------------------ reports

    def _trade(self, maker: Sent, taker: Sent) -> None:
        self.trades += 1
        same = [maker[tag] == taker[tag] for tag in (527, 55, 32, 31)]
        require(
            all(same) and {maker[54], taker[54]} == {"1", "2"}, "B7", maker.fields, taker.fields
        )
        require((maker[851], taker[851]) == ("1", "2"), "B7", "who made", maker.fields)
        place, resting = self._places.get(maker[37], (None, None))
        require(place is not None, "B8", "not in the book and trades", maker.fields)
        assert place is not None
        assert resting is not None
        first = self.sides[place][0]
        require(first is resting, "B6", f"order {first.order_id} was before", maker.fields)
        price, qty = e8(maker[31]), e8(maker[32])
        require(e8(maker[44]) == price, "B5", "not the resting price", maker.fields)
        if taker[40] == "2":
            sign = 1 if taker[54] == "1" else -1
            require(sign * price <= sign * e8(taker[44]), "B5", "beyond the limit", taker.fields)
        require(qty <= resting.leaves, "B5", "more than there was", maker.fields)
        resting.leaves -= qty
        require(resting.leaves == e8(maker[151]), "B3", "leaves", maker.fields, resting)
        if not resting.leaves:
            self._leave(maker[37])

    def _replaced(self, sent: Sent, loose: dict[str, Sent]) -> None:
        """An order that keeps its priority keeps its place; any other comes anew."""
        place, resting = self._places.get(sent[37], (None, None))
        require(place is not None, "B8", "replaced, and not in the book", sent.fields)
        assert resting is not None
        leaves = e8(sent[151])
        if sent[638] == "0" and leaves:
            require(leaves <= resting.leaves, "B6", "more and still in its place", sent.fields)
            resting.leaves = leaves
            return
        self._leave(sent[37])
        if leaves:
            loose[sent[37]] = sent

    def _rest_all(self, loose: dict[str, Sent]) -> None:
        for order_id, last in loose.items():
            if last[151] != "0":
                self._rest(order_id, last)
        loose.clear()

    def _rest(self, order_id: str, last: Sent) -> None:
        require(last[40] == "2" and last[59] in {"0", "1"}, "B8", "may not rest", last.fields)
        sign = -1 if last[54] == "1" else 1
        self._arrivals += 1
        resting = Resting((sign * e8(last[44]), self._arrivals), order_id, e8(last[151]))
        place = (last[55], last[54])
        insort(self.sides[place], resting, key=lambda each: each.key)
        self._places[order_id] = (place, resting)

    def _leave(self, order_id: str) -> None:
        place, resting = self._places.pop(order_id, (None, None))
        if place is not None and resting is not None:
            self.sides[place].remove(resting)

    # ------------------------------------------------------------------ against the core

    def _look_at(
        self, symbol: str, engine: Engine, instrument: int, rules: dict[str, int] | None
    ) -> None:
        best: dict[str, int] = {}
        for side in "12":
            orders = engine.book(instrument, side, DEPTH)
            found = [(str(o.order_id), abs_key(side, o.price_e8), o.leaves_e8) for o in orders]
            told = [(r.order_id, r.key[0], r.leaves) for r in self.sides[symbol, side][:DEPTH]]
            require(found == told, "B3", f"book {symbol} {side}", "core", found, "reports", told)
            if orders:
                best[side] = orders[0].price_e8
            for order in orders:
                require(order.leaves_e8 > 0, "B4", order)
                if rules is not None:
                    fits = not order.leaves_e8 % rules["lot_e8"] and not (
                        order.price_e8 % rules["tick_e8"]
                    )
                    require(fits, "B4", order)
        if len(best) == 2:
            require(best["1"] < best["2"], "B1", symbol, best)


def abs_key(side: str, price_e8: int) -> int:
    """A price so that the best of a side is the lowest."""
    return -price_e8 if side == "1" else price_e8
