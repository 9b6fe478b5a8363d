"""Pre-trade checks of the reference venue: what refuses an order, in the order of the checks."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs

from support.reference_values import E8, Order, Refusal, Request

#: The most lots of one order.
LOTS_MAX = 2**40


@attrs.define
class Checks:
    """The checks under one configuration."""

    configuration: dict[str, Any]

    def account_of(self, request: Request) -> str:
        """The account that the request means; "" for none that the session may use."""
        allowed: list[str] = self.configuration["sessions"][request.session]["accounts"]
        if not request.account:
            return allowed[0]
        return request.account if request.account in allowed else ""

    def symbol_and_account(self, request: Request, account: str) -> Refusal | None:
        """Whether there is such an instrument, and such an account for the session."""
        if request.symbol not in self.configuration["instruments"]:
            return Refusal("UNKNOWN_SYMBOL")
        return None if account else Refusal("UNKNOWN_ACCOUNT")

    def terms(self, request: Request, ord_type: str) -> Refusal | None:
        """Whether an order with these terms may trade now."""
        instrument = self.configuration["instruments"][request.symbol]
        qty, price = request.qty, request.price
        if not instrument["open"]:
            return Refusal("INSTRUMENT_CLOSED")
        oldest_ns = self.configuration["venue"]["max_order_age_ns"]
        if request.age_ns > oldest_ns:
            return Refusal("STALE_ORDER", oldest_ns // 10, request.age_ns // 10)
        if qty is None or qty <= 0:
            return Refusal("QTY_NOT_POSITIVE")
        if qty % instrument["lot_e8"]:
            return Refusal("QTY_LOT", instrument["lot_e8"], qty)
        if qty // instrument["lot_e8"] > LOTS_MAX:
            most = min(LOTS_MAX * instrument["lot_e8"], 2**63 - 1)
            return Refusal("MAX_ORDER_QTY", most, qty, most)
        wrong_price = _price_refusal(instrument, price) if ord_type == "2" else None
        return wrong_price or self._size(request, instrument, ord_type)

    def _size(self, request: Request, instrument: dict[str, int], ord_type: str) -> Refusal | None:
        """Limits of quantity and value; the tightest counts."""
        assert request.qty is not None
        owners = self._owners(request.session, self.account_of(request))
        most = _tightest([limits["max_order_qty_e8"] for limits in owners])
        if most and request.qty > most:
            return Refusal("MAX_ORDER_QTY", most, request.qty, most)
        most = _tightest([limits["max_order_notional_e8"] for limits in owners])
        if ord_type == "2":
            assert request.price is not None
            price = request.price
        else:  # the worst price that the band allows
            sign = -1 if instrument["reference_price_e8"] < 0 else 1
            price = instrument["reference_price_e8"] + sign * instrument["band_e8"]
        value = Fraction(abs(price) * request.qty, E8) * Fraction(
            instrument["multiplier_e8"] * instrument["rate_e8"], E8 * E8
        )
        if most and value > most:
            rounded_up = -(-value.numerator // value.denominator)
            return Refusal("MAX_ORDER_NOTIONAL", most, min(rounded_up, 2**63 - 1), most)
        return None

    def _owners(self, session: str, account: str) -> Sequence[dict[str, int]]:
        """Limits of session, account and firm."""
        configuration = self.configuration
        owner = configuration["accounts"][account]
        return (
            configuration["sessions"][session]["limits"],
            owner["limits"],
            configuration["firms"][owner["firm"]]["limits"],
        )

    def open_orders(self, session: str, account: str, live: list[Order]) -> Refusal | None:
        """Whether session, account and firm may all have one more live order."""
        firm = self.configuration["accounts"][account]["firm"]
        accounts = self.configuration["accounts"]
        counts = (
            sum(order.session == session for order in live),
            sum(order.account == account for order in live),
            sum(accounts[order.account]["firm"] == firm for order in live),
        )
        for limits, count in zip(self._owners(session, account), counts, strict=True):
            most = limits["max_open_orders"]
            if most and count >= most:
                return Refusal("MAX_OPEN_ORDERS", most * E8, (count + 1) * E8, 0)
        return None


def _price_refusal(instrument: dict[str, int], price: int | None) -> Refusal | None:
    """Whether a limit order may have this price."""
    if price is None:
        return Refusal("PRICE_MISSING")
    if price % instrument["tick_e8"]:
        return Refusal("PRICE_TICK", instrument["tick_e8"], price)
    reference, band = instrument["reference_price_e8"], instrument["band_e8"]
    if not band or reference - band <= price <= reference + band:
        return None
    bound = reference + band if price > reference else reference - band
    return Refusal("PRICE_BAND", bound, price, band)


def _tightest(limits: Sequence[int]) -> int:
    """The lowest limit, of which 0 is none."""
    return min((limit for limit in limits if limit), default=0)
