"""The configuration as the engine has it: names to ids, and who is told of whose reports.

Everything of a configuration is given at once, or the little that a change is about: then only the
firms and accounts that it touches are set again, so that its cost is that of the change.

A desk that follows everybody follows what is gone as well: its last reports are still to come.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import Limits, ThrottleLimits

#: ("firm", name) or ("account", name).
Owner = tuple[str, str]
Named = Mapping[str, dict[str, Any]]


class Copies:
    """Which drop-copy sessions, by id, follow which firms and accounts."""

    def __init__(self) -> None:
        """Begin without any."""
        self._of: dict[Owner, set[int]] = {}
        self._of_all: set[int] = set()
        #: Session -> what it follows; None: everybody.
        self._followed: dict[int, frozenset[Owner] | None] = {}

    def of(self, *owners: Owner) -> list[int]:
        """Who follows one of these, in the order of ids."""
        found = self._of_all.union(*(self._of.get(owner, ()) for owner in owners))
        return sorted(found)

    def set(
        self, session: int, scope: dict[str, Any] | None
    ) -> tuple[frozenset[Owner], bool | None]:
        """Have a session follow `scope`, or nobody.

        Returns who is followed otherwise than before by name, and whether all are now or no longer.
        """
        before = self._followed.get(session, frozenset())
        after = frozenset() if scope is None else _followed(scope)
        if before == after:
            return frozenset(), None
        if before is not None:
            for owner in before:
                self._of[owner].discard(session)
        self._of_all.discard(session)
        if after is None:
            self._of_all.add(session)
        else:
            for owner in after:
                self._of.setdefault(owner, set()).add(session)
        self._followed[session] = after
        named = (before or frozenset()) | (after or frozenset())
        return named, True if after is None else False if before is None else None


def _followed(scope: dict[str, Any]) -> frozenset[Owner] | None:
    if scope.get("all"):
        return None
    firms = {("firm", name) for name in scope["firms"]}
    return frozenset(firms | {("account", name) for name in scope["accounts"]})


class Given:
    """Gives configurations to the engine; `known` and `ids` are the registry's tables."""

    def __init__(self, known: dict[str, dict[str, Any]]) -> None:
        """Take what was last said of every name that ever had an id, which the owner changes."""
        self._known = known
        self._copies = Copies()

    def give_all(
        self, engine: Engine, content: dict[str, Any], sessions: Named, *, halted: bool
    ) -> None:
        """Give everything to the engine; of the sessions those named."""
        set_venue(engine, content, halted=halted)
        for name in sorted(self._known["instruments"]):
            self._give_instrument(engine, content, name)
        self._follow(engine, content, self._known["sessions"])
        for name in sorted(self._known["firms"]):
            self._give_firm(engine, content, name)
        for name in sorted(self._known["accounts"]):
            self._give_account(engine, content, name)
        self.give_sessions(engine, content, sessions)

    def give_change(
        self, engine: Engine, content: dict[str, Any], change: dict[str, dict[str, Any]]
    ) -> None:
        """Give what `change` is about, which `content` holds already."""
        stated, gone = change["set"], change["gone"]
        for name in sorted(stated["instruments"]):
            self._give_instrument(engine, content, name)
        touched = self._follow(engine, content, {*stated["sessions"], *gone["sessions"]})
        firms = {*stated["firms"], *gone["firms"]}
        firms |= {name for kind, name in touched if kind == "firm"}
        firms &= self._known["firms"].keys()
        accounts = {*stated["accounts"], *gone["accounts"]}
        accounts |= {name for kind, name in touched if kind == "account"}
        accounts &= self._known["accounts"].keys()
        accounts |= self._gone_accounts(content, firms)
        for name in sorted(firms):
            self._give_firm(engine, content, name)
        for name in sorted(accounts):
            self._give_account(engine, content, name)
        self.give_sessions(engine, content, stated["sessions"])

    def give_sessions(self, engine: Engine, content: dict[str, Any], sessions: Named) -> None:
        """Give sessions of a known configuration to the engine."""
        ids = content["ids"]
        for name in sorted(sessions):
            session = sessions[name]
            engine.set_session(
                ids["sessions"][name],
                sender_comp_id=session["sender_comp_id"],
                target_comp_id=session["target_comp_id"],
                firm=ids["firms"][session["firm"]],
                role=session["role"],
                dialect=session["dialect"],
                enabled=session.get("enabled", True),
                cancel_on_disconnect=session["cancel_on_disconnect"],
                accounts=[ids["accounts"][account] for account in session["accounts"]],
                limits=Limits(**session["limits"]),
                throttle=ThrottleLimits(**session["throttle"]),
                precision=session["timestamp_precision"],
                tells_last_processed=session["last_msg_seq_num_processed"],
            )

    def _follow(self, engine: Engine, content: dict[str, Any], names: Iterable[str]) -> set[Owner]:
        """Take over whom these sessions follow; returns who is followed otherwise, by name.

        Who follows all now, or no longer, is told to the engine in one call for each.
        """
        touched: set[Owner] = set()
        for name in sorted(names):
            session = content["sessions"].get(name)
            follows = session is not None and session["role"] == "drop-copy"
            scope = session["drop_copy"] if session is not None and follows else None
            number = content["ids"]["sessions"][name]
            named, follows_all = self._copies.set(number, scope)
            touched |= named
            if follows_all is not None:
                engine.follow_all(number, follows=follows_all)
        return touched

    def _gone_accounts(self, content: dict[str, Any], firms: set[str]) -> set[str]:
        """Accounts without a session, which are followed by who follows their firm."""
        if not firms:
            return set()
        gone = self._known["accounts"].keys() - content["accounts"].keys()
        return {name for name in gone if self._known["accounts"][name]["firm"] in firms}

    def _give_instrument(self, engine: Engine, content: dict[str, Any], symbol: str) -> None:
        """An instrument that is not listed any more is closed; its orders can be cancelled."""
        instrument = self._known["instruments"][symbol]
        engine.set_instrument(
            content["ids"]["instruments"][symbol],
            symbol,
            tick_e8=instrument["tick_e8"],
            lot_e8=instrument["lot_e8"],
            multiplier_e8=instrument["multiplier_e8"],
            rate_e8=instrument["rate_e8"],
            reference_price_e8=instrument["reference_price_e8"],
            band_e8=instrument["band_e8"],
            is_open=symbol in content["instruments"] and instrument["open"],
        )

    def _give_firm(self, engine: Engine, content: dict[str, Any], name: str) -> None:
        limits = Limits(**self._known["firms"][name]["limits"])
        engine.set_firm(content["ids"]["firms"][name], limits, self._copies.of(("firm", name)))

    def _give_account(self, engine: Engine, content: dict[str, Any], name: str) -> None:
        """One that is gone is seen by who follows it, and by who follows its whole firm."""
        account = self._known["accounts"][name]
        owners = [("account", name)]
        if name not in content["accounts"]:
            owners.append(("firm", account["firm"]))
        engine.set_account(
            content["ids"]["accounts"][name],
            name,
            content["ids"]["firms"][account["firm"]],
            Limits(**account["limits"]),
            self._copies.of(*owners),
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
