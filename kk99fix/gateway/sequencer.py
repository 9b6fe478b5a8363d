"""The sequencer: the single writer between whatever happens and the venue.

Every input passes `apply`, in one order, at one time; `commit` then writes the records and lets
the messages go.  At level `durable` it hands the records to the journal's thread if that is idle,
lets go what the disk has by now, and returns: the pump wakes the live loop when a group is done.
Nothing here awaits, so no task ever sees half an input.
The pump applies plain frames between two calls of `apply` by itself, on the same thread.

`on_released` is called whenever messages may have been let go, for those that are encrypted first.
What an outcome asks of the live process is handed to the listeners that were registered: a range to
be sent again at once, so that its session's ring takes nothing more before it, the end of a
connection after the records are written.
"""

import errno
import os
from collections import Counter
from collections.abc import Callable
from typing import Final

from kk99fix.fix import tables
from kk99fix.fix.framing import msg_type
from kk99fix.gateway.logs import Log
from kk99fix.journal.errors import JournalError
from kk99fix.journal.writer import JournalWriter
from kk99fix.matcher.pump import FailedAction, Flushed, Pump
from kk99fix.venue.inputs import DayRollInput, FrameInput, Input, LogonInput
from kk99fix.venue.order_entry import COMMANDS
from kk99fix.venue.outcome import Disconnected, Outcome, ResendRange, UnknownTrade
from kk99fix.venue.venue import Venue

#: So much may wait to be written when an input is applied; the rest of the core's buffer is its.
FLUSH_ABOVE_BYTES: Final = 64 << 20
_ACTIONS: Final = {
    FailedAction.WRITE: "write a batch",
    FailedAction.SYNC: "sync the segment",
    FailedAction.SYNC_DIRECTORY: "sync the directory with the segment's name",
}


class Sequencer:
    """Applies inputs and commits them; see the top of this module."""

    def __init__(self, venue: Venue, pump: Pump, writer: JournalWriter, log: Log) -> None:
        """Take over the journal where the writer stands."""
        self.venue = venue
        self.pump = pump
        self._writer = writer
        self._log = log
        self._disconnects: list[Disconnected] = []
        self._failure: BaseException | None = None
        #: Frames handled by the session layer, by MsgType(35); order entry is the core's to count.
        self.frames: Counter[str] = Counter()
        self.on_released: Callable[[], None] = lambda: None
        self.on_disconnect: Callable[[Disconnected], None] = lambda _: None
        self.on_resend: Callable[[ResendRange], None] = lambda _: None
        self.on_unknown_trade: Callable[[UnknownTrade], None] = lambda _: None
        self._point_pump()

    @property
    def failed(self) -> bool:
        """Whether a write or an input failed half-way."""
        return self._failure is not None

    def check(self) -> None:
        """Raise what failed, so that nothing is applied, written or sent after it.

        Another task may run once more before the failure has ended it.
        """
        if self._failure is not None:
            raise self._failure

    def apply(self, item: Input) -> Outcome:
        """Apply one input now; `commit` has to follow before anything waits."""
        self.check()
        if isinstance(item, FrameInput | LogonInput):
            self._count(item.frame)
        try:
            outcome = self._apply(item)
        except BaseException as error:
            self._failure = error
            raise
        for fault in outcome.faults:
            name = self.venue.registry.session_names()[fault.session]
            self._log.error("fault ended a session", session=name, traceback=fault.traceback)
        self._disconnects += outcome.disconnects
        for resend in outcome.resends:
            self.on_resend(resend)
        for unknown in outcome.unknown_trades:
            self.on_unknown_trade(unknown)
        return outcome

    def commit(self) -> None:
        """Write the records made so far, let their messages go, do what they ask for.

        Raises `JournalWriteError` when a write or a sync fails: nothing was let go then, and the
        process has to end.
        """
        self.check()
        self._flush()
        disconnects, self._disconnects = self._disconnects, []
        for disconnect in disconnects:
            self.on_disconnect(disconnect)

    def settle(self) -> None:
        """Block until everything applied is on the disk, or with the system at level `process`.

        Its messages are let go then, and nothing is on its way to the journal.
        """
        self.check()
        while True:
            self.pump.wait()
            self._flush()
            if self.pump.settled:
                return

    def finish(self) -> None:
        """Settle for good: the journal says itself how far it is on the disk."""
        self.settle()
        self._take_note(self.pump.finish())

    def _apply(self, item: Input) -> Outcome:
        if isinstance(item, DayRollInput):
            self._begin_day(item)
        elif self.venue.engine.journal_used > FLUSH_ABOVE_BYTES:
            self._make_room()
        return self.venue.apply(item, self.pump.now_ns())

    def _flush(self) -> None:
        try:
            self._write()
        except JournalError as error:
            self._failure = error
            raise

    def _write(self) -> None:
        while self._take_note(self.pump.flush()) is Flushed.ROLL:
            self._writer.roll(self.pump.room_needed, first_lsn=self.pump.waiting_lsn)
            self._point_pump()
        self.on_released()

    def _take_note(self, flushed: Flushed) -> Flushed:
        """Note how far the journal is; raises when it goes no further."""
        if flushed is Flushed.ERROR:
            number = self.pump.error or errno.EIO
            action = _ACTIONS[self.pump.failed_action]
            raise self._writer.fail(OSError(number, os.strerror(number)), action)
        self._writer.advance(self.pump.segment_offset - self._writer.offset)
        return flushed

    def _make_room(self) -> None:
        """Write what waits; the last resort while the disk is slow is to wait for it."""
        self._flush()
        while self.venue.engine.journal_used > FLUSH_ABOVE_BYTES:
            self.pump.wait()
            self._flush()

    def _begin_day(self, item: DayRollInput) -> None:
        """Segments never span a trading day; a new journal's first one has its day already."""
        if self._writer.identity.trading_day == int(item.trading_day):
            return
        self.settle()
        self._writer.roll(
            0, first_lsn=self.venue.engine.next_lsn, trading_day=int(item.trading_day)
        )
        self._point_pump()

    def _count(self, frame: bytes) -> None:
        name = msg_type(frame)
        if name not in COMMANDS:
            self.frames[name.decode("ascii") if name in tables.MESSAGES else "other"] += 1

    def _point_pump(self) -> None:
        descriptor, offset, end = self._writer.current()
        self.pump.set_segment(descriptor, offset, end, self._writer.seed)
