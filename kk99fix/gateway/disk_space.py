"""Room on the disk: segments prepared ahead, and no new orders before the room is used up.

Rules:

- A worker thread prepares segments and asks the disk how much is left; everything else happens on
  the live loop's thread.
- When there is room for fewer than `low_segments` further segments, or none could be prepared, the
  venue is told by a journaled input: it refuses new orders and replaces (`STORAGE_LOW`).  Cancels,
  status requests and logons go on, on the prepared segments and what is left of the disk.
- It is told of the end when there is room for `MARGIN_SEGMENTS` more than that and the reserve
  stands again, so that it does not go back and forth.
- Each of the two is one line in the log.
- The journal keeps the flag over a restart; the start looks again before anybody may log on.

A roll that finds neither a prepared segment nor room ends the process; the writer sees to that.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import trio
from attrs import frozen

from kk99fix.gateway.logs import Log
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.journal.errors import JournalPrepareError
from kk99fix.journal.files import Files
from kk99fix.journal.writer import JournalWriter
from kk99fix.venue.inputs import StorageInput

LOOK_EVERY_S: Final = 0.2
#: After each MiB of zeros, while another segment stands ready: 64 MiB take half a second.
PREPARE_REST_S: Final = 0.005
#: After a failure, which has cost the disk a try.
LOOK_AGAIN_S: Final = 5.0
#: So much more than the mark has to be free before orders are taken again.
MARGIN_SEGMENTS: Final = 1
WHAT_TO_DO: Final = (
    "Make room on that disk, or give it more: see docs/recovery.md, 'Low disk space'. "
    "Orders are taken again by themselves"
)


@frozen
class Look:
    """What the worker thread found; `free_bytes` is None where the disk does not say."""

    free_bytes: int | None
    #: Why no segment could be prepared; "" when the reserve is complete.
    error: str = ""


def _rest() -> None:
    """Leave the disk to the journal for a moment; ends the thread's work when the gateway stops."""
    trio.from_thread.check_cancelled()
    time.sleep(PREPARE_REST_S)


class DiskSpace:
    """Keeps the reserve and tells the venue; see the top of this module."""

    def __init__(
        self,
        sequencer: Sequencer,
        writer: JournalWriter,
        files: Files,
        log: Log,
        *,
        low_segments: int,
        segments_ahead: int,
    ) -> None:
        """Take the parts; with `low_segments` 0 no order is ever refused for the disk."""
        self._sequencer = sequencer
        self._writer = writer
        self._files = files
        self._log = log
        self._watches = low_segments > 0
        self._low_bytes = low_segments * writer.segment_bytes
        self._enough_bytes = (low_segments + MARGIN_SEGMENTS) * writer.segment_bytes
        self._ahead = segments_ahead
        self._last = Look(None)

    @property
    def free_bytes(self) -> int:
        """Bytes that were free when the disk was last asked."""
        return self._last.free_bytes or 0

    def begin(self) -> None:
        """Judge the disk as a start finds it."""
        self.judge(Look(self._ask()))

    async def run(self) -> None:
        """Prepare, look and judge, for ever."""
        while True:
            look = await trio.to_thread.run_sync(self.look, _rest)
            self.judge(look)
            await trio.sleep(LOOK_AGAIN_S if look.error else LOOK_EVERY_S)

    def look(self, rest: Callable[[], None] = lambda: None) -> Look:
        """Complete the reserve and ask the disk; for the worker thread, which may `rest`."""
        try:
            self._writer.prepare_ahead(self._ahead, rest)
        except JournalPrepareError as error:
            return Look(self._ask(), str(error))
        return Look(self._ask())

    def judge(self, look: Look) -> None:
        """Log what failed, and tell the venue when orders are to be refused or taken again."""
        self._last = look
        if look.error:
            self._log.warning("no segment prepared", error=look.error)
        low = self._sequencer.venue.storage_low
        if low == self._is_low(look, low=low):
            return
        facts = {
            "directory": str(self._folder),
            "free_bytes": look.free_bytes,
            "low_bytes": self._low_bytes,
            "segments_prepared": self._writer.statistics().prepared,
        }
        if low:
            self._log.warning("disk space enough", **facts)
        else:
            self._log.error("disk space low", **facts, what=WHAT_TO_DO)
        self._sequencer.apply(StorageInput(low=not low))
        self._sequencer.commit()

    def _is_low(self, look: Look, *, low: bool) -> bool:
        if not self._watches:
            return False
        if look.error or look.free_bytes is None:
            return True
        return look.free_bytes < (self._enough_bytes if low else self._low_bytes)

    @property
    def _folder(self) -> Path:
        return self._writer.directory

    def _ask(self) -> int | None:
        try:
            return self._files.free_bytes(self._folder)
        except OSError:
            return None
