"""config/calendar.toml: when one trading day ends and the next begins.

The venue rolls once per trading day, at one time of day in one zone.
A roll from noon on opens the day of the next date, as at 17:00 in New York; one before noon opens
the day of its own date.
Dates without a trading day of their own (weekends, holidays) belong to the next one that has it:
after Friday's roll the day is Monday's, and no roll happens until Monday's.

The functions are pure: a moment in, a moment or a day out.  The moments follow the zone's
daylight saving time.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from attrs import Factory, frozen

from kk99fix.config.values import OneOf, TimeOfDay, Zone

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

NS_PER_S: Final = 10**9

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)


@frozen
class Roll:
    """[roll]: the venue's one roll."""

    time: TimeOfDay
    #: IANA name.
    zone: Zone
    #: Days of the week that are trading days.
    days: tuple[Annotated[str, OneOf(*WEEKDAYS)], ...] = WEEKDAYS[:5]
    #: Dates that are none.
    holidays: tuple[date, ...] = ()


@frozen
class CalendarFile:
    """The whole of calendar.toml."""

    roll: Roll = Factory(lambda: Roll("17:00", "America/New_York"))


def trading_day(roll: Roll, now_ns: int) -> str:
    """Return the trading day, YYYYMMDD, that `now_ns` (UTC, Unix epoch) belongs to."""
    return f"{_day_opened_by(roll, _last_roll_date(roll, now_ns)):%Y%m%d}"


def next_roll(roll: Roll, now_ns: int) -> tuple[int, str]:
    """Return when the trading day changes next, strictly after `now_ns`, and to which day."""
    last = _last_roll_date(roll, now_ns)
    today = _day_opened_by(roll, last)
    for on in _dates_after(last):
        day = _day_opened_by(roll, on)
        if day != today:
            return _roll_ns(roll, on), f"{day:%Y%m%d}"
    raise AssertionError("dates never end")


def local_date(zone: str, now_ns: int) -> date:
    """Return the date in a zone."""
    moment = _EPOCH + timedelta(seconds=now_ns // NS_PER_S)
    return moment.astimezone(ZoneInfo(zone)).date()


def moment_ns(on: date, time_of_day: str, zone: str) -> int:
    """Return when it is that time on that date; the first time, where the clocks repeat it."""
    moment = datetime.combine(on, time.fromisoformat(time_of_day), tzinfo=ZoneInfo(zone))
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(seconds=1) * NS_PER_S


def _last_roll_date(roll: Roll, now_ns: int) -> date:
    """Return the newest local date whose time of roll is not after `now_ns`."""
    on = local_date(roll.zone, now_ns) + DAY
    while _roll_ns(roll, on) > now_ns:
        on -= DAY
    return on


def _roll_ns(roll: Roll, on: date) -> int:
    return moment_ns(on, roll.time, roll.zone)


def _day_opened_by(roll: Roll, on: date) -> date:
    """Return the trading day that the time of roll on this date belongs to or opens."""
    afternoon = time.fromisoformat(roll.time) >= time(12)
    day = on + DAY if afternoon else on
    while WEEKDAYS[day.weekday()] not in roll.days or day in roll.holidays:
        day += DAY
    return day


def _dates_after(on: date) -> Iterator[date]:
    return (on + n * DAY for n in count(1))
