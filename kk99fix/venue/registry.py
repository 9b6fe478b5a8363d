"""Names and ids: who has which id, and the configuration that the engine has been given.

Ids of instruments, firms, accounts and sessions are given out by the CONFIG input, in the order
of names within it, and are never reused: a name that comes back finds its old id.
`plan` puts ids beside the names of a resolved configuration; `apply` gives it to the engine.

The content of a CONFIG input is what `config.resolve` makes, and under "ids" one table of
name -> id for each of the four kinds, old names included.
"""

import json
from typing import Any

from attrs import Factory, define

from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import CapacityError, Limits, ThrottleLimits

KINDS = ("instruments", "firms", "accounts", "sessions")


class ConfigRefusedError(Exception):
    """A configuration that the venue cannot take over; the text says why and what to do."""


@define
class Registry:
    """The names that ever had an id, and the content of the last CONFIG input."""

    ids: dict[str, dict[str, int]] = Factory(lambda: {kind: {} for kind in KINDS})
    content: dict[str, Any] = Factory(dict)
    #: What was last said of every name that ever had an id, by kind: orders of it may live on.
    _known: dict[str, dict[str, Any]] = Factory(lambda: {kind: {} for kind in KINDS})

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
        return json.dumps({**resolved, "ids": ids}, sort_keys=True, separators=(",", ":")).encode(
            "ascii"
        )

    def unchanged(self, content: bytes) -> bool:
        """Whether the engine already has exactly this configuration."""
        return bool(self.content) and bool(json.loads(content) == self.content)

    def apply(self, content: bytes, engine: Engine, *, halted: bool) -> list[int]:
        """Give the configuration to the engine; returns the ids of sessions now disabled."""
        configuration = json.loads(content)
        self.content = configuration
        self.ids = configuration["ids"]
        for kind in KINDS:
            self._known[kind].update(configuration[kind])
        self._set_all(engine, configuration["sessions"], halted=halted)
        return [
            number
            for name, number in sorted(self.ids["sessions"].items())
            if name not in configuration["sessions"]
        ]

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
        for kind in KINDS:
            needed, room = len(self.ids[kind]), getattr(engine.capacity, kind)
            if needed > room:
                raise CapacityError(kind, needed, room)
            self._known[kind] = {**state["gone"][kind], **self.content[kind]}
        self._set_all(engine, self._known["sessions"], halted=halted)

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
        known: dict[str, Any] = self._known["sessions"][self.session_names()[session]]
        return known

    def _check_identity(self, resolved: dict[str, Any]) -> None:
        """Refuse what would change the meaning of records that exist."""
        fixed = {
            "instruments": ("tick_e8", "lot_e8", "multiplier_e8"),
            "accounts": ("firm",),
            "sessions": ("firm", "role", "target_comp_id"),
        }
        for kind, keys in fixed.items():
            for name, now in resolved[kind].items():
                before = self._known[kind].get(name, now)
                for key in keys:
                    if before[key] != now[key]:
                        raise ConfigRefusedError(
                            f"{kind[:-1]} {name}: {key} was {before[key]!r} and is now "
                            f"{now[key]!r}, but the journal holds records made with the old value; "
                            f"restore it, or give the new one another name"
                        )

    def _set_instrument(self, engine: Engine, symbol: str, *, listed: bool) -> None:
        """An instrument that is not listed any more is closed; its orders can be cancelled."""
        instrument = self._known["instruments"][symbol]
        engine.set_instrument(
            self.ids["instruments"][symbol],
            symbol,
            tick_e8=instrument["tick_e8"],
            lot_e8=instrument["lot_e8"],
            multiplier_e8=instrument["multiplier_e8"],
            rate_e8=instrument["rate_e8"],
            reference_price_e8=instrument["reference_price_e8"],
            band_e8=instrument["band_e8"],
            is_open=listed and instrument["open"],
        )

    def _set_owners(self, engine: Engine, copies: dict[tuple[str, str], list[int]]) -> None:
        """Firms and accounts; one that is gone is seen by who is entitled to its whole firm."""
        for name in sorted(self._known["firms"]):
            firm = self._known["firms"][name]
            engine.set_firm(
                self.ids["firms"][name], Limits(**firm["limits"]), copies.get(("firm", name), [])
            )
        for name in sorted(self._known["accounts"]):
            account = self._known["accounts"][name]
            of_firm = copies.get(("firm", account["firm"]), [])
            present = name in self.content["accounts"]
            engine.set_account(
                self.ids["accounts"][name],
                name,
                self.ids["firms"][account["firm"]],
                Limits(**account["limits"]),
                copies.get(("account", name), []) if present else of_firm,
            )

    def _copies(self, configuration: dict[str, Any]) -> dict[tuple[str, str], list[int]]:
        """Drop-copy sessions by ("firm", name) and ("account", name), in order of their ids."""
        copies: dict[tuple[str, str], list[int]] = {}
        sessions = configuration["sessions"]
        for name in sorted(sessions, key=self.ids["sessions"].__getitem__):
            session = sessions[name]
            if session["role"] != "drop-copy":
                continue
            for kind in ("firm", "account"):
                for entitled in session["drop_copy"][f"{kind}s"]:
                    copies.setdefault((kind, entitled), []).append(self.ids["sessions"][name])
        return copies

    def _set_all(self, engine: Engine, sessions: dict[str, Any], *, halted: bool) -> None:
        """Give everything to the engine; of the sessions those named."""
        set_venue(engine, self.content, halted=halted)
        for name in sorted(self._known["instruments"]):
            self._set_instrument(engine, name, listed=name in self.content["instruments"])
        self._set_owners(engine, self._copies(self.content))
        self._set_sessions(engine, sessions)

    def _set_sessions(self, engine: Engine, sessions: dict[str, Any]) -> None:
        for name in sorted(sessions):
            session = sessions[name]
            engine.set_session(
                self.ids["sessions"][name],
                sender_comp_id=session["sender_comp_id"],
                target_comp_id=session["target_comp_id"],
                firm=self.ids["firms"][session["firm"]],
                role=session["role"],
                dialect=session["dialect"],
                enabled=True,
                cancel_on_disconnect=session["cancel_on_disconnect"],
                accounts=[self.ids["accounts"][account] for account in session["accounts"]],
                limits=Limits(**session["limits"]),
                throttle=ThrottleLimits(**session["throttle"]),
                precision=session["timestamp_precision"],
                tells_last_processed=session["last_msg_seq_num_processed"],
            )


def set_venue(engine: Engine, configuration: dict[str, Any], *, halted: bool) -> None:
    """Give the venue's parameters to the engine."""
    venue = configuration["venue"]
    engine.set_venue(
        max_order_age_ns=venue["max_order_age_ns"],
        sending_time_tolerance_ns=venue["sending_time_tolerance_ns"],
        trading_day=0,
        halted=halted,
    )
