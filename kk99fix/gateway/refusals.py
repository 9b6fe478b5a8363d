"""Refused logons: a log line with a reference each, within a budget, and counts by cause.

A flood of refusals must not become a flood of lines: above the budget they are only counted, and
the next line says how many were left out.
"""

import itertools
from collections import Counter

import trio

from kk99fix.gateway.line_budget import LineBudget
from kk99fix.gateway.logs import Log


class Refusals:
    """Notes refusals; one for the process."""

    def __init__(self, log: Log) -> None:
        """Begin with none."""
        self._log = log
        self._references = itertools.count(1)
        self._budget = LineBudget()
        #: How many there were, by cause.
        self.counts: Counter[str] = Counter()

    def note(
        self,
        cause: str,
        address: str,
        frame: bytes | None,
        *,
        live_address: str | None = None,
        balancer: str | None = None,
    ) -> None:
        """Count a refusal and log it; `live_address` has the session that was asked for."""
        self.counts[cause] += 1
        reference = next(self._references)
        left_out = self._budget.take(trio.current_time())
        if left_out is None:
            return
        known = {"frame": frame, "live_address": live_address, "balancer": balancer}
        self._log.warning(
            "logon refused",
            reference=reference,
            cause=cause,
            address=address,
            **{name: value for name, value in known.items() if value is not None},
            **left_out,
        )
