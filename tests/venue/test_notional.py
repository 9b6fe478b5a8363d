"""Values of orders are exact: 128 bits, no float, no rounding that a limit could feel."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.comparison import Comparison
from support.reference_values import Request
from support.small_venue import E8, configuration, limits

INT64_MAX = 2**63 - 1

POWERS = st.sampled_from([10**n for n in range(12)])
SCALED = st.builds(lambda digits, power: digits * power, st.integers(1, 999), POWERS)


def market(**values: int) -> dict[str, Any]:
    """The usual configuration with another AAPL."""
    config = configuration()
    config["instruments"]["AAPL"].update(values, reference_price_e8=0, band_e8=0)
    config["sessions"]["ALPHA"]["limits"] = limits()
    return config


def order(number: int, qty: int, price: int) -> Request:
    """An IOC order, so that the book stays empty."""
    return Request(
        kind="D",
        session="ALPHA",
        clord_id=f"c{number}",
        qty=qty,
        price=price,
        time_in_force="3",
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    lot=SCALED,
    multiplier=SCALED,
    rate=SCALED,
    lots=st.integers(1, 2**40),
    price=st.integers(-(2**62), 2**62),
    nudge=st.sampled_from([-1, 0, 1]),
)
def test_at_the_limit(
    lot: int, multiplier: int, rate: int, lots: int, price: int, nudge: int
) -> None:
    """The limit that an order just keeps accepts it, one unit less refuses it (K3, B10)."""
    assume(lot * lots <= INT64_MAX)
    lot_value_e16, rest = divmod(lot * multiplier * rate, E8)
    assume(not rest and lot_value_e16 <= INT64_MAX)  # exact; finer or greater is rounded up
    config = market(lot_e8=lot, multiplier_e8=multiplier, rate_e8=rate, tick_e8=1)
    value = Fraction(abs(price) * lot * lots * multiplier * rate, E8**3)
    most = min(max(int(value) + nudge, 1), INT64_MAX)
    config["accounts"]["A1"]["limits"] = limits() | {"max_order_notional_e8": most}
    comparison = Comparison(config)
    comparison.do(order(1, lot * lots, price))
    comparison.close()


@pytest.mark.parametrize(
    ("lot", "rate", "qty", "price"),
    [
        (1, 108_000_000, 5, 60_000 * E8),  # the smallest lot, a rate that is not whole
        (10_000, 673_000, 1_000_000, 9_000_000 * E8),  # yen
        (10**11, E8, 10**13, 98 * E8),
    ],
)
def test_fine_lots(lot: int, rate: int, qty: int, price: int) -> None:
    """The value told is that of the order, however small its lots are."""
    config = market(lot_e8=lot, rate_e8=rate, tick_e8=1)
    value = Fraction(price * qty * rate, E8 * E8)
    assert value.denominator == 1
    config["accounts"]["A1"]["limits"] = limits() | {"max_order_notional_e8": int(value)}
    comparison = Comparison(config)
    accepted = comparison.do(order(1, qty, price))
    (refused,) = comparison.do(order(2, qty + lot, price))

    assert accepted[0][150] == "0"
    assert refused[58].startswith("MAX_ORDER_NOTIONAL; ")
    comparison.close()
