"""What the session layer asks its owner to do: frozen values, carried out in order.

The layer numbers, stamps, sends and stores nothing itself.
The owner turns each effect into one step, in the order of the tuple:

- `Send` gets MsgSeqNum(34) and SendingTime(52) from the owner, who raises its next_out by one.
- `SetNextIn` comes before the `Send` and `Deliver` that the same message causes.
- Nothing follows a `Disconnect`.
"""

import enum

import attrs

from kk99fix.fix.message import Message, Pair


class DisconnectCause(enum.StrEnum):
    """Why the session layer ends a connection; the value is journaled and counted."""

    #: The first message was not Logon(A), or not one for this session.
    NOT_A_LOGON = "not-a-logon"
    #: An authenticated Logon(A) that the rules refuse; Text(58) of our Logout(5) says why.
    LOGON_REFUSED = "logon-refused"
    #: Our Logon(A) was not answered in time.
    LOGON_TIMEOUT = "logon-timeout"
    #: BeginString(8) is not FIX.4.4.
    BEGIN_STRING = "begin-string"
    #: SenderCompID(49) or TargetCompID(56) changed.
    COMP_ID = "comp-id"
    #: SendingTime(52) is too far from venue time.
    SENDING_TIME = "sending-time"
    #: MsgSeqNum(34) is missing or no number.
    MSG_SEQ_NUM_MISSING = "msg-seq-num-missing"
    #: MsgSeqNum(34) is below the expected one and PossDupFlag(43) is not set.
    MSG_SEQ_NUM_TOO_LOW = "msg-seq-num-too-low"
    #: NewSeqNo(36) jumps further than the rules allow.
    NEW_SEQ_NO_JUMP = "new-seq-no-jump"
    #: Our ResendRequest(2) was not answered, also when repeated.
    RESEND_TIMEOUT = "resend-timeout"
    #: The counterparty asks for the same resend over and over.
    RESEND_LOOP = "resend-loop"
    #: No frame within the time that a TestRequest(1) allows.
    HEARTBEAT_TIMEOUT = "heartbeat-timeout"
    #: No frame in time after a TestRequest(1), while somebody else wanted to log on.
    HALF_DEAD = "half-dead"
    #: The counterparty logged out.
    PEER_LOGOUT = "peer-logout"
    #: We logged out and the counterparty confirmed.
    LOGOUT = "logout"
    #: We logged out because the session is over by its schedule, confirmed or not.
    SESSION_END = "session-end"
    #: We logged out and the counterparty did not confirm in time.
    LOGOUT_TIMEOUT = "logout-timeout"
    #: We logged out a counterparty that went on sending more than it may.
    THROTTLED = "throttled"
    #: `Session.stop` before the logon was complete.
    STOPPED = "stopped"


@attrs.frozen
class Send:
    """Send one message; the owner adds the header and the trailer."""

    msg_type: bytes
    fields: tuple[Pair, ...] = ()


@attrs.frozen
class SetNextIn:
    """The next expected MsgSeqNum(34) of the counterparty is `number`."""

    number: int


@attrs.frozen
class ResetNumbers:
    """A new epoch begins: both numbers are 1."""


@attrs.frozen
class Resend:
    """Send the messages `begin` to `end` (inclusive, both sent before) once more.

    The range is frozen: it never reaches a message that follows this effect.
    """

    begin: int
    end: int


@attrs.frozen
class Deliver:
    """An application message, valid and in its turn; order entry answers it."""

    message: Message


@attrs.frozen
class Established:
    """The logon is complete; the interval is HeartBtInt(108), 0 for none."""

    heart_bt_int_ns: int


@attrs.frozen
class Disconnect:
    """Close the connection once everything before this effect has left."""

    cause: DisconnectCause


Effect = Send | SetNextIn | ResetNumbers | Resend | Deliver | Established | Disconnect
