"""The gateway's reloader in virtual time: what its process reads, and the steps that follow.

Files are looked at twice with a pause in between, as the real one waits for a file to be still;
the steps of a plan are events, between which everything else may happen.
"""

import pickle
from collections.abc import Callable

from kk99fix.config.plan import Step
from kk99fix.config.session_files import SessionFiles
from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.reloader import Folders, follow
from simulation.time_line import NS_PER_MS, NS_PER_S
from simulation.units import require

PAUSE_NS = 400 * NS_PER_MS
STEP_NS = 3 * NS_PER_MS

#: Runs a task after some nanoseconds, while the process lives.
Later = Callable[[int, Callable[[], None]], None]


class LiveFiles:
    """Follows the files for one life of the gateway."""

    def __init__(self, gateway: Gateway, folders: Folders, later: Later) -> None:
        """Begin where the start has left off."""
        self._reloader = follow(
            folders, gateway.current, gateway.sequencer, gateway.connections, gateway.log
        )
        begin = pickle.loads(pickle.dumps(self._reloader._begin()))  # noqa: S301 - our own
        self._files = SessionFiles(
            begin.config_dir, begin.sessions_dir, begin.settings, begin.identities, begin.resolved
        )
        self._gateway = gateway
        self._later = later
        self._busy = False
        self._now_s = 0.0
        self.reloads = 0

    def look(self) -> None:
        """Look at the files, and carry out what has changed, in a while."""
        if not self._busy:
            self._busy = True
            self._look_once()
            self._later(PAUSE_NS, self._take)

    def _look_once(self) -> tuple[Step, ...]:
        self._now_s += PAUSE_NS / NS_PER_S
        plan = self._files.look(self._now_s)
        require(not plan.refused_all, "our own fault", plan.refused_all)
        if plan.risk is not None:
            self._gateway.current.update_risk(plan.risk)
        return plan.steps

    def _take(self) -> None:
        steps = self._look_once()
        self.reloads += bool(steps)
        self._carry_out(list(steps))

    def _carry_out(self, steps: list[Step]) -> None:
        if not steps:
            self._busy = False
            return
        self._reloader.reload.carry_out(steps.pop(0))
        self._later(STEP_NS, lambda: self._carry_out(steps))
