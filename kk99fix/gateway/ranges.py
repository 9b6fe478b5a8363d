"""What a session asked for again: the range that is under way, and a few that wait.

Rules:

- Every number that is asked for is sent after it was asked for.
- A number that waits is not taken in twice: ranges that overlap or touch become one, so that a
  burst of requests is answered once.
- The range under way is never begun anew, or repeated requests would keep it from its end.
  It grows at its end; what is asked of the numbers it has passed waits, and follows it.
- Those that wait are sent lowest first.
- At most `WAITING_MAX` wait. Beyond that the two with the smallest hole between them become one:
  the numbers in the hole are sent too, and none that was asked for is lost.
"""

from typing import Final

from attrs import Factory, define

#: Ranges that may wait for one session, beside the one under way.
WAITING_MAX: Final = 8


@define
class UnderWay:
    """A range that is being sent."""

    first: int
    #: The number that comes next; `last` + 1 at the end.
    next_number: int
    last: int
    #: Venue time of its first chunk; 0 before.
    began_ns: int = 0

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return self.last - self.first + 1


@define
class Ranges:
    """The ranges of one session in one epoch."""

    under_way: UnderWay | None = None
    #: First and last number of each, disjoint and apart, in their order.
    waiting: list[tuple[int, int]] = Factory(list)

    def __bool__(self) -> bool:
        """Whether anything is left to be sent."""
        return self.under_way is not None or bool(self.waiting)

    @property
    def left(self) -> int:
        """How many numbers are left to be sent."""
        waiting = sum(last - first + 1 for first, last in self.waiting)
        current = self.under_way
        return waiting if current is None else waiting + current.last - current.next_number + 1

    def add(self, first: int, last: int) -> bool:
        """Take in a range; True when it became one with what is left already."""
        current, merged = self.under_way, False
        if current is not None and first <= current.last + 1 and last >= current.next_number:
            merged = True
            if last > current.last:
                current.last = last
                self._join_to(current)
            last = current.next_number - 1
        return (first <= last and self._wait(first, last)) or merged

    def current(self) -> UnderWay | None:
        """The range under way, a waiting one if it has just ended; None at the end of all."""
        if self.under_way is None and self.waiting:
            first, last = self.waiting.pop(0)
            self.under_way = UnderWay(first, first, last)
        return self.under_way

    def end(self) -> None:
        """The range under way was sent."""
        self.under_way = None

    def clear(self) -> None:
        """Nothing is wanted any more."""
        self.under_way = None
        self.waiting.clear()

    def _join_to(self, current: UnderWay) -> None:
        """Move what waits and continues the range under way into it."""
        kept = []
        for first, last in self.waiting:
            if first <= current.last + 1 and last >= current.next_number:
                current.last = max(current.last, last)
            else:
                kept.append((first, last))
        self.waiting = kept

    def _wait(self, first: int, last: int) -> bool:
        """Add a range to those that wait; True when it became one with others."""
        apart = [each for each in self.waiting if each[1] + 1 < first or each[0] > last + 1]
        joined = [each for each in self.waiting if each not in apart]
        whole = (min([first, *(f for f, _ in joined)]), max([last, *(n for _, n in joined)]))
        self.waiting = sorted([*apart, whole])
        if len(self.waiting) > WAITING_MAX:
            self._close_smallest_hole()
            return True
        return bool(joined)

    def _close_smallest_hole(self) -> None:
        ends = range(1, len(self.waiting))
        at = min(ends, key=lambda n: self.waiting[n][0] - self.waiting[n - 1][1])
        self.waiting[at - 1 : at + 1] = [(self.waiting[at - 1][0], self.waiting[at][1])]
