"""[schedule] of a session file: when the session may be logged on, and when its numbers start over.

There are two forms, and times of day are those of the zone:

- By day: on each of `days` a period starts at `start` and lasts until the next `end`.
- By week: one period from `start` on `start_day` to `end` on `end_day`.

A period whose end is its start lasts a whole day, or week, and the next one follows at once.
`reset` says at which starts both sequence numbers begin at 1: at each ("daily"), at the first of
a week ("weekly": by day that is the start on the first of `days`), or at none ("never").

The functions are pure: a moment in, periods and moments out.  The moments follow the zone's
daylight saving time; a period that a change of the clocks leaves without length is left out.
"""

from collections.abc import Iterator
from datetime import date
from itertools import count, islice
from typing import Annotated, Final

from attrs import frozen

from kk99fix.config.calendar import DAY, WEEKDAYS, local_date, moment_ns
from kk99fix.config.toml_file import KeyPath
from kk99fix.config.values import OneOf, TimeOfDay, Zone

Weekday = Annotated[str, OneOf(*WEEKDAYS)]
DAYS_OF_A_WEEK: Final = len(WEEKDAYS)


@frozen
class Schedule:
    """[schedule]."""

    start: TimeOfDay
    end: TimeOfDay
    #: IANA name.
    zone: Zone
    #: By day: days on which a period starts, the first of a week first.
    days: tuple[Weekday, ...] = WEEKDAYS
    #: By week: both.
    start_day: Weekday | None = None
    end_day: Weekday | None = None
    reset: Annotated[str, OneOf("weekly", "daily", "never")] = "weekly"


@frozen
class Period:
    """One time during which the session may be logged on: from `start_ns` until before `end_ns`."""

    start_ns: int
    end_ns: int
    #: Whether both numbers begin at 1.
    resets: bool


@frozen
class Start:
    """A period starts."""

    at_ns: int
    reset: bool


@frozen
class End:
    """A period ends."""

    at_ns: int


@frozen
class Position:
    """Where a moment stands in a schedule; the same until `until_ns`."""

    #: The period that started last, and the one before it.
    latest: Period
    previous: Period
    #: The period that starts next.
    following: Period
    #: When the next period starts or this one ends.
    until_ns: int


def position(schedule: Schedule, now_ns: int) -> Position:
    """Return where `now_ns` stands."""
    latest, previous = islice(_started(schedule, now_ns), 2)
    following = next_period(schedule, now_ns + 1)
    ends_ns = (latest.end_ns,) if latest.end_ns > now_ns else ()
    return Position(latest, previous, following, min((following.start_ns, *ends_ns)))


def next_period(schedule: Schedule, from_ns: int) -> Period:
    """Return the first period that starts at `from_ns` or later."""
    on = local_date(schedule.zone, from_ns) - DAY
    periods = (_period(schedule, on + n * DAY) for n in count())
    return next(period for period in periods if period and period.start_ns >= from_ns)


def due(
    schedule: Schedule, at: Position, now_ns: int, *, started_ns: int, ended_ns: int
) -> tuple[Start | End, ...]:
    """Return what a session has missed that last started and ended then, in its order.

    `at` is the position of `now_ns`; 0 stands for never.
    Of several starts that were missed only the last counts, and so of several ends, but the
    numbers start over if any of the starts says so.
    A session that never started nor ended takes its place in the schedule as it stands.
    """
    latest = at.latest
    if not started_ns and not ended_ns:
        over = latest.end_ns <= now_ns
        return (End(latest.end_ns),) if over else (Start(latest.start_ns, reset=False),)
    missed: list[Start | End] = []
    known_ns = max(started_ns, ended_ns)
    end_before_ns = min(at.previous.end_ns, latest.start_ns)
    if end_before_ns > known_ns:
        missed.append(End(end_before_ns))
    if latest.start_ns > started_ns and latest.start_ns >= ended_ns:
        reset = _resets_since(schedule, latest.start_ns, started_ns, ended_ns)
        missed.append(Start(latest.start_ns, reset=reset))
    if known_ns < latest.end_ns <= now_ns:
        missed.append(End(latest.end_ns))
    return tuple(missed)


def schedule_mistakes(schedule: Schedule) -> Iterator[tuple[KeyPath, str]]:
    """Yield key and text of what contradicts something else in the section."""
    start_day, end_day = schedule.start_day, schedule.end_day
    if (start_day is None) != (end_day is None):
        given, other = ("start_day", "end_day") if end_day is None else ("end_day", "start_day")
        yield ("schedule", given), f"stands without {other}; both or neither would be right"
        return
    if start_day is not None:
        if schedule.days != WEEKDAYS:
            yield ("schedule", "days"), "stands beside start_day; one of the two would be right"
        if schedule.reset == "daily":
            right = '"weekly" or "never" would be right'
            yield ("schedule", "reset"), f'found "daily" beside start_day; {right}'
    elif not schedule.days:
        yield ("schedule", "days"), 'found an empty list; days such as "mon" would be right'
    elif len(set(schedule.days)) < len(schedule.days):
        yield ("schedule", "days"), "names a day more than once; once is right"


def _started(schedule: Schedule, now_ns: int) -> Iterator[Period]:
    """Yield the periods that have started, the newest first, for ever."""
    on = local_date(schedule.zone, now_ns) + DAY
    for n in count():
        period = _period(schedule, on - n * DAY)
        if period is not None and period.start_ns <= now_ns:
            yield period


def _resets_since(schedule: Schedule, start_ns: int, started_ns: int, ended_ns: int) -> bool:
    """Whether the numbers start over at `start_ns` or at a start missed before it."""
    if schedule.reset == "never":
        return False
    for period in _started(schedule, start_ns):
        if period.start_ns <= started_ns or period.start_ns < ended_ns:
            return False
        if period.resets:
            return True
    raise AssertionError("periods never end")


def _period(schedule: Schedule, on: date) -> Period | None:
    """Return the period that starts on a local date; None where none does."""
    weekday = WEEKDAYS[on.weekday()]
    by_week = schedule.start_day is not None and schedule.end_day is not None
    if weekday not in ((schedule.start_day,) if by_week else schedule.days):
        return None
    until = on
    if schedule.start_day is not None and schedule.end_day is not None:
        apart = WEEKDAYS.index(schedule.end_day) - WEEKDAYS.index(schedule.start_day)
        until += apart % DAYS_OF_A_WEEK * DAY
    if until == on and schedule.end <= schedule.start:
        until += (DAYS_OF_A_WEEK if by_week else 1) * DAY
    start_ns = moment_ns(on, schedule.start, schedule.zone)
    end_ns = moment_ns(until, schedule.end, schedule.zone)
    first = by_week or weekday == schedule.days[0]
    resets = schedule.reset == "daily" or (schedule.reset == "weekly" and first)
    return Period(start_ns, end_ns, resets) if end_ns > start_ns else None
