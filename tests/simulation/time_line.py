"""Virtual time: what happens next, in the order of its moments, and nothing in between."""

import heapq
import itertools
from collections.abc import Callable

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
#: Monday 2026-09-21 20:15 UTC, three quarters of an hour before the trading day rolls.
START_NS = 1_790_021_700 * NS_PER_S


class TimeLine:
    """Events in the order of their moments; those of one moment in the order of their making."""

    def __init__(self) -> None:
        """Begin with nothing to come."""
        self.now_ns = START_NS
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, moment_ns: int, event: Callable[[], None]) -> None:
        """Let something happen then, or now if that has passed."""
        heapq.heappush(self._events, (max(moment_ns, self.now_ns), next(self._order), event))

    def after(self, wait_ns: int, event: Callable[[], None]) -> None:
        """Let something happen in a while."""
        self.at(self.now_ns + wait_ns, event)

    def step(self) -> None:
        """Go on to the next event and let it happen."""
        self.now_ns, _, event = heapq.heappop(self._events)
        event()
