"""One connection's session as a machine: messages and moments in, effects out.

Theory of operation
-------------------

A `Session` lives as long as one connection.
It holds what only this connection needs: the state (the table in `states`), HeartBtInt(108), a
TestRequest(1) under way, a gap with the messages waiting behind it.
The numbers are the owner's and come in with every call, because plain orders pass the session by
in the fast path; `Session.plain` says when they may.

Every message takes the same way, and leaves it where a rule applies:

    BeginString(8) -> CompIDs(49, 56) -> MsgSeqNum(34) there -> SendingTime(52)
        -> SequenceReset(4) in mode Reset and a Logon(A) that resets: whatever their number
        -> number too low:  ignored with PossDupFlag(43)=Y, else Logout(5) and the end
        -> number too high: kept for its turn; the gap is asked for once
        -> its turn: validated, its number consumed, handled by MsgType(35);
           then the messages waiting behind it, as far as they follow

What holds:

- A number is consumed (`SetNextIn`) before anything that its message causes.
- A ResendRequest(2) is served at once, ahead of our own one: two sides that both miss messages
  both get them. The same one is served a few times in a row and no more.
- After a Logon(A) with NextExpectedMsgSeqNum(789) both sides send what the other misses by
  themselves, and neither asks.
- While a gap is open only its filling advances the numbers. A message in its turn without
  PossDupFlag(43) shows that the counterparty has nothing more to resend, and closes the gap.
- After our Logout(5) nothing is sent but a resend, and no message that would need an answer is
  consumed: the counterparty sends it again after the next logon.
- A Reject(3) is never answered, and neither is a BusinessMessageReject(j).
- A resent administrative message is history: its number is consumed and nothing else happens.
- Nothing that a counterparty sends raises.

Sources: FIX 4.4 Volume 2, and the FIX session test cases, whose numbers stand beside the rules.
"""

from typing import Any, Self

from kk99fix.fix.message import FieldError, Message, Pair
from kk99fix.fix.split import split
from kk99fix.fix.tables import BEGIN_STRING
from kk99fix.session import (
    ahead,
    answers,
    checks,
    in_turn,
    liveness,
    logon_rules,
    opening,
    resends,
    saved,
)
from kk99fix.session.effects import DisconnectCause, Effect
from kk99fix.session.life import Life
from kk99fix.session.liveness import Timers
from kk99fix.session.rules import Numbers, Role, SessionRules
from kk99fix.session.states import Event, State
from kk99fix.session.turn import Turn

#: Administrative messages that need no answer.
_QUIET_TYPES = frozenset({b"0", b"1", b"3"})


class Session:
    """The session layer of one connection; see the top of this module."""

    def __init__(self, rules: SessionRules, role: Role = Role.ACCEPTOR) -> None:
        """Begin in state CONNECTED; the numbers of earlier connections come with each call."""
        self._life = Life(rules, role)

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._life.state

    @property
    def established(self) -> bool:
        """Whether the logon is complete and no logout has begun."""
        return self._life.established

    @property
    def plain(self) -> bool:
        """Whether plain orders may pass without this layer: no gap and no logout."""
        return self._life.state is State.LOGGED_ON

    @property
    def timers(self) -> Timers:
        """What the session waits for now; changes only within the calls of this class."""
        return liveness.timers_of(self._life)

    def next_deadline_ns(self, numbers: Numbers) -> int | None:
        """Return when the next tick matters; None for never."""
        return self.timers.next_deadline_ns(numbers)

    def receive(self, frame: bytes | Message, numbers: Numbers, now_ns: int) -> tuple[Effect, ...]:
        """Take one complete frame: BodyLength(9) and CheckSum(10) are right."""
        life, turn = self._life, Turn(numbers, now_ns)
        message = split(frame) if isinstance(frame, bytes) else frame
        if life.state in {State.CONNECTED, State.LOGON_SENT}:
            opening.first(life, turn, message)
        elif life.state is not State.CLOSED:
            liveness.heard(life)
            _further(life, turn, message)
        return turn.effects

    def tick(self, numbers: Numbers, now_ns: int) -> tuple[Effect, ...]:
        """Do what is due at `now_ns`; a tick that comes too early does nothing."""
        life, turn = self._life, Turn(numbers, now_ns)
        if life.deadline_ns is not None and now_ns >= life.deadline_ns:
            liveness.expire(life, turn)
        if life.established:
            liveness.end_probe(life, turn)
        if life.established:
            ahead.retry(life, turn)
        if life.established:
            liveness.keep_alive(life, turn)
        return turn.effects

    def logon(
        self,
        heart_bt_int_s: int,
        numbers: Numbers,
        now_ns: int,
        *,
        reset: bool = False,
        next_expected: bool = False,
        extra_fields: tuple[Pair, ...] = (),
    ) -> tuple[Effect, ...]:
        """Send Logon(A), as the initiator; `extra_fields` may be credentials.

        `next_expected` puts NextExpectedMsgSeqNum(789) into it: what we miss comes by itself then.
        """
        assert self._life.role is Role.INITIATOR, "an acceptor waits for Logon(A)"
        turn = Turn(numbers, now_ns)
        if reset:
            turn.reset()
        turn.send(
            answers.logon(
                heart_bt_int_s,
                reset=reset,
                next_expected=turn.next_in if next_expected else None,
                extra_fields=extra_fields,
            )
        )
        self._life.next_expected_sent = next_expected
        self._life.deadline_ns = now_ns + self._life.rules.logon_wait_ns
        self._life.move(Event.LOGON_ASKED)
        return turn.effects

    def stop(
        self,
        reason_text: bytes,
        numbers: Numbers,
        now_ns: int,
        cause: DisconnectCause = DisconnectCause.LOGOUT,
    ) -> tuple[Effect, ...]:
        """Log out for a reason of ours; later calls do nothing."""
        turn = Turn(numbers, now_ns)
        if self.established:
            self._life.log_out(turn, cause, reason_text)
        elif self._life.state in {State.CONNECTED, State.LOGON_SENT}:
            self._life.end(turn, DisconnectCause.STOPPED)
        return turn.effects

    def may_probe(self, now_ns: int) -> bool:
        """Whether `probe` would ask; it does so once within its time to wait."""
        return liveness.may_probe(self._life, now_ns)

    def probe(self, wait_ns: int, numbers: Numbers, now_ns: int) -> tuple[Effect, ...]:
        """Find out whether the connection is half dead: it is when no frame comes in `wait_ns`."""
        turn = Turn(numbers, now_ns)
        if self.may_probe(now_ns):
            liveness.probe(self._life, turn, wait_ns)
        return turn.effects

    def saved(self) -> dict[str, Any]:
        """Return everything that this session remembers, as JSON holds it."""
        return saved.save_life(self._life)

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Self:
        """Return the session that `saved` described."""
        life = saved.load_life(state)
        session = cls(life.rules, life.role)
        session._life = life
        return session

    def connection_lost(self) -> None:
        """Take note that the connection is gone; the session has nothing more to say."""
        if self._life.state is not State.CLOSED:
            self._life.move(Event.ENDED)


def _further(life: Life, turn: Turn, message: Message) -> None:
    """Check the header (case 2) and find the message's turn."""
    if message.get(8) != BEGIN_STRING:
        life.cut(turn, DisconnectCause.BEGIN_STRING, b"BeginString(8) must be FIX.4.4")
        return
    msg_seq_num = checks.seq_num(message, 34)
    if not checks.comp_ids_match(message, life.rules):
        fault = FieldError(answers.COMP_ID_PROBLEM, 0, b"CompID problem")
        _refuse_header(life, turn, message, msg_seq_num, fault)
        life.cut(turn, DisconnectCause.COMP_ID, fault.text)
    elif msg_seq_num is None:
        life.cut(turn, DisconnectCause.MSG_SEQ_NUM_MISSING, b"MsgSeqNum(34) missing")
    elif life.state is State.LOGOUT_SENT:
        _after_logout(life, turn, message, msg_seq_num)
    elif not checks.sending_time_accurate(message, life.rules, turn.now_ns):
        fault = FieldError(answers.SENDING_TIME_PROBLEM, 52, b"SendingTime accuracy problem")
        _refuse_header(life, turn, message, msg_seq_num, fault)
        life.log_out(turn, DisconnectCause.SENDING_TIME, fault.text)
    else:
        _by_number(life, turn, message, msg_seq_num)


def _refuse_header(
    life: Life, turn: Turn, message: Message, msg_seq_num: int | None, fault: FieldError
) -> None:
    if life.state is not State.LOGOUT_SENT and msg_seq_num is not None:
        turn.consume(msg_seq_num)
        life.reject(turn, message, msg_seq_num, fault)


def _by_number(life: Life, turn: Turn, message: Message, msg_seq_num: int) -> None:
    """Handle a message, keep it for its turn or refuse it; then catch up as far as possible."""
    poss_dup = message.get_bool(43)
    if message.msg_type == b"4" and not message.get_bool(123):
        in_turn.sequence_reset(life, turn, message, msg_seq_num)
    elif message.msg_type == b"A" and message.get_bool(141) and not poss_dup:
        opening.judge_logon(life, turn, message)
    elif poss_dup and (fault := checks.poss_dup_fault(message)) is not None:
        turn.consume(msg_seq_num)
        life.reject(turn, message, msg_seq_num, fault)
    elif msg_seq_num > turn.next_in:
        ahead.too_high(life, turn, message, msg_seq_num)
    elif msg_seq_num == turn.next_in:
        if life.gap is not None and not poss_dup and message.msg_type != b"4":
            life.move(Event.GAP_FILLED)
        in_turn.handle(life, turn, message, msg_seq_num)
    elif not poss_dup:
        text = logon_rules.too_low(turn.next_in, msg_seq_num)
        life.cut(turn, DisconnectCause.MSG_SEQ_NUM_TOO_LOW, text)
    if life.established:
        ahead.catch_up(life, turn)


def _after_logout(life: Life, turn: Turn, message: Message, msg_seq_num: int) -> None:
    """Serve a resend and take the confirmation; what needs an answer stays unconsumed."""
    if msg_seq_num < turn.next_in or message.get_bool(43):
        return
    if message.msg_type == b"5":
        turn.consume(msg_seq_num)
        life.end(turn, life.leaving)
    elif message.msg_type == b"2" and life.validate(turn, message) is None:
        turn.consume(msg_seq_num)
        resends.serve(life, turn, message)
    elif message.msg_type in _QUIET_TYPES:
        turn.consume(msg_seq_num)
