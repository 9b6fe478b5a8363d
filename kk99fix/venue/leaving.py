"""Cancel on disconnect: whose orders go with its connection, and when.

A session that leaves, for whatever cause but a logout, has its orders cancelled: at once, or after
its grace unless it has logged on again by then.
A logout counts only if the session file says so, and so does whatever end follows the one of its
schedule; an end that follows a planned stop never does.

Rules kept here:

- Only a session that was logged on can leave: a refused Logon(A) neither starts a grace nor ends
  one.
- What is cancelled are the orders that were there when the session left, once.
- A grace is state that replay brings back: it is over at the TICK behind its end.

A session that may not log on any more, because its file is gone or says so, leaves nothing behind:
all its orders go at once, also those that were to be kept.

Which of the orders go, and in which slices, is the core's to know: a session's own rule is none
for an order with ExecInst(18) H or Q, so a session that keeps its orders leaves too.
"""

from typing import Any

from attrs import frozen

from kk99fix.fix import tables
from kk99fix.matcher.engine import Engine
from kk99fix.session.effects import DisconnectCause
from kk99fix.venue.registry import Registry

#: Cause of a DISCONNECT input: a planned stop waited no longer for the counterparty.
GATEWAY_STOPPED = "gateway-stopped"


@frozen
class Out:
    """Why a session may not be logged on any more."""

    #: Of its connection's end.
    cause: str
    #: Text(58) of its Logout(5).
    text: bytes
    #: Number of the code with which its orders are cancelled.
    reason: int


REMOVED = Out(
    "session-removed",
    b"the session was removed",
    tables.REJECT_CODES["SESSION_REMOVED"].number,
)
DISABLED = Out(
    "session-disabled",
    b"the session is disabled",
    tables.REJECT_CODES["SESSION_DISABLED"].number,
)

_LOGOUTS = frozenset(
    {
        DisconnectCause.PEER_LOGOUT.value,
        DisconnectCause.LOGOUT.value,
        DisconnectCause.SESSION_END.value,
    }
)


class Leaving:
    """The sessions that have left and may still return in time; see the top of this module."""

    def __init__(self, engine: Engine, registry: Registry) -> None:
        """Begin with nobody gone."""
        self._engine = engine
        self._registry = registry
        #: Sessions that a planned stop has asked to leave.
        self._asked: set[int] = set()
        #: Sessions whose schedule has asked them to leave.
        self._over: set[int] = set()
        #: Session -> when its grace is over, and the OrderID(37) from which on orders are later.
        self._graces: dict[int, tuple[int, int]] = {}

    @property
    def deadline_ns(self) -> int | None:
        """When the next grace is over; None without any."""
        return min((due_ns for due_ns, _ in self._graces.values()), default=None)

    def grace_until_ns(self, session: int) -> int | None:
        """When the grace of a session is over; None where none runs."""
        grace = self._graces.get(session)
        return None if grace is None else grace[0]

    def asked_to_leave(self, session: int) -> None:
        """A planned stop asks the session to log out."""
        self._asked.add(session)

    def session_over(self, session: int) -> None:
        """The session's schedule asks it to log out; its end is a logout, however it comes."""
        self._over.add(session)

    def returned(self, session: int) -> None:
        """The session has logged on; what has begun to be cancelled goes on being so."""
        self._asked.discard(session)
        self._over.discard(session)
        self._graces.pop(session, None)

    def left(self, session: int, cause: str, now_ns: int) -> None:
        """The connection of a session that was logged on has ended."""
        if self._is_planned(session, cause):
            return
        rules = self._registry.session(session)
        if session in self._over:
            self._over.discard(session)
            cause = DisconnectCause.SESSION_END.value
        if cause in _LOGOUTS and not rules["cancel_on_logout"]:
            return
        later = self._engine.next_order_id
        if rules["cancel_grace_ns"] > 0:
            self._graces[session] = (now_ns + rules["cancel_grace_ns"], later)
        else:
            self._engine.pull_orders(session, later)

    def gone(self, session: int, reason: int) -> None:
        """The session may not log on any more, and all its orders go."""
        self._asked.discard(session)
        self._over.discard(session)
        self._graces.pop(session, None)
        self._engine.pull_all_orders(session, reason)

    def tick(self, now_ns: int) -> None:
        """Give up whoever has not returned in time."""
        over = [session for session, (due_ns, _) in self._graces.items() if due_ns <= now_ns]
        for session in sorted(over):
            _, later = self._graces.pop(session)
            self._engine.pull_orders(session, later)

    def saved(self) -> dict[str, Any]:
        """Return who has left and who is to leave, as JSON holds it."""
        return {
            "asked": sorted(self._asked),
            "over": sorted(self._over),
            "graces": [[session, *grace] for session, grace in sorted(self._graces.items())],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `saved` described."""
        self._asked = set(state["asked"])
        self._over = set(state["over"])
        self._graces = {session: (due_ns, later) for session, due_ns, later in state["graces"]}

    def _is_planned(self, session: int, cause: str) -> bool:
        asked = session in self._asked
        self._asked.discard(session)
        return asked or cause == GATEWAY_STOPPED
