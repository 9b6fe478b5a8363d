"""The venue beside the reference venue: one request to both, everything compared after it."""

from typing import Any

from kk99fix.journal.record import Record
from kk99fix.matcher.values import Capacity
from kk99fix.venue import venue as venue_module
from kk99fix.venue.inputs import DayRollInput
from support.order_stream import SESSIONS, fix_fields, fix_header, report_of
from support.reference_values import Request, Room
from support.reference_venue import ReferenceVenue
from support.small_venue import CAPACITY, FIRST_DAY, configuration
from support.venue_desk import Sent, VenueDesk
from support.venue_invariants import Watch


class Comparison:
    """A desk with all order-entry sessions logged on, and the reference venue."""

    def __init__(
        self, config: dict[str, Any] | None = None, *, capacity: Capacity = CAPACITY
    ) -> None:
        """Begin with empty books on both sides."""
        config = config or configuration()
        self.desk = VenueDesk(config, capacity=capacity)
        room = Room(capacity.orders, capacity.levels, capacity.duplicate_window)
        self.reference = ReferenceVenue(config, int(FIRST_DAY), room, venue_module.WALK_SLICE)
        self.watch = Watch(self.desk)
        for name in SESSIONS:
            self.desk.log_on(name)
        self._symbols = sorted(config["instruments"])

    def close(self) -> None:
        """Give the core's memory back."""
        self.desk.close()

    def do(self, request: Request) -> list[Sent]:
        """One request to both; returns the reports."""
        now_ns = self.desk.now_ns
        raw = self.desk.build(
            request.session,
            request.kind,
            fix_fields(request, now_ns),
            fix_header(request, now_ns),
        )
        expected = self.reference.handle(request, now_ns)
        sent = self._compare(self.desk.feed(request.session, raw), expected)
        assert self.desk.venue.is_live(self.desk.id(request.session)), "refused below order entry"
        self._compare_books(request.symbol)
        return sent

    def begin_day(self, day: int) -> None:
        """A new trading day on both sides."""
        reports = self.reference.begin_day(day, venue_module.EXPIRE_SLICE)
        self._compare(self.desk.apply(DayRollInput(str(day))), reports)
        self.compare_all_books()

    def tick(self) -> None:
        """One more slice of expiry and of the walk on both sides, as far as there are any."""
        assert self.desk.engine.expire_pending == self.reference.expiring
        assert self.desk.engine.walk_pending == self.reference.walking
        reports = self.reference.tick(venue_module.EXPIRE_SLICE)
        self._compare(self.desk.tick(), reports)
        self.compare_all_books()

    def leave(self, session: str) -> None:
        """A session loses its connection and is back at once."""
        self._compare(self.desk.drop(session), self.reference.leave(session))
        self.compare_all_books()
        self.desk.log_on(session)

    def compare_all_books(self) -> None:
        """Every side of every instrument."""
        for symbol in self._symbols:
            self._compare_books(symbol)

    def _compare(self, records: list[Record], expected: list[Any]) -> list[Sent]:
        sent = self.desk.sent(records)
        assert [report_of(message) for message in sent] == expected
        self.watch.see(records, sent)
        return sent

    def _compare_books(self, symbol: str) -> None:
        if symbol not in self._symbols:
            return
        instrument = self.desk.venue.registry.ids["instruments"][symbol]
        for side in "12":
            book = [
                (order.order_id, order.price_e8, order.leaves_e8, order.cum_e8, order.session)
                for order in self.desk.engine.book(instrument, side)
            ]
            assert book == [
                (order.number, order.price, order.leaves, order.cum, self.desk.id(order.session))
                for order in self.reference.book(symbol, side)
            ]
