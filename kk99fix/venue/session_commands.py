"""Inputs of kind OPERATOR about one session: what the gateway or a person wants of it.

Each is one line of JSON with the name of its command and what it needs, everything resolved:
dates and zones were the gateway's business, and a waiting time is part of the command.
"""

import enum
import json
from typing import Any, ClassVar

from attrs import frozen

from kk99fix.fix.message import Pair
from kk99fix.journal.record import Kind


class CertificationStep(enum.StrEnum):
    """What happens to a session's certification."""

    BEGIN = "begin"
    END = "end"
    PASSED = "passed"
    REVOKE = "revoke"


@frozen
class StopInput:
    """The operator, or a planned stop, asks a session to log out with this text."""

    kind: ClassVar[Kind] = Kind.OPERATOR
    session: int
    text: str

    def payload(self) -> bytes:
        """The command as JSON."""
        return _json("logout", text=self.text)


@frozen
class ProbeInput:
    """Somebody who may be this session wants to log on, so its connection has to show itself."""

    kind: ClassVar[Kind] = Kind.OPERATOR
    session: int
    #: How long the connection has to show a sign of life.
    wait_ns: int

    def payload(self) -> bytes:
        """The command as JSON."""
        return _json("probe", wait_ns=self.wait_ns)


@frozen
class NewsInput:
    """A News(B) for a session that is logged on."""

    kind: ClassVar[Kind] = Kind.OPERATOR
    session: int
    headline: str
    lines: tuple[str, ...]

    def payload(self) -> bytes:
        """The command as JSON."""
        return _json("news", headline=self.headline, lines=list(self.lines))

    def fields(self) -> tuple[Pair, ...]:
        """The body of the message: Urgency(61) is 1, flash."""
        lines = (
            (33, b"%d" % len(self.lines)),
            *((58, line.encode("ascii")) for line in self.lines),
        )
        return ((61, b"1"), (148, self.headline.encode("ascii")), *lines)


@frozen
class SessionStartInput:
    """By its schedule a session may be logged on from now on."""

    kind: ClassVar[Kind] = Kind.OPERATOR
    session: int
    #: The moment that the schedule names; the input may come later.
    start_ns: int
    #: Whether both numbers begin at 1.
    reset: bool

    def payload(self) -> bytes:
        """The command as JSON."""
        return _json("session-start", start_ns=self.start_ns, reset=self.reset)


@frozen
class SessionEndInput:
    """By its schedule a session is over; one that is logged on is logged out with this text."""

    kind: ClassVar[Kind] = Kind.OPERATOR
    session: int
    #: The moment that the schedule names; the input may come later.
    end_ns: int
    text: str

    def payload(self) -> bytes:
        """The command as JSON."""
        return _json("session-end", end_ns=self.end_ns, text=self.text)


@frozen
class UnlockInput:
    """An operator lifts the lock-out of a session: its failed logons count no more."""

    kind: ClassVar[Kind] = Kind.OPERATOR
    session: int

    def payload(self) -> bytes:
        """The command as JSON."""
        return _json("unlock")


@frozen
class CertificationInput:
    """An operator starts or ends a certification run of a session, or records what came of it."""

    kind: ClassVar[Kind] = Kind.OPERATOR
    session: int
    step: CertificationStep
    #: PASSED: what the session has shown.
    functions: tuple[str, ...] = ()
    #: BEGIN: how long the run lasts at most.
    lasts_ns: int = 0

    def payload(self) -> bytes:
        """The command as JSON."""
        return _json(
            "certification",
            step=self.step.value,
            functions=list(self.functions),
            lasts_ns=self.lasts_ns,
        )


SessionCommand = (
    StopInput
    | ProbeInput
    | NewsInput
    | SessionStartInput
    | SessionEndInput
    | UnlockInput
    | CertificationInput
)


def read_session_command(session: int, command: dict[str, Any]) -> SessionCommand | None:
    """The input that `command` stands for; None when it is none of these."""
    match command["command"]:
        case "logout":
            return StopInput(session, command["text"])
        case "probe":
            return ProbeInput(session, command["wait_ns"])
        case "news":
            return NewsInput(session, command["headline"], tuple(command["lines"]))
        case "session-start":
            return SessionStartInput(session, command["start_ns"], command["reset"])
        case "session-end":
            return SessionEndInput(session, command["end_ns"], command["text"])
        case "unlock":
            return UnlockInput(session)
        case "certification":
            step, functions = CertificationStep(command["step"]), tuple(command["functions"])
            return CertificationInput(session, step, functions, command["lasts_ns"])
        case _:
            return None


def _json(command: str, **content: object) -> bytes:
    return json.dumps(
        {"command": command, **content}, sort_keys=True, separators=(",", ":")
    ).encode("ascii")
