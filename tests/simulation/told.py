"""What the venue has been told of its configuration, unit by unit.

The venue's own registry may be further than what is recorded, and what is recorded is judged by
what applied then.
"""

import copy
import json
from typing import Any

import attrs

from kk99fix.journal.record import Kind
from simulation.units import Unit


@attrs.define
class Told:
    """The configuration as the CONFIG inputs so far say it."""

    content: dict[str, Any] = attrs.field(factory=dict)
    _known: dict[str, dict[str, Any]] = attrs.field(factory=dict)

    def see(self, unit: Unit) -> None:
        """Take one unit in."""
        if unit.kind is not Kind.CONFIG:
            return
        said = json.loads(unit.input.payload)
        change = said.get("change")
        if change is None:
            self.content = said
        else:
            self.content = copy.deepcopy(self.content)
            for kind in change["set"]:
                self.content[kind].update(change["set"][kind])
                self.content["ids"][kind].update(said["ids"][kind])
                for name in change["gone"][kind]:
                    self.content[kind].pop(name, None)
        for kind in ("accounts", "sessions"):
            self._known.setdefault(kind, {}).update(self.content[kind])

    def session(self, session: int) -> dict[str, Any]:
        """What was last said of a session."""
        ids = self.content["ids"]["sessions"]
        name = next(name for name, number in ids.items() if number == session)
        known: dict[str, Any] = self._known["sessions"][name]
        return known

    def known(self, kind: str) -> dict[str, Any]:
        """What was last said of every account."""
        return self._known[kind]

    def out(self) -> set[str]:
        """Sessions that may not be logged on."""
        sessions = self.content["sessions"]
        gone: set[str] = self.content["ids"]["sessions"].keys() - sessions.keys()
        return gone | {name for name, own in sessions.items() if not own["enabled"]}
