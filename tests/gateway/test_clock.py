import attrs
import pytest
from support.live_gateway import LogLines

from kk99fix.gateway.clock import VenueClock

S = 1_000_000_000
START_NS = 1_767_225_600 * S


@attrs.define
class Clocks:
    """UTC and boot time of a machine, and what the pump is told."""

    utc_ns: int = START_NS
    boot_ns: int = 1000 * S
    told: list[tuple[int, int]] = attrs.field(factory=list)

    def clock(self, logged: LogLines, not_below_ns: int = 0) -> VenueClock:
        """Start a clock on this machine."""
        return VenueClock(
            lambda offset_ns, floor_ns: self.told.append((offset_ns, floor_ns)),
            logged.log,
            not_below_ns=not_below_ns,
            utc_ns=lambda: self.utc_ns,
            boot_ns=lambda: self.boot_ns,
        )

    def run(self, seconds: int, utc_drift_ns: int = 0) -> None:
        """Let seconds pass; UTC is corrected by `utc_drift_ns` meanwhile."""
        self.boot_ns += seconds * S
        self.utc_ns += seconds * S + utc_drift_ns


@pytest.fixture
def logged() -> LogLines:
    """A log that keeps its lines."""
    return LogLines()


def test_it_starts_at_utc(logged: LogLines) -> None:
    """Venue time is UTC when the process starts."""
    clocks = Clocks()
    clocks.clock(logged)

    assert clocks.told == [(START_NS - 1000 * S, 0)]
    assert logged.lines == []


def test_it_follows_utc_gently(logged: LogLines) -> None:
    """A correction of 2 ms is followed by half a millisecond each second, both ways."""
    for sign in (1, -1):
        clocks = Clocks()
        clock = clocks.clock(logged)
        clocks.run(1, sign * 2_000_000)
        offsets = []
        for _ in range(5):
            clock.adjust()
            offsets.append(clocks.told[-1][0] - clocks.told[0][0])
            clocks.run(1)

        assert offsets == [sign * 500_000 * n for n in (1, 2, 3, 4, 4)]
        assert clock.error_ns == 0
    assert logged.lines == []


def test_it_does_not_follow_a_step(logged: LogLines) -> None:
    """A step of more than a second is told once, until it is over, and changes nothing."""
    clocks = Clocks()
    clock = clocks.clock(logged)
    clocks.run(1, 3600 * S)
    for _ in range(3):
        clock.adjust()
    clocks.run(1, -3600 * S)
    clock.adjust()
    clocks.run(1, -3600 * S)
    clock.adjust()

    assert len(set(clocks.told)) == 1
    steps = [line["utc_ahead_ns"] for line in logged.of("clock step not followed")]
    assert steps == [3600 * S, -3600 * S]


def test_it_never_starts_before_the_journal(logged: LogLines) -> None:
    """UTC behind the last journaled time is told, and the pump gets that time as its floor."""
    clocks = Clocks()
    clocks.clock(logged, not_below_ns=START_NS + 5 * S)

    assert clocks.told[-1][1] == START_NS + 5 * S
    assert [line["behind_ns"] for line in logged.lines] == [5 * S]


def test_a_start_far_behind_the_journal_goes_on_from_there(logged: LogLines) -> None:
    """An hour behind is an alarm, once; time goes on from the journal, not steered."""
    clocks = Clocks()
    clock = clocks.clock(logged, not_below_ns=START_NS + 3600 * S)
    for _ in range(3):
        clocks.run(1)
        clock.adjust()

    assert clock.alarm
    assert clocks.told == [(START_NS + 3600 * S - 1000 * S, START_NS + 3600 * S)]
    (line,) = logged.lines
    assert (line["event"], line["level"]) == ("clock behind the journal", "error")
    assert line["behind_ns"] == 3600 * S
    assert "chronyc tracking" in line["what"]


def test_an_alarm_ends_when_the_clock_is_right_again(logged: LogLines) -> None:
    """UTC that comes back to within a second is followed again, and the log says so."""
    clocks = Clocks()
    clock = clocks.clock(logged, not_below_ns=START_NS + 3600 * S)
    clocks.run(1, 3600 * S + 2_000_000)
    clock.adjust()

    assert not clock.alarm
    assert clocks.told[-1][0] - clocks.told[0][0] == 500_000
    assert [line["utc_ahead_ns"] for line in logged.of("clock right again")] == [2_000_000]


@pytest.mark.parametrize("step_ns", [-3600 * S, 3600 * S])
def test_a_step_moves_venue_time_by_nothing(logged: LogLines, step_ns: int) -> None:
    """An hour forward or back: not one nanosecond of it is followed, in an hour."""
    clocks = Clocks()
    clock = clocks.clock(logged)
    clocks.run(1, step_ns)
    for _ in range(3600):
        clock.adjust()
        clocks.run(1)

    assert len(set(clocks.told)) == 1
    assert clock.alarm
    assert len(logged.of("clock step not followed")) == 1


def test_a_frozen_clock_is_followed_for_a_second_at_most(logged: LogLines) -> None:
    """UTC that stands still slows venue time by less than a millisecond, then is an alarm."""
    clocks = Clocks()
    clock = clocks.clock(logged)
    for _ in range(60):
        clocks.run(1, -S)
        clock.adjust()

    followed = [offset - clocks.told[0][0] for offset, _ in clocks.told]
    assert followed == [0, -500_000]
    assert [line["utc_ahead_ns"] for line in logged.lines] == [-2 * S + 500_000]


def test_sleep_of_the_machine_is_no_step(logged: LogLines) -> None:
    """The boot-time clock counts a suspended hour as UTC does: venue time comes along at once."""
    clocks = Clocks()
    clock = clocks.clock(logged)
    clocks.run(3600)
    clock.adjust()

    assert clock.error_ns == 0
    assert clocks.boot_ns + clock.offset_ns == START_NS + 3600 * S
    assert logged.lines == []


def test_a_leap_second_is_followed_gently(logged: LogLines) -> None:
    """A second more or less is no step: it takes 2000 seconds to follow."""
    clocks = Clocks()
    clock = clocks.clock(logged)
    clocks.run(1, -S)
    seconds = 0
    while clock.error_ns:
        clock.adjust()
        clocks.run(1)
        seconds += 1

    assert seconds == 2000
    assert logged.lines == []
