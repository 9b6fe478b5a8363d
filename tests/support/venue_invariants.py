"""What holds after every step, whatever was asked for: looked at in records and books alone.

Nothing here knows what the right answer to a request is; that is for the reference venue.
The names (B1, O3, N1 ...) are those of the catalogue of invariants.
"""

from collections import Counter

from kk99fix.fix.values import decimal_e8
from kk99fix.journal.record import DropCopy, Kind, Record
from support.drop_copies import rendered_copy
from support.venue_desk import Sent, VenueDesk, fields_of

#: OrdStatus(39) that may follow each OrdStatus of an order, per ExecType(150).
_FOLLOWS = {
    "": {"0": {"0"}},
    "0": {"F": {"1", "2"}, "4": {"4"}, "5": {"0"}, "C": {"C"}, "I": {"0"}},
    "1": {"F": {"1", "2"}, "4": {"4"}, "5": {"1", "2"}, "C": {"C"}, "I": {"1"}},
    "2": {"I": {"2"}},
    "4": {"I": {"4"}},
    "C": {"I": {"C"}},
}


def _e8(text: str) -> int:
    value = decimal_e8(text.encode())
    assert value is not None
    return value


def _tells_of_no_order(fields: dict[int, str]) -> bool:
    """Whether an ExecutionReport(8) refuses, or is about an order whose details are gone."""
    refused = fields[35] == "8" and fields[39] == "8"
    return refused or (fields.get(150) == "I" and bool(fields.get(58)))


class Watch:
    """Looks at every unit of a desk and remembers what has been said of each order."""

    def __init__(self, desk: VenueDesk) -> None:
        """Begin before the first order."""
        self._desk = desk
        self._status: dict[str, str] = {}
        self._filled: Counter[str] = Counter()
        self._spent: Counter[str] = Counter()
        self._exec_ids: set[int] = set()
        self._live: set[str] = set()
        self._accounts: dict[str, str] = {}
        self._resting: Counter[str] = Counter()
        self._fills = 0
        self._sources: dict[int, bytes] = {}
        self._names = desk.venue.registry.session_names()

    def see(self, records: list[Record], messages: list[Sent]) -> None:
        """Check one unit with its messages, and the books after it."""
        self._check_records(records)
        trades: dict[str, list[Sent]] = {}
        touched = set()
        for sent in messages:
            if sent[35] == "8":
                touched.add(sent[55])
                self._check_report(sent)
                if sent[150] == "F":
                    trades.setdefault(sent[527], []).append(sent)
        for sides in trades.values():
            self._check_trade(sides)
        self._check_books(touched)

    def _check_records(self, records: list[Record]) -> None:
        """One input, then outputs (F5, O6); each report is copied to whom it concerns (D1)."""
        assert [record.header.is_input for record in records[:2]] in ([True], [True, False])
        assert [record.header.ends_unit for record in records] == [False] * (len(records) - 1) + [
            True
        ]
        assert {record.header.time_ns for record in records} == {self._desk.now_ns}
        copied: dict[int, set[str]] = {}
        for record in records:
            if record.header.kind is Kind.MESSAGE:
                self._sources[record.header.lsn] = record.payload
                copied[record.header.lsn] = set()
            elif record.header.kind is Kind.DROP_COPY:
                copy = DropCopy.unpack(record.payload)
                rendered_copy(self._desk.engine, record, self._sources[copy.source_lsn])
                copied[copy.source_lsn].add(self._names[record.header.session])
        for lsn, receivers in copied.items():
            assert receivers == self._entitled(fields_of(self._sources[lsn])), lsn

    def _entitled(self, fields: dict[int, str]) -> set[str]:
        """Who gets a copy in the small venue."""
        if fields[35] not in {"8", "9"}:
            return set()
        if fields[56] != "ALPHA":
            return {"AUDIT"} if fields[56] == "BETA" else {"DESK"}
        account = fields.get(1, "A1")
        if fields[37] != "NONE" and not _tells_of_no_order(fields):
            account = self._accounts.setdefault(fields[37], account)
        return {"DESK", "AUDIT"} if account == "A2" else {"DESK"}

    def _check_report(self, sent: Sent) -> None:
        """Quantities add up (O1, O2) and states follow each other (O3); ids are new (O4)."""
        assert int(sent[17]) not in self._exec_ids
        self._exec_ids.add(int(sent[17]))
        order_id = sent[37]
        qty, cum, leaves = (_e8(sent[tag] or "0") for tag in (38, 14, 151))
        if _tells_of_no_order(sent.fields):
            assert (cum, leaves, sent[6]) == (0, 0, "0")
            return
        before = self._status.get(order_id, "")
        assert sent[39] in _FOLLOWS[before].get(sent[150], ()), (before, sent.fields)
        self._status[order_id] = sent[39]
        (self._live.add if sent[39] in {"0", "1"} else self._live.discard)(order_id)
        if sent[150] == "F":
            assert sent[851] in {"1", "2"}
            self._fills += 1
            self._filled[order_id] += _e8(sent[32])
            self._spent[order_id] += _e8(sent[32]) * _e8(sent[31])
        assert cum == self._filled[order_id]
        assert leaves == (qty - cum if sent[39] in {"0", "1"} else 0)
        assert (leaves > 0) == (sent[39] in {"0", "1"})
        assert sent[39] != "2" or qty == cum
        if cum:
            error = abs(_e8(sent[6]) * cum - self._spent[order_id])
            assert 2 * error <= cum, "AvgPx(6) is the nearest"
        else:
            assert sent[6] == "0"

    def _check_trade(self, sides: list[Sent]) -> None:
        """The resting side first; one quantity, its price, inside both limits (B5, B7)."""
        maker, taker = sides
        assert (maker[851], taker[851]) == ("1", "2")
        assert {maker[54], taker[54]} == {"1", "2"}
        assert (maker[32], maker[31], maker[55]) == (taker[32], taker[31], taker[55])
        assert maker[31] == maker[44]
        if taker[40] == "2":
            signed = 1 if taker[54] == "1" else -1
            assert signed * _e8(taker[31]) <= signed * _e8(taker[44])
        assert maker[59] in {"0", "1"}

    def _check_books(self, touched: set[str]) -> None:
        """Best bid below best ask, orders by price, leaves positive, all live (B1-B4, B11, B12)."""
        registry = self._desk.venue.registry
        for symbol in touched & registry.content["instruments"].keys():
            self._check_book(symbol, registry.content["instruments"][symbol])
        statistics = self._desk.engine.statistics()
        assert statistics.live_orders == len(self._live) == sum(self._resting.values())
        assert statistics.orders_accepted == len(self._status)
        assert statistics.trades * 2 == self._fills

    def _check_book(self, symbol: str, rules: dict[str, int]) -> None:
        instrument = self._desk.venue.registry.ids["instruments"][symbol]
        bids, asks = (self._desk.engine.book(instrument, side) for side in "12")
        if bids and asks:
            assert bids[0].price_e8 < asks[0].price_e8
        for orders, sign in ((bids, -1), (asks, 1)):
            keys = [sign * order.price_e8 for order in orders]
            assert keys == sorted(keys)
            for order in orders:
                assert order.leaves_e8 > 0
                assert order.leaves_e8 % rules["lot_e8"] == 0
                assert order.price_e8 % rules["tick_e8"] == 0
                assert str(order.order_id) in self._live
        self._resting[symbol] = len(bids) + len(asks)
