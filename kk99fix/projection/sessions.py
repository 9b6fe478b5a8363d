"""Where each session stands, from the records that concern it.

Logged on is from our Logon(A) to the first of: our Logout(5), a disconnect, a TestRequest(1) that
stayed unanswered, a reset by the schedule, a configuration without it, a restart.
"""

import json
from operator import attrgetter
from typing import Any, Final

import attrs

from kk99fix.projection import schema
from kk99fix.projection.configuration import stated

_NS_PER_S: Final = 1_000_000_000
_ROW: Final = attrgetter(*schema.SESSIONS.columns)


@attrs.define
class SessionState:
    """One session; the attributes are the columns of its table."""

    session_id: int
    name: str
    target_comp_id: str | None = None
    role: str | None = None
    firm: str | None = None
    default_account: str | None = None
    configured: int = 0
    connected: int = 0
    epoch: int = 0
    last_sent: int = 0
    last_received: int = 0
    logon_ns: int | None = None
    logout_ns: int | None = None
    logout_cause: str | None = None
    address: str | None = None
    heart_bt_int_s: int | None = None
    answer_due_ns: int | None = None

    def row(self) -> tuple[Any, ...]:
        """Return the row of the table."""
        row: tuple[Any, ...] = _ROW(self)
        return row

    def end(self, time_ns: int, cause: str) -> None:
        """End what is logged on; nothing happens where nobody is."""
        self.answer_due_ns = None
        if self.connected:
            self.connected = 0
            self.logout_ns = time_ns
            self.logout_cause = cause

    def begin(self, time_ns: int, heart_bt_int_s: int) -> None:
        """Log on, unless a Logon(A) in the middle only resets numbers."""
        self.heart_bt_int_s = heart_bt_int_s
        if not self.connected:
            self.connected = 1
            self.logon_ns = time_ns
            self.logout_ns = self.logout_cause = None

    def asked(self, time_ns: int, wait_ns: int | None) -> None:
        """Wait for the answer to a TestRequest(1): `wait_ns`, or one HeartBtInt(108)."""
        wait_ns = (self.heart_bt_int_s or 0) * _NS_PER_S if wait_ns is None else wait_ns
        if wait_ns:
            due_ns = time_ns + wait_ns
            earlier = self.answer_due_ns
            self.answer_due_ns = due_ns if earlier is None else min(due_ns, earlier)


class Sessions:
    """All sessions, by id."""

    def __init__(self) -> None:
        """Know none."""
        self.states: dict[int, SessionState] = {}
        self.changed: set[int] = set()
        #: Session and MsgSeqNum(34) of the input of this unit, where it is a frame.
        self._input: tuple[int, int] | None = None
        #: How long the session that this unit probes may wait.
        self._probe_wait_ns: int | None = None

    def of(self, session: int) -> SessionState:
        """Return a session, which may be changed now; one that was never configured has no name."""
        self.changed.add(session)
        state = self.states.get(session)
        if state is None:
            state = self.states[session] = SessionState(session, f"#{session}")
        return state

    def configure(self, content: dict[str, Any], time_ns: int) -> None:
        """Take over names and roles."""
        configured = stated(content)["sessions"]
        for name, session in content["ids"]["sessions"].items():
            state = self.of(session)
            state.name = name
            state.configured = int(name in configured)
            if name in configured:
                own = configured[name]
                state.target_comp_id = own["target_comp_id"]
                state.role = own["role"]
                state.firm = own["firm"]
                state.default_account = next(iter(own["accounts"]), None)
                if not own.get("enabled", True):
                    state.end(time_ns, "session-disabled")
            else:
                state.end(time_ns, "session-removed")

    def begin_unit(self) -> None:
        """Forget what only the unit before needed; its input is no frame."""
        self._input = self._probe_wait_ns = None

    def received(self, session: int, number: int) -> None:
        """Count a frame from a session, the input of a unit; it is a sign of life."""
        self._input = (session, number)
        state = self.of(session)
        state.answer_due_ns = None
        if number:
            state.last_received = number

    def logon_asked(self, session: int, number: int, payload: bytes) -> None:
        """Take note of a LOGON record: where it came from."""
        self.received(session, number)
        about, _, _ = payload.partition(b"\n")
        state = self.of(session)
        if not state.connected:
            state.address = json.loads(about)["address"]

    def sent(self, session: int, epoch: int, number: int) -> SessionState:
        """Count a message to a session; a new epoch begins with its first one."""
        state = self.of(session)
        if epoch != state.epoch:
            state.epoch = epoch
            from_it = self._input is not None and self._input[0] == session
            state.last_received = self._input[1] if self._input and from_it else 0
        state.last_sent = number
        return state

    def told(self, session: int, time_ns: int, fields: dict[str, str]) -> None:
        """Take note of what a message to a session says about its connection."""
        state = self.of(session)
        match fields["35"]:
            case "A":
                state.begin(time_ns, int(fields.get("108", "0")))
            case "5":
                state.end(time_ns, "logout")
            case "1":
                state.asked(time_ns, self._probe_wait_ns)

    def commanded(self, session: int, time_ns: int, payload: bytes) -> None:
        """Take note of an OPERATOR record."""
        command = json.loads(payload)
        match command["command"]:
            case "probe":
                self._probe_wait_ns = command["wait_ns"]
            case "session-start" if command["reset"]:
                self.of(session).end(time_ns, "numbers-reset")

    def ticked(self, time_ns: int) -> None:
        """End the sessions that have not answered in time."""
        for state in self.states.values():
            if state.answer_due_ns is not None and state.answer_due_ns <= time_ns:
                self.of(state.session_id).end(time_ns, "silence")

    def restarted(self, time_ns: int) -> None:
        """End all of them."""
        for session in self.states:
            self.of(session).end(time_ns, "restart")
