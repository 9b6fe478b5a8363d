"""The live loop: one Trio task over the pump's descriptor serves every logged-on session.

A pass drains the ready sockets into the core, hands the frames that the gate refused to the venue
(at most a few of each session, so that nobody's unusual traffic holds up the others), writes the
records and sends.
"""

from typing import Final

import trio

from kk99fix.gateway.connections import Connections
from kk99fix.gateway.feeder import Feeder
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.matcher.pump import Event, EventKind
from kk99fix.venue.inputs import FrameInput

#: Frames of one session that Python handles in one pass.
ESCALATIONS_MAX: Final = 8


class LiveLoop:
    """Passes of the pump, for ever."""

    def __init__(self, sequencer: Sequencer, connections: Connections, feeder: Feeder) -> None:
        """Take the parts that a pass concerns."""
        self._sequencer = sequencer
        self._pump = sequencer.pump
        self._connections = connections
        self._feeder = feeder

    async def run(self) -> None:
        """Wait for work and do it."""
        while True:
            if self._pump.pending:
                await trio.lowlevel.checkpoint()
            else:
                await trio.lowlevel.wait_readable(self._pump.descriptor)
            self.run_pass()

    def run_pass(self) -> None:
        """Do what is ready now."""
        for event in self._pump.read():
            self._take(event)
        self._sequencer.commit()
        self._connections.sweep()
        for event in self._pump.events():
            self._take(event)

    def _take(self, event: Event) -> None:
        if event.kind is EventKind.FRAME:
            self._frames(event)
        elif event.kind is EventKind.BEHIND:
            self._feeder.catch_up(event.session)
        else:
            self._connections.cut(event)

    def _frames(self, event: Event | None) -> None:
        """Handle a session's frames until it is plain again or has had its share."""
        for _ in range(ESCALATIONS_MAX):
            assert event is not None
            if self._sequencer.venue.is_live(event.session):
                self._sequencer.apply(FrameInput(event.session, event.frame))
            event = self._pump.handled(event.slot)
            if event is None:
                return
            if event.kind is not EventKind.FRAME:
                self._take(event)
                return
        assert event is not None
        self._pump.defer(event)
