"""Order entry behind the gate: a validated D, F, G or H becomes a command of the core.

Most such messages differ from the plain case in their session only (a number out of turn,
PossDupFlag(43)), and the core's own decoder takes them.
What it does not take is decoded here, by the same rules: the same echo in the same order, the same
refusals.  A test holds the gate shut and wants the same bytes.
"""

from attrs import evolve

from kk99fix.fix import tables, values
from kk99fix.fix.message import Message
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import Command

#: MsgTypes that become commands; the core counts them.
COMMANDS = frozenset({b"D", b"F", b"G", b"H"})
_SOH = b"\x01"
_NO_PARTY_IDS = 453
_PARTY_TAGS = frozenset({448, 447, 452, 802, 523, 803})
_TEXT = 58
_EXEC_INST = 18
#: The ExecInst(18) that are carried out: keep and cancel the order on a disconnect.
_ON_DISCONNECT = frozenset({b"H", b"Q"})
#: What stands for an absent Side(54), OrdType(40) or TimeInForce(59).
_DEFAULTS = {54: b"1", 40: b"2", 59: b"0"}


def submit(engine: Engine, session: int, message: Message, reason: int = 0) -> None:
    """Apply a valid D, F, G or H of `session` inside the open unit; a `reason` refuses it."""
    if reason:
        engine.submit(session, evolve(command_of(message), reason=reason))
    elif not engine.submit_frame(session, message.raw):
        engine.submit(session, command_of(message))


def command_of(message: Message) -> Command:
    """Decode a valid message that the core's decoder does not take."""
    get = message.get
    sent = values.utc_timestamp_ns(get(122) or get(52))
    assert sent is not None, "validated before"
    side, ord_type, time_in_force = (_character(message, tag) for tag in (54, 40, 59))
    return Command(
        kind=message.msg_type.decode("ascii"),
        clord_id=get(11) or b"",
        orig_clord_id=get(41) or b"",
        order_id=get(37) or b"",
        account=get(1) or b"",
        symbol=get(55) or b"",
        text=get(_TEXT) or b"",
        status_req_id=get(790) or b"",
        sender_sub_id=get(50) or b"",
        target_sub_id=get(57) or b"",
        echo=_echo(message),
        price_e8=_decimal(get(44)),
        order_qty_e8=_decimal(get(38)),
        sent_ns=sent,
        side=side,
        ord_type=ord_type,
        time_in_force=time_in_force,
        on_disconnect=_on_disconnect(message),
        poss_resend=message.get_bool(97),
        reason=_reason(message),
    )


def _decimal(value: bytes | None) -> int | None:
    return None if value is None else values.decimal_e8(value)


def _character(message: Message, tag: int) -> str:
    """The value of a field that FIX gives one character; the core says what it trades."""
    return (message.get(tag) or _DEFAULTS[tag]).decode("ascii")


def _on_disconnect(message: Message) -> str:
    """What ExecInst(18) says of the end of the session's connection; "" for nothing."""
    exec_inst = message.get(_EXEC_INST) or b""
    return exec_inst.decode("ascii") if exec_inst in _ON_DISCONNECT else ""


def _reason(message: Message) -> int:
    """Number of the reject code for what only the full decoding finds; 0 for none."""
    exec_inst = message.get(_EXEC_INST)
    unknown = exec_inst is not None and exec_inst not in _ON_DISCONNECT
    if unknown or any(tag in tables.INSTRUCTION_TAGS for tag, _ in message.fields):
        return tables.REJECT_CODES["UNSUPPORTED_INSTRUCTION"].number
    return 0


def _echo(message: Message) -> bytes:
    """The echoed body fields as they came, Text(58) last so that a report may leave it out."""
    echoed, text, in_parties = [], b"", False
    for tag, value in message.fields:
        in_parties = tag == _NO_PARTY_IDS or (in_parties and tag in _PARTY_TAGS)
        field = b"%d=%b" % (tag, value) + _SOH
        if tag == _TEXT:
            text = field
        elif in_parties or tag in tables.ECHO_TAGS:
            echoed.append(field)
    return b"".join(echoed) + text
