"""What people ask of the running gateway: a table of commands, and who asked for what.

A command has a name, arguments from one JSON object, and a handler that answers with another.
Whoever has something to offer adds it with `Operator.add`; whatever changes the venue is an input
and goes through the sequencer as everybody else's.

Rules kept here:

- Each command is a line in the log with the uid and the pid of who asked, before it is carried out.
  A query that is repeated on one connection, as a listing that refreshes is, is logged once.
- What cannot be done as it was asked is a value, `CommandRefusedError`, with a text that says why
  and what would be right.  A fault of ours is an answer too, and its traceback goes to the log.
- Handlers run beside the live loop: one that has much to do lets the others in between.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from attrs import define, field, frozen

from kk99fix.gateway.logs import Log

LOGGED_MAX_CHARACTERS: Final = 500
FAULT_TEXT: Final = "a fault of the gateway; the log line `fault ended an operator command` has it"


class CommandRefusedError(Exception):
    """A command that cannot be carried out; the text is for the person who gave it."""


@frozen
class Caller:
    """Who asks, as the system says."""

    uid: int
    pid: int


@frozen
class Request:
    """One command."""

    command: str
    caller: Caller
    arguments: dict[str, Any]

    def text(self, name: str, otherwise: str | None = None) -> str:
        """Return an argument that is text; `CommandRefusedError`."""
        value = self.arguments.get(name, otherwise)
        if not isinstance(value, str):
            raise CommandRefusedError(f'"{name}" of {self.command!r} has to be text')
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return an argument that is a list of texts, empty where it is left out."""
        value = self.arguments.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise CommandRefusedError(f'"{name}" of {self.command!r} has to be a list of texts')
        return tuple(value)

    def number(self, name: str, otherwise: int) -> int:
        """Return an argument that is a whole number from 0 on."""
        value = self.arguments.get(name, otherwise)
        if type(value) is not int or value < 0:
            raise CommandRefusedError(f'"{name}" of {self.command!r} has to be a number from 0 on')
        return value

    def flag(self, name: str) -> bool:
        """Return an argument that is true or false, false where it is left out."""
        value = self.arguments.get(name, False)
        if not isinstance(value, bool):
            raise CommandRefusedError(f'"{name}" of {self.command!r} has to be true or false')
        return value


#: Carries a command out; raises `CommandRefusedError`.
Handler = Callable[[Request], Awaitable[dict[str, Any]]]


@frozen
class _Entry:
    handler: Handler
    #: Names that its request may have.
    arguments: frozenset[str]
    #: Whether it changes something; else it is a query.
    changes: bool


@define
class Operator:
    """The table; one for the process."""

    log: Log
    _entries: dict[str, _Entry] = field(factory=dict)

    def add(self, name: str, handler: Handler, *arguments: str, changes: bool) -> None:
        """Offer a command that takes these `arguments`."""
        assert name not in self._entries, name
        self._entries[name] = _Entry(handler, frozenset(arguments), changes)

    @property
    def commands(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._entries))

    async def answer(self, request: Request, *, repeated: bool = False) -> dict[str, Any]:
        """Carry a command out: what it answers, or an error in words."""
        entry = self._entries.get(request.command)
        caller = request.caller
        if entry is None or entry.changes or not repeated:
            self.log.info(
                "operator command",
                command=request.command[:64],
                arguments=json.dumps(request.arguments)[:LOGGED_MAX_CHARACTERS],
                uid=caller.uid,
                pid=caller.pid,
            )
        try:
            return {"ok": True} | await self._handler(request, entry)(request)
        except CommandRefusedError as error:
            self.log.warning(
                "operator command refused",
                command=request.command[:64],
                uid=caller.uid,
                pid=caller.pid,
                error=str(error),
            )
            return {"ok": False, "error": str(error)}
        except Exception:
            self.log.exception("fault ended an operator command", command=request.command)
            return {"ok": False, "error": FAULT_TEXT}

    def _handler(self, request: Request, entry: _Entry | None) -> Handler:
        if entry is None:
            known = ", ".join(self.commands)
            raise CommandRefusedError(f"there is no command {request.command!r}; {known} are")
        unknown = sorted(request.arguments.keys() - entry.arguments)
        if unknown:
            known = ", ".join(sorted(entry.arguments)) or "none"
            raise CommandRefusedError(
                f"{request.command!r} has no argument {unknown[0]!r}; it takes {known}"
            )
        return entry.handler
