"""Refused logons: a log line with a reference each, within a budget, and counts by cause.

A flood of refusals must not become a flood of lines: above the budget they are only counted, and
the next line says how many were left out.
"""

import itertools
from collections import Counter
from typing import Final

import trio

from kk99fix.gateway.logs import Log

LINES_PER_S: Final = 20


class Refusals:
    """Notes refusals; one for the process."""

    def __init__(self, log: Log) -> None:
        """Begin with none."""
        self._log = log
        self._references = itertools.count(1)
        self._second = 0
        self._lines = 0
        self._left_out = 0
        #: How many there were, by cause.
        self.counts: Counter[str] = Counter()

    def note(
        self, cause: str, address: str, frame: bytes | None, live_address: str | None = None
    ) -> None:
        """Count a refusal and log it; `live_address` has the session that was asked for."""
        self.counts[cause] += 1
        reference = next(self._references)
        if not self._within_budget():
            self._left_out += 1
            return
        more: dict[str, object] = {}
        if frame is not None:
            more["frame"] = frame
        if live_address is not None:
            more["live_address"] = live_address
        if self._left_out:
            more["left_out"] = self._left_out
            self._left_out = 0
        self._log.warning(
            "logon refused", reference=reference, cause=cause, address=address, **more
        )

    def _within_budget(self) -> bool:
        second = int(trio.current_time())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        return self._lines <= LINES_PER_S
