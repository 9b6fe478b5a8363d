from typing import Any, cast

import attrs
import trio
from support.live_gateway import LogLines
from trio.testing import MockClock

from kk99fix.config.calendar import CalendarFile, Roll
from kk99fix.gateway import timers
from kk99fix.venue.inputs import DayRollInput, Input, TickInput

S = 1_000_000_000
H = 3600
DAY = 24 * H


@attrs.define
class FakeSequencer:
    """Venue, pump and sequencer whose clock is Trio's."""

    clock: MockClock
    start_ns: int = 1_767_225_600 * S
    deadline_ns: int | None = None
    trading_day: int = 20260101
    #: What a tick moves the deadline by; None: it has no effect.
    tick_moves_ns: int | None = 30 * S
    applied: list[tuple[float, Input]] = attrs.field(factory=list)
    began: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin now."""
        self.began = self.clock.current_time()

    @property
    def venue(self) -> "FakeSequencer":
        """All is one."""
        return self

    engine = pump = venue

    def now_ns(self) -> int:
        """Venue time: so long after the start."""
        return self.start_ns + round((self.clock.current_time() - self.began) * S)

    def next_deadline_ns(self) -> int | None:
        """Return the deadline."""
        return self.deadline_ns

    def apply(self, item: Input) -> None:
        """Note the input."""
        self.applied.append((round(self.clock.current_time() - self.began, 3), item))
        if isinstance(item, DayRollInput):
            self.trading_day = int(item.trading_day)
        elif self.deadline_ns is not None and self.tick_moves_ns is not None:
            self.deadline_ns += self.tick_moves_ns

    def commit(self) -> None:
        """Do nothing."""


async def ticks(sequencer: FakeSequencer, seconds: float) -> list[float]:
    """Keep time for so long; when ticks were submitted."""
    with trio.move_on_after(seconds):
        await timers.keep_time(cast("Any", sequencer))
    assert {type(item) for _, item in sequencer.applied} <= {TickInput}
    return [when for when, _ in sequencer.applied]


async def test_no_deadline_no_tick(clock: MockClock) -> None:
    """A venue that waits for nothing gets nothing."""
    sequencer = FakeSequencer(clock)
    assert await ticks(sequencer, 100) == []


async def test_a_tick_comes_when_it_is_due(clock: MockClock) -> None:
    """Not before, and one for each deadline."""
    sequencer = FakeSequencer(clock)
    sequencer.deadline_ns = sequencer.now_ns() + 10 * S

    assert await ticks(sequencer, 100) == [10, 40, 70]


async def test_a_deadline_may_move_nearer(clock: MockClock) -> None:
    """It is noticed within a quarter of a second."""
    sequencer = FakeSequencer(clock)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ticks, sequencer, 20)
        await trio.sleep(5)
        sequencer.deadline_ns = sequencer.now_ns() + S // 10

    ((when, _),) = sequencer.applied
    assert 5.1 <= when <= 5.1 + timers.LOOK_AGAIN_S


async def test_a_deadline_that_does_not_move_is_no_storm(clock: MockClock) -> None:
    """A tick without effect is repeated a few times a second, not for ever in one moment."""
    sequencer = FakeSequencer(clock)
    sequencer.deadline_ns = sequencer.now_ns()
    sequencer.tick_moves_ns = None

    assert len(await ticks(sequencer, 10)) <= 10 / timers.LOOK_AGAIN_S + 1


CALENDAR = CalendarFile(Roll(time="17:00", zone="America/New_York"))


async def test_the_day_rolls_at_its_time(clock: MockClock) -> None:
    """From Thursday 2026-01-01 00:00 UTC on: at 22:00 UTC, and none between Friday and Monday."""
    sequencer = FakeSequencer(clock)
    timers.catch_up_day(cast("Any", sequencer), CALENDAR, LogLines().log)
    assert sequencer.applied == []
    with trio.move_on_after(5 * DAY):
        await timers.roll_days(cast("Any", sequencer), CALENDAR, LogLines().log)

    rolled = [
        (when, item.trading_day)
        for when, item in sequencer.applied
        if isinstance(item, DayRollInput)
    ]
    assert rolled == [
        (22 * H, "20260102"),
        (DAY + 22 * H, "20260105"),
        (4 * DAY + 22 * H, "20260106"),
    ]
