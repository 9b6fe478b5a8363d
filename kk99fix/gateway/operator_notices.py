"""The operator's commands to sessions that are logged on: a notice, and a logout.

Both are inputs of the journal.
What goes to many sessions goes in slices, and the live loop runs in between.
"""

from typing import Any, Final

import trio

from kk99fix.gateway.operator import CommandRefusedError, Operator, Request
from kk99fix.gateway.operator_names import session_named
from kk99fix.gateway.parts import Gateway
from kk99fix.venue.session_commands import NewsInput, StopInput

#: Sessions told before others have their turn.
TOLD_AT_ONCE: Final = 10
TEXT_MAX_CHARACTERS: Final = 200
LINES_MAX: Final = 20
LOGOUT_TEXT: Final = "logged out by the operator"


class SessionCommands:
    """Carries out what the operator wants of sessions."""

    def __init__(self, gateway: Gateway) -> None:
        """Take what knows sessions and applies inputs."""
        self._current = gateway.current
        self._sequencer = gateway.sequencer
        self._connections = gateway.connections

    def add_to(self, operator: Operator) -> None:
        """Offer them."""
        operator.add("news", self.news, "headline", "lines", "sessions", changes=True)
        operator.add("disconnect", self.disconnect, "session", "text", changes=True)

    async def news(self, request: Request) -> dict[str, Any]:
        """Send a News(B) to the sessions named, or to everybody who is logged on."""
        headline, lines = request.text("headline"), request.texts("lines")
        if not 1 <= len(lines) <= LINES_MAX:
            raise CommandRefusedError(f"a news has 1 to {LINES_MAX} lines, and this {len(lines)}")
        for text in (headline, *lines):
            _check_text(text)
        named = request.texts("sessions")
        wanted = [session_named(self._sequencer.venue.registry, name) for name in named]
        names = self._sequencer.venue.registry.session_names()
        told = []
        for index, session in enumerate(wanted or self._sequencer.venue.live_sessions, start=1):
            # Who logs out meanwhile has nothing sent to it.
            if self._sequencer.venue.engine.session(session).established:
                self._sequencer.apply(NewsInput(session, headline, lines))
                self._sequencer.commit()
                told.append(names[session])
            if index % TOLD_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        return {"told": told, "not_online": sorted(set(named) - set(told))}

    async def disconnect(self, request: Request) -> dict[str, Any]:
        """Log a session out: News is not sent, its orders stay, and it may log on again."""
        name, text = request.text("session"), request.text("text", LOGOUT_TEXT)
        _check_text(text)
        session = session_named(self._sequencer.venue.registry, name)
        if not self._sequencer.venue.is_live(session):
            raise CommandRefusedError(f"{name} has no connection; `kk99fix sessions` says who has")
        address = self._connections.address_of(session)
        open_orders = self._sequencer.venue.engine.session(session).open_orders
        self._sequencer.apply(StopInput(session, text))
        self._sequencer.commit()
        return {"session": name, "address": address, "open_orders": open_orders}


def _check_text(text: str) -> None:
    if not (1 <= len(text) <= TEXT_MAX_CHARACTERS and text.isascii() and text.isprintable()):
        raise CommandRefusedError(
            f"{text[:40]!r} cannot be sent: 1 to {TEXT_MAX_CHARACTERS} printable ASCII characters "
            f"would be right"
        )
