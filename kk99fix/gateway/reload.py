"""A plan of the session files carried out: the little that has changed, step by step.

A step is applied without a wait in between, so nobody sees half of one: the CONFIG input, the
files by which logons are decided, and the end of connections that may not be any more.
Between two steps everybody else has a turn.

A counterparty whose network was withdrawn is cut; one whose password, key or other way of logging
on has changed stays until it logs on again.
"""

from typing import Any

from attrs import define, field

from kk99fix.config.plan import Plan, Step
from kk99fix.gateway.addresses import within
from kk99fix.gateway.connections import Connections
from kk99fix.gateway.current import Current
from kk99fix.gateway.exposures import LIMIT_BELOW_EXPOSURE, below_exposure
from kk99fix.gateway.logs import Log
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.venue.inputs import ConfigInput

NETWORK_WITHDRAWN = "network-withdrawn"


@define
class Report:
    """What has come of the files, for whoever asks."""

    changed: set[str] = field(factory=set)
    risk_changed: bool = False
    #: Limits that were below what was open, the last of each name.
    exposures: dict[str, dict[str, Any]] = field(factory=dict)
    refused: dict[str, tuple[str, ...]] = field(factory=dict)
    restart: tuple[str, ...] = ()
    #: Why the last look came to nothing; empty where it did not.
    not_read: str = ""

    def add(self, plan: Plan) -> None:
        """Take in what a plan says."""
        self.not_read = ""
        self.changed.update(plan.changed)
        self.risk_changed |= plan.risk_changed
        self.refused, self.restart = plan.refused_all, plan.restart

    def answer(self) -> dict[str, Any]:
        """Return it for the operator."""
        return {
            "changed": sorted(self.changed),
            "risk_changed": self.risk_changed,
            "below_exposure": [each for _, each in sorted(self.exposures.items())],
            "refused": [
                {"file": file, "mistakes": list(texts)}
                for file, texts in sorted(self.refused.items())
            ],
            "restart_needed": list(self.restart),
            "not_read": self.not_read,
        }


class Reload:
    """Carries steps out."""

    def __init__(
        self, current: Current, sequencer: Sequencer, connections: Connections, log: Log
    ) -> None:
        """Take the parts that a change concerns."""
        self._current = current
        self._sequencer = sequencer
        self._connections = connections
        self._log = log

    def carry_out(self, step: Step) -> dict[str, dict[str, Any]]:
        """Have a step apply, and return limits that are below what is open now, by name.

        `ConfigRefusedError` before anything of it does.
        """
        if step.change is not None:
            content = self._sequencer.venue.registry.plan_change(step.change)
            self._sequencer.apply(ConfigInput(content))
        self._current.update(step.files)
        self._withdraw(step)
        self._sequencer.commit()
        if step.files:
            self._log.info("session files taken over", sessions=sorted(step.files))
        if step.change is None:
            return {}
        exposures = dict(below_exposure(self._sequencer.venue, step.change["set"]))
        for exposure in exposures.values():
            self._log.warning(LIMIT_BELOW_EXPOSURE, **exposure)
        return exposures

    def _withdraw(self, step: Step) -> None:
        """Cut who is connected from where it may not be any more."""
        for comp_id, file in step.files.items():
            session = self._sequencer.venue.registry.session_id(comp_id)
            if file is None or session is None:
                continue
            address = self._connections.address_of(session)
            if address is not None and not within(address, file.logon.allow_from):
                self._connections.close(session, NETWORK_WITHDRAWN)
