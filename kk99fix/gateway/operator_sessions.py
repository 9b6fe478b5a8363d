"""The operator's list of sessions: who is on, since when, from where, and how far each is.

Nothing is kept here: every fact is asked of its owner at the moment of the row.  The rows are made
a few at a time, and the live loop runs in between, so a row is of one moment and the list is not.
"""

import re
from fnmatch import translate
from typing import Any, Final

import trio

from kk99fix.config.schedule_words import opening_words
from kk99fix.config.sessions import SessionFile
from kk99fix.gateway.operator import CommandRefusedError, Operator, Request
from kk99fix.gateway.parts import Gateway
from kk99fix.venue.credentials import CredentialKind, Standing

#: Files looked at before others have their turn: less than half a millisecond.
FILES_AT_ONCE: Final = 20


class SessionList:
    """Answers the command `sessions`."""

    def __init__(self, gateway: Gateway) -> None:
        """Take the parts that know."""
        self._current = gateway.current
        self._connections = gateway.connections
        self._feeder = gateway.feeder
        self._schedules = gateway.schedules
        self._sequencer = gateway.sequencer

    def add_to(self, operator: Operator) -> None:
        """Offer it."""
        operator.add("sessions", self.rows, "names", "online", changes=False)

    async def rows(self, request: Request) -> dict[str, Any]:
        """Return a row for each session whose name fits one of the patterns, or for all."""
        patterns, online = request.texts("names"), request.flag("online")
        wanted = re.compile("|".join(map(translate, patterns)) or ".*")
        found, named = list[dict[str, Any]](), not patterns
        for index, file in enumerate(self._current.settings.sessions, start=1):
            if wanted.fullmatch(file.comp_id):
                named = True
                row = self._row(file)
                if row is not None and (not online or row["state"] != "offline"):
                    found.append(row)
            if index % FILES_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        if not named:
            raise CommandRefusedError(
                f"no session is called {' or '.join(patterns)}; `kk99fix sessions` lists all"
            )
        return {"now_ns": self._sequencer.pump.now_ns(), "sessions": found}

    def _row(self, file: SessionFile) -> dict[str, Any] | None:
        """What is known of a session; None when its file has gone meanwhile."""
        venue = self._sequencer.venue
        session = venue.registry.session_id(file.comp_id)
        if session is None:
            return None
        view, cursor, waiting_bytes = venue.engine.session(session), 0, 0
        if venue.engine.attached(session):
            cursor, waiting_bytes = venue.engine.cursor(session), venue.engine.pending(session)
        return {
            "session": file.comp_id,
            "role": file.session.role,
            "firm": file.session.firm,
            "enabled": file.session.enabled,
            **self._connection(session, established=view.established),
            "next_in": view.next_in,
            "next_out": view.next_out,
            "last_in_ns": view.last_in_ns or None,
            "last_out_ns": view.last_out_ns or None,
            "epoch": view.epoch,
            "open_orders": view.open_orders,
            "waiting_bytes": waiting_bytes,
            "behind": max(0, view.next_out - cursor) if cursor else 0,
            "left_to_feed": self._feeder.left_to_feed(session),
            "cancels_at_ns": venue.returns_until_ns(session),
            "certification": self._certification(session, file),
            "locked": self._locked(session),
            "in_period": self._schedules.in_period(file.comp_id),
            "schedule": None if file.schedule is None else opening_words(file.schedule),
        }

    def _certification(self, session: int, file: SessionFile) -> dict[str, Any] | None:
        """What it has passed of what its file names; None where the file names nothing."""
        if not file.certification.functions:
            return None
        status = self._sequencer.venue.certification.status(session, self._sequencer.pump.now_ns())
        return {
            "required": status.required,
            "passed": sum(passed_ns is not None for passed_ns in status.functions.values()),
            "functions": len(status.functions),
            "run_until_ns": status.run_until_ns,
        }

    def _locked(self, session: int) -> str | None:
        """Whether one of its credentials may not be tried now, and why."""
        credentials, now_ns = self._sequencer.venue.credentials, self._sequencer.pump.now_ns()
        standings = {credentials.standing(session, kind, now_ns) for kind in CredentialKind}
        for standing in (Standing.LOCKED, Standing.BACKED_OFF):
            if standing in standings:
                return standing.value
        return None

    def _connection(self, session: int, *, established: bool) -> dict[str, Any]:
        connection = self._connections.of(session)
        if connection is None:
            return {"state": "offline", "address": None, "tls": None, "since_ns": None}
        state = "logging on"
        if connection.closing_until_ns is not None:
            state = "closing"
        elif established:
            state = "online"
        return {
            "state": state,
            "address": connection.peer.address,
            "tls": connection.peer.tls,
            "since_ns": connection.since_ns,
        }
