"""What counterparties ask for: orders near the market, replaces, cancels, and questions."""

import random
from typing import Any

import attrs
from support.model_peer import Fields, stamp

from kk99fix.fix.values import format_e8

SYMBOLS = ("AAPL", "AAPL", "AAPL", "SPY", "EUR-USD", "US10Y", "NONE")
#: Orders remembered as targets of changes.
REMEMBERED = 40


@attrs.define
class Flow:
    """The requests of one session; ids are never used twice, unless that is meant."""

    name: str
    dice: random.Random
    instruments: dict[str, dict[str, Any]]
    _count: int = 0
    #: Ids that may still be live, with symbol and side.
    _recent: list[tuple[str, str, str]] = attrs.field(factory=list)

    def ident(self) -> str:
        """A new id."""
        self._count += 1
        return f"{self.name}-{self._count}"

    def new(self, now_ns: int, *, resting: bool) -> Fields:
        """A NewOrderSingle(D): far enough away to rest, or through the market."""
        pick = self.dice.choice
        symbol, side, ident = pick(SYMBOLS), pick("12"), self.ident()
        self._remember(ident, symbol, side)
        fields: Fields = [(11, ident), (55, symbol), (54, side), (60, stamp(now_ns))]
        away = self.dice.randint(1, 9) if resting else -self.dice.randint(0, 4)
        fields += self._terms(symbol, side, away)
        market = not resting and self.dice.random() < 0.1
        fields = [pair for pair in fields if not market or pair[0] != 44]
        fields.append((40, "1" if market else "2"))
        fields.append((59, pick("0001") if resting else pick("0134")))
        if self.dice.random() < 0.1:
            fields.append((18, pick("HQ")))
        if self.dice.random() < 0.3:
            fields.append((1, self._account()))
        return fields

    def replace(self, now_ns: int) -> Fields:
        """An OrderCancelReplaceRequest(G) of an order that may be live."""
        orig, symbol, side = self._target()
        ident = self.ident()
        self._remember(ident, symbol, side)
        fields: Fields = [(11, ident), (41, orig), (55, symbol), (54, side), (60, stamp(now_ns))]
        fields += self._terms(symbol, side, self.dice.randint(0, 6))
        return [*fields, (40, "2"), (59, self.dice.choice("001"))]

    def cancel(self, now_ns: int) -> Fields:
        """An OrderCancelRequest(F) of an order that may be live."""
        orig, symbol, side = self._target()
        return [(11, self.ident()), (41, orig), (55, symbol), (54, side), (60, stamp(now_ns))]

    def status(self) -> Fields:
        """An OrderStatusRequest(H), by an id of its own."""
        orig, symbol, side = self._target()
        return [(790, self.ident()), (11, orig), (55, symbol), (54, side)]

    def mass_status(self) -> Fields:
        """An OrderMassStatusRequest(AF)."""
        return [(584, self.ident()), (585, "7")]

    def _account(self) -> str:
        firm = int(self.name[1:]) % 6 + 1
        return self.dice.choice([f"F{firm}A", f"F{firm}A", f"F{firm}B", "NOBODY"])

    def _terms(self, symbol: str, side: str, away: int) -> Fields:
        rules = self.instruments.get(symbol, self.instruments["AAPL"])
        lots = self.dice.choice([1, 2, 3, 10, 40, 900])
        price = rules["reference_price_e8"] + away * rules["tick_e8"] * (-1 if side == "1" else 1)
        if self.dice.random() < 0.02:
            price += self.dice.choice([rules["tick_e8"] // 2, 10**12])
        qty = format_e8(lots * rules["lot_e8"]).decode()
        return [(38, qty), (44, format_e8(price).decode())]

    def _remember(self, ident: str, symbol: str, side: str) -> None:
        self._recent = [*self._recent[-REMEMBERED:], (ident, symbol, side)]

    def _target(self) -> tuple[str, str, str]:
        return self.dice.choice(self._recent or [("nobody", "AAPL", "1")])
