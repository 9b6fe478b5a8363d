"""Values of ours as structs of the core: names, limits, lists and commands."""

from collections.abc import Sequence
from typing import Any, Final

from kk99fix.matcher._core import ffi, lib
from kk99fix.matcher.values import Command, CoreError, Limits

_TEXT_FIELDS: Final = (
    "clord_id",
    "orig_clord_id",
    "order_id",
    "account",
    "symbol",
    "text",
    "status_req_id",
    "sender_sub_id",
    "target_sub_id",
)


def fill_command(target: Any, command: Command) -> Any:  # noqa: ANN401 - cffi objects
    """Fill the core's command; it points into what is returned, a context of these bytes."""
    ffi.memmove(target, bytes(ffi.sizeof("kk_command")), ffi.sizeof("kk_command"))
    base = bytearray()
    for name in _TEXT_FIELDS:
        value = getattr(command, name)
        span = getattr(target, name)
        span.offset, span.length = len(base), len(value)
        base += value
    # Text(58) is a run of its own, the last: a report with a text of ours leaves it out.
    text_bytes = len(b"58=" + command.text + b"\x01") if command.text else 0
    for run in filter(None, (len(command.echo) - text_bytes, text_bytes)):
        span = target.echo[target.echo_count]
        span.offset, span.length = len(base) + target.echo_bytes, run
        target.echo_count += 1
        target.echo_bytes += run
    base += command.echo
    data = ffi.from_buffer("uint8_t[]", bytes(base) or b"\0")
    target.base = data
    target.kind = ord(command.kind)
    if command.price_e8 is not None:
        target.price_e8 = command.price_e8
        target.flags |= lib.KK_COMMAND_HAS_PRICE
    if command.order_qty_e8 is not None:
        target.order_qty_e8 = command.order_qty_e8
        target.flags |= lib.KK_COMMAND_HAS_QTY
    if command.poss_resend:
        target.flags |= lib.KK_COMMAND_POSS_RESEND
    target.sent_ns = command.sent_ns
    target.side = ord(command.side or "\0")
    target.ord_type = ord(command.ord_type)
    target.time_in_force = ord(command.time_in_force)
    target.on_disconnect = ord(command.on_disconnect or "\0")
    target.reason = command.reason
    return data


def copy_name(config: Any, field: str, name: str) -> None:  # noqa: ANN401 - a cffi struct
    """Fill a name and its length; `CoreError` when it is too long."""
    data = name.encode("ascii")
    target = getattr(config, field)
    if len(data) > len(target):
        raise CoreError(f"{field} {name!r} is longer than {len(target)} characters")
    ffi.memmove(target, data, len(data))
    setattr(config, f"{field}_length", len(data))


def copy_limits(target: Any, limits: Limits) -> None:  # noqa: ANN401 - a cffi struct
    """Fill limits."""
    target.max_order_qty_e8 = limits.max_order_qty_e8
    target.max_order_notional_e8 = limits.max_order_notional_e8
    target.max_open_orders = limits.max_open_orders


def copy_list(config: Any, field: str, count: str, ids: Sequence[int]) -> None:  # noqa: ANN401
    """Fill a list of ids and its count; `CoreError` when there are too many."""
    target = getattr(config, field)
    if len(ids) > len(target):
        raise CoreError(f"{len(ids)} {field}, at most {len(target)} are possible")
    for index, value in enumerate(ids):
        target[index] = value
    setattr(config, count, len(ids))
