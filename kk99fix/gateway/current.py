"""The settings that apply now: the one holder of the session files in the running gateway.

Who needs something of a session file asks here at the moment of use, and keeps nothing of it
beyond that; who prepares something from the files is told when they change.
A file is replaced whole and never changed, so a task that awaits may compare what it has read
with what applies.  A change costs what it is about, however many files there are.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping

from attrs import evolve

from kk99fix.config.load import Settings
from kk99fix.config.risk import RiskFile
from kk99fix.config.sessions import SessionFile
from kk99fix.config.values import Network

#: Told of the sessions whose files have come, changed or gone.
Listener = Callable[[frozenset[str]], None]


class Current:
    """What applies now; one for the process."""

    def __init__(self, settings: Settings) -> None:
        """Begin with the files of the start."""
        self._beside = settings
        self._files: dict[str, SessionFile] = {}
        self._networks: Counter[Network] = Counter()
        self._listeners: list[Listener] = []
        self.update({file.comp_id: file for file in settings.sessions})

    @property
    def settings(self) -> Settings:
        """Everything that the files say."""
        sessions = tuple(self._files[name] for name in sorted(self._files))
        return evolve(self._beside, sessions=sessions)

    @property
    def networks(self) -> Collection[Network]:
        """From where some session may log on."""
        return self._networks.keys()

    @property
    def comp_ids(self) -> frozenset[str]:
        """Names of all sessions that have a file."""
        return frozenset(self._files)

    def session(self, comp_id: str) -> SessionFile | None:
        """Return the file of the session of this SenderCompID(49), None where there is none."""
        return self._files.get(comp_id)

    def subscribe(self, listener: Listener) -> None:
        """Have `listener` called after each change."""
        self._listeners.append(listener)

    def update(self, files: Mapping[str, SessionFile | None]) -> None:
        """Have these files apply from now on; None: the session's is gone."""
        for comp_id, file in files.items():
            self._leave(self._files.pop(comp_id, None))
            if file is not None:
                self._files[comp_id] = file
                self._networks.update(file.logon.allow_from)
        for listener in self._listeners:
            listener(frozenset(files))

    def update_risk(self, risk: RiskFile) -> None:
        """Have this risk.toml apply from now on."""
        self._beside = evolve(self._beside, risk=risk)

    def _leave(self, file: SessionFile | None) -> None:
        """Forget the networks that only this file named."""
        for network in () if file is None else file.logon.allow_from:
            self._networks[network] -= 1
            if not self._networks[network]:
                del self._networks[network]
