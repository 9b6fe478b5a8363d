"""Who has shown that its engine can do what it is going to use, and who may try it out now.

A session whose file says `require_certification` enters no orders before it has passed every
function that the file names.  It shows them in a run, which an operator starts and which ends by
itself; during a run it may enter orders where nobody is hurt: on a test venue anywhere, elsewhere
in the instruments that are marked for it.

Rules kept here:

- What was passed is kept for ever, by function and moment, also while the session's file is gone;
  a function that is added to the file has to be passed before the session may go on.
- Only orders and replaces are refused.  Who cancels, asks or resends hurts nobody.
- All of it comes from inputs, so a replay refuses alike.
"""

from collections.abc import Iterable
from typing import Any, Final

from attrs import Factory, define, frozen

from kk99fix.fix import tables
from kk99fix.fix.message import Message
from kk99fix.venue.registry import Registry

#: What an order or a replace of a session that is not certified is refused with ...
NOT_CERTIFIED: Final = tables.REJECT_CODES["NOT_CERTIFIED"].number
#: ... and during its run, outside of the instruments for it.
NOT_FOR_CERTIFICATION: Final = tables.REJECT_CODES["NOT_FOR_CERTIFICATION"].number
_ENTERS_ORDERS: Final = frozenset({b"D", b"G"})
_SYMBOL: Final = 55


@frozen
class CertificationStatus:
    """How a session stands, as an operator sees it."""

    required: bool
    #: Functions that its file names, and when each was passed; None: not yet.
    functions: dict[str, int | None]
    #: Until when its run lasts; None without one.
    run_until_ns: int | None

    @property
    def complete(self) -> bool:
        """Whether every function was passed."""
        return all(passed_ns is not None for passed_ns in self.functions.values())


@define
class Certification:
    """What every session has passed, and whose run is on."""

    _registry: Registry
    #: Session -> function -> when it was passed.
    _passed: dict[int, dict[str, int]] = Factory(dict)
    #: Session -> when its run is over.
    _runs: dict[int, int] = Factory(dict)

    def begin(self, session: int, until_ns: int) -> None:
        """Let a session try itself out until a moment; a run that is on is replaced."""
        self._runs[session] = until_ns

    def end(self, session: int) -> None:
        """End a session's run, if one is on."""
        self._runs.pop(session, None)

    def passed(self, session: int, functions: Iterable[str], now_ns: int) -> None:
        """Take note of what a session has shown."""
        known = self._passed.setdefault(session, {})
        known.update(dict.fromkeys(functions, now_ns))

    def revoke(self, session: int) -> None:
        """Forget all that a session has shown."""
        self._passed.pop(session, None)

    def withholds(self, session: int) -> bool:
        """Whether orders of a session have to be looked at one by one."""
        own = self._own(session)
        return bool(own.get("required")) and not self._complete(session, own["functions"])

    def refusal(self, session: int, message: Message, now_ns: int) -> int:
        """Reason why an order or a replace may not enter now; 0 for none."""
        if message.msg_type not in _ENTERS_ORDERS or not self.withholds(session):
            return 0
        if now_ns >= self._runs.get(session, 0):
            return NOT_CERTIFIED
        content = self._registry.content
        if content["venue"]["test_venue"]:
            return 0
        symbol = (message.get(_SYMBOL) or b"").decode("ascii", "replace")
        meant_for_it = content["instruments"].get(symbol, {}).get("certification", False)
        return 0 if meant_for_it else NOT_FOR_CERTIFICATION

    def status(self, session: int, now_ns: int) -> CertificationStatus:
        """How a session stands."""
        own, known = self._own(session), self._passed.get(session, {})
        until_ns = self._runs.get(session, 0)
        return CertificationStatus(
            required=bool(own.get("required")),
            functions={name: known.get(name) for name in own.get("functions", ())},
            run_until_ns=until_ns if now_ns < until_ns else None,
        )

    def saved(self) -> dict[str, Any]:
        """All of it, as JSON holds it; empty while there is none."""
        if not self._passed and not self._runs:
            return {}
        passed = [[s, dict(sorted(known.items()))] for s, known in sorted(self._passed.items())]
        return {"passed": passed, "runs": sorted(self._runs.items())}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on as what was `saved`."""
        self._passed = {session: dict(known) for session, known in state.get("passed", [])}
        self._runs = dict(state.get("runs", []))

    def _complete(self, session: int, functions: Iterable[str]) -> bool:
        return self._passed.get(session, {}).keys() >= set(functions)

    def _own(self, session: int) -> dict[str, Any]:
        """What was last said of a session; content of before there was such a thing has nothing."""
        own: dict[str, Any] = self._registry.session(session).get("certification", {})
        return own
