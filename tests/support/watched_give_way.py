"""A `GiveWay` that counts, and knows whether it is within `often`."""

from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from kk99fix.matcher.giving_way import GiveWay


@attrs.define
class WatchedGiveWay:
    """What was asked of it so far."""

    #: Calls of `now`, and blocks of `often`.
    yields: int = 0
    stretches: int = 0
    within: bool = False

    @property
    def give_way(self) -> GiveWay:
        """What is handed to the code under test."""
        return GiveWay(now=self._now, often=self._often)

    def _now(self) -> None:
        self.yields += 1

    @contextmanager
    def _often(self) -> Iterator[None]:
        assert not self.within, "one stretch does not go into another"
        self.within = True
        self.stretches += 1
        try:
            yield
        finally:
            self.within = False
