"""What the session layer is told: the rules of one session and its numbers.

Both are values of the owner.
The layer keeps the rules for the length of one connection and never keeps the numbers.
"""

import enum

import attrs

NS_PER_S = 1_000_000_000

#: Application messages that only an order-entry session may send.
ORDER_ENTRY_TYPES = frozenset({b"D", b"F", b"G", b"H", b"AF"})
#: Application messages that every receiver of reports may send: DontKnowTrade(Q).
RECEIVER_TYPES = frozenset({b"Q"})


class Role(enum.Enum):
    """Which side of the connection this is."""

    #: Waits for Logon(A) and answers it.
    ACCEPTOR = "acceptor"
    #: Sends Logon(A) and waits for the answer.
    INITIATOR = "initiator"


class ResetPolicy(enum.Enum):
    """Whether the counterparty may reset the numbers by ResetSeqNumFlag(141)=Y."""

    #: At any logon, and on an established session.
    ALLOWED = "allowed"
    #: Only at the first logon of a scheduled session.
    AT_SESSION_START = "at-session-start"
    #: Never.
    REFUSED = "refused"


@attrs.frozen
class Numbers:
    """The numbers and the signs of life of a session, as its owner holds them.

    They are those before the message or moment that they are handed in with.
    Times are venue time in nanoseconds; 0 means never.
    """

    #: MsgSeqNum(34) expected next.
    next_in: int
    #: MsgSeqNum(34) to be sent next.
    next_out: int
    #: When the last complete valid frame arrived.
    last_in_ns: int
    #: When the last message was sent.
    last_out_ns: int


@attrs.frozen(kw_only=True)
class SessionRules:
    """The rules of one session; the defaults suit a counterparty on the internet.

    The CompIDs are seen from the counterparty: `sender_comp_id` is what it puts into
    SenderCompID(49), `target_comp_id` what it puts into TargetCompID(56).
    """

    sender_comp_id: bytes
    target_comp_id: bytes
    #: Whether messages of order entry may be sent; a drop-copy session may not.
    order_entry: bool = True
    #: Application MsgTypes that are delivered; every other one is refused.
    application_types: frozenset[bytes] = ORDER_ENTRY_TYPES | RECEIVER_TYPES
    #: Whether the tags of dialect kk99 are defined.
    kk99: bool = False
    #: Whether messages may be on behalf of, or for, a third party: OnBehalfOf, DeliverTo headers.
    third_party: bool = False
    #: Whether we, the acceptor, are a test venue: what TestMessageIndicator(464) is held against.
    test_venue: bool = False
    #: HeartBtInt(108) that a logon may ask for.
    heart_bt_int_min_s: int = 5
    heart_bt_int_max_s: int = 60
    reset_seq_num: ResetPolicy = ResetPolicy.ALLOWED
    #: When the present scheduled session began; matters to `AT_SESSION_START` alone.
    session_start_ns: int = 0
    #: How far SendingTime(52) may be from venue time; the FIX session layer suggests 2 minutes.
    sending_time_tolerance_ns: int = 120 * NS_PER_S
    #: Bounds of the queue of messages that arrive while a gap is open.
    early_messages_max: int = 1000
    early_bytes_max: int = 1 << 20
    #: How far NewSeqNo(36) may lead.
    new_seq_no_jump_max: int = 1_000_000
    #: How often in a row the same ResendRequest(2) is served: more would go on for ever ...
    same_resend_max: int = 3
    #: ... and after how long without one a row is forgotten: to fetch a day again is no loop.
    same_resend_forget_ns: int = 600 * NS_PER_S
    #: How long the counterparty may take to answer our Logon(A).
    logon_wait_ns: int = 10 * NS_PER_S
    #: How long it may take to answer our Logout(5).
    logout_wait_ns: int = 2 * NS_PER_S
    #: How long a gap may stay as it is before the ResendRequest(2) is repeated ...
    resend_wait_ns: int = 10 * NS_PER_S
    #: ... and how often the same one is sent in all.
    resend_tries_max: int = 3

    def allows_heart_bt_int(self, seconds: int) -> bool:
        """Tell whether HeartBtInt(108) may be `seconds`."""
        return self.heart_bt_int_min_s <= seconds <= self.heart_bt_int_max_s

    def allows_reset(self, numbers: Numbers) -> bool:
        """Tell whether a Logon(A) with ResetSeqNumFlag(141)=Y may reset `numbers`."""
        match self.reset_seq_num:
            case ResetPolicy.ALLOWED:
                return True
            case ResetPolicy.REFUSED:
                return False
            case ResetPolicy.AT_SESSION_START:
                untouched = numbers.next_in == 1 and numbers.next_out == 1
                return untouched or numbers.last_in_ns < self.session_start_ns

    def accurate(self, sending_time_ns: int, now_ns: int) -> bool:
        """Tell whether SendingTime(52) is close enough to venue time."""
        return abs(sending_time_ns - now_ns) <= self.sending_time_tolerance_ns
