"""What FIX says in codes, as the words that stand in the tables; an unknown code stays itself."""

from typing import Final

SIDES: Final = {"1": "buy", "2": "sell"}
ORD_TYPES: Final = {"1": "market", "2": "limit"}
TIMES_IN_FORCE: Final = {"0": "day", "1": "gtc", "3": "ioc", "4": "fok"}
LIQUIDITY: Final = {"1": "added", "2": "removed"}
STATUSES: Final = {
    "0": "new",
    "1": "partially-filled",
    "2": "filled",
    "4": "canceled",
    "8": "rejected",
    "C": "expired",
}
CLOSED_STATUSES: Final = frozenset({"filled", "canceled", "expired", "rejected"})
#: ExecType(150).
EVENTS: Final = {
    "0": "new",
    "F": "trade",
    "4": "canceled",
    "5": "replaced",
    "8": "rejected",
    "C": "expired",
    "I": "status",
}
#: CxlRejResponseTo(434).
CANCEL_REJECT_EVENTS: Final = {"1": "cancel-rejected", "2": "replace-rejected"}
CANCEL_REJECT_REQUESTS: Final = {"1": "F", "2": "G"}


def word(table: dict[str, str], code: str | None) -> str | None:
    """Return the word for a code."""
    return None if code is None else table.get(code, code)
