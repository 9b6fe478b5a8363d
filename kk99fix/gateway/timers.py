"""What happens because time passes: ticks, the day roll, the clock's steering.

The venue says when the next tick matters; a TICK is submitted only once that time has passed.
A deadline may move nearer while this task sleeps (a logon, a logout), so it looks again after a
quarter of a second at the latest.
A tick that moves no deadline is not repeated before that.
"""

from typing import Final

import trio

from kk99fix.config.calendar import CalendarFile, next_roll, trading_day
from kk99fix.gateway.clock import VenueClock
from kk99fix.gateway.logs import Log
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.venue.inputs import DayRollInput, TickInput

LOOK_AGAIN_S: Final = 0.25
NS_PER_S: Final = 1_000_000_000


async def keep_time(sequencer: Sequencer) -> None:
    """Submit ticks as they become due, for ever."""
    venue = sequencer.venue
    while True:
        deadline_ns = venue.next_deadline_ns()
        now_ns = sequencer.pump.now_ns()
        if deadline_ns is None or deadline_ns > now_ns:
            wait_ns = NS_PER_S if deadline_ns is None else deadline_ns - now_ns
            await trio.sleep(min(LOOK_AGAIN_S, wait_ns / NS_PER_S))
            continue
        sequencer.apply(TickInput())
        sequencer.commit()
        stuck = venue.next_deadline_ns() == deadline_ns
        await trio.sleep(LOOK_AGAIN_S if stuck else 0)


def catch_up_day(sequencer: Sequencer, calendar: CalendarFile, log: Log) -> None:
    """Roll to the present trading day if the venue is still in another one."""
    today = trading_day(calendar.roll, sequencer.pump.now_ns())
    if int(today) > sequencer.venue.engine.trading_day:
        log.info("trading day begins", trading_day=today)
        sequencer.apply(DayRollInput(today))
        sequencer.commit()


async def roll_days(sequencer: Sequencer, calendar: CalendarFile, log: Log) -> None:
    """Roll the trading day whenever its time has come, for ever."""
    while True:
        now_ns = sequencer.pump.now_ns()
        roll_ns, _ = next_roll(calendar.roll, now_ns)
        # Venue time is steered, so a long sleep is taken in pieces.
        await trio.sleep(min(60.0, (roll_ns - now_ns) / NS_PER_S))
        catch_up_day(sequencer, calendar, log)


async def steer_clock(clock: VenueClock) -> None:
    """Follow UTC, once a second, for ever."""
    while True:
        await trio.sleep(1)
        clock.adjust()
