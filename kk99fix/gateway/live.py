"""The live loop: one Trio task over the pump's descriptor serves every logged-on session.

A pass drains the ready sockets into the core, hands the frames that the gate refused to the venue
(at most a few of each session, so that nobody's unusual traffic holds up the others), writes the
records and sends.
At level `durable` the pump's descriptor also wakes the loop when the disk has a group: its messages
leave then, and what has gathered meanwhile is the next group.
While more has gathered than memory is meant for, the loop waits for the disk alone.
What needs attention although no socket is ready (a reader that takes nothing, a connection that
has drained) is seen by a pass every tenth of a second.
"""

from typing import Final

import trio

from kk99fix.fix import masking
from kk99fix.gateway.connections import Connections
from kk99fix.gateway.feeder import Feeder
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.matcher.pump import Event, EventKind
from kk99fix.venue.inputs import FrameInput

#: Frames of one session that Python handles in one pass.
ESCALATIONS_MAX: Final = 8
LOOK_EVERY_S: Final = 0.1


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
            if self._pump.backed_up:
                await trio.lowlevel.wait_readable(self._pump.durable_descriptor)
            elif self._pump.pending:
                await trio.lowlevel.checkpoint()
            else:
                await trio.lowlevel.wait_readable(self._pump.descriptor)
            self.run_pass()

    async def keep_house(self) -> None:
        """Make a pass now and then, whether a socket is ready or not, for ever."""
        while True:
            await trio.sleep(LOOK_EVERY_S)
            self.run_pass()

    def run_pass(self) -> None:
        """Do what is ready now."""
        self._sequencer.check()
        for event in self._pump.read():
            self._take(event)
        for slot in self._pump.ciphered:
            found = self._connections.decrypt(slot)
            if found is not None:
                self._take(found)
        self._sequencer.commit()
        events = self._pump.events()
        if self._connections.cut_broken() or events:
            for event in events:
                self._take(event)
            self._sequencer.commit()
        self._connections.sweep()

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
                self._sequencer.apply(FrameInput(event.session, masking.mask(event.frame)))
            event = self._pump.handled(event.slot)
            if event is None:
                return
            if event.kind is not EventKind.FRAME:
                self._take(event)
                return
        assert event is not None
        self._pump.defer(event)
