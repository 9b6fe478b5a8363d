"""Judges a Logon(A): the rules of the exchange that opens a session, without consequences.

Who the counterparty is has been proved before: credentials are no matter of this layer.
Cases 1B and 1S of the FIX session test cases.
"""

import attrs

from kk99fix.fix.message import Message
from kk99fix.fix.tables import BEGIN_STRING
from kk99fix.fix.validate import validate
from kk99fix.session import checks
from kk99fix.session.effects import DisconnectCause
from kk99fix.session.rules import Numbers, Role, SessionRules


@attrs.frozen
class Accepted:
    """A Logon(A) that opens the session."""

    msg_seq_num: int
    heart_bt_int_s: int
    #: ResetSeqNumFlag(141)=Y.
    reset: bool
    #: NextExpectedMsgSeqNum(789); None if it is not there.
    next_expected: int | None = None


@attrs.frozen
class Refused:
    """A Logon(A) that does not; `text` tells the counterparty why."""

    cause: DisconnectCause
    text: bytes


def is_ours(message: Message, rules: SessionRules) -> bool:
    """Tell whether a first message is at all a Logon(A) of this session."""
    return (
        message.msg_type == b"A"
        and message.get(8) == BEGIN_STRING
        and checks.comp_ids_match(message, rules)
    )


def judge(
    message: Message, rules: SessionRules, role: Role, numbers: Numbers, now_ns: int
) -> Accepted | Refused:
    """Judge a Logon(A) of the right counterparty."""
    msg_seq_num = checks.seq_num(message, 34)
    if msg_seq_num is None:
        return Refused(DisconnectCause.MSG_SEQ_NUM_MISSING, b"MsgSeqNum(34) missing")
    fault = validate(message, kk99=rules.kk99)
    if fault is not None:
        return _refused(fault.text)
    if not checks.sending_time_accurate(message, rules, now_ns):
        return Refused(DisconnectCause.SENDING_TIME, b"SendingTime accuracy problem")
    reset = message.get_bool(141)
    text = _content_fault(message, rules, role) or (
        _reset_fault(rules, role, numbers, msg_seq_num) if reset else b""
    )
    if text:
        return _refused(text)
    if reset and role is Role.ACCEPTOR:
        numbers = Numbers(1, 1, numbers.last_in_ns, numbers.last_out_ns)
    if msg_seq_num < numbers.next_in:
        text = too_low(numbers.next_in, msg_seq_num)
        return Refused(DisconnectCause.MSG_SEQ_NUM_TOO_LOW, text)
    text = _lost_fault(message, rules, numbers.next_out)
    if text:
        return _refused(text)
    heart_bt_int_s = message.get_int(108) or 0
    return Accepted(msg_seq_num, heart_bt_int_s, reset, message.get_int(789))


def too_low(expected: int, received: int) -> bytes:
    """Return the Text(58) that the FIX session test cases ask for (case 2c)."""
    return b"MsgSeqNum too low, expecting %d but received %d" % (expected, received)


def _content_fault(message: Message, rules: SessionRules, role: Role) -> bytes:
    """Say what is wrong with the terms of a Logon(A); empty if nothing is."""
    if message.get(98) != b"0":
        return b"EncryptMethod(98) must be 0"
    heart_bt_int_s = checks.seq_num(message, 108)
    if heart_bt_int_s is None or not rules.allows_heart_bt_int(heart_bt_int_s):
        limits = (rules.heart_bt_int_min_s, rules.heart_bt_int_max_s)
        return b"HeartBtInt(108) must be between %d and %d" % limits
    test = message.get(464)
    if role is Role.ACCEPTOR and test is not None and (test == b"Y") is not rules.test_venue:
        venue = b"a test venue" if rules.test_venue else b"a production venue"
        return b"TestMessageIndicator(464)=%s, but this is %s" % (test, venue)
    return b""


def _reset_fault(rules: SessionRules, role: Role, numbers: Numbers, msg_seq_num: int) -> bytes:
    """Judge ResetSeqNumFlag(141)=Y; an initiator takes it only as the answer to its own."""
    if role is Role.ACCEPTOR:
        allowed = rules.allows_reset(numbers)
    else:
        allowed = (numbers.next_in, numbers.next_out) == (1, 2)  # our Logon(A) was the first
    if not allowed:
        return b"ResetSeqNumFlag(141)=Y is not allowed"
    return b"" if msg_seq_num == 1 else b"ResetSeqNumFlag(141)=Y requires MsgSeqNum(34)=1"


def _lost_fault(message: Message, rules: SessionRules, next_out: int) -> bytes:
    """Say what a counterparty claims to have that was never sent: one of us lost its numbers."""
    fault = checks.header_fault(message, rules, next_out - 1)
    if fault is not None:
        return fault.text
    next_expected = message.get_int(789)
    if next_expected is None or 1 <= next_expected <= next_out:
        return b""
    text = b"NextExpectedMsgSeqNum(789) is %d, but the next MsgSeqNum(34) to be sent is %d"
    return text % (next_expected, next_out)


def _refused(text: bytes) -> Refused:
    return Refused(DisconnectCause.LOGON_REFUSED, text)
