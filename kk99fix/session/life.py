"""What one connection's session remembers, and how it ends.

A `Life` is plain data with a few ways to change it that keep its parts together; the rules of the
session layer are the functions of the other modules, which take it as their first argument.
"""

import attrs

from kk99fix.fix.message import FieldError, Message
from kk99fix.fix.validate import BusinessError, validate
from kk99fix.session import answers, checks
from kk99fix.session.effects import Disconnect, DisconnectCause
from kk99fix.session.gap import EarlyQueue, Gap
from kk99fix.session.rules import Role, SessionRules
from kk99fix.session.states import ESTABLISHED, Event, State, next_state
from kk99fix.session.turn import Turn


@attrs.frozen
class Probe:
    """A TestRequest(1) that the owner asked for, because somebody else wants to log on."""

    sent_ns: int
    #: Until when no other one is sent.
    until_ns: int
    #: MsgSeqNum(34) expected then: what the owner takes in without us raises it.
    next_in: int
    #: Whether a frame has to come by then.
    waiting: bool = True


@attrs.frozen
class Served:
    """A row of ResendRequest(2) from the same `begin`, the last of them at `at_ns`."""

    begin: int
    at_ns: int
    times: int


@attrs.define
class Life:
    """The mutable state of one connection; the numbers are not part of it."""

    rules: SessionRules
    role: Role
    state: State = attrs.field(default=State.CONNECTED, init=False)
    #: HeartBtInt(108) of the logon; 0 for none.
    heart_bt_int_ns: int = attrs.field(default=0, init=False)
    #: When a TestRequest(1) was sent that no frame has followed yet.
    test_sent_ns: int | None = attrs.field(default=None, init=False)
    #: The owner's question whether the counterparty is still there.
    probe: Probe | None = attrs.field(default=None, init=False)
    #: The gap that is open, in AWAITING_RESEND alone.
    gap: Gap | None = attrs.field(default=None, init=False)
    #: Messages that wait behind the gap.
    early: EarlyQueue = attrs.field(init=False)
    #: Our Logon(A), as the initiator, carried NextExpectedMsgSeqNum(789).
    next_expected_sent: bool = attrs.field(default=False, init=False)
    #: The counterparty's last resend, as long as it may be the beginning of a loop.
    served: Served | None = attrs.field(default=None, init=False)
    #: The highest LastMsgSeqNumProcessed(369) of the counterparty.
    processed: int = attrs.field(default=0, init=False)
    #: When the answer to our Logon(A) or Logout(5), or the gap below theirs, has to be there.
    deadline_ns: int | None = attrs.field(default=None, init=False)
    #: Why we logged out; becomes the cause of the disconnect.
    leaving: DisconnectCause = attrs.field(default=DisconnectCause.LOGOUT, init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with an empty queue."""
        self.early = EarlyQueue(self.rules.early_messages_max, self.rules.early_bytes_max)

    @property
    def established(self) -> bool:
        """Whether the logon is complete and no logout has begun."""
        return self.state in ESTABLISHED

    def move(self, event: Event) -> None:
        """Change the state; what belongs to the state left behind goes with it."""
        self.state = next_state(self.state, event)
        if self.state is not State.AWAITING_RESEND:
            self.gap = None
            self.early.clear()
        if self.state is State.CLOSED:
            self.deadline_ns = None

    def end(self, turn: Turn, cause: DisconnectCause) -> None:
        """Close the connection."""
        turn.add(Disconnect(cause))
        self.move(Event.ENDED)

    def cut(self, turn: Turn, cause: DisconnectCause, text: bytes) -> None:
        """Say why in a Logout(5), unless one is sent already, and close the connection."""
        if self.state is not State.LOGOUT_SENT:
            turn.send(answers.logout(text))
        self.end(turn, cause)

    def log_out(self, turn: Turn, cause: DisconnectCause, text: bytes) -> None:
        """Send Logout(5) and wait for the counterparty's (case 12)."""
        turn.send(answers.logout(text))
        self.leaving = cause
        self.deadline_ns = turn.now_ns + self.rules.logout_wait_ns
        self.move(Event.LOGOUT_ASKED)

    def validate(self, turn: Turn, message: Message) -> FieldError | BusinessError | None:
        """Judge the fields of a message by the session's dialect and rules."""
        error = validate(message, kk99=self.rules.kk99)
        if isinstance(error, FieldError):
            return error
        return checks.header_fault(message, self.rules, turn.next_out - 1) or error

    def reject(self, turn: Turn, message: Message, msg_seq_num: int, fault: FieldError) -> None:
        """Send Reject(3), but never for a Reject(3)."""
        if message.msg_type != b"3":
            turn.send(answers.reject(message, msg_seq_num, fault))
