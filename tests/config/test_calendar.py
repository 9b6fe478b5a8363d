from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kk99fix.config.calendar import NS_PER_S, Roll, next_roll, trading_day

NEW_YORK = Roll("17:00", "America/New_York", holidays=(date(2026, 12, 25),))
MIDNIGHT = Roll("00:00", "UTC", days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"))


def ns(text: str) -> int:
    """Return the moment of an ISO text in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS_PER_S


@pytest.mark.parametrize(
    ("now", "today", "roll_at", "then"),
    [
        # A weekday: 17:00 in New York is 22:00 UTC in winter, 21:00 in summer.
        ("2026-11-23T12:00:00", "20261123", "2026-11-23T22:00:00", "20261124"),
        ("2026-07-01T12:00:00", "20260701", "2026-07-01T21:00:00", "20260702"),
        # The moment of the roll belongs to the new day.
        ("2026-11-23T21:59:59", "20261123", "2026-11-23T22:00:00", "20261124"),
        ("2026-11-23T22:00:00", "20261124", "2026-11-24T22:00:00", "20261125"),
        # Friday evening to Monday evening is Monday's day.
        ("2026-11-20T22:00:00", "20261123", "2026-11-23T22:00:00", "20261124"),
        ("2026-11-22T12:00:00", "20261123", "2026-11-23T22:00:00", "20261124"),
        # Thursday before a holiday on Friday: the next day is Monday's.
        ("2026-12-24T12:00:00", "20261224", "2026-12-24T22:00:00", "20261228"),
        ("2026-12-25T12:00:00", "20261228", "2026-12-28T22:00:00", "20261229"),
        # The weekends on which the clocks change, both ways.
        ("2026-03-06T21:00:00", "20260306", "2026-03-06T22:00:00", "20260309"),
        ("2026-03-07T12:00:00", "20260309", "2026-03-09T21:00:00", "20260310"),
        ("2026-10-30T20:00:00", "20261030", "2026-10-30T21:00:00", "20261102"),
        ("2026-10-31T12:00:00", "20261102", "2026-11-02T22:00:00", "20261103"),
    ],
)
def test_new_york_days(now: str, today: str, roll_at: str, then: str) -> None:
    """The day changes at 17:00 local time of a trading day's eve, whatever UTC says."""
    assert trading_day(NEW_YORK, ns(now)) == today
    assert next_roll(NEW_YORK, ns(now)) == (ns(roll_at), then)


def test_a_roll_before_noon_opens_its_own_date() -> None:
    """A venue that rolls at midnight trades the day of the date."""
    assert trading_day(MIDNIGHT, ns("2026-11-22T00:00:00")) == "20261122"
    assert next_roll(MIDNIGHT, ns("2026-11-22T00:00:00")) == (ns("2026-11-23T00:00:00"), "20261123")


def test_a_time_that_the_clock_skips_still_rolls_once() -> None:
    """02:30 does not exist on the night the clocks go forward; the roll is an hour later then."""
    roll = Roll("02:30", "America/New_York", days=MIDNIGHT.days)

    assert next_roll(roll, ns("2026-03-08T05:00:00")) == (ns("2026-03-08T07:30:00"), "20260308")
    assert next_roll(roll, ns("2026-03-08T07:30:00")) == (ns("2026-03-09T06:30:00"), "20260309")


def test_a_time_that_the_clock_repeats_rolls_once() -> None:
    """01:30 comes twice on the night the clocks go back; the first one counts."""
    roll = Roll("01:30", "America/New_York", days=MIDNIGHT.days)

    assert next_roll(roll, ns("2026-11-01T04:00:00")) == (ns("2026-11-01T05:30:00"), "20261101")
    assert next_roll(roll, ns("2026-11-01T05:30:00")) == (ns("2026-11-02T06:30:00"), "20261102")


@pytest.mark.parametrize("roll", [NEW_YORK, MIDNIGHT])
@given(now_ns=st.integers(ns("2020-01-01T00:00:00"), ns("2040-01-01T00:00:00")))
def test_the_next_roll_is_when_the_day_changes(roll: Roll, now_ns: int) -> None:
    """Up to a nanosecond before the next roll it is today, from then on the day it names."""
    at_ns, day = next_roll(roll, now_ns)

    assert at_ns > now_ns
    assert trading_day(roll, at_ns - 1) == trading_day(roll, now_ns) < day
    assert trading_day(roll, at_ns) == day
