"""ExecutionReports(8) as a venue sends them, and a little venue that matches nothing."""

from kk99fix.fix import encode
from kk99fix.fix.message import Message, Pair
from kk99fix.fix.split import split
from kk99fix.harness.demo.market import Market, Request

STAMP = b"20260921-12:00:00.123"
#: Of these fields a report has the request's, if the request has them.
_ECHOED = (11, 41, 55, 54, 38, 40, 44)


def report(fields: dict[int, str], copy_of: str = "", msg_type: bytes = b"8") -> Message:
    """Make a report; one with `copy_of` is the drop copy of that broker's."""
    header: tuple[Pair, ...] = ((115, copy_of.encode()),) if copy_of else ()
    own: tuple[Pair, ...] = ((797, b"Y"),) if copy_of and msg_type == b"8" else ()
    body = tuple((tag, value.encode()) for tag, value in fields.items())
    fields_in_order = (*header, *body, (60, STAMP), *own)
    return split(encode.message(b"FIX.4.4", msg_type, b"KK99", b"ANY", 7, STAMP, fields_in_order))


def new_order(order_id: str, fields: dict[int, str]) -> Message:
    """Make the first report of an order: New, all of it open."""
    state = {37: order_id, 17: f"E{order_id}", 150: "0", 39: "0", 14: "0", 151: fields[38]}
    return report(state | fields)


def answer(market: Market, broker: str, request: Request) -> Message:
    """Answer a request as a venue without matching would, and tell the market of both.

    Of what is wrong only an unknown instrument is refused.
    """
    market.sent(broker, request)
    wanted = dict(request.fields)
    fields = {tag: wanted[tag] for tag in _ECHOED if tag in wanted}
    if fields[55] not in market.instruments:
        message = report({37: "NONE", 17: f"E{request.cl_ord_id}", 150: "8", 151: "0"} | fields)
    elif request.msg_type == "D":
        message = new_order(f"O{request.cl_ord_id}", fields)
    else:
        replaced = request.msg_type == "G"
        order = market.open[request.order_id]
        state = {150: "5" if replaced else "4", 151: fields[38] if replaced else "0"}
        message = report({37: order.order_id, 17: f"E{request.cl_ord_id}"} | state | fields)
    market.received(broker, message)
    return message
