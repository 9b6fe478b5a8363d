"""Schedules of sessions: periods over days, weeks and changes of the clocks, and what is due."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kk99fix.config.calendar import NS_PER_S, WEEKDAYS
from kk99fix.config.schedule import End, Period, Schedule, Start, due, next_period, position

SUNDAY_FIRST = ("sun", "mon", "tue", "wed", "thu")
FX = Schedule("17:05", "17:00", "America/New_York", start_day="sun", end_day="fri")
DAILY = Schedule("17:00", "16:55", "America/New_York", days=SUNDAY_FIRST)
OFFICE = Schedule("08:00", "18:30", "Europe/London", days=WEEKDAYS[:5], reset="daily")
ROUND = Schedule("00:00", "00:00", "UTC", start_day="sat", end_day="sat")
ROUND_DAILY = Schedule("22:00", "22:00", "UTC", reset="daily")
NIGHT = Schedule("01:30", "02:30", "America/New_York", reset="never")
ALL = (FX, DAILY, OFFICE, ROUND, ROUND_DAILY, NIGHT)


def ns(text: str) -> int:
    """Return the moment of an ISO text in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS_PER_S


def show(period: Period) -> tuple[str, str, bool]:
    """Return a period in ISO texts."""
    start, end = (
        f"{datetime.fromtimestamp(at_ns // NS_PER_S, UTC):%Y-%m-%dT%H:%M}"
        for at_ns in (period.start_ns, period.end_ns)
    )
    return start, end, period.resets


@pytest.mark.parametrize(
    ("schedule", "now", "period"),
    [
        # Sunday evening to Friday evening, in winter and in summer.
        (FX, "2026-11-25T12:00", ("2026-11-22T22:05", "2026-11-27T22:00", True)),
        (FX, "2026-07-01T12:00", ("2026-06-28T21:05", "2026-07-03T21:00", True)),
        (FX, "2026-11-28T12:00", ("2026-11-22T22:05", "2026-11-27T22:00", True)),
        # The weeks in which the clocks change: both ways it is local time that counts.
        (FX, "2026-03-05T12:00", ("2026-03-01T22:05", "2026-03-06T22:00", True)),
        (FX, "2026-03-10T12:00", ("2026-03-08T21:05", "2026-03-13T21:00", True)),
        (FX, "2026-11-03T12:00", ("2026-11-01T22:05", "2026-11-06T22:00", True)),
        # By day, from one evening to the next; the first of the week is Sunday's.
        (DAILY, "2026-11-22T22:00", ("2026-11-22T22:00", "2026-11-23T21:55", True)),
        (DAILY, "2026-11-23T21:59", ("2026-11-22T22:00", "2026-11-23T21:55", True)),
        (DAILY, "2026-11-23T22:00", ("2026-11-23T22:00", "2026-11-24T21:55", False)),
        (DAILY, "2026-11-28T12:00", ("2026-11-26T22:00", "2026-11-27T21:55", False)),
        (DAILY, "2026-03-08T20:59", ("2026-03-05T22:00", "2026-03-06T21:55", False)),
        (DAILY, "2026-03-08T21:00", ("2026-03-08T21:00", "2026-03-09T20:55", True)),
        # Within one day.
        (OFFICE, "2026-07-01T07:00", ("2026-07-01T07:00", "2026-07-01T17:30", True)),
        (OFFICE, "2026-07-01T06:59", ("2026-06-30T07:00", "2026-06-30T17:30", True)),
        # Always open, with one moment a week at which the numbers start over.
        (ROUND, "2026-11-28T00:00", ("2026-11-28T00:00", "2026-12-05T00:00", True)),
        (ROUND, "2026-11-27T23:59", ("2026-11-21T00:00", "2026-11-28T00:00", True)),
        (ROUND_DAILY, "2026-11-27T21:59", ("2026-11-26T22:00", "2026-11-27T22:00", True)),
        # 02:30 comes an hour late in the night of 8 March, and that of 1 November has one 01:30.
        (NIGHT, "2026-03-08T07:00", ("2026-03-08T06:30", "2026-03-08T07:30", False)),
        (NIGHT, "2026-11-01T06:00", ("2026-11-01T05:30", "2026-11-01T07:30", False)),
    ],
)
def test_periods(schedule: Schedule, now: str, period: tuple[str, str, bool]) -> None:
    """The period that started last has the local times that the section names."""
    assert show(position(schedule, ns(now)).latest) == period


def test_a_period_without_length_does_not_take_place() -> None:
    """From 02:30 to 03:00 there is nothing in the night that has no 02:30."""
    schedule = Schedule("02:30", "03:00", "America/New_York")
    at = position(schedule, ns("2026-03-08T12:00"))

    assert show(at.latest)[0] == "2026-03-07T07:30"
    assert show(at.following)[0] == "2026-03-09T06:30"


MOMENTS = st.integers(ns("2025-01-01T00:00"), ns("2028-01-01T00:00"))


@pytest.mark.parametrize("schedule", ALL)
@given(now_ns=MOMENTS)
def test_positions(schedule: Schedule, now_ns: int) -> None:
    """Periods follow each other without overlap, and a position holds until it says."""
    at = position(schedule, now_ns)

    assert at.latest.start_ns <= now_ns < at.until_ns <= at.following.start_ns
    assert at.previous.end_ns <= at.latest.start_ns < at.latest.end_ns <= at.following.start_ns
    assert position(schedule, at.until_ns - 1) == at
    assert position(schedule, at.until_ns) != at
    assert next_period(schedule, at.latest.start_ns) == at.latest
    assert next_period(schedule, at.latest.start_ns + 1) == at.following


def missed(schedule: Schedule, now: str, started: str, ended: str) -> list[tuple[str, str]]:
    """Return what is due, as kind and ISO text."""
    known = [ns(text) if text else 0 for text in (started, ended)]
    now_ns = ns(now)
    found = due(
        schedule, position(schedule, now_ns), now_ns, started_ns=known[0], ended_ns=known[1]
    )
    return [
        (
            ("reset" if boundary.reset else "start") if isinstance(boundary, Start) else "end",
            f"{datetime.fromtimestamp(boundary.at_ns // NS_PER_S, UTC):%m-%dT%H:%M}",
        )
        for boundary in found
    ]


@pytest.mark.parametrize(
    ("now", "started", "ended", "what"),
    [
        # Nothing new.
        ("2026-11-24T12:00", "2026-11-23T22:00", "2026-11-23T21:55", []),
        ("2026-11-23T21:56", "2026-11-22T22:00", "2026-11-23T21:55", []),
        # One boundary each.
        ("2026-11-23T21:55", "2026-11-22T22:00", "2026-11-20T21:55", [("end", "11-23T21:55")]),
        ("2026-11-23T22:00", "2026-11-22T22:00", "2026-11-23T21:55", [("start", "11-23T22:00")]),
        ("2026-11-22T22:00", "2026-11-19T22:00", "2026-11-20T21:55", [("reset", "11-22T22:00")]),
        # A night without the process: the end first, then the start.
        (
            "2026-11-24T08:00",
            "2026-11-22T22:00",
            "2026-11-20T21:55",
            [("end", "11-23T21:55"), ("start", "11-23T22:00")],
        ),
        # A week without it: the reset of Sunday is not lost by the starts behind it.
        (
            "2026-11-25T08:00",
            "2026-11-18T22:00",
            "2026-11-18T21:55",
            [("end", "11-24T21:55"), ("reset", "11-24T22:00")],
        ),
        # Stopped in one pause and started in the next one.
        (
            "2026-11-24T21:56",
            "2026-11-22T22:00",
            "2026-11-23T21:55",
            [("start", "11-23T22:00"), ("end", "11-24T21:55")],
        ),
        # For the first time: as it stands, and nothing is reset.
        ("2026-11-22T23:00", "", "", [("start", "11-22T22:00")]),
        ("2026-11-28T23:00", "", "", [("end", "11-27T21:55")]),
        # Seen first in a pause: only the starts from then on count.
        ("2026-11-24T22:00", "", "2026-11-24T21:55", [("start", "11-24T22:00")]),
        ("2026-11-29T22:00", "", "2026-11-27T21:55", [("reset", "11-29T22:00")]),
        # A schedule that was moved to later times has nothing to make up for.
        ("2026-11-24T22:30", "2026-11-24T22:10", "2026-11-24T22:05", []),
    ],
)
def test_due(now: str, started: str, ended: str, what: list[tuple[str, str]]) -> None:
    """What was missed comes once, in its order, with the reset of any of the starts."""
    assert missed(DAILY, now, started, ended) == what


def test_an_end_that_is_a_start() -> None:
    """Without a pause the end comes before the start of the same moment."""
    before = ("2026-11-21T00:00", "2026-11-21T00:00")
    assert missed(ROUND, "2026-11-28T00:00", *before) == [
        ("end", "11-28T00:00"),
        ("reset", "11-28T00:00"),
    ]
    assert missed(ROUND, "2026-11-28T00:00", before[0], "2026-11-28T00:00") == [
        ("reset", "11-28T00:00")
    ]
    assert missed(ROUND, "2026-11-28T00:00", "2026-11-28T00:00", "2026-11-28T00:00") == []


@pytest.mark.parametrize("schedule", ALL)
@given(begin_ns=MOMENTS, steps=st.lists(st.integers(1, 9 * 86_400), min_size=1, max_size=6))
def test_one_leap_is_as_many_steps(schedule: Schedule, begin_ns: int, steps: list[int]) -> None:
    """However often one looks, a session ends up in the same place, and a reset is never lost."""

    def walk(moments: list[int]) -> tuple[int, int, bool]:
        started_ns = ended_ns = 0
        reset = False
        for now_ns in moments:
            at = position(schedule, now_ns)
            for boundary in due(schedule, at, now_ns, started_ns=started_ns, ended_ns=ended_ns):
                assert boundary.at_ns <= now_ns
                if isinstance(boundary, End):
                    assert boundary.at_ns > ended_ns
                    ended_ns = boundary.at_ns
                else:
                    assert boundary.at_ns > started_ns
                    assert boundary.at_ns >= ended_ns
                    started_ns, reset = boundary.at_ns, reset or boundary.reset
            assert due(schedule, at, now_ns, started_ns=started_ns, ended_ns=ended_ns) == ()
        return started_ns, ended_ns, reset

    moments = [begin_ns + sum(steps[:n]) * NS_PER_S for n in range(len(steps) + 1)]
    assert walk(moments) == walk([moments[0], moments[-1]])
