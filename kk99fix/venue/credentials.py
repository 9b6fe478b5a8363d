"""What the venue knows of each credential: what was used up, who guessed, and who has to wait.

A credential is one way in which one session proves who it is: a password, with or without a code,
or a signature.  Its state comes from inputs alone: a LOGON says what proved it, a LOGON_FAILED that
it was tried in vain, and an operator's command lifts what came of that.  So it survives every
restart, and a session whose file goes and comes back finds it as it was.

Rules kept here:

- A TOTP step is accepted once, ever, and only if it is later than every one accepted before; so is
  the SendingTime(52) under a signature.  Nothing lifts that.
- At most `GUESSES_A_DAY` failures lie within any 24 hours; with so many the credential is locked,
  until one of them is a day old or an operator lifts it.
- Before that, each failure since the last success makes the next try wait, twice as long each
  time.  A success ends the waiting and gives no guesses back: whoever guesses at a credential that
  is in daily use gets no more of them.

Who is counted at all (only what passed network and certificate) is the gateway's to keep.
"""

import enum
from bisect import bisect_right
from typing import Any, Final

from attrs import Factory, asdict, define, frozen

NS_PER_S: Final = 1_000_000_000
DAY_NS: Final = 86_400 * NS_PER_S
#: Failures within any 24 hours after which a credential is locked.
GUESSES_A_DAY: Final = 50
#: Failures in a row that cost no waiting: people mistype.
FREE_FAILURES: Final = 5
#: The first wait; each further failure doubles it, up to the longest.
FIRST_WAIT_NS: Final = NS_PER_S
LONGEST_WAIT_NS: Final = 600 * NS_PER_S


class CredentialKind(enum.StrEnum):
    """How a session proves who it is."""

    #: Password(554), and a TOTP code where the session file asks for one.
    PASSWORD = "password"  # noqa: S105 - the name of a kind
    #: A signature in RawData(96).
    SIGNATURE = "signature"


class Standing(enum.StrEnum):
    """Whether a credential may be tried now."""

    OPEN = "open"
    #: Failures in a row: it has to wait a little.
    BACKED_OFF = "backed-off"
    #: As many failures as a day may have.
    LOCKED = "locked"


@frozen
class Proof:
    """What proved a Logon(A), as its LOGON input carries it."""

    kind: CredentialKind
    #: The time step of the TOTP code, where one was asked for.
    totp_step: int | None = None
    #: SendingTime(52) under the signature.
    signed_ns: int | None = None


@frozen
class CredentialStatus:
    """A credential as an operator sees it."""

    session: int
    kind: CredentialKind
    standing: Standing
    #: When it may be tried again; None while it may.
    open_at_ns: int | None
    #: Failures of the last 24 hours, and those since the last success among them.
    failures_of_day: int
    failures_in_a_row: int
    last_failure_ns: int | None
    last_success_ns: int | None
    #: The time step of the last code that was accepted.
    last_totp_step: int | None


@define
class _State:
    """What is known of one credential."""

    last_totp_step: int | None = None
    last_signed_ns: int | None = None
    last_success_ns: int | None = None
    #: The newest ones, oldest first; never more than a day may have.
    failures_ns: list[int] = Factory(list)
    in_a_row: int = 0

    def of_day(self, now_ns: int) -> list[int]:
        """Return the failures of the last 24 hours."""
        return self.failures_ns[bisect_right(self.failures_ns, now_ns - DAY_NS) :]

    def locked_until_ns(self, now_ns: int) -> int | None:
        """Return when the lock ends by itself; None where there is none."""
        recent = self.of_day(now_ns)
        return recent[-GUESSES_A_DAY] + DAY_NS if len(recent) >= GUESSES_A_DAY else None

    def row(self, now_ns: int) -> int:
        """Return the failures since the last success, those of the last 24 hours."""
        return min(self.in_a_row, len(self.of_day(now_ns)))

    def waits_until_ns(self, now_ns: int) -> int | None:
        """Return when the back-off is over; None where there is none."""
        waits = self.row(now_ns) - FREE_FAILURES - 1
        if waits < 0:
            return None
        # Doubling ends long before the numbers grow out of hand.
        wait_ns = min(FIRST_WAIT_NS << min(waits, 32), LONGEST_WAIT_NS)
        until_ns = self.failures_ns[-1] + wait_ns
        return until_ns if now_ns < until_ns else None


class Credentials:
    """The credentials of all sessions that ever tried one; see the top of this module."""

    def __init__(self) -> None:
        """Begin with nobody known."""
        self._states: dict[tuple[int, CredentialKind], _State] = {}

    # ------------------------------------------------------------------ what inputs change

    def succeeded(self, session: int, proof: Proof, now_ns: int) -> None:
        """A Logon(A) was proved; what proved it is used up."""
        state = self._states.setdefault((session, proof.kind), _State())
        assert self.is_unused(session, proof), "a code or a signature is accepted once"
        if proof.totp_step is not None:
            state.last_totp_step = proof.totp_step
        if proof.signed_ns is not None:
            state.last_signed_ns = proof.signed_ns
        state.last_success_ns = now_ns
        state.in_a_row = 0

    def failed(self, session: int, kind: CredentialKind, now_ns: int) -> None:
        """A credential was tried in vain."""
        state = self._states.setdefault((session, kind), _State())
        state.failures_ns = [*state.of_day(now_ns), now_ns][-GUESSES_A_DAY:]
        state.in_a_row += 1

    def unlock(self, session: int) -> None:
        """Forget the failures of a session; what is used up stays so."""
        for (owner, _), state in self._states.items():
            if owner == session:
                state.failures_ns = []
                state.in_a_row = 0

    # ------------------------------------------------------------------ what may be asked

    def standing(self, session: int, kind: CredentialKind, now_ns: int) -> Standing:
        """Whether a credential may be tried now."""
        state = self._states.get((session, kind), _State())
        if state.locked_until_ns(now_ns) is not None:
            return Standing.LOCKED
        return Standing.OPEN if state.waits_until_ns(now_ns) is None else Standing.BACKED_OFF

    def is_unused(self, session: int, proof: Proof) -> bool:
        """Whether code or signature are later than every one accepted before."""
        state = self._states.get((session, proof.kind), _State())
        return _is_later(proof.totp_step, state.last_totp_step) and _is_later(
            proof.signed_ns, state.last_signed_ns
        )

    def last_totp_step(self, session: int) -> int:
        """The time step of the last code accepted; 0 before the first."""
        state = self._states.get((session, CredentialKind.PASSWORD), _State())
        return state.last_totp_step or 0

    def status(self, now_ns: int, session: int | None = None) -> tuple[CredentialStatus, ...]:
        """What an operator may know, of every credential or of one session's."""
        every = [(session, kind) for kind in CredentialKind] if session is not None else None
        return tuple(
            _status(owner, kind, self._states[owner, kind], now_ns)
            for owner, kind in sorted(every or self._states)
            if (owner, kind) in self._states
        )

    def held(self, now_ns: int) -> dict[str, int]:
        """How many credentials may not be tried now, by their standing."""
        standings = [
            self.standing(session, kind, now_ns)
            for (session, kind), state in self._states.items()
            if state.failures_ns
        ]
        kept = (Standing.BACKED_OFF, Standing.LOCKED)
        return {standing.value: standings.count(standing) for standing in kept}

    # ------------------------------------------------------------------ snapshots

    def saved(self) -> list[Any]:
        """Return all of it, as JSON holds it."""
        return [
            [session, kind.value, asdict(state)]
            for (session, kind), state in sorted(self._states.items())
        ]

    def restore(self, saved: list[Any]) -> None:
        """Take over what `saved` described."""
        self._states = {
            (session, CredentialKind(kind)): _State(**state) for session, kind, state in saved
        }


def _is_later(value: int | None, last: int | None) -> bool:
    return value is None or last is None or value > last


def _status(session: int, kind: CredentialKind, state: _State, now_ns: int) -> CredentialStatus:
    locked_ns, waits_ns = state.locked_until_ns(now_ns), state.waits_until_ns(now_ns)
    standing = Standing.OPEN if waits_ns is None else Standing.BACKED_OFF
    return CredentialStatus(
        session=session,
        kind=kind,
        standing=standing if locked_ns is None else Standing.LOCKED,
        open_at_ns=max((due for due in (locked_ns, waits_ns) if due is not None), default=None),
        failures_of_day=len(state.of_day(now_ns)),
        failures_in_a_row=state.row(now_ns),
        last_failure_ns=state.failures_ns[-1] if state.failures_ns else None,
        last_success_ns=state.last_success_ns,
        last_totp_step=state.last_totp_step,
    )
