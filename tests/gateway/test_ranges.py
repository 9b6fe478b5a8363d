import pytest
from hypothesis import given
from hypothesis import strategies as st

from kk99fix.gateway.ranges import WAITING_MAX, Ranges

#: A request for numbers, or how many of them are sent next.
STEPS = st.lists(st.one_of(st.tuples(st.integers(1, 60), st.integers(0, 12)), st.integers(1, 15)))


def send(ranges: Ranges, count: int) -> list[int]:
    """Send up to so many numbers, as the feeder does."""
    sent: list[int] = []
    while len(sent) < count and (current := ranges.current()) is not None:
        if current.next_number <= current.last:
            sent.append(current.next_number)
            current.next_number += 1
        if current.next_number > current.last:
            ranges.end()
    return sent


@given(STEPS)
def test_every_number_that_is_asked_for_is_sent_once(steps: list[tuple[int, int] | int]) -> None:
    """Whatever is asked and sent in which order, each waiting number comes, and none comes twice.

    What was never asked for comes at most when the ranges became too many.
    """
    ranges, wanted, extra = Ranges(), set[int](), set[int]()
    for step in steps:
        if isinstance(step, tuple):
            first, last = step[0], step[0] + step[1]
            ranges.add(first, last)
            wanted |= set(range(first, last + 1))
        else:
            for number in send(ranges, step):
                (wanted if number in wanted else extra).discard(number)
        assert len(ranges.waiting) <= WAITING_MAX
        assert ranges.left >= len(wanted)
    rest = send(ranges, 10_000)

    assert wanted <= set(rest)
    assert len(rest) == len(set(rest))
    assert not ranges
    assert ranges.left == 0


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 12)), max_size=WAITING_MAX))
def test_a_burst_gives_exactly_what_was_asked_for(asked: list[tuple[int, int]]) -> None:
    """As long as no more ranges wait than may, nothing else comes, and lowest numbers first."""
    ranges = Ranges()
    for first, more in asked:
        ranges.add(first, first + more)
    wanted = {n for first, more in asked for n in range(first, first + more + 1)}

    assert ranges.left == len(wanted)
    assert send(ranges, 10_000) == sorted(wanted)


@pytest.mark.parametrize(
    ("more", "merged", "rest"),
    [
        ((10, 20), True, [*range(15, 21), *range(10, 15)]),
        ((10, 14), False, [*range(15, 21), *range(10, 15)]),
        ((15, 20), True, [*range(15, 21)]),
        ((18, 25), True, [*range(15, 26)]),
        ((21, 25), True, [*range(15, 26)]),
        ((22, 25), False, [*range(15, 21), *range(22, 26)]),
        ((12, 30), True, [*range(15, 31), *range(12, 15)]),
        ((1, 5), False, [*range(15, 21), *range(1, 6)]),
    ],
)
def test_asked_while_a_range_is_under_way(
    more: tuple[int, int], merged: bool, rest: list[int]
) -> None:
    """The range under way goes on and may grow; the numbers that it has passed follow it."""
    ranges = Ranges()
    ranges.add(10, 20)
    send(ranges, 5)

    assert ranges.add(*more) is merged
    assert send(ranges, 100) == rest


def test_a_range_that_grows_takes_in_what_waits() -> None:
    """Ranges that wait above it are joined once it reaches them."""
    ranges = Ranges()
    ranges.add(10, 20)
    send(ranges, 1)
    ranges.add(30, 40)
    ranges.add(50, 60)
    assert ranges.add(18, 35)

    assert send(ranges, 1000) == [*range(11, 41), *range(50, 61)]


def test_a_range_whose_gap_is_still_open_may_grow() -> None:
    """With its last number taken and the gap not yet filled it is under way still."""
    ranges = Ranges()
    ranges.add(10, 20)
    current = ranges.current()
    assert current is not None
    current.next_number = 21
    assert ranges.add(5, 25)

    assert send(ranges, 100) == [*range(21, 26), *range(5, 21)]


def test_beyond_the_bound_the_smallest_hole_is_filled() -> None:
    """One range too many: the two nearest become one."""
    ranges = Ranges()
    for n in range(WAITING_MAX):
        ranges.add(100 * n + 1, 100 * n + 10)
    assert ranges.add(316, 320)

    assert len(ranges.waiting) == WAITING_MAX
    assert (301, 320) in ranges.waiting
    ranges.clear()
    assert not ranges
    assert ranges.current() is None
