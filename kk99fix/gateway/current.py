"""The settings that apply now: the one holder of the session files in the running gateway.

Who needs something of a session file asks here at the moment of use, and keeps nothing of it
beyond that; who prepares something from the files is told when they change.
The settings are replaced whole and never changed, so a task that awaits may go on with what it has
read until it asks again.
"""

from collections.abc import Callable, Iterable
from typing import Self

from attrs import frozen

from kk99fix.config.load import Settings
from kk99fix.config.sessions import SessionFile
from kk99fix.config.values import Network

#: Told of the sessions whose files have come, changed or gone.
Listener = Callable[[frozenset[str]], None]


@frozen
class View:
    """Settings and what is looked up in them; made wherever there is time for it."""

    settings: Settings
    by_comp_id: dict[str, SessionFile]
    #: From where some session may log on.
    networks: frozenset[Network]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return a view of `settings`."""
        return cls(
            settings,
            {file.comp_id: file for file in settings.sessions},
            frozenset(_networks(settings.sessions)),
        )


class Current:
    """The view that applies now; one for the process."""

    def __init__(self, settings: Settings) -> None:
        """Begin with the files of the start."""
        self._view = View.of(settings)
        self._listeners: list[Listener] = []

    @property
    def settings(self) -> Settings:
        """Everything that the files say."""
        return self._view.settings

    @property
    def networks(self) -> frozenset[Network]:
        """From where some session may log on."""
        return self._view.networks

    def session(self, comp_id: str) -> SessionFile | None:
        """Return the file of the session of this SenderCompID(49), None where there is none."""
        return self._view.by_comp_id.get(comp_id)

    def subscribe(self, listener: Listener) -> None:
        """Have `listener` called after each change."""
        self._listeners.append(listener)

    def replace(self, view: View, changed: frozenset[str]) -> None:
        """Have `view` apply from now on; `changed` names the sessions in which it differs."""
        self._view = view
        for listener in self._listeners:
            listener(changed)


def _networks(files: Iterable[SessionFile]) -> Iterable[Network]:
    return (network for file in files for network in file.logon.allow_from)
