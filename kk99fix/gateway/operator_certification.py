"""The operator's commands about certification: how a session stands, a run, and what came of it.

A run is watched by `kk99fix certify`, which reads the journal from the place that is answered here.
Whatever changes something is an input of the journal.
"""

from typing import Any, Final

from kk99fix.gateway.operator import CommandRefusedError, Operator, Request
from kk99fix.gateway.operator_names import session_named
from kk99fix.gateway.parts import Gateway
from kk99fix.venue.session_commands import CertificationInput, CertificationStep

NS_PER_S: Final = 1_000_000_000
#: A run that its command has forgotten is over after this time at the latest.
RUN_MAX_S: Final = 86_400


class CertificationCommands:
    """Carries them out."""

    def __init__(self, gateway: Gateway) -> None:
        """Take what applies inputs, and the settings of now."""
        self._sequencer = gateway.sequencer
        self._current = gateway.current
        self._writer = gateway.storage.writer
        self._log = gateway.operator.log

    def add_to(self, operator: Operator) -> None:
        """Offer them."""
        operator.add("certification", self.standing, "session", changes=False)
        operator.add("certify", self.certify, "session", "step", "functions", "seconds",
                     changes=True)  # fmt: skip

    async def standing(self, request: Request) -> dict[str, Any]:
        """How a session stands, and what it may be certified with."""
        return self._standing(request.text("session"))

    async def certify(self, request: Request) -> dict[str, Any]:
        """Begin or end a run, record what was passed, or take it back."""
        name, functions = request.text("session"), request.texts("functions")
        session = session_named(self._sequencer.venue.registry, name)
        step = self._step(request)
        lasts_s = request.number("seconds", 0)
        if step is CertificationStep.BEGIN and not 1 <= lasts_s <= RUN_MAX_S:
            raise CommandRefusedError(f'"seconds" of a run has to be from 1 to {RUN_MAX_S}')
        if step is CertificationStep.PASSED:
            self._check_functions(name, session, functions)
        self._sequencer.apply(CertificationInput(session, step, functions, lasts_s * NS_PER_S))
        self._sequencer.commit()
        if step in {CertificationStep.PASSED, CertificationStep.REVOKE}:
            self._log.info(
                "certification changed", session=name, step=step.value, functions=functions
            )
        return self._standing(name)

    def _standing(self, name: str) -> dict[str, Any]:
        venue = self._sequencer.venue
        session = session_named(venue.registry, name)
        status = venue.certification.status(session, venue.last_ns)
        content = venue.registry.content
        return {
            "session": name,
            "session_id": session,
            "online": venue.engine.session(session).established,
            "dialect": content["sessions"][name]["dialect"],
            "required": status.required,
            "complete": status.complete,
            "functions": status.functions,
            "run_until_ns": status.run_until_ns,
            "test_venue": content["venue"]["test_venue"],
            "instruments": self._instruments(content),
            "lsn": venue.engine.next_lsn - 1,
            "segment": self._writer.statistics().segment,
        }

    @staticmethod
    def _instruments(content: dict[str, Any]) -> dict[str, dict[str, int]]:
        """Open instruments that a run may use, those marked for it first."""
        rows = [(symbol, row) for symbol, row in content["instruments"].items() if row["open"]]
        rows.sort(key=lambda each: (not each[1].get("certification", False), each[0]))
        keys = ("tick_e8", "lot_e8", "reference_price_e8", "band_e8")
        anywhere = content["venue"]["test_venue"]
        return {
            symbol: {key: row[key] for key in keys}
            for symbol, row in rows
            if anywhere or row.get("certification", False)
        }

    @staticmethod
    def _step(request: Request) -> CertificationStep:
        step = request.text("step")
        if step not in list(CertificationStep):
            right = ", ".join(CertificationStep)
            raise CommandRefusedError(f"{step!r} is no step of a certification; {right} are")
        return CertificationStep(step)

    def _check_functions(self, name: str, session: int, functions: tuple[str, ...]) -> None:
        venue = self._sequencer.venue
        known = venue.certification.status(session, venue.last_ns).functions
        for function in functions:
            if function not in known:
                raise CommandRefusedError(
                    f"{function!r} is no function that the file of {name} names under "
                    f"[certification]; {', '.join(known) or 'none'} are"
                )
