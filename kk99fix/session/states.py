"""The states of one connection's session, as one table.

Rules of this table:

- A `Session` changes its state through `next_state` alone.
- An event that the table does not list for a state is a fault of the session layer itself and
  raises `IllegalTransition`; nothing that a counterparty sends may lead there.

The states, and what a counterparty may do in them:

    CONNECTED        nothing but Logon(A), if we are the acceptor
    LOGON_SENT       answer our Logon(A), if we are the initiator
    LOGGED_ON        everything; the numbers agree
    AWAITING_RESEND  everything; messages ahead of the gap wait for their turn
    LOGOUT_SENT      ask for a resend, and confirm our Logout(5)
    CLOSED           nothing: the connection is gone or to be closed
"""

import enum
import types
from collections.abc import Mapping


class State(enum.Enum):
    """Where a session stands; the table above says what each state permits."""

    CONNECTED = enum.auto()
    LOGON_SENT = enum.auto()
    LOGGED_ON = enum.auto()
    AWAITING_RESEND = enum.auto()
    LOGOUT_SENT = enum.auto()
    CLOSED = enum.auto()


class Event(enum.Enum):
    """What moves a session from one state to the next."""

    #: We, the initiator, sent Logon(A).
    LOGON_ASKED = enum.auto()
    #: Both sides have sent an acceptable Logon(A); once more where it resets the numbers.
    LOGON_DONE = enum.auto()
    #: A MsgSeqNum(34) above the expected one: messages are missing.
    GAP_FOUND = enum.auto()
    #: No message is missing any longer.
    GAP_FILLED = enum.auto()
    #: We sent Logout(5) and wait for the confirmation.
    LOGOUT_ASKED = enum.auto()
    #: The connection ended or is to end.
    ENDED = enum.auto()


class IllegalTransition(Exception):  # noqa: N818 - named after what happened
    """The session layer contradicts itself: always a bug of ours."""


TRANSITIONS: Mapping[State, Mapping[Event, State]] = types.MappingProxyType(
    {
        State.CONNECTED: {
            Event.LOGON_ASKED: State.LOGON_SENT,
            Event.LOGON_DONE: State.LOGGED_ON,
            Event.ENDED: State.CLOSED,
        },
        State.LOGON_SENT: {
            Event.LOGON_DONE: State.LOGGED_ON,
            Event.ENDED: State.CLOSED,
        },
        State.LOGGED_ON: {
            Event.LOGON_DONE: State.LOGGED_ON,
            Event.GAP_FOUND: State.AWAITING_RESEND,
            Event.LOGOUT_ASKED: State.LOGOUT_SENT,
            Event.ENDED: State.CLOSED,
        },
        State.AWAITING_RESEND: {
            Event.LOGON_DONE: State.LOGGED_ON,
            Event.GAP_FILLED: State.LOGGED_ON,
            Event.LOGOUT_ASKED: State.LOGOUT_SENT,
            Event.ENDED: State.CLOSED,
        },
        State.LOGOUT_SENT: {
            Event.ENDED: State.CLOSED,
        },
        State.CLOSED: {},
    }
)

#: States of a session whose logon is complete and whose logout has not begun.
ESTABLISHED = frozenset({State.LOGGED_ON, State.AWAITING_RESEND})


def next_state(state: State, event: Event) -> State:
    """Return the state that follows; the only way from one state to another.

    Raises IllegalTransition for an event that `state` does not know.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(f"{event.name} in state {state.name}") from None
