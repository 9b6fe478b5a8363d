"""O7: cancel on disconnect, told from the inputs alone.

A session that was logged on and whose connection ends, other than by a logout that its file lets
count for nothing or by a planned stop, loses its orders, at once or after its grace unless it
returns. `Leavers` knows which orders have to be gone by when.
"""

import json
from typing import Any

import attrs

from kk99fix.journal.record import Kind
from simulation.orders import Orders
from simulation.told import Told
from simulation.units import Unit, require

#: How long the venue may take over it, in virtual time.
SLACK_NS = 1_000_000_000


@attrs.define
class Leavers:
    """The sessions that have left, and what has to go with them."""

    #: Logged on, as the messages tell.
    _logged_on: set[str] = attrs.field(factory=set)
    _asked: set[str] = attrs.field(factory=set)
    #: Session -> (moment, orders that have to be gone by then).
    _due: dict[str, tuple[int, set[str]]] = attrs.field(factory=dict)
    #: What has to be gone, and since when.
    _doomed: dict[str, int] = attrs.field(factory=dict)
    pulled: int = 0
    #: Of these, orders of sessions that were removed or disabled.
    withdrawn: int = 0

    def see(self, unit: Unit, orders: Orders, told: Told) -> None:
        """Take one unit in; the orders and what was told have seen it already."""
        configuration = told.content
        self._grace_is_over(unit.time_ns)
        if unit.kind is Kind.CONFIG:
            self._may_not_log_on(told.out(), unit.time_ns, orders)
        if unit.kind is Kind.OPERATOR:
            command = json.loads(unit.input.payload)["command"]
            if command == "logout":
                self._asked.add(unit.session)
        if unit.kind is Kind.RESTART:
            for name in sorted(self._logged_on):
                self._left(name, "restart", unit.time_ns, orders, configuration)
            self._logged_on.clear()
        elif unit.kind is Kind.DISCONNECT and unit.session in self._logged_on:
            self._logged_on.discard(unit.session)
            cause = unit.input.payload.decode("ascii")
            self._left(unit.session, cause, unit.time_ns, orders, configuration)
        elif unit.kind is Kind.LOGON and any(s[35] == "A" for s in unit.sent):
            self._logged_on.add(unit.session)
            self._asked.discard(unit.session)
            self._due.pop(unit.session, None)
        elif any(s[35] == "5" and s.session == unit.session for s in unit.sent):
            # Whatever follows a Logout(5) of ours may count as a logout: not looked at.
            self._logged_on.discard(unit.session)

    def _may_not_log_on(self, names: set[str], now_ns: int, orders: Orders) -> None:
        """Sessions that are gone or disabled leave nothing behind."""
        self._logged_on -= names
        for name in names:
            self._due.pop(name, None)
        going = [each for each in orders.live if orders.orders[each].session in names]
        self.withdrawn += len(going)
        self._doomed.update(dict.fromkeys(going, now_ns))

    def look(self, orders: Orders, now_ns: int, *, walking: bool) -> None:
        """Check that what has to be gone is gone."""
        self._grace_is_over(now_ns)
        for order_id in list(self._doomed):
            if order_id not in orders.live:
                del self._doomed[order_id]
                self.pulled += 1
            elif not walking and now_ns > self._doomed[order_id] + SLACK_NS:
                require(False, "O7", f"order {order_id} outlives its session's connection")

    def _grace_is_over(self, now_ns: int) -> None:
        for name, (due_ns, order_ids) in list(self._due.items()):
            if due_ns < now_ns - SLACK_NS:
                self._doomed.update(dict.fromkeys(order_ids, now_ns))
                del self._due[name]

    def _left(
        self, name: str, cause: str, now_ns: int, orders: Orders, configuration: dict[str, Any]
    ) -> None:
        session = configuration["sessions"].get(name)
        if session is None or name in self._asked or cause == "gateway-stopped":
            self._asked.discard(name)
            return
        rule = session["cancel_on_disconnect"]
        going = {
            order_id
            for order_id in orders.live
            if (order := orders.orders[order_id]).session == name
            and (order.on_disconnect == "Q" or (rule and order.on_disconnect != "H"))
        }
        self._due[name] = (now_ns + session["cancel_grace_ns"], going)
