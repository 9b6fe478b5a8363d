"""The venue: `apply(input, now_ns) -> outcome`, one journal unit each.

Theory of operation
-------------------

Inputs come in one total order, each with the time at which it happened.
`apply` opens the journal's unit, records the input, carries out what follows from it through the
core, and closes the unit: the records of it wait in the core's journal buffer, the bytes of every
message in the rings of attached sessions.
Whoever calls decides when they are written and released.

A frame of an established session in the plain case never comes here: the pump gives it to the
core's `consume`, which makes the same unit.  What the gate refuses is a `FrameInput`.
The session layer (`kk99fix.session`) says in effects what a message means; `_carry_out` is the one
place where effects become changes.  Numbers and times of life stay in the core's session table.

It reads no clock and no file, awaits nothing, and gives the same records for the same inputs.
"""

import json
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from typing import Any, assert_never

from attrs import asdict, evolve

from kk99fix.fix import encode
from kk99fix.fix.message import Message
from kk99fix.matcher.engine import Buffer, Engine
from kk99fix.session.effects import (
    Deliver,
    Disconnect,
    DisconnectCause,
    Effect,
    Established,
    Resend,
    ResetNumbers,
    Send,
    SetNextIn,
)
from kk99fix.session.machine import Session
from kk99fix.session.rules import RECEIVER_TYPES, Numbers, ResetPolicy, SessionRules
from kk99fix.venue import mass_status, order_entry, throttle
from kk99fix.venue.certification import Certification
from kk99fix.venue.credentials import Credentials
from kk99fix.venue.given import set_venue
from kk99fix.venue.inputs import (
    ConfigInput,
    DayRollInput,
    DisconnectInput,
    FrameInput,
    Input,
    LogonFailedInput,
    LogonInput,
    RestartInput,
    StorageInput,
    TickInput,
    msg_seq_num,
)
from kk99fix.venue.leaving import DISABLED, REMOVED, Leaving
from kk99fix.venue.outcome import Disconnected, Fault, Outcome, ResendRange, UnknownTrade
from kk99fix.venue.registry import Registry
from kk99fix.venue.session_commands import (
    CertificationInput,
    CertificationStep,
    NewsInput,
    ProbeInput,
    SessionCommand,
    SessionEndInput,
    SessionStartInput,
    StopInput,
    UnlockInput,
)
from kk99fix.venue.session_times import SessionTimes

#: Order slots looked at for expiry in one unit: about a millisecond.
EXPIRE_SLICE = 10_000
#: Order slots that the walk looks at in one unit; an order that is reported on counts as ten.
WALK_SLICE = 10_000
#: Further away than any deadline, and far from overflow when added to a time.
NEVER_NS = 1 << 61


class Venue:
    """The exchange behind the gate; see the top of this module."""

    def __init__(self, engine: Engine) -> None:
        """Begin empty: the first inputs are CONFIG and DAY_ROLL."""
        self.engine = engine
        self.registry = Registry()
        self.credentials = Credentials()
        self.certification = Certification(self.registry)
        self._leaving = Leaving(engine, self.registry)
        self._sessions: dict[int, Session] = {}
        #: Deadlines that depend on neither side's traffic, by session.
        self._deadlines_ns: dict[int, int] = {}
        #: Number of the last message that a connection that is ending may still send.
        self._last_numbers: dict[int, int] = {}
        self._times: dict[int, SessionTimes] = {}
        self._halted = False
        self._storage_low = False
        #: When trading reopens after a restart; None: it is open, or the operator decides.
        self._reopen_ns: int | None = None
        self._last_ns = 0

    # ------------------------------------------------------------------ the one door

    def apply(self, item: Input, now_ns: int) -> Outcome:
        """Apply one input; `now_ns` is not before that of the one before it."""
        assert now_ns >= self._last_ns, "time in the journal never goes back"
        self._last_ns = now_ns
        outcome = Outcome()
        message = item.message() if isinstance(item, FrameInput | LogonInput) else None
        number = msg_seq_num(message) if message is not None else 0
        with self.engine.unit(item.kind, item.session, number, now_ns, item.payload()):
            walking = self.engine.walk_pending
            self._dispatch(item, message, now_ns, outcome)
            if self.engine.walk_pending and (isinstance(item, TickInput) or not walking):
                self.engine.walk_slice(WALK_SLICE)
        return outcome

    def _dispatch(
        self, item: Input, message: Message | None, now_ns: int, outcome: Outcome
    ) -> None:
        match item:
            case FrameInput():
                assert message is not None
                self._frame(item.session, message, now_ns, outcome)
            case LogonInput():
                assert message is not None
                self._logon(item, message, now_ns, outcome)
            case LogonFailedInput():
                self.credentials.failed(item.session, item.credential, now_ns)
            case DisconnectInput():
                self._end(item.session, item.cause)
            case TickInput():
                self._tick(now_ns, outcome)
            case ConfigInput():
                self._configure(item, outcome)
            case DayRollInput():
                self.engine.day_roll(int(item.trading_day))
                self.engine.expire_slice(EXPIRE_SLICE)
            case RestartInput():
                self._restart(now_ns)
            case StorageInput():
                self._set_storage_low(low=item.low)
            case _:
                self._command(item, now_ns, outcome)

    def _command(self, item: SessionCommand, now_ns: int, outcome: Outcome) -> None:
        match item:
            case StopInput():
                self._leaving.asked_to_leave(item.session)
                text = item.text.encode("ascii")
                self._log_out(item.session, text, DisconnectCause.LOGOUT, outcome)
            case ProbeInput():
                self._probe(item, now_ns, outcome)
            case NewsInput():
                self._news(item)
            case SessionStartInput():
                self._session_start(item, now_ns, outcome)
            case SessionEndInput():
                self._session_end(item, outcome)
            case UnlockInput():
                self.credentials.unlock(item.session)
            case CertificationInput():
                self._certify(item, now_ns)
            case _:
                assert_never(item)

    # ------------------------------------------------------------------ what is asked from outside

    def note_time(self, now_ns: int) -> None:
        """Take note that the core applied an input at this time on its own."""
        self._last_ns = max(self._last_ns, now_ns)

    @property
    def last_ns(self) -> int:
        """Time of the newest input."""
        return self._last_ns

    @property
    def halted(self) -> bool:
        """Whether new orders are refused since a restart."""
        return self._halted

    @property
    def storage_low(self) -> bool:
        """Whether new orders are refused since the disk has little room left."""
        return self._storage_low

    def is_live(self, session: int) -> bool:
        """Whether the session has a connection."""
        return session in self._sessions

    def may_probe(self, session: int, now_ns: int) -> bool:
        """Whether a `ProbeInput` would ask the counterparty of a session for a sign of life."""
        layer = self._sessions.get(session)
        return layer is not None and layer.may_probe(now_ns)

    def session_times(self, session: int) -> SessionTimes:
        """When the session last started and ended by its schedule."""
        return self._times.get(session, SessionTimes())

    @property
    def live_sessions(self) -> tuple[int, ...]:
        """Sessions with a connection."""
        return tuple(sorted(self._sessions))

    def returns_until_ns(self, session: int) -> int | None:
        """Until when a session that has left finds its orders uncancelled; None: no grace runs."""
        return self._leaving.grace_until_ns(session)

    def last_number(self, session: int) -> int | None:
        """Number after which a connection says nothing new: its Logout(5); None while it is live.

        What is sent to the session later waits for its next connection and a ResendRequest(2).
        """
        return self._last_numbers.get(session)

    def next_deadline_ns(self) -> int | None:
        """When the next TICK matters; None: never."""
        if self.engine.expire_pending or self.engine.walk_pending:
            return self._last_ns
        moments = [self.engine.next_deadline_ns, *self._deadlines_ns.values()]
        moments += [due for due in (self._reopen_ns, self._leaving.deadline_ns) if due is not None]
        earliest_ns = min(moments)
        return earliest_ns if earliest_ns < NEVER_NS else None

    def state_hash(self) -> int:
        """A hash of the core's state, and of credentials and certification once there are any."""
        core_hash, credentials = self.engine.state_hash(), self.credentials.saved()
        certification = self.certification.saved()
        if not credentials and not certification:
            return core_hash
        state = [core_hash, credentials, certification]
        content = json.dumps(state, sort_keys=True, separators=(",", ":"))
        return int.from_bytes(sha256(content.encode("ascii")).digest()[:8], "little")

    # ------------------------------------------------------------------ snapshots

    def saved(self) -> dict[str, Any]:
        """Everything of Python that can influence a later output, as JSON holds it.

        Together with `Engine.snapshot` it is the whole state between two inputs.
        """
        return {
            "last_ns": max(self._last_ns, self.engine.last_time_ns),
            "halted": self._halted,
            "reopen_ns": self._reopen_ns,
            "storage_low": self._storage_low,
            "registry": self.registry.saved(),
            "credentials": self.credentials.saved(),
            "certification": self.certification.saved(),
            "leaving": self._leaving.saved(),
            "sessions": [[s, layer.saved()] for s, layer in sorted(self._sessions.items())],
            "deadlines_ns": sorted(self._deadlines_ns.items()),
            "last_numbers": sorted(self._last_numbers.items()),
            "times": [[s, asdict(times)] for s, times in sorted(self._times.items())],
        }

    def restore(self, state: dict[str, Any], core: Iterable[Buffer]) -> None:
        """Go on as the venue that was `saved`, its engine's snapshot being `core`.

        Only for a venue that has done nothing yet.  `CapacityError`, `CoreError`.
        """
        self._last_ns = state["last_ns"]
        self._halted = state["halted"]
        self._reopen_ns = state["reopen_ns"]
        self._set_storage_low(low=state["storage_low"])
        self.registry.restore(state["registry"], self.engine, halted=self._halted)
        self.engine.restore(core)
        # Snapshots of before there were credentials, or certification, have none.
        self.credentials.restore(state.get("credentials", []))
        self.certification.restore(state.get("certification", {}))
        self._leaving.restore(state["leaving"])
        self._sessions = {s: Session.restored(layer) for s, layer in state["sessions"]}
        self._deadlines_ns = dict(state["deadlines_ns"])
        self._last_numbers = dict(state["last_numbers"])
        self._times = {s: SessionTimes(**times) for s, times in state["times"]}

    # ------------------------------------------------------------------ sessions

    def _logon(self, item: LogonInput, message: Message, now_ns: int, outcome: Outcome) -> None:
        session = item.session
        assert session not in self._sessions, "one connection for each session"
        if item.proof is not None:
            self.credentials.succeeded(session, item.proof, now_ns)
        self._sessions[session] = Session(self._rules(session))
        self._last_numbers.pop(session, None)
        self._frame(session, message, now_ns, outcome)

    def _frame(self, session: int, message: Message, now_ns: int, outcome: Outcome) -> None:
        layer = self._sessions[session]
        numbers = self._numbers(session)
        if self.engine.session(session).established:  # a Logon(A) that is refused was none
            self.engine.heard(session)
        self._ask(session, lambda: layer.receive(message, numbers, now_ns), outcome)
        if self.engine.throttle_breached(session):
            self._log_out(session, throttle.LOGOUT_TEXT, DisconnectCause.THROTTLED, outcome)

    def _log_out(self, session: int, text: bytes, cause: DisconnectCause, outcome: Outcome) -> None:
        """Send a Logout(5), unless the session is on its way out already."""
        layer = self._sessions.get(session)
        if layer is not None:
            stop = partial(layer.stop, text, self._numbers(session), self._last_ns, cause)
            self._ask(session, stop, outcome)

    def _news(self, item: NewsInput) -> None:
        layer = self._sessions.get(item.session)
        if layer is not None and layer.established:
            self.engine.send(item.session, b"B", encode.body(item.fields()))

    def _probe(self, item: ProbeInput, now_ns: int, outcome: Outcome) -> None:
        layer = self._sessions.get(item.session)
        if layer is not None:
            numbers = self._numbers(item.session)
            self._ask(item.session, lambda: layer.probe(item.wait_ns, numbers, now_ns), outcome)

    def _session_start(self, item: SessionStartInput, now_ns: int, outcome: Outcome) -> None:
        times = self.session_times(item.session)
        self._times[item.session] = evolve(times, started_ns=item.start_ns, began_ns=now_ns)
        if item.reset:
            self._reset(item.session, outcome)

    def _session_end(self, item: SessionEndInput, outcome: Outcome) -> None:
        times = self.session_times(item.session)
        self._times[item.session] = evolve(times, ended_ns=item.end_ns)
        self._leaving.session_over(item.session)
        text = item.text.encode("ascii")
        self._log_out(item.session, text, DisconnectCause.SESSION_END, outcome)

    def _reset(self, session: int, outcome: Outcome) -> None:
        """Begin a new epoch; a connection of the old one has nothing to say in it."""
        if session in self._sessions:
            outcome.disconnects.append(Disconnected(session, "numbers-reset"))
            self._end(session, "numbers-reset")
        self.engine.reset(session)
        self._last_numbers[session] = 0
        if self.engine.attached(session):
            self.engine.unfollow(session)

    def _ask(self, session: int, layer: Callable[[], tuple[Effect, ...]], outcome: Outcome) -> None:
        """Ask a session's layer what to do, and do it."""
        try:
            effects = layer()
        except Exception:  # noqa: BLE001 - a fault of ours may cost this session, never the others
            outcome.faults.append(Fault(session, traceback.format_exc()))
            outcome.disconnects.append(Disconnected(session, "internal-fault"))
            self._end(session, "internal-fault")
        else:
            self._carry_out(session, effects, outcome)

    def _carry_out(self, session: int, effects: tuple[Effect, ...], outcome: Outcome) -> None:
        """Turn effects of the session layer into changes, in their order."""
        engine = self.engine
        for effect in effects:
            match effect:
                case Send(msg_type=msg_type, fields=fields):
                    engine.send(session, msg_type, encode.body(fields))
                    if msg_type == b"5":
                        self._say_no_more(session)
                case SetNextIn(number=number):
                    engine.set_next_in(session, number)
                case ResetNumbers():
                    engine.reset(session)
                case Resend(begin=begin, end=end):
                    outcome.resends.append(self._freeze(session, begin, end))
                case Deliver(message=message):
                    self._deliver(session, message, outcome)
                case Established():
                    engine.establish(session, established=True)
                    self._leaving.returned(session)
                case Disconnect(cause=cause):
                    outcome.disconnects.append(Disconnected(session, cause.value))
                    self._end(session, cause.value)
                case _:
                    assert_never(effect)
        self._set_waits(session)

    def _deliver(self, session: int, message: Message, outcome: Outcome) -> None:
        """Hand an application message to order entry, or on to people, unless it is too much."""
        if throttle.refuses(self.engine, session, message):
            return
        if message.msg_type in RECEIVER_TYPES:
            exec_id, order_id, reason, text = (message.get(tag) or b"" for tag in (17, 37, 127, 58))
            outcome.unknown_trades.append(UnknownTrade(session, exec_id, order_id, reason, text))
        elif message.msg_type in order_entry.COMMANDS:
            refusal = self.certification.refusal(session, message, self._last_ns)
            order_entry.submit(self.engine, session, message, refusal)
        else:
            mass_status.submit(self.engine, session, message)

    def _freeze(self, session: int, begin: int, end: int) -> ResendRange:
        """Record a range to be sent again; what this unit sends further leaves after it."""
        self.engine.record_resend(session, begin, end)
        if self.engine.attached(session):
            self.engine.unfollow(session)
        return ResendRange(session, self.engine.session(session).epoch, begin, end)

    def _set_waits(self, session: int) -> None:
        """Tell the core whether plain frames may pass, and after how much silence to ask."""
        layer = self._sessions.get(session)
        if layer is None:
            return
        timers = layer.timers
        self._deadlines_ns.pop(session, None)
        if timers.deadline_ns is not None:
            self._deadlines_ns[session] = timers.deadline_ns
        if self.engine.session(session).established:
            # Orders of who is not certified have to be looked at one by one.
            plain = layer.plain and not self.certification.withholds(session)
            self.engine.set_plain(session, plain=plain)
            self.engine.set_timers(
                session, timers.heartbeat_ns or NEVER_NS, timers.silence_ns or NEVER_NS
            )

    def _end(self, session: int, cause: str) -> None:
        """The session has no connection any more; its numbers stay."""
        layer = self._sessions.pop(session, None)
        if layer is not None:
            layer.connection_lost()
            self._say_no_more(session)
        self._deadlines_ns.pop(session, None)
        if self.engine.session(session).established:
            self.engine.establish(session, established=False)
            self._leaving.left(session, cause, self._last_ns)

    def _say_no_more(self, session: int) -> None:
        """What was sent so far is the last of this connection; its ring follows no further."""
        if session not in self._last_numbers:
            self._last_numbers[session] = self.engine.session(session).next_out - 1
            if self.engine.attached(session):
                self.engine.unfollow(session)

    def _numbers(self, session: int) -> Numbers:
        view = self.engine.session(session)
        return Numbers(view.next_in, view.next_out, view.last_in_ns, view.last_out_ns)

    def _rules(self, session: int) -> SessionRules:
        name = self.registry.session_names()[session]
        content = self.registry.content
        own: dict[str, Any] = content["sessions"][name]
        shortest_s, longest_s = own["heart_bt_int"]
        return SessionRules(
            sender_comp_id=own["sender_comp_id"].encode("ascii"),
            target_comp_id=own["target_comp_id"].encode("ascii"),
            order_entry=own["role"] == "order-entry",
            test_venue=content["venue"]["test_venue"],
            heart_bt_int_min_s=shortest_s,
            heart_bt_int_max_s=longest_s,
            reset_seq_num=ResetPolicy(own["reset_seq_num"]),
            session_start_ns=self.session_times(session).began_ns,
            sending_time_tolerance_ns=content["venue"]["sending_time_tolerance_ns"],
        )

    # ------------------------------------------------------------------ time and configuration

    def _tick(self, now_ns: int, outcome: Outcome) -> None:
        if self._reopen_ns is not None and now_ns >= self._reopen_ns:
            self._set_halted(halted=False)
        waiting = {s for s, due_ns in self._deadlines_ns.items() if due_ns <= now_ns}
        for session in sorted(waiting | set(self.engine.sessions_due(now_ns))):
            tick = partial(self._sessions[session].tick, self._numbers(session), now_ns)
            self._ask(session, tick, outcome)
        self._leaving.tick(now_ns)
        if self.engine.expire_pending:
            self.engine.expire_slice(EXPIRE_SLICE)

    def _configure(self, item: ConfigInput, outcome: Outcome) -> None:
        for session in self.registry.apply(item.content, self.engine, halted=self._halted):
            out = REMOVED if self.registry.is_gone(session) else DISABLED
            if session in self._sessions:
                self._log_out(session, out.text, DisconnectCause.LOGOUT, outcome)
            if session in self._sessions:
                outcome.disconnects.append(Disconnected(session, out.cause))
                self._end(session, out.cause)
            self._leaving.gone(session, out.reason)
        for session in self.registry.concerned:
            self._set_waits(session)

    def _certify(self, item: CertificationInput, now_ns: int) -> None:
        match item.step:
            case CertificationStep.BEGIN:
                self.certification.begin(item.session, now_ns + item.lasts_ns)
            case CertificationStep.END:
                self.certification.end(item.session)
            case CertificationStep.PASSED:
                self.certification.passed(item.session, item.functions, now_ns)
            case CertificationStep.REVOKE:
                self.certification.revoke(item.session)
        self._set_waits(item.session)

    def _restart(self, now_ns: int) -> None:
        for session in self.live_sessions:
            self._end(session, "restart")
        venue = self.registry.content["venue"]
        self._set_halted(halted=venue["after_restart"] == "halted")
        if self._halted and venue["reopen_after_ns"] > 0:
            self._reopen_ns = now_ns + venue["reopen_after_ns"]

    def _set_halted(self, *, halted: bool) -> None:
        self._halted = halted
        self._reopen_ns = None
        set_venue(self.engine, self.registry.content, halted=halted)

    def _set_storage_low(self, *, low: bool) -> None:
        self._storage_low = low
        self.engine.set_storage_low(low=low)
