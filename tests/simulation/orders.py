"""O and K5: what the reports say of each order, and that everything asked for is answered once.

O1 and O2 quantities add up, O3 states follow each other and the last ones stay, O4 an ExecID(17) is
new, O6 one answer to each request, O7 nobody's orders outlive what ends them, K5 nobody is let
through faster than its limit.
"""

from collections import Counter, defaultdict, deque
from typing import Any

import attrs
from support.small_venue import e8

from kk99fix.journal.record import Kind
from simulation.units import Sent, Unit, require

NS_PER_S = 1_000_000_000
#: OrdStatus(39) that may follow each OrdStatus of an order, per ExecType(150).
FOLLOWS = {
    "": {"0": {"0"}},
    "0": {"F": {"1", "2"}, "4": {"4"}, "5": {"0"}, "C": {"C"}, "I": {"0"}},
    "1": {"F": {"1", "2"}, "4": {"4"}, "5": {"1", "2"}, "C": {"C"}, "I": {"1"}},
    "2": {"I": {"2"}},
    "4": {"I": {"4"}},
    "C": {"I": {"C"}},
}
LIVE = ("0", "1")


@attrs.define
class Order:
    """What was said of one order."""

    session: str
    symbol: str
    account: str
    status: str = ""
    time_in_force: str = "0"
    filled: int = 0
    spent: int = 0
    day: int = 0
    #: ExecInst(18): "H", "Q" or "".
    on_disconnect: str = ""


@attrs.define
class Orders:
    """All orders, and all requests about them."""

    orders: dict[str, Order] = attrs.field(factory=dict, init=False)
    live: set[str] = attrs.field(factory=set, init=False)
    exec_ids: set[int] = attrs.field(factory=set, init=False)
    #: What was asked: (session, id) -> MsgType(35), and how often.
    asked: dict[tuple[str, str], str] = attrs.field(factory=dict, init=False)
    times_asked: Counter[tuple[str, str]] = attrs.field(factory=Counter, init=False)
    answers: Counter[tuple[str, str]] = attrs.field(factory=Counter, init=False)
    day: int = attrs.field(default=0, init=False)
    _day_seen: int = attrs.field(default=0, init=False)
    #: ExecInst(18) of what was asked.
    wishes: dict[tuple[str, str], str] = attrs.field(factory=dict, init=False)
    _passed: dict[str, deque[int]] = attrs.field(factory=lambda: defaultdict(deque), init=False)

    def note_asked(self, session: str, ident: str, kind: str, wish: str) -> None:
        """A counterparty sends a request, for the first time or once more under the same id."""
        self.asked[session, ident] = kind
        self.times_asked[session, ident] += 1
        self.wishes[session, ident] = wish

    def see(self, unit: Unit, configuration: dict[str, Any]) -> None:
        """Take one unit's reports in."""
        if unit.kind is Kind.DAY_ROLL:
            self.day = int(unit.input.payload)
        for sent in unit.sent:
            if sent[35] == "8":
                self._report(sent)
            if sent[35] in {"8", "9", "j"}:
                self._answer(sent)
        self._count(unit, configuration)

    # ------------------------------------------------------------------ reports

    def _report(self, sent: Sent) -> None:
        require(int(sent[17]) not in self.exec_ids, "O4", sent.fields)
        self.exec_ids.add(int(sent[17]))
        refused = sent[39] == "8" or (sent[150] == "I" and bool(sent[58]))
        qty, cum, leaves = (e8(sent[tag] or "0") for tag in (38, 14, 151))
        if refused:
            require((cum, leaves) == (0, 0), "O1", sent.fields)
            return
        order = self.orders.get(sent[37])
        if order is None:
            require(sent[150] == "0", "O3", "the first report is no New", sent.fields)
            order = self.orders[sent[37]] = Order(sent.session, sent[55], sent[1])
        self._follow(order, sent)
        self._add_up(order, sent, qty, cum, leaves)
        if sent[150] in {"0", "5"}:
            order.time_in_force = sent[59] or "0"
            order.day = self.day
            wish = self.wishes.get((sent.session, sent[11]), "")
            order.on_disconnect = wish or order.on_disconnect

    def _follow(self, order: Order, sent: Sent) -> None:
        follows: set[str] = FOLLOWS[order.status].get(sent[150], set())
        require(sent[39] in follows, "O3", f"after {order.status!r}", sent.fields)
        require(order.session == sent.session, "O3", "told to another session", sent.fields)
        order.status = sent[39]
        (self.live.add if sent[39] in LIVE else self.live.discard)(sent[37])

    def _add_up(self, order: Order, sent: Sent, qty: int, cum: int, leaves: int) -> None:
        if sent[150] == "F":
            order.filled += e8(sent[32])
            order.spent += e8(sent[32]) * e8(sent[31])
        require(cum == order.filled, "O2", cum, order.filled, sent.fields)
        live = sent[39] in LIVE
        require(leaves == (qty - cum if live else 0), "O1", sent.fields)
        require((leaves > 0) == live, "O1", sent.fields)
        if cum:
            error = abs(e8(sent[6]) * cum - order.spent)
            require(2 * error <= cum, "O2", "AvgPx(6) is not the nearest", sent.fields)
        else:
            require(sent[6] == "0", "O2", sent.fields)

    # ------------------------------------------------------------------ answers

    def _answer(self, sent: Sent) -> None:
        """Whether a message is the answer to a request; there may be one."""
        for ident in {sent[11], sent[790], sent[584], sent[379]} - {""}:
            key = (sent.session, ident)
            kind = self.asked.get(key)
            if kind is not None and self._answers(kind, ident, sent):
                self.answers[key] += 1
                again = self.answers[key] <= self.times_asked[key]
                require(again, "O6", f"{key} is answered {self.answers[key]} times", sent.fields)

    @staticmethod
    def _answers(kind: str, ident: str, sent: Sent) -> bool:
        if sent[35] == "j":
            return sent[379] == ident and sent[372] == kind
        if sent[35] == "9":
            return sent[11] == ident and kind in "FG"
        match kind:
            case "D":
                told = sent[150] in {"0", "8"} or (sent[150] == "I" and sent[797] == "Y")
                return sent[11] == ident and told and not sent[790]
            case "F":
                return sent[11] == ident and sent[150] == "4" and sent[41] != ""
            case "G":
                return sent[11] == ident and sent[150] == "5"
            case "H":
                return sent[790] == ident
            case _:
                return sent[584] == ident and sent[912] == "Y"

    def unanswered(self) -> list[tuple[str, str]]:
        """Requests without an answer."""
        return [key for key in self.asked if not self.answers[key]]

    # ------------------------------------------------------------------ throttle

    def _count(self, unit: Unit, configuration: dict[str, Any]) -> None:
        """K5: orders and replaces let through in any second."""
        session = configuration["sessions"].get(unit.session)
        limit = session["throttle"]["orders_per_second"] if session else 0
        if not limit:
            return
        passed = self._passed[unit.session]
        for sent in unit.sent:
            if sent.session != unit.session or sent[58].startswith("THROTTLED"):
                continue
            kind = self.asked.get((sent.session, sent[11]), "")
            if kind in {"D", "G"} and self._answers(kind, sent[11], sent):
                passed.append(unit.time_ns)
        while passed and passed[0] <= unit.time_ns - NS_PER_S:
            passed.popleft()
        require(len(passed) <= limit, "K5", unit.session, len(passed), limit)

    # ------------------------------------------------------------------ days

    def look_at_days(self, *, expiring: bool, day: int) -> None:
        """Nothing of a past day is live once expiry has gone round (B8)."""
        if expiring or self.day != day or self._day_seen == day:
            return
        self._day_seen = day
        for order_id in self.live:
            order = self.orders[order_id]
            over = order.time_in_force == "0" and order.day < day
            require(not over, "B8", f"Day order {order_id} of {order.day} lives on {day}", order)
