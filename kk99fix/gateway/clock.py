"""Venue time: UTC when the process started, carried on by the boot-time clock.

The clock follows UTC gently (at most 500 microseconds a second) and never goes back.
A difference of more than a second is not followed: it is an alarm, once until it is over.
A start that finds UTC more than a second behind the journal goes on from the journal's last time:
which of the two clocks was wrong is for a person to say, and time that stood still would keep
heartbeats and timeouts from happening.
The pump holds the clock itself, since it stamps the frames; this module only steers it.
"""

import time
from collections.abc import Callable
from typing import Final

from kk99fix.gateway.logs import Log

NS_PER_S: Final = 1_000_000_000
SLEW_NS_PER_S: Final = 500_000
STEP_NS: Final = NS_PER_S
WHAT_TO_DO: Final = (
    "Venue time does not follow, and counterparties whose clock is right may be refused "
    "(sending-time, STALE_ORDER). Set the system's clock right (chronyc tracking, timedatectl), "
    "then restart; see docs/recovery.md, 'The clock stepped'"
)


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
        now_ns, up_ns = utc_ns(), boot_ns()
        behind_ns = not_below_ns - now_ns
        self._stepped = behind_ns > STEP_NS
        self.offset_ns = (not_below_ns if self._stepped else now_ns) - up_ns
        if self._stepped:
            log.error("clock behind the journal", behind_ns=behind_ns, what=WHAT_TO_DO)
        elif behind_ns > 0:
            log.warning("clock behind the journal", behind_ns=behind_ns)
        set_offset(self.offset_ns, not_below_ns)

    @property
    def error_ns(self) -> int:
        """How far UTC is ahead of venue time."""
        return self._utc_ns() - self._boot_ns() - self.offset_ns

    @property
    def alarm(self) -> bool:
        """Whether UTC is so far away that it is not followed."""
        return self._stepped

    def adjust(self) -> None:
        """Follow UTC by one second's worth; called once a second."""
        error_ns = self.error_ns
        if abs(error_ns) > STEP_NS:
            if not self._stepped:
                self._log.error("clock step not followed", utc_ahead_ns=error_ns, what=WHAT_TO_DO)
            self._stepped = True
            return
        if self._stepped:
            self._log.warning("clock right again", utc_ahead_ns=error_ns)
        self._stepped = False
        self.offset_ns += max(-SLEW_NS_PER_S, min(SLEW_NS_PER_S, error_ns))
        self._set_offset(self.offset_ns, 0)
