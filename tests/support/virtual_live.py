"""A live gateway whose time a test sets forward: a byte a second takes no time.

The trio clock runs and can jump (`MockClock(rate=1)`), so that sockets work and deadlines of the
acceptor come; venue time jumps with it, so that timers of sessions do.
"""

import attrs
from trio.testing import MockClock

from kk99fix.harness.scenario import Scenario
from kk99fix.harness.transcript import Transcript
from support.live_gateway import HOST, Live, wait_until

NS_PER_S = 1_000_000_000


@attrs.frozen
class VirtualLive:
    """A live gateway with its clocks."""

    live: Live
    clock: MockClock

    async def pace(self, seconds: float) -> None:
        """Let time jump, and wait until the gateway has done what is due then."""
        gateway = self.live.gateway
        gateway.clock.offset_ns += round(seconds * NS_PER_S)
        gateway.sequencer.pump.set_clock(gateway.clock.offset_ns, 0)
        self.clock.jump(seconds)
        await wait_until(lambda: not self._due())

    def now_ns(self) -> int:
        """Return venue time."""
        return self.live.gateway.sequencer.pump.now_ns()

    def scenario(self, transcript: Transcript, within_s: float) -> Scenario:
        """Return a scenario in venue time."""
        return Scenario(
            HOST, self.live.port, within_s=within_s, transcript=transcript, clock_ns=self.now_ns
        )

    def _due(self) -> bool:
        deadline_ns = self.live.gateway.storage.venue.next_deadline_ns()
        return deadline_ns is not None and deadline_ns <= self.now_ns()
