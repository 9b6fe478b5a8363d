"""A small order flow for two brokers: seeded, so that the same seed and answers give the same.

Each instrument has a fair price that walks around its reference price.
Most orders rest near it, some cross to the other broker's best order, some are changed or
cancelled, and now and then one breaks a rule, so that a refusal can be seen.
Who decides here sees the whole market, so that a broker rarely trades with itself.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from kk99fix.config.instruments import Instrument
from kk99fix.fix.values import format_e8
from kk99fix.harness.demo.market import Market, OpenOrder, Request

_E8: Final = 10**8
#: Open orders of one broker above which it only cancels and crosses.
OPEN_MAX: Final = 40
#: Money that an ordinary order is about, in units of 1e-8.
_ORDER_VALUE_E8: Final = 20_000 * _E8
#: How often each kind of request is made.
_WEIGHTS: Final = {
    "rest": 48,
    "cross": 20,
    "cancel": 12,
    "replace": 14,
    "market": 3,
    "refused": 3,
}
_DAY, _IOC = "0", "3"


@attrs.define
class _Fair:
    """The walking price of an instrument, in its own steps."""

    instrument: Instrument
    #: About a ten-thousandth of the price, in whole ticks.
    step_e8: int
    price_e8: int

    def walk(self, chance: random.Random) -> None:
        """Move a step at most, back towards the reference price when far from it."""
        reference_e8 = self.instrument.reference_price_e8
        pull = (reference_e8 - self.price_e8) // (20 * self.step_e8)
        drift = max(-1, min(1, pull)) if chance.random() < 0.5 else chance.choice((-1, 0, 1))
        self.price_e8 += drift * self.step_e8


class Flow:
    """Decides what each broker asks for next."""

    def __init__(
        self,
        market: Market,
        accounts: Mapping[str, Sequence[str]],
        *,
        seed: int,
        prefix: str,
    ) -> None:
        """Take each broker's accounts; `prefix` makes the ClOrdIDs(11) of this run unique."""
        self._market = market
        self._accounts = accounts
        self._chance = random.Random(seed)  # noqa: S311 - a market to look at, no secret
        self._prefix = prefix
        self._next_id = 1
        self._fair = {each.symbol: _fair(each) for each in market.instruments.values()}
        self._kinds: dict[str, Callable[[str, _Fair], Request | None]] = {
            "rest": self._rest,
            "cross": self._cross,
            "cancel": self._cancel,
            "replace": self._replace,
            "market": self._at_market,
            "refused": self._to_be_refused,
        }

    def next_pause_s(self, rate: float) -> float:
        """Return the time to the next request, `rate` a second on average."""
        return min(self._chance.expovariate(rate), 4 / rate)

    def next_request(self) -> tuple[str, Request]:
        """Return a broker and what it asks for."""
        broker = self._chance.choice(self._market.brokers)
        fair = self._chance.choice(list(self._fair.values()))
        fair.walk(self._chance)
        kind = self._chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if kind in {"rest", "replace"} and len(self._own(broker)) >= OPEN_MAX:
            kind = "cancel"
        request = self._kinds[kind](broker, fair)
        return broker, request or self._rest(broker, fair)

    def cancels(self) -> list[tuple[str, Request]]:
        """Return a cancel for every open order that has none under way."""
        idle = [each for each in self._market.open.values() if each.order_id not in self._busy]
        return [(order.broker, self._cancel_of(order)) for order in idle]

    # ------------------------------------------------------------------ kinds of requests

    def _rest(self, broker: str, fair: _Fair) -> Request:
        """An order that waits a little away from the fair price."""
        buy = self._chance.random() < 0.5
        away_e8 = self._chance.randint(1, 5) * fair.step_e8
        price_e8 = fair.price_e8 - away_e8 if buy else fair.price_e8 + away_e8
        return self._order(broker, fair, buy=buy, price_e8=price_e8, qty_e8=self._size(fair))

    def _cross(self, broker: str, fair: _Fair) -> Request | None:
        """An order that takes the other broker's best one: in part, all of it, or more."""
        best = self._best_of_others(broker, fair.instrument.symbol)
        if best is None:
            return None
        lot_e8 = fair.instrument.lot_e8
        tenths = self._chance.choice((3, 5, 10, 10, 16, 25))
        lots = max(1, best.leaves_e8 // lot_e8 * tenths // 10)
        through_e8 = self._chance.randint(0, 2) * fair.step_e8
        buy = not best.buy
        price_e8 = best.price_e8 + through_e8 if buy else best.price_e8 - through_e8
        time_in_force = self._chance.choice((_DAY, _DAY, _IOC))
        return self._order(
            broker,
            fair,
            buy=buy,
            price_e8=price_e8,
            qty_e8=lots * lot_e8,
            time_in_force=time_in_force,
        )

    def _at_market(self, broker: str, fair: _Fair) -> Request | None:
        """A market order, where the other broker has something to offer."""
        best = self._best_of_others(broker, fair.instrument.symbol)
        if best is None:
            return None
        return self._order(broker, fair, buy=not best.buy, price_e8=None, qty_e8=self._size(fair))

    def _cancel(self, broker: str, fair: _Fair) -> Request | None:  # noqa: ARG002 - as the others
        own = self._own(broker)
        return self._cancel_of(self._chance.choice(own)) if own else None

    def _replace(self, broker: str, fair: _Fair) -> Request | None:
        """A smaller quantity, which keeps its place, or another price."""
        own = self._own(broker)
        if not own:
            return None
        order = self._chance.choice(own)
        fair = self._fair[order.symbol]
        qty_e8, price_e8 = order.qty_e8, order.price_e8
        lot_e8 = fair.instrument.lot_e8
        smaller_e8 = order.qty_e8 - order.leaves_e8 // lot_e8 // 2 * lot_e8
        if smaller_e8 < qty_e8 and self._chance.random() < 0.4:
            qty_e8 = smaller_e8
        else:
            price_e8 += self._chance.choice((-1, 1)) * fair.step_e8
        fields = (
            (41, order.cl_ord_id),
            (55, order.symbol),
            (54, "1" if order.buy else "2"),
            (38, format_e8(qty_e8).decode()),
            (40, "2"),
            (44, format_e8(price_e8).decode()),
        )
        return self._request("G", fields, order.order_id)

    def _to_be_refused(self, broker: str, fair: _Fair) -> Request:
        """An order that breaks one of the venue's rules."""
        price_e8, qty_e8 = fair.price_e8, self._size(fair)
        instrument = fair.instrument
        match self._chance.randrange(4):
            case 0:
                price_e8 = fair.price_e8 + fair.price_e8 // instrument.tick_e8 * instrument.tick_e8
            case 1:
                price_e8 += instrument.tick_e8 // 2
            case 2:
                qty_e8 += instrument.lot_e8 // 2
            case _:
                instrument = attrs.evolve(instrument, symbol="NO-SUCH")
        wrong = attrs.evolve(fair, instrument=instrument)
        return self._order(broker, wrong, buy=True, price_e8=price_e8, qty_e8=qty_e8)

    # ------------------------------------------------------------------ inside

    @property
    def _busy(self) -> set[str]:
        return self._market.busy

    def _own(self, broker: str) -> list[OpenOrder]:
        """Orders of a broker that it may change now; not what an earlier run left elsewhere."""
        return [
            order
            for order in self._market.open.values()
            if order.broker == broker
            and order.symbol in self._fair
            and order.order_id not in self._busy
        ]

    def _best_of_others(self, broker: str, symbol: str) -> OpenOrder | None:
        """The best order of either side, unless it is the broker's own."""
        buy = self._chance.random() < 0.5
        side = [
            order
            for order in self._market.open.values()
            if order.symbol == symbol and order.buy == buy
        ]
        if not side:
            return None
        best = (max if buy else min)(side, key=lambda order: order.price_e8)
        return best if best.broker != broker else None

    def _size(self, fair: _Fair) -> int:
        """A round number of lots around the usual value of an order."""
        instrument = fair.instrument
        one_e8 = abs(fair.price_e8) * instrument.lot_e8 * instrument.multiplier_e8 // (_E8 * _E8)
        lots = max(1, _ORDER_VALUE_E8 // max(1, one_e8)) * self._chance.randint(2, 20) // 10
        unit: int = 10 ** max(0, len(str(lots)) - 2)
        return max(1, lots // unit * unit) * instrument.lot_e8

    def _order(
        self,
        broker: str,
        fair: _Fair,
        *,
        buy: bool,
        price_e8: int | None,
        qty_e8: int,
        time_in_force: str = _DAY,
    ) -> Request:
        price: tuple[tuple[int, str], ...] = ((40, "1"),)
        if price_e8 is not None:
            price = ((40, "2"), (44, format_e8(price_e8).decode()), (59, time_in_force))
        accounts = self._accounts[broker]
        account = ((1, self._chance.choice(accounts)),) if accounts else ()
        fields = (
            *account,
            (21, "1"),
            (55, fair.instrument.symbol),
            (54, "1" if buy else "2"),
            (38, format_e8(qty_e8).decode()),
            *price,
        )
        return self._request("D", fields)

    def _cancel_of(self, order: OpenOrder) -> Request:
        fields = (
            (41, order.cl_ord_id),
            (55, order.symbol),
            (54, "1" if order.buy else "2"),
            (38, format_e8(order.qty_e8).decode()),
        )
        return self._request("F", fields, order.order_id)

    def _request(
        self, msg_type: str, fields: tuple[tuple[int, str], ...], order_id: str = ""
    ) -> Request:
        cl_ord_id = f"{self._prefix}-{self._next_id}"
        self._next_id += 1
        return Request(msg_type, cl_ord_id, ((11, cl_ord_id), *fields), order_id)


def _fair(instrument: Instrument) -> _Fair:
    reference_e8, tick_e8 = instrument.reference_price_e8, instrument.tick_e8
    ticks = max(1, abs(reference_e8) // tick_e8 // 10_000)
    return _Fair(instrument, ticks * tick_e8, reference_e8)
