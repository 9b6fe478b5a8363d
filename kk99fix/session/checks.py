"""What the header of a message must hold, field by field, before its turn is looked at.

Pure functions of the message: the consequences are the machine's.
A field that is malformed in itself is left to `kk99fix.fix.validate`, in the message's turn.
"""

from kk99fix.fix import values
from kk99fix.fix.encode import echo
from kk99fix.fix.message import FieldError, Message
from kk99fix.fix.names import label
from kk99fix.session.answers import (
    COMP_ID_PROBLEM,
    DECRYPTION_PROBLEM,
    REQUIRED_TAG_MISSING,
    SENDING_TIME_PROBLEM,
    SIGNATURE_PROBLEM,
    VALUE_INCORRECT,
)
from kk99fix.session.rules import SessionRules

#: Administrative messages; every other one is the application's.
ADMIN_TYPES = frozenset({b"0", b"1", b"2", b"3", b"4", b"5", b"A"})

#: OnBehalfOf and DeliverTo: CompID, SubID and LocationID.
_THIRD_PARTY_TAGS = (115, 116, 144, 128, 129, 145)
#: SecureDataLen(90), SecureData(91).
_SECURE_TAGS = (90, 91)
#: SignatureLength(93), Signature(89).
_SIGNATURE_TAGS = (93, 89)


def seq_num(message: Message, tag: int) -> int | None:
    """Return a SeqNum field as a number of 64 bits; None if it is missing or no such number."""
    number = message.get_int(tag)
    return number if number is not None and number >= 0 else None


def comp_ids_match(message: Message, rules: SessionRules) -> bool:
    """Tell whether SenderCompID(49) and TargetCompID(56) are the session's (case 2k)."""
    return (message.get(49), message.get(56)) == (rules.sender_comp_id, rules.target_comp_id)


def sending_time_accurate(message: Message, rules: SessionRules, now_ns: int) -> bool:
    """Tell whether SendingTime(52), if it can be read at all, is close to venue time (case 2o)."""
    sending_time_ns = values.utc_timestamp_ns(message.get(52))
    return sending_time_ns is None or rules.accurate(sending_time_ns, now_ns)


def poss_dup_fault(message: Message) -> FieldError | None:
    """Check OrigSendingTime(122) of a message with PossDupFlag(43)=Y (cases 2f and 2g).

    A SequenceReset(4) may lack it: what it stands for was sent before, but not it.
    """
    orig = message.get(122)
    if orig is None and message.msg_type == b"4":
        return None
    if orig is None:
        return FieldError(REQUIRED_TAG_MISSING, 122, b"Required tag missing: OrigSendingTime(122)")
    orig_ns = values.utc_timestamp_ns(orig)
    sent_ns = values.utc_timestamp_ns(message.get(52))
    if orig_ns is not None and sent_ns is not None and orig_ns > sent_ns:
        text = b"SendingTime accuracy problem: OrigSendingTime(122) is after SendingTime(52)"
        return FieldError(SENDING_TIME_PROBLEM, 122, text)
    return None


def header_fault(message: Message, rules: SessionRules, last: int) -> FieldError | None:
    """Check the optional fields of header and trailer that not every session may use.

    `last` is the last MsgSeqNum(34) sent (cases 14n, 17 and 18).
    """
    for tag in () if rules.third_party else _THIRD_PARTY_TAGS:
        if message.get(tag) is not None:
            text = b"CompID problem: %s, and this session acts for nobody else" % label(tag)
            return FieldError(COMP_ID_PROBLEM, tag, text)
    for tag in _SECURE_TAGS:
        if message.get(tag) is not None:
            text = b"Decryption problem: %s, and nothing is encrypted" % label(tag)
            return FieldError(DECRYPTION_PROBLEM, tag, text)
    for tag in _SIGNATURE_TAGS:
        if message.get(tag) is not None:
            text = b"Signature problem: %s, and no key was agreed on" % label(tag)
            return FieldError(SIGNATURE_PROBLEM, tag, text)
    processed = seq_num(message, 369)
    if processed is not None and processed > last:
        text = b"LastMsgSeqNumProcessed(369) is above the last MsgSeqNum(34) sent, %d" % last
        return FieldError(VALUE_INCORRECT, 369, text)
    return None


def resend_range(message: Message, last: int) -> tuple[int, int] | FieldError:
    """Return what a ResendRequest(2) asks for, `last` being the last MsgSeqNum(34) sent.

    EndSeqNo(16) is inclusive; 0 and whatever lies above `last` mean `last`.
    """
    begin, end = seq_num(message, 7), seq_num(message, 16)
    if begin is None or not 1 <= begin <= last:
        text = b"BeginSeqNo(7) is not between 1 and the last MsgSeqNum(34) sent, %d" % last
        return FieldError(VALUE_INCORRECT, 7, text)
    if end is None or 0 < end < begin:
        return FieldError(VALUE_INCORRECT, 16, b"EndSeqNo(16) is below BeginSeqNo(7)")
    return begin, min(end or last, last)


def new_seq_no_fault(message: Message, expected: int) -> FieldError:
    """Describe a NewSeqNo(36) that would lower the expected number (cases 10e and 11c)."""
    text = b"Value is incorrect (out of range) for this tag: NewSeqNo(36)=%s, expecting %d"
    return FieldError(VALUE_INCORRECT, 36, text % (echo(message.get(36) or b""), expected))
