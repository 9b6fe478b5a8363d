"""Whose turn it is to be fed: sessions in a row, and those that rest until a moment.

A session that is fed is in one state at a time; one that left its state while it stood in the row
or rested is passed over there.
"""

import heapq
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

import trio
from attrs import Factory, define

from kk99fix.gateway.ranges import Ranges

NS_PER_S: Final = 1_000_000_000
#: Venue time is steered, so a long rest is taken in pieces.
REST_MAX_S: Final = 1.0


class State(Enum):
    """What a session that is fed waits for."""

    TURN = auto()
    #: Room in its ring.
    ROOM = auto()
    #: Its quota.
    QUOTA = auto()
    #: Nothing: it has everything.
    ENDED = auto()


@define
class Feed:
    """One session that is being fed."""

    session: int
    epoch: int
    ranges: Ranges = Factory(Ranges)
    #: First number of an open run of administrative messages, to be gap-filled; 0 for none.
    gap_from: int = 0
    state: State = State.TURN

    def begin_epoch(self, epoch: int) -> None:
        """Forget what was asked for of another epoch."""
        if epoch != self.epoch:
            self.epoch, self.gap_from = epoch, 0
            self.ranges.clear()


class Turns:
    """The row of those that may be fed, and those that rest."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        """Begin with nobody; `now_ns` is venue time."""
        self._now_ns = now_ns
        self._row: deque[Feed] = deque()
        #: Until when, a tie-breaker, and who.
        self._rests: list[tuple[int, int, Feed]] = []
        self._wake = trio.Event()
        #: How often somebody rested so far.
        self.rests_taken = 0

    def give(self, feed: Feed) -> None:
        """Put a session at the end of the row."""
        feed.state = State.TURN
        self._row.append(feed)
        self._wake.set()

    def rest(self, feed: Feed, until_ns: int) -> None:
        """Have a session wait for its quota."""
        feed.state = State.QUOTA
        self.rests_taken += 1
        heapq.heappush(self._rests, (until_ns, self.rests_taken, feed))

    def take(self) -> Feed | None:
        """Take out the one whose turn it is; None when there is nobody."""
        while self._rest_is_over():
            _, _, rested = heapq.heappop(self._rests)
            if rested.state is State.QUOTA:
                self.give(rested)
        while self._row:
            feed = self._row.popleft()
            if feed.state is State.TURN:
                return feed
        return None

    async def wait(self) -> None:
        """Wait until somebody may have a turn."""
        while not self._row and not self._rest_is_over():
            self._wake = trio.Event()
            with trio.move_on_after(self._rest_s()):
                await self._wake.wait()

    def _rest_is_over(self) -> bool:
        return bool(self._rests) and self._rests[0][0] <= self._now_ns()

    def _rest_s(self) -> float:
        if not self._rests:
            return float("inf")
        return min(REST_MAX_S, max(0, self._rests[0][0] - self._now_ns()) / NS_PER_S)
