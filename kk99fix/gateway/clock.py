"""Venue time: UTC when the process started, carried on by the boot-time clock.

The clock follows UTC gently (at most 500 microseconds a second) and never goes back.
A difference of more than a second is not followed: it is an alarm, once until it is over.
The pump holds the clock itself, since it stamps the frames; this module only steers it.
"""

import time
from collections.abc import Callable
from typing import Final

from kk99fix.gateway.logs import Log

NS_PER_S: Final = 1_000_000_000
SLEW_NS_PER_S: Final = 500_000
STEP_NS: Final = NS_PER_S


class VenueClock:
    """Steers the pump's clock towards UTC, one adjustment a second."""

    def __init__(
        self,
        set_offset: Callable[[int, int], None],
        log: Log,
        *,
        not_below_ns: int,
        utc_ns: Callable[[], int] = time.time_ns,
        boot_ns: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME),
    ) -> None:
        """Start at UTC, or at the last journaled time if that is later."""
        self._set_offset = set_offset
        self._log = log
        self._utc_ns = utc_ns
        self._boot_ns = boot_ns
        self._stepped = False
        self.offset_ns = utc_ns() - boot_ns()
        if not_below_ns > utc_ns():
            log.warning("clock behind the journal", behind_ns=not_below_ns - utc_ns())
        set_offset(self.offset_ns, not_below_ns)

    @property
    def error_ns(self) -> int:
        """How far UTC is ahead of venue time."""
        return self._utc_ns() - self._boot_ns() - self.offset_ns

    def adjust(self) -> None:
        """Follow UTC by one second's worth; called once a second."""
        error_ns = self.error_ns
        if abs(error_ns) > STEP_NS:
            if not self._stepped:
                self._log.error("clock step not followed", utc_ahead_ns=error_ns)
            self._stepped = True
            return
        self._stepped = False
        self.offset_ns += max(-SLEW_NS_PER_S, min(SLEW_NS_PER_S, error_ns))
        self._set_offset(self.offset_ns, 0)
