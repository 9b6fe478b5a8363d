"""What FIX says in codes, as the words that stand in the tables."""

from typing import Final


class Words(dict[str | None, str | None]):
    """Words by code; an unknown code stays itself, and None stays None."""

    def __missing__(self, code: str | None) -> str | None:
        """Return the code."""
        return code


SIDES: Final = Words({"1": "buy", "2": "sell"})
ORD_TYPES: Final = Words({"1": "market", "2": "limit"})
TIMES_IN_FORCE: Final = Words({"0": "day", "1": "gtc", "3": "ioc", "4": "fok"})
LIQUIDITY: Final = Words({"1": "added", "2": "removed"})
STATUSES: Final = Words(
    {
        "0": "new",
        "1": "partially-filled",
        "2": "filled",
        "4": "canceled",
        "8": "rejected",
        "C": "expired",
    }
)
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
#: CxlRejResponseTo(434): what the reject is, and the MsgType(35) of the request.
CANCEL_REJECT_EVENTS: Final = {"1": "cancel-rejected", "2": "replace-rejected"}
CANCEL_REJECT_REQUESTS: Final = {"1": "F", "2": "G"}
