"""An ExecutionReport(8) or OrderCancelReject(9) as the demo needs it, and in plain words.

A `Report` is read from what a broker received or from the desk's drop copy of it; both say the
same, and `content` is what has to be equal in the two.
"""

import enum
from collections.abc import Callable
from typing import Final

import attrs

from kk99fix.fix import tables, values
from kk99fix.fix.message import Message

#: Writes a price (first argument the symbol) or a quantity for people.
Writer = Callable[[str, int], str]

#: Fields of a copy that its source lacks, or that belong to the connection.
_OWN_TO_COPIES: Final = tables.HEADER.fields | tables.TRAILER.fields | {797}


class Happening(enum.Enum):
    """What a report is about."""

    NEW = "new"
    TRADE = "trade"
    REPLACED = "changed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    OTHER = "other"


_BY_EXEC_TYPE: Final = {
    b"0": Happening.NEW,
    b"F": Happening.TRADE,
    b"5": Happening.REPLACED,
    b"4": Happening.CANCELLED,
    b"8": Happening.REFUSED,
}


@attrs.frozen
class Report:
    """What one report says."""

    #: CompID of the broker that it was made for.
    broker: str
    happening: Happening
    #: UTC, to the millisecond.
    time: str
    cl_ord_id: str
    orig_cl_ord_id: str
    order_id: str
    symbol: str
    buy: bool
    qty_e8: int
    #: Price(44); None for a market order.
    price_e8: int | None
    #: LeavesQty(151).
    leaves_e8: int
    #: LastQty(32) and LastPx(31) of a trade, else 0.
    last_qty_e8: int
    last_price_e8: int
    #: Text(58): code, limit and sentence of a refusal or of the cause of a cancel.
    text: str
    content: bytes

    @property
    def code(self) -> str:
        """The first part of Text(58): the name of a reject code."""
        return self.text.partition(";")[0]

    @property
    def sentence(self) -> str:
        """The last part of Text(58): why, for people."""
        return self.text.rpartition("; ")[2]

    @property
    def open(self) -> bool:
        """Whether the order is in the book after this report."""
        return self.leaves_e8 > 0 and self.happening is not Happening.REFUSED


def read(message: Message, receiver: str) -> Report | None:
    """Read a report that `receiver` got; None for any other message.

    A drop copy names its broker in OnBehalfOfCompID(115).
    """
    if message.msg_type not in {b"8", b"9"}:
        return None
    exec_type = message.get(150) or b""
    happening = _BY_EXEC_TYPE.get(exec_type, Happening.OTHER)
    return Report(
        broker=_text(message, 115) or receiver,
        happening=Happening.REFUSED if message.msg_type == b"9" else happening,
        time=_text(message, 60).partition("-")[2],
        cl_ord_id=_text(message, 11),
        orig_cl_ord_id=_text(message, 41),
        order_id=_text(message, 37),
        symbol=_text(message, 55),
        buy=message.get(54) == b"1",
        qty_e8=_number(message, 38),
        price_e8=values.decimal_e8(message.get(44) or b""),
        leaves_e8=_number(message, 151),
        last_qty_e8=_number(message, 32),
        last_price_e8=_number(message, 31),
        text=_text(message, 58),
        content=b"\x01".join(
            b"%d=%s" % pair for pair in message.fields if pair[0] not in _OWN_TO_COPIES
        ),
    )


def in_words(report: Report, price: Writer, qty: Writer) -> str:
    """Say what a report means to its broker."""
    symbol = report.symbol
    side = "buy" if report.buy else "sell"
    at = "at market" if report.price_e8 is None else f"at {price(symbol, report.price_e8)}"
    order = f"{side} {qty(symbol, report.qty_e8)} {symbol} {at}"
    left = f"{qty(symbol, report.leaves_e8)} left" if report.leaves_e8 else "done"
    match report.happening:
        case Happening.NEW:
            return f"new: {order}"
        case Happening.TRADE:
            done = "bought" if report.buy else "sold"
            amount = qty(symbol, report.last_qty_e8)
            return f"{done} {amount} {symbol} at {price(symbol, report.last_price_e8)}, {left}"
        case Happening.REPLACED:
            return f"changed: {order}, {left}"
        case Happening.CANCELLED:
            return f"cancelled: {order}" + (f" ({report.code})" if report.text else "")
        case Happening.REFUSED:
            wanted = order if symbol else f"change of {report.orig_cl_ord_id}"
            return f"refused: {wanted}: {report.text}"
        case Happening.OTHER:
            return f"report: {order}, {left}"


def _text(message: Message, tag: int) -> str:
    return (message.get(tag) or b"").decode("ascii", "replace")


def _number(message: Message, tag: int) -> int:
    return values.decimal_e8(message.get(tag) or b"") or 0
