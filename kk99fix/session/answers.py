"""The administrative messages that the session layer sends, as `Send` effects.

Their fields stand in the order of FIX 4.4 Volume 2.
Free text from a counterparty is echoed only as printable ASCII and capped.
"""

from kk99fix.fix.encode import echo
from kk99fix.fix.message import FieldError, Message, Pair
from kk99fix.fix.validate import BusinessError
from kk99fix.session.effects import Send

#: SessionRejectReason(373).
REQUIRED_TAG_MISSING = 1
VALUE_INCORRECT = 5
FORMAT_INCORRECT = 6
DECRYPTION_PROBLEM = 7
SIGNATURE_PROBLEM = 8
COMP_ID_PROBLEM = 9
SENDING_TIME_PROBLEM = 10
OTHER = 99

#: BusinessRejectReason(380).
OTHER_BUSINESS = 0
UNSUPPORTED_MESSAGE_TYPE = 3
CONDITIONALLY_REQUIRED_MISSING = 5
NOT_AUTHORIZED = 6


def number(value: int) -> bytes:
    """Return `value` in digits."""
    return b"%d" % value


def logon(
    heart_bt_int_s: int,
    *,
    reset: bool,
    next_expected: int | None = None,
    test: bool = False,
    extra_fields: tuple[Pair, ...] = (),
) -> Send:
    """Logon(A); `extra_fields`, as the credentials of an initiator, come last.

    `next_expected` is NextExpectedMsgSeqNum(789), `test` TestMessageIndicator(464)=Y.
    """
    fields: list[Pair] = [(98, b"0"), (108, number(heart_bt_int_s))]
    if reset:
        fields.append((141, b"Y"))
    if next_expected is not None:
        fields.append((789, number(next_expected)))
    if test:
        fields.append((464, b"Y"))
    return Send(b"A", (*fields, *extra_fields))


def logout(text: bytes) -> Send:
    """Logout(5); an empty `text` is left out."""
    return Send(b"5", ((58, text),) if text else ())


def heartbeat(test_req_id: bytes | None = None) -> Send:
    """Heartbeat(0), with TestReqID(112) if it answers a TestRequest(1)."""
    return Send(b"0", () if test_req_id is None else ((112, test_req_id),))


def test_request(test_req_id: bytes) -> Send:
    """TestRequest(1)."""
    return Send(b"1", ((112, test_req_id),))


def resend_request(begin: int) -> Send:
    """ResendRequest(2) for everything from `begin` on."""
    return Send(b"2", ((7, number(begin)), (16, b"0")))


def reject(message: Message, ref_seq_num: int, fault: FieldError) -> Send:
    """Reject(3): the session layer refuses `message`, which has the number `ref_seq_num`."""
    tag = ((371, number(fault.tag)),) if fault.tag else ()
    msg_type = ((372, echo(message.msg_type)),) if message.msg_type else ()
    return Send(
        b"3",
        (
            (45, number(ref_seq_num)),
            *tag,
            *msg_type,
            (373, number(fault.reason)),
            (58, fault.text),
        ),
    )


def business_reject(message: Message, ref_seq_num: int, error: BusinessError) -> Send:
    """BusinessMessageReject(j); BusinessRejectRefID(379) is the message's own id, if it has one.

    It goes back to whoever sent the message: a trader or a desk within the session.
    """
    own_id = message.get(11) or message.get(584)
    ref_id = ((379, echo(own_id)),) if own_id else ()
    return Send(
        b"j",
        (
            *_sub_ids(message),
            (45, number(ref_seq_num)),
            (372, echo(message.msg_type)),
            *ref_id,
            (380, number(error.reason)),
            (58, error.text),
        ),
    )


def _sub_ids(message: Message) -> tuple[Pair, ...]:
    """SenderSubID(50) and TargetSubID(57) of `message`, swapped; unfit ones are left out."""
    swapped = ((57, message.get(50)), (50, message.get(57)))
    return tuple((tag, value) for tag, value in swapped if value and value == echo(value))
