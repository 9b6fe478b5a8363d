"""What each account holds of each instrument, from its trades.

The average cost is that of what is open: a trade that adds to the position is averaged in, rounded
half to even to 1e-8; one that reduces it leaves it; one that turns it starts anew at its price.
"""

from typing import Any

import attrs

from kk99fix.projection.decimals import (
    E8_PLACES,
    NOTIONAL_PLACES,
    divide_half_even,
    format_scaled,
    parse_scaled,
)


@attrs.define
class Position:
    """One account's trades in one instrument; integers without bound, so nothing overflows."""

    account: str
    symbol: str
    firm: str | None
    bought_e8: int = 0
    sold_e8: int = 0
    bought_notional_e24: int = 0
    sold_notional_e24: int = 0
    avg_cost_e8: int = 0
    trades: int = 0
    changed_ns: int = 0

    def add(
        self, side: str | None, qty_e8: int, price_e8: int, multiplier_e8: int, time_ns: int
    ) -> None:
        """Count one side of a trade in."""
        before_e8 = self.bought_e8 - self.sold_e8
        notional_e24 = price_e8 * qty_e8 * multiplier_e8
        if side == "buy":
            self.bought_e8 += qty_e8
            self.bought_notional_e24 += notional_e24
        else:
            self.sold_e8 += qty_e8
            self.sold_notional_e24 += notional_e24
        self._average(before_e8, self.bought_e8 - self.sold_e8, price_e8)
        self.trades += 1
        self.changed_ns = time_ns

    def _average(self, before_e8: int, after_e8: int, price_e8: int) -> None:
        if after_e8 == 0:
            self.avg_cost_e8 = 0
        elif before_e8 == 0 or (before_e8 > 0) != (after_e8 > 0):
            self.avg_cost_e8 = price_e8
        elif abs(after_e8) > abs(before_e8):
            added_e8 = abs(after_e8) - abs(before_e8)
            cost = abs(before_e8) * self.avg_cost_e8 + added_e8 * price_e8
            self.avg_cost_e8 = divide_half_even(cost, abs(after_e8))

    def row(self) -> tuple[Any, ...]:
        """Return the row of the table."""
        return (
            self.account,
            self.symbol,
            self.firm,
            format_scaled(self.bought_e8 - self.sold_e8, E8_PLACES),
            format_scaled(self.bought_e8, E8_PLACES),
            format_scaled(self.sold_e8, E8_PLACES),
            format_scaled(self.bought_notional_e24, NOTIONAL_PLACES),
            format_scaled(self.sold_notional_e24, NOTIONAL_PLACES),
            format_scaled(self.avg_cost_e8, E8_PLACES),
            self.trades,
            self.changed_ns,
        )

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> "Position":
        """Read what `row` wrote; ValueError when it was changed since."""
        account, symbol, firm, _, bought, sold, bought_for, sold_for, avg_cost, trades, at = row
        return cls(
            account,
            symbol,
            firm,
            parse_scaled(bought, E8_PLACES),
            parse_scaled(sold, E8_PLACES),
            parse_scaled(bought_for, NOTIONAL_PLACES),
            parse_scaled(sold_for, NOTIONAL_PLACES),
            parse_scaled(avg_cost, E8_PLACES),
            trades,
            at,
        )
