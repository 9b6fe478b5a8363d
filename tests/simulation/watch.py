"""All invariants over one simulation: fed with every unit that is recorded, asked after each step.

What has been looked at lives here and not in the venue, so it survives the venue's crashes.
"""

from collections.abc import Iterable

import attrs

from kk99fix.config.calendar import CalendarFile, next_roll, trading_day
from kk99fix.gateway.parts import Gateway
from kk99fix.journal.record import Record
from kk99fix.venue.venue import Venue
from simulation.books import Books
from simulation.drop_copies import DropCopies
from simulation.durability import Durability
from simulation.leavers import Leavers
from simulation.orders import Orders
from simulation.sessions import Sessions
from simulation.told import Told
from simulation.units import require, units_of

NS_PER_S = 1_000_000_000
#: How long after its moment a day may begin.
ROLL_LATE_NS = 2 * NS_PER_S


@attrs.define
class Watch:
    """One for a simulation, over all lives of its gateway."""

    books: Books = attrs.field(factory=Books)
    orders: Orders = attrs.field(factory=Orders)
    leavers: Leavers = attrs.field(factory=Leavers)
    sessions: Sessions = attrs.field(factory=Sessions)
    copies: DropCopies = attrs.field(factory=DropCopies)
    durability: Durability = attrs.field(factory=Durability)
    told: Told = attrs.field(factory=Told)
    units: int = 0
    steps: int = 0
    _wanted_day: int = 0
    _next_roll_ns: int = 0

    def see(self, records: Iterable[Record], venue: Venue) -> None:
        """Take in whole units that are recorded from now on."""
        registry, engine = venue.registry, venue.engine
        for unit in units_of(records, registry.session_names()):
            self.units += 1
            self.told.see(unit)
            self.durability.see(unit)
            rendered = self.copies.see(unit, self.told, engine)
            self.sessions.see(unit, rendered)
            self.orders.see(unit, self.told.content)
            self.books.see(unit)
            self.leavers.see(unit, self.orders, self.told)

    def look(self, gateway: Gateway, now_ns: int) -> None:
        """Check what has to hold after every step."""
        venue = gateway.storage.venue
        engine = venue.engine
        self.steps += 1
        self.durability.note(engine)
        if engine.next_lsn != self.durability.next_lsn:
            return  # something waits to be recorded
        ids, content = venue.registry.ids, venue.registry.content
        self.books.look(engine, ids["instruments"], content["instruments"])
        self.orders.look_at_days(expiring=engine.expire_pending, day=engine.trading_day)
        self.leavers.look(self.orders, now_ns, walking=engine.walk_pending)
        self._look_at_day(gateway.settings.calendar, engine.trading_day, now_ns)
        self.look_at_rows(gateway, now_ns)

    def look_at_rows(self, gateway: Gateway, now_ns: int) -> None:
        """Hold the core's counts and its sessions against what was seen of them."""
        venue = gateway.storage.venue
        self.books.look_at_all(venue.engine, len(self.orders.live))
        for name, session in venue.registry.ids["sessions"].items():
            layer = venue._sessions.get(session)
            heart_bt_int_ns = 0 if layer is None else layer.timers.heartbeat_ns or 0
            view = venue.engine.session(session)
            self.sessions.look(name, view, now_ns, heart_bt_int_ns)

    def _look_at_day(self, calendar: CalendarFile, day: int, now_ns: int) -> None:
        """B8: the trading day is that of the calendar."""
        moment_ns = now_ns - ROLL_LATE_NS
        if moment_ns >= self._next_roll_ns:
            self._wanted_day = int(trading_day(calendar.roll, moment_ns))
            self._next_roll_ns, _ = next_roll(calendar.roll, moment_ns)
        require(day >= self._wanted_day, "B8", f"the trading day is {day}, not {self._wanted_day}")
