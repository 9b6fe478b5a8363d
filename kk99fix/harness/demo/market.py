"""What the demo knows of the market: nothing but what the reports and copies say.

The book is the sum of both brokers' open orders, so an order of anybody else is missing in it.
The desk's copies are matched against the brokers' reports one by one, in any order of arrival.
"""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

import attrs

from kk99fix.config.instruments import Instrument
from kk99fix.fix.message import Message
from kk99fix.harness.demo.decimals import decimals_of, fixed
from kk99fix.harness.demo.report import Happening, Report, read

#: Reports and copies to look back at.
SHOWN_MAX: Final = 60


@attrs.frozen
class Request:
    """A message for the venue: NewOrderSingle(D), OrderCancelRequest(F) or a replace (G)."""

    msg_type: str
    cl_ord_id: str
    #: The body without TransactTime(60).
    fields: tuple[tuple[int, str], ...]
    #: The open order that it is about; empty for a new one.
    order_id: str = ""


@attrs.frozen
class OpenOrder:
    """An order in the book."""

    broker: str
    order_id: str
    cl_ord_id: str
    symbol: str
    buy: bool
    price_e8: int
    qty_e8: int
    leaves_e8: int


@attrs.frozen
class Level:
    """The orders of one side at one price."""

    price_e8: int
    qty_e8: int
    orders: int


@attrs.define
class Counters:
    """Counts of the whole run."""

    orders: int = 0
    changes: int = 0
    fills: int = 0
    refusals: int = 0
    reports: int = 0
    copies: int = 0

    @property
    def trades(self) -> int:
        """Matches: each fills two orders."""
        return self.fills // 2


class Market:
    """The state of the demo; changed by `sent`, `received` and `copied` alone."""

    def __init__(self, instruments: Iterable[Instrument], brokers: Iterable[str]) -> None:
        """Begin with an empty book."""
        self.instruments = {each.symbol: each for each in instruments}
        self.brokers = tuple(brokers)
        self.counters = Counters()
        self.open: dict[str, OpenOrder] = {}
        #: Orders with a cancel or a replace under way.
        self.busy: set[str] = set()
        #: Broker and ClOrdID(11) of what was sent and not answered.
        self.unanswered: set[tuple[str, str]] = set()
        #: Reports without their copy (+1) and copies without their report (-1).
        self.unmatched: Counter[tuple[str, bytes]] = Counter()
        #: Newest first.
        self.reports = {broker: deque[Report](maxlen=SHOWN_MAX) for broker in self.brokers}
        self.copies: deque[Report] = deque(maxlen=SHOWN_MAX)
        self.last_trades: dict[str, Report] = {}
        #: Messages that are no report: a refusal of a whole message, which should not happen.
        self.complaints: list[str] = []

    # ------------------------------------------------------------------ what happens

    def sent(self, broker: str, request: Request) -> None:
        """Take note of a request that is about to leave."""
        self.unanswered.add((broker, request.cl_ord_id))
        if request.order_id:
            self.busy.add(request.order_id)
            self.counters.changes += 1
        else:
            self.counters.orders += 1

    def received(self, broker: str, message: Message) -> Report | None:
        """Take what a broker received; None and a complaint if it is no report."""
        report = read(message, broker)
        if report is None:
            self.complaints.append(f"{broker}: {message.raw.decode('ascii', 'replace')}")
            return None
        self.counters.reports += 1
        self._match(report, 1)
        self.unanswered.discard((broker, report.cl_ord_id))
        self.reports[broker].appendleft(report)
        self._update_book(report)
        if report.happening is Happening.TRADE:
            self.counters.fills += 1
            self.last_trades[report.symbol] = report
        elif report.happening is Happening.REFUSED:
            self.counters.refusals += 1
        return report

    def copied(self, message: Message, desk: str) -> Report | None:
        """Take what the desk received; None if it is no copy of a report."""
        report = read(message, desk)
        if report is None:
            self.complaints.append(f"{desk}: {message.raw.decode('ascii', 'replace')}")
            return None
        self.copies.appendleft(report)
        if report.broker in self.brokers:
            self.counters.copies += 1
            self._match(report, -1)
        return report

    # ------------------------------------------------------------------ what can be asked

    @property
    def missed(self) -> int:
        """Reports that the desk has not seen (or copies that no broker has seen)."""
        return sum(abs(count) for count in self.unmatched.values())

    def side(self, symbol: str, *, buy: bool) -> list[Level]:
        """Return the levels of one side of a book, the best first."""
        found: dict[int, list[int]] = {}
        for order in self.open.values():
            if order.symbol == symbol and order.buy == buy:
                found.setdefault(order.price_e8, []).append(order.leaves_e8)
        return [
            Level(price_e8, sum(found[price_e8]), len(found[price_e8]))
            for price_e8 in sorted(found, reverse=buy)
        ]

    def price(self, symbol: str, price_e8: int) -> str:
        """Write a price with the decimals of the instrument's tick."""
        instrument = self.instruments.get(symbol)
        return fixed(price_e8, decimals_of(instrument.tick_e8) if instrument else 0)

    def qty(self, symbol: str, qty_e8: int) -> str:
        """Write a quantity with the decimals of the instrument's lot."""
        instrument = self.instruments.get(symbol)
        return fixed(qty_e8, decimals_of(instrument.lot_e8) if instrument else 0)

    # ------------------------------------------------------------------ inside

    def _match(self, report: Report, step: int) -> None:
        key = (report.broker, report.content)
        self.unmatched[key] += step
        if not self.unmatched[key]:
            del self.unmatched[key]

    def _update_book(self, report: Report) -> None:
        if report.happening is not Happening.TRADE:
            self.busy.discard(report.order_id)
        if report.happening is Happening.REFUSED:
            return
        if report.leaves_e8 == 0 or report.price_e8 is None:
            self.open.pop(report.order_id, None)
            self.busy.discard(report.order_id)
            return
        self.open[report.order_id] = OpenOrder(
            report.broker,
            report.order_id,
            report.cl_ord_id,
            report.symbol,
            report.buy,
            report.price_e8,
            report.qty_e8,
            report.leaves_e8,
        )
