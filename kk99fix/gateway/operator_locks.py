"""The operator's commands about lock-out: whose logons failed, who has to wait, and its end.

The state is the venue's (`venue.credentials`); the end of a lock is an input of the journal.
"""

from typing import Any, Final

import trio

from kk99fix.gateway.operator import CommandRefusedError, Operator, Request
from kk99fix.gateway.operator_names import session_named
from kk99fix.gateway.parts import Gateway
from kk99fix.venue.credentials import CredentialStatus, Standing
from kk99fix.venue.session_commands import UnlockInput

#: Sessions looked at before others have their turn.
SESSIONS_AT_ONCE: Final = 50


class LockCommands:
    """Answers what is asked about credentials."""

    def __init__(self, gateway: Gateway) -> None:
        """Take what knows them."""
        self._sequencer = gateway.sequencer

    def add_to(self, operator: Operator) -> None:
        """Offer them."""
        operator.add("locks", self.locks, "all", changes=False)
        operator.add("unlock", self.unlock, "session", changes=True)

    async def locks(self, request: Request) -> dict[str, Any]:
        """Return the credentials that failed lately, or with `all` every one that was tried."""
        every, rows = request.flag("all"), list[dict[str, Any]]()
        venue = self._sequencer.venue
        names = venue.registry.session_names()
        for index, (session, name) in enumerate(sorted(names.items()), start=1):
            found = venue.credentials.status(self._sequencer.pump.now_ns(), session)
            rows += [_row(name, one) for one in found if every or one.failures_of_day]
            if index % SESSIONS_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        return {"now_ns": self._sequencer.pump.now_ns(), "locks": rows}

    async def unlock(self, request: Request) -> dict[str, Any]:
        """Have the failures of a session count no more; used codes stay used."""
        name = request.text("session")
        venue = self._sequencer.venue
        session = session_named(venue.registry, name, gone_too=True)
        known = venue.credentials.status(self._sequencer.pump.now_ns(), session)
        failures = sum(status.failures_of_day for status in known)
        if not failures:
            raise CommandRefusedError(
                f"{name} has no failed logon within 24 hours: nothing holds it up. "
                f"`kk99fix ctl why {name}` says what else may be wrong"
            )
        self._sequencer.apply(UnlockInput(session))
        self._sequencer.commit()
        return {
            "session": name,
            "failures": failures,
            "was_locked": any(status.standing is Standing.LOCKED for status in known),
        }


def _row(name: str, status: CredentialStatus) -> dict[str, Any]:
    return {
        "session": name,
        "credential": status.kind.value,
        "standing": status.standing.value,
        "open_at_ns": status.open_at_ns,
        "failures_of_day": status.failures_of_day,
        "failures_in_a_row": status.failures_in_a_row,
        "last_failure_ns": status.last_failure_ns,
        "last_success_ns": status.last_success_ns,
    }
