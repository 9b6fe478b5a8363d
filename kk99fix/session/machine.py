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
  both get them.
- While a gap is open only its filling advances the numbers. A message in its turn without
  PossDupFlag(43) shows that the counterparty has nothing more to resend, and closes the gap.
- After our Logout(5) nothing is sent but a resend, and no message that would need an answer is
  consumed: the counterparty sends it again after the next logon.
- A Reject(3) is never answered, and neither is a BusinessMessageReject(j).
- A resent administrative message is history: its number is consumed and nothing else happens.
- Nothing that a counterparty sends raises.

Sources: FIX 4.4 Volume 2, and the FIX session test cases, whose numbers stand beside the rules.
"""

from kk99fix.fix.encode import ECHO_MAX
from kk99fix.fix.message import FieldError, Message, Pair
from kk99fix.fix.split import split
from kk99fix.fix.tables import BEGIN_STRING
from kk99fix.fix.validate import BusinessError, validate
from kk99fix.session import answers, checks, logon_rules
from kk99fix.session.effects import (
    Deliver,
    Disconnect,
    DisconnectCause,
    Effect,
    Established,
    Resend,
)
from kk99fix.session.gap import EarlyQueue, Gap
from kk99fix.session.liveness import Timers, silence_of
from kk99fix.session.rules import NS_PER_S, Numbers, Role, SessionRules
from kk99fix.session.states import ESTABLISHED, Event, State, next_state
from kk99fix.session.turn import Turn

#: Administrative messages that need no answer.
_QUIET_TYPES = frozenset({b"0", b"1", b"3"})


class Session:
    """The session layer of one connection; see the top of this module."""

    def __init__(self, rules: SessionRules, role: Role = Role.ACCEPTOR) -> None:
        """Begin in state CONNECTED; the numbers of earlier connections come with each call."""
        self.rules = rules
        self.role = role
        self._state = State.CONNECTED
        self._heart_bt_int_ns = 0
        self._test_sent_ns: int | None = None
        self._gap: Gap | None = None
        self._early = EarlyQueue(rules.early_messages_max, rules.early_bytes_max)
        #: When the answer to our Logon(A) or Logout(5), or the gap below theirs, has to be there.
        self._deadline_ns: int | None = None
        #: Why we logged out; becomes the cause of the disconnect.
        self._leaving: DisconnectCause | None = None

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._state

    @property
    def established(self) -> bool:
        """Whether the logon is complete and no logout has begun."""
        return self._state in ESTABLISHED

    @property
    def plain(self) -> bool:
        """Whether plain orders may pass without this layer: no gap and no logout."""
        return self._state is State.LOGGED_ON

    # ------------------------------------------------------------------ what happens to a session

    def receive(self, frame: bytes | Message, numbers: Numbers, now_ns: int) -> tuple[Effect, ...]:
        """Take one complete frame: BodyLength(9) and CheckSum(10) are right."""
        turn = Turn(numbers, now_ns)
        message = split(frame) if isinstance(frame, bytes) else frame
        if self._state in {State.CONNECTED, State.LOGON_SENT}:
            self._first(turn, message)
        elif self._state is not State.CLOSED:
            self._test_sent_ns = None  # any valid frame is a sign of life
            self._next(turn, message)
        return turn.effects

    def tick(self, numbers: Numbers, now_ns: int) -> tuple[Effect, ...]:
        """Do what is due at `now_ns`; a tick that comes too early does nothing."""
        turn = Turn(numbers, now_ns)
        if self._deadline_ns is not None and now_ns >= self._deadline_ns:
            self._expire(turn)
        elif self.established:
            self._retry_gap(turn)
            if self.established:
                self._keep_alive(turn)
        return turn.effects

    @property
    def timers(self) -> Timers:
        """What the session waits for now; changes only within the calls of this class."""
        if not self.established:
            return Timers(deadline_ns=self._deadline_ns)
        interval_ns = self._heart_bt_int_ns
        waits = [self._deadline_ns]
        if self._gap is not None:
            waits.append(self._gap.asked_ns + self.rules.resend_wait_ns)
        if self._test_sent_ns is not None:
            waits.append(self._test_sent_ns + interval_ns)
        return Timers(
            heartbeat_ns=interval_ns or None,
            silence_ns=silence_of(interval_ns) or None if self._test_sent_ns is None else None,
            deadline_ns=min((wait for wait in waits if wait is not None), default=None),
        )

    def next_deadline_ns(self, numbers: Numbers) -> int | None:
        """Return when the next tick matters; None for never."""
        return self.timers.next_deadline_ns(numbers)

    def logon(
        self,
        heart_bt_int_s: int,
        numbers: Numbers,
        now_ns: int,
        *,
        reset: bool = False,
        extra_fields: tuple[Pair, ...] = (),
    ) -> tuple[Effect, ...]:
        """Send Logon(A), as the initiator; `extra_fields` may be credentials."""
        assert self.role is Role.INITIATOR, "an acceptor waits for Logon(A)"
        turn = Turn(numbers, now_ns)
        if reset:
            turn.reset()
        turn.send(answers.logon(heart_bt_int_s, reset=reset, extra_fields=extra_fields))
        self._deadline_ns = now_ns + self.rules.logon_wait_ns
        self._move(Event.LOGON_ASKED)
        return turn.effects

    def stop(self, reason_text: bytes, numbers: Numbers, now_ns: int) -> tuple[Effect, ...]:
        """Log out for a reason of ours; later calls do nothing."""
        turn = Turn(numbers, now_ns)
        if self.established:
            self._log_out(turn, DisconnectCause.LOGOUT, reason_text)
        elif self._state in {State.CONNECTED, State.LOGON_SENT}:
            self._end(turn, DisconnectCause.STOPPED)
        return turn.effects

    def connection_lost(self) -> None:
        """Take note that the connection is gone; the session has nothing more to say."""
        if self._state is not State.CLOSED:
            self._move(Event.ENDED)

    # ------------------------------------------------------------------ leaving

    def _move(self, event: Event) -> None:
        """Change the state; what belongs to the state left behind goes with it."""
        self._state = next_state(self._state, event)
        if self._state is not State.AWAITING_RESEND:
            self._gap = None
            self._early.clear()

    def _end(self, turn: Turn, cause: DisconnectCause) -> None:
        turn.add(Disconnect(cause))
        self._deadline_ns = None
        self._move(Event.ENDED)

    def _cut(self, turn: Turn, cause: DisconnectCause, text: bytes) -> None:
        """Say why in a Logout(5), unless one is sent already, and end."""
        if self._state is not State.LOGOUT_SENT:
            turn.send(answers.logout(text))
        self._end(turn, cause)

    def _log_out(self, turn: Turn, cause: DisconnectCause, text: bytes) -> None:
        """Send Logout(5) and wait for the counterparty's (case 12)."""
        turn.send(answers.logout(text))
        self._leaving = cause
        self._deadline_ns = turn.now_ns + self.rules.logout_wait_ns
        self._move(Event.LOGOUT_ASKED)

    # ------------------------------------------------------------------ the first message (case 1)

    def _first(self, turn: Turn, message: Message) -> None:
        if logon_rules.is_ours(message, self.rules):
            self._judge_logon(turn, message)
        else:
            self._refuse_first(turn, message)

    def _refuse_first(self, turn: Turn, message: Message) -> None:
        """Close without a word; an initiator has been refused if the answer is a Logout(5)."""
        refused = self._state is State.LOGON_SENT and message.msg_type == b"5"
        if refused and checks.comp_ids_match(message, self.rules):
            turn.consume(checks.seq_num(message, 34) or 0)
            self._end(turn, DisconnectCause.LOGON_REFUSED)
        else:
            self._end(turn, DisconnectCause.NOT_A_LOGON)

    def _judge_logon(self, turn: Turn, message: Message) -> None:
        verdict = logon_rules.judge(message, self.rules, self.role, turn.numbers, turn.now_ns)
        if isinstance(verdict, logon_rules.Accepted):
            self._accept_logon(turn, message, verdict)
        else:
            if not message.get_bool(141):
                turn.consume(checks.seq_num(message, 34) or 0)
            self._cut(turn, verdict.cause, verdict.text)

    def _accept_logon(self, turn: Turn, message: Message, accepted: logon_rules.Accepted) -> None:
        if self.role is Role.ACCEPTOR and accepted.reset:
            turn.reset()
        turn.consume(accepted.msg_seq_num)
        if self.role is Role.ACCEPTOR:
            turn.send(answers.logon(accepted.heart_bt_int_s, reset=accepted.reset))
        self._heart_bt_int_ns = accepted.heart_bt_int_s * NS_PER_S
        self._deadline_ns = None
        turn.add(Established(self._heart_bt_int_ns))
        self._move(Event.LOGON_DONE)
        if accepted.msg_seq_num > turn.next_in:
            self._too_high(turn, message, accepted.msg_seq_num, handled=True)

    # ------------------------------------------------------------------ every further message

    def _next(self, turn: Turn, message: Message) -> None:
        """Check the header (case 2) and find the message's turn."""
        if message.get(8) != BEGIN_STRING:
            self._cut(turn, DisconnectCause.BEGIN_STRING, b"BeginString(8) must be FIX.4.4")
            return
        msg_seq_num = checks.seq_num(message, 34)
        if not checks.comp_ids_match(message, self.rules):
            fault = FieldError(answers.COMP_ID_PROBLEM, 0, b"CompID problem")
            self._refuse_header(turn, message, msg_seq_num, fault)
            self._cut(turn, DisconnectCause.COMP_ID, fault.text)
        elif msg_seq_num is None:
            self._cut(turn, DisconnectCause.MSG_SEQ_NUM_MISSING, b"MsgSeqNum(34) missing")
        elif self._state is State.LOGOUT_SENT:
            self._after_logout(turn, message, msg_seq_num)
        elif not checks.sending_time_accurate(message, self.rules, turn.now_ns):
            fault = FieldError(answers.SENDING_TIME_PROBLEM, 52, b"SendingTime accuracy problem")
            self._refuse_header(turn, message, msg_seq_num, fault)
            self._log_out(turn, DisconnectCause.SENDING_TIME, fault.text)
        else:
            self._dispatch(turn, message, msg_seq_num)

    def _refuse_header(
        self, turn: Turn, message: Message, msg_seq_num: int | None, fault: FieldError
    ) -> None:
        if self._state is not State.LOGOUT_SENT and msg_seq_num is not None:
            turn.consume(msg_seq_num)
            self._reject(turn, message, msg_seq_num, fault)

    def _dispatch(self, turn: Turn, message: Message, msg_seq_num: int) -> None:
        poss_dup = message.get_bool(43)
        if message.msg_type == b"4" and not message.get_bool(123):
            self._sequence_reset(turn, message, msg_seq_num)
        elif message.msg_type == b"A" and message.get_bool(141) and not poss_dup:
            self._judge_logon(turn, message)
        elif msg_seq_num > turn.next_in:
            self._too_high(turn, message, msg_seq_num)
        elif poss_dup and (fault := checks.poss_dup_fault(message)) is not None:
            turn.consume(msg_seq_num)
            self._reject(turn, message, msg_seq_num, fault)
        elif msg_seq_num == turn.next_in:
            if self._gap is not None and not poss_dup and message.msg_type != b"4":
                self._move(Event.GAP_FILLED)
            self._in_turn(turn, message, msg_seq_num)
        elif not poss_dup:
            text = logon_rules.too_low(turn.next_in, msg_seq_num)
            self._cut(turn, DisconnectCause.MSG_SEQ_NUM_TOO_LOW, text)
        if self.established:
            self._catch_up(turn)

    # ------------------------------------------------------------------ gaps (cases 2b, 8, 10, 20)

    def _too_high(
        self, turn: Turn, message: Message, msg_seq_num: int, *, handled: bool = False
    ) -> None:
        """Keep a message for its turn; the first one of a gap asks for what is missing."""
        if msg_seq_num in self._early:
            return
        if not message.get_bool(43):
            if message.msg_type == b"2" and self._validate(message) is None:
                handled = self._serve(turn, message) is None
            elif message.msg_type == b"5" and self._deadline_ns is None:
                self._deadline_ns = turn.now_ns + self.rules.logout_wait_ns
        self._early.put(msg_seq_num, message, handled=handled)
        if self._gap is None:
            self._ask(turn, msg_seq_num - 1)

    def _ask(self, turn: Turn, end: int) -> None:
        """Ask for everything from the expected number on; the gap reaches to `end`."""
        if self._state is State.LOGGED_ON:
            self._move(Event.GAP_FOUND)
        self._gap = Gap(turn.next_in, end, turn.now_ns)
        turn.send(answers.resend_request(turn.next_in))

    def _catch_up(self, turn: Turn) -> None:
        """Handle what waited for the expected number; the gap ends with the last of it."""
        while self.established and (early := self._early.take(turn.next_in)) is not None:
            if early.handled:
                turn.consume(turn.next_in)
            else:
                self._in_turn(turn, early.message, turn.next_in)
        if self._gap is None or turn.next_in <= self._gap.end:
            return
        ahead = self._early.next_after(turn.next_in)
        if ahead is None:
            self._move(Event.GAP_FILLED)
        else:
            self._ask(turn, max(ahead - 1, turn.next_in))

    def _retry_gap(self, turn: Turn) -> None:
        """Repeat a ResendRequest(2) that brought nothing, a few times."""
        gap = self._gap
        if gap is None or turn.now_ns < gap.asked_ns + self.rules.resend_wait_ns:
            return
        if turn.next_in > gap.begin:
            self._gap = Gap(turn.next_in, gap.end, turn.now_ns)
        elif gap.tries < self.rules.resend_tries_max:
            self._gap = Gap(gap.begin, gap.end, turn.now_ns, gap.tries + 1)
            turn.send(answers.resend_request(gap.begin))
        else:
            text = b"ResendRequest(2) from %d was not answered" % gap.begin
            self._cut(turn, DisconnectCause.RESEND_TIMEOUT, text)

    def _serve(self, turn: Turn, message: Message) -> FieldError | None:
        """Answer a ResendRequest(2) (case 8), unless its range is wrong."""
        wanted = checks.resend_range(message, turn.next_out - 1)
        if isinstance(wanted, FieldError):
            return wanted
        turn.add(Resend(*wanted))
        return None

    def _gap_fill(self, turn: Turn, message: Message, msg_seq_num: int) -> None:
        """SequenceReset(4) in mode GapFill, in its turn (case 10)."""
        new_seq_no = checks.seq_num(message, 36)
        if new_seq_no is None or new_seq_no <= msg_seq_num:
            turn.consume(msg_seq_num)
            self._reject(turn, message, msg_seq_num, checks.new_seq_no_fault(message, turn.next_in))
        else:
            self._jump(turn, new_seq_no)

    def _sequence_reset(self, turn: Turn, message: Message, msg_seq_num: int) -> None:
        """SequenceReset(4) in mode Reset: its own number does not matter (case 11)."""
        error = self._validate(message)
        new_seq_no = checks.seq_num(message, 36)
        if isinstance(error, FieldError):
            turn.consume(msg_seq_num)
            self._reject(turn, message, msg_seq_num, error)
        elif new_seq_no is None or new_seq_no < turn.next_in:
            self._reject(turn, message, msg_seq_num, checks.new_seq_no_fault(message, turn.next_in))
        elif new_seq_no > turn.next_in:
            self._jump(turn, new_seq_no)

    def _jump(self, turn: Turn, new_seq_no: int) -> None:
        if new_seq_no - turn.next_in > self.rules.new_seq_no_jump_max:
            text = b"NewSeqNo(36) leads by more than %d" % self.rules.new_seq_no_jump_max
            self._cut(turn, DisconnectCause.NEW_SEQ_NO_JUMP, text)
        else:
            turn.expect(new_seq_no)

    # ------------------------------------------------------------------ a message in its turn

    def _in_turn(self, turn: Turn, message: Message, msg_seq_num: int) -> None:
        """Validate a message (case 14), consume its number, and do what it asks for."""
        msg_type = message.msg_type
        error = None if msg_type == b"5" else self._validate(message)  # leaving is always granted
        if isinstance(error, FieldError):
            turn.consume(msg_seq_num)
            self._reject(turn, message, msg_seq_num, error)
        elif msg_type == b"4":
            self._gap_fill(turn, message, msg_seq_num)
        else:
            turn.consume(msg_seq_num)
            if msg_type not in checks.ADMIN_TYPES:
                self._application(turn, message, msg_seq_num, error)
            elif not message.get_bool(43):
                self._admin(turn, message, msg_seq_num)

    def _admin(self, turn: Turn, message: Message, msg_seq_num: int) -> None:
        fault = None
        match message.msg_type:
            case b"1":
                fault = self._answer_test(turn, message)
            case b"2":
                fault = self._serve(turn, message)
            case b"5":
                turn.send(answers.logout(b""))
                self._end(turn, DisconnectCause.PEER_LOGOUT)
            case b"A":
                fault = FieldError(answers.OTHER, 0, b"Logon(A) on an established session")
        if fault is not None:
            self._reject(turn, message, msg_seq_num, fault)

    def _answer_test(self, turn: Turn, message: Message) -> FieldError | None:
        """Answer a TestRequest(1) with its TestReqID(112) (case 4b)."""
        test_req_id = message.get(112) or b""
        if len(test_req_id) > ECHO_MAX:
            text = b"TestReqID(112) must have at most %d bytes" % ECHO_MAX
            return FieldError(answers.VALUE_INCORRECT, 112, text)
        turn.send(answers.heartbeat(test_req_id))
        return None

    def _application(
        self, turn: Turn, message: Message, msg_seq_num: int, error: BusinessError | None
    ) -> None:
        """Deliver an application message, or say why this session does not take it (case 2r)."""
        msg_type = message.msg_type
        if msg_type not in self.rules.application_types:
            text = b"Unsupported Message Type"
            error = error or BusinessError(answers.UNSUPPORTED_MESSAGE_TYPE, text)
        elif not self.rules.order_entry:
            error = BusinessError(answers.NOT_AUTHORIZED, b"Not authorized: no order entry")
        if error is None:
            turn.add(Deliver(message))
        elif msg_type != b"j":
            turn.send(answers.business_reject(message, msg_seq_num, error))

    def _validate(self, message: Message) -> FieldError | BusinessError | None:
        return validate(message, kk99=self.rules.kk99)

    def _reject(self, turn: Turn, message: Message, msg_seq_num: int, fault: FieldError) -> None:
        """Send Reject(3), but never for a Reject(3)."""
        if message.msg_type != b"3":
            turn.send(answers.reject(message, msg_seq_num, fault))

    # ------------------------------------------------------------------ after our Logout (case 12)

    def _after_logout(self, turn: Turn, message: Message, msg_seq_num: int) -> None:
        """Serve a resend and take the confirmation; what needs an answer stays unconsumed."""
        if msg_seq_num < turn.next_in or message.get_bool(43):
            return
        if message.msg_type == b"5":
            turn.consume(msg_seq_num)
            self._end(turn, self._leaving or DisconnectCause.LOGOUT)
        elif message.msg_type == b"2" and self._validate(message) is None:
            turn.consume(msg_seq_num)
            self._serve(turn, message)
        elif message.msg_type in _QUIET_TYPES:
            turn.consume(msg_seq_num)

    # ------------------------------------------------------------------ time

    def _expire(self, turn: Turn) -> None:
        """End what waited for an answer until now."""
        match self._state:
            case State.LOGON_SENT:
                self._end(turn, DisconnectCause.LOGON_TIMEOUT)
            case State.LOGOUT_SENT if self._leaving is DisconnectCause.LOGOUT:
                self._end(turn, DisconnectCause.LOGOUT_TIMEOUT)
            case State.LOGOUT_SENT:
                self._end(turn, self._leaving or DisconnectCause.LOGOUT_TIMEOUT)
            case _:  # their Logout(5) waits behind a gap that nobody fills
                self._cut(turn, DisconnectCause.PEER_LOGOUT, b"")

    def _keep_alive(self, turn: Turn) -> None:
        """Test a silent counterparty (case 6), or show that we are alive (case 4a)."""
        interval_ns = self._heart_bt_int_ns
        if not interval_ns:
            return
        last_in_ns = turn.numbers.last_in_ns
        if self._test_sent_ns is not None and last_in_ns >= self._test_sent_ns:
            self._test_sent_ns = None
        if self._test_sent_ns is not None and turn.now_ns - self._test_sent_ns >= interval_ns:
            self._end(turn, DisconnectCause.HEARTBEAT_TIMEOUT)
        elif self._test_sent_ns is None and turn.now_ns - last_in_ns >= silence_of(interval_ns):
            self._test_sent_ns = turn.now_ns
            turn.send(answers.test_request(answers.number(turn.now_ns)))
        elif turn.now_ns - turn.numbers.last_out_ns >= interval_ns:
            turn.send(answers.heartbeat())
