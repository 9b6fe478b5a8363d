"""A small venue for tests: its configuration, and sizes of the core that fit it.

    ALPHA   order entry   firm One   accounts A1 (default) and A2
    GAMMA   order entry   firm One   account A1
    BETA    order entry   firm Two   account B1, dialect kk99
    DESK    drop copy of firm One
    AUDIT   drop copy of account A2 and of firm Two

Limits and bands are so narrow that random orders meet all of them.
"""

import copy
from typing import Any

import attrs

from kk99fix.matcher.values import Capacity

E8 = 100_000_000
NS_PER_S = 1_000_000_000
START_NS = 1_790_000_000 * NS_PER_S  # 2026-09-21 13:33:20
FIRST_DAY = "20260921"

CAPACITY = Capacity(
    orders=4096,
    levels=1024,
    sessions=8,
    firms=8,
    accounts=8,
    instruments=8,
    duplicate_window=8192,
    rings=8,
    ring_bytes=1 << 20,
)
#: Room for a run of thousands of orders none of which is forgotten.
LARGE = attrs.evolve(CAPACITY, orders=20_000, duplicate_window=65_536)


def e8(text: str) -> int:
    """A decimal in units of 1e-8."""
    whole, _, fraction = text.removeprefix("-").partition(".")
    value = int(whole) * E8 + int(fraction.ljust(8, "0") or "0")
    return -value if text.startswith("-") else value


def limits(qty: str = "0", notional: str = "0", open_orders: int = 0) -> dict[str, int]:
    """Limits of a session, an account or a firm; 0 is none."""
    return {
        "max_order_qty_e8": e8(qty),
        "max_order_notional_e8": e8(notional),
        "max_open_orders": open_orders,
    }


def throttle(messages: int = 0, orders: int = 0, logout_after: int = 0) -> dict[str, int]:
    """How fast a session may send; 0 is unlimited."""
    return {
        "messages_per_second": messages,
        "orders_per_second": orders,
        "logout_after": logout_after,
    }


def instrument(
    tick: str, lot: str, reference: str, band: str, **other: str | bool
) -> dict[str, int | bool]:
    """An instrument; `other` may give `multiplier`, `rate` and `open`."""
    return {
        "tick_e8": e8(tick),
        "lot_e8": e8(lot),
        "reference_price_e8": e8(reference),
        "band_e8": e8(band),
        "multiplier_e8": e8(str(other.get("multiplier", "1"))),
        "rate_e8": e8(str(other.get("rate", "1"))),
        "open": bool(other.get("open", True)),
    }


def session(firm: str, accounts: tuple[str, ...], **other: Any) -> dict[str, Any]:  # noqa: ANN401
    """An order-entry session, or what `other` makes of it."""
    return {
        "target_comp_id": "KK99",
        "role": "order-entry",
        "firm": firm,
        "accounts": list(accounts),
        "dialect": "fix44",
        "timestamp_precision": "milliseconds",
        "last_msg_seq_num_processed": False,
        "limits": limits(),
        "throttle": throttle(),
        "heart_bt_int": [5, 60],
        "reset_seq_num": "allowed",
        "cancel_on_disconnect": False,
        "cancel_grace_ns": 0,
        "cancel_on_logout": False,
        "drop_copy": {"firms": [], "accounts": []},
        **other,
    }


def drop_copy(firms: tuple[str, ...], accounts: tuple[str, ...]) -> dict[str, Any]:
    """A drop-copy session; `accounts` names those of `firms` as well."""
    scope = {"firms": list(firms), "accounts": list(accounts)}
    return session("Desk", (), role="drop-copy", drop_copy=scope)


_CONFIGURATION: dict[str, Any] = {
    "venue": {
        "after_restart": "open",
        "reopen_after_ns": 0,
        "test_venue": False,
        "max_order_age_ns": 30 * NS_PER_S,
        "sending_time_tolerance_ns": 120 * NS_PER_S,
    },
    "instruments": {
        "AAPL": instrument("0.01", "1", "100", "0.08"),
        "BOND": instrument("0.015625", "1000", "98.5", "0", multiplier="0.01"),
        "COIN": instrument("0.5", "0.001", "20", "4", rate="1.08"),
        "SHUT": instrument("0.01", "1", "100", "0.08", open=False),
        "SPREAD": instrument("0.25", "0.1", "0", "2"),
    },
    "firms": {
        "Desk": {"limits": limits()},
        "One": {"limits": limits(open_orders=50)},
        "Two": {"limits": limits(notional="200000")},
    },
    "accounts": {
        "A1": {"firm": "One", "limits": limits()},
        "A2": {"firm": "One", "limits": limits(notional="1500")},
        "B1": {"firm": "Two", "limits": limits(open_orders=30)},
    },
    "sessions": {
        "ALPHA": session("One", ("A1", "A2"), limits=limits(qty="9000", open_orders=28)),
        "AUDIT": drop_copy(("Two",), ("A2", "B1")),
        "BETA": session("Two", ("B1",), dialect="kk99"),
        "DESK": drop_copy(("One",), ("A1", "A2")),
        "GAMMA": session("One", ("A1",)),
    },
}
for _name, _session in _CONFIGURATION["sessions"].items():
    _session["sender_comp_id"] = _name


def configuration() -> dict[str, Any]:
    """The resolved configuration, a new one at each call."""
    return copy.deepcopy(_CONFIGURATION)


def particular() -> dict[str, Any]:
    """The same with sessions that may not send as fast as they like, and want other headers."""
    config = configuration()
    settings: dict[str, dict[str, Any]] = {
        "ALPHA": {
            "throttle": throttle(messages=9, orders=7, logout_after=4),
            "timestamp_precision": "microseconds",
            "last_msg_seq_num_processed": True,
        },
        "BETA": {"throttle": throttle(orders=8), "timestamp_precision": "seconds"},
        "GAMMA": {"throttle": throttle(messages=12, logout_after=1)},
        "DESK": {"timestamp_precision": "seconds", "last_msg_seq_num_processed": True},
        "AUDIT": {"timestamp_precision": "microseconds"},
    }
    for name, own in settings.items():
        config["sessions"][name].update(own)
    return config
