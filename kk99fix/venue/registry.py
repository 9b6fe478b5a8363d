"""Names and ids: who has which id, and the configuration that the engine has been given.

Ids of instruments, firms, accounts and sessions are given out by the CONFIG input, in the order
of names within it, and are never reused: a name that comes back finds its old id.
`plan` puts ids beside the names of a resolved configuration, `plan_change` beside those of a part
of one; `apply` gives either to the engine.

The content of a CONFIG input is what `config.resolve` makes, and under "ids" one table of
name -> id for each of the four kinds, old names included; or, of a change, under "change"

    set     kind -> name -> what is said of it now, whole
    gone    kind -> names of which nothing is said any more

and under "ids" those of the names that are in it.  Changes that follow one upon the other come to
the same content as the whole configuration would.
"""

import json
from collections.abc import Iterable
from typing import Any

from attrs import Factory, define, field

from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import CapacityError
from kk99fix.venue.given import Given

KINDS = ("instruments", "firms", "accounts", "sessions")
#: What may not change of a name that ever had an id.
FIXED = {
    "instruments": ("tick_e8", "lot_e8", "multiplier_e8"),
    "firms": (),
    "accounts": ("firm",),
    "sessions": ("firm", "role", "target_comp_id"),
}


class ConfigRefusedError(Exception):
    """A configuration that the venue cannot take over; the text says why and what to do."""


def identity_mistake(kind: str, name: str, before: dict[str, Any], now: dict[str, Any]) -> str:
    """Say what would change the meaning of records that exist; "" when nothing would."""
    for key in FIXED[kind]:
        if before[key] != now[key]:
            return (
                f"{kind[:-1]} {name}: {key} was {before[key]!r} and is now "
                f"{now[key]!r}, but the journal holds records made with the old value; "
                f"restore it, or give the new one another name"
            )
    return ""


@define
class Registry:
    """The names that ever had an id, and the content that the CONFIG inputs come to."""

    ids: dict[str, dict[str, int]] = Factory(lambda: {kind: {} for kind in KINDS})
    content: dict[str, Any] = Factory(dict)
    #: What was last said of every name that ever had an id, by kind: orders of it may live on.
    _known: dict[str, dict[str, Any]] = Factory(lambda: {kind: {} for kind in KINDS})
    #: Ids of the sessions of which the last CONFIG input said something, or nothing any more.
    concerned: list[int] = Factory(list)
    _given: Given = field(init=False)
    #: Names by id, of the sessions.
    _names: dict[int, str] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Share the table of what is known."""
        self._given = Given(self._known)

    def plan(self, resolved: dict[str, Any]) -> bytes:
        """Content of the CONFIG input for `resolved`: equal content means nothing changed.

        Raises `ConfigRefusedError` when a name changed what may not change under it.
        """
        self._check_identity(resolved)
        ids = {}
        for kind in KINDS:
            table = dict(self.ids[kind])
            for name in sorted(resolved[kind]):
                table.setdefault(name, len(table))
            ids[kind] = table
        return _json({**resolved, "ids": ids})

    def plan_change(self, change: dict[str, dict[str, Any]]) -> bytes:
        """Content of the CONFIG input that changes a part of the configuration.

        Raises `ConfigRefusedError` as `plan` does.
        """
        self._check_identity(change["set"])
        ids: dict[str, dict[str, int]] = {}
        for kind in KINDS:
            free = len(self.ids[kind])
            ids[kind] = {}
            for name in sorted({*change["set"][kind], *change["gone"][kind]}):
                number = self.ids[kind].get(name)
                if number is None:
                    number, free = free, free + 1
                ids[kind][name] = number
        return _json({"change": change, "ids": ids})

    def unchanged(self, content: bytes) -> bool:
        """Whether the engine already has exactly this configuration."""
        return bool(self.content) and bool(json.loads(content) == self.content)

    def apply(self, content: bytes, engine: Engine, *, halted: bool) -> list[int]:
        """Give a configuration or a change of it to the engine.

        Returns the ids of the sessions concerned that may not be logged on: gone, or disabled.
        """
        configuration = json.loads(content)
        change = configuration.get("change")
        if change is not None:
            return self._apply_change(change, configuration["ids"], engine)
        self.content = configuration
        self.ids = configuration["ids"]
        self._name_sessions()
        for kind in KINDS:
            self._known[kind].update(configuration[kind])
        self._given.give_all(engine, self.content, configuration["sessions"], halted=halted)
        self.concerned = sorted(self.ids["sessions"].values())
        return self._out(self.ids["sessions"])

    def saved(self) -> dict[str, Any]:
        """Return the present configuration and what is known of what is gone, as JSON holds it."""
        gone = {
            kind: {
                name: what
                for name, what in self._known[kind].items()
                if name not in self.content.get(kind, {})
            }
            for kind in KINDS
        }
        return {"content": self.content, "gone": gone}

    def restore(self, state: dict[str, Any], engine: Engine, *, halted: bool) -> None:
        """Take over what `saved` described, and give it to an engine that has nothing yet.

        `CapacityError` when there is no room for every name that ever had an id.
        """
        self.content = state["content"]
        if not self.content:
            return
        self.ids = self.content["ids"]
        self._name_sessions()
        for kind in KINDS:
            needed, room = len(self.ids[kind]), getattr(engine.capacity, kind)
            if needed > room:
                raise CapacityError(kind, needed, room)
            self._known[kind].update({**state["gone"][kind], **self.content[kind]})
        self._given.give_all(engine, self.content, self._known["sessions"], halted=halted)

    def session_id(self, comp_id: str) -> int | None:
        """Id of a configured session."""
        if comp_id not in self.content.get("sessions", {}):
            return None
        return self.ids["sessions"][comp_id]

    def session_names(self) -> dict[int, str]:
        """Names of all sessions that ever had an id."""
        return {number: name for name, number in self.ids["sessions"].items()}

    def session(self, session: int) -> dict[str, Any]:
        """What was last said of a session, also when its file is gone."""
        known: dict[str, Any] = self._known["sessions"][self._names[session]]
        return known

    def known(self, kind: str) -> dict[str, dict[str, Any]]:
        """What was last said of every name of this kind that ever had an id."""
        return self._known[kind]

    def is_gone(self, session: int) -> bool:
        """Whether nothing is said of a session any more."""
        return self._names[session] not in self.content["sessions"]

    def _apply_change(
        self, change: dict[str, dict[str, Any]], ids: dict[str, dict[str, int]], engine: Engine
    ) -> list[int]:
        for kind in KINDS:
            self.ids[kind].update(ids[kind])
            self.content[kind].update(change["set"][kind])
            self._known[kind].update(change["set"][kind])
            for name in change["gone"][kind]:
                self.content[kind].pop(name, None)
        self._names.update({number: name for name, number in ids["sessions"].items()})
        self._given.give_change(engine, self.content, change)
        self.concerned = sorted(ids["sessions"].values())
        return self._out([*change["set"]["sessions"], *change["gone"]["sessions"]])

    def _out(self, names: Iterable[str]) -> list[int]:
        """Ids of those among `names` that may not be logged on, in the order of names."""
        sessions, ids = self.content["sessions"], self.ids["sessions"]
        return [
            ids[name]
            for name in sorted(names)
            if name not in sessions or not sessions[name].get("enabled", True)
        ]

    def _name_sessions(self) -> None:
        self._names = self.session_names()

    def _check_identity(self, resolved: dict[str, Any]) -> None:
        """Refuse what would change the meaning of records that exist."""
        for kind in KINDS:
            for name, now in resolved[kind].items():
                before = self._known[kind].get(name, now)
                mistake = identity_mistake(kind, name, before, now)
                if mistake:
                    raise ConfigRefusedError(mistake)


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")
