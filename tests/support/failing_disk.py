"""A disk that fails, or is slow of understanding, at one chosen place of the program.

A place is the function of ours that makes the call, and the call: found by looking
at who is calling, so that a list of all places comes out of a run, and not out of a memory of them.
The journal's own thread, and the pump at level `process`, are one place: `pump`.
"""

import os
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import attrs

from kk99fix.journal.record import Buffer
from support.disk_planes import Image
from support.virtual_disk import VirtualDisk

_ROOMS = tuple(f"kk99fix/{room}/" for room in ("gateway", "journal", "keeper", "matcher", "state"))
#: Functions that call for somebody else, who is named in their place.
_HELPERS = frozenset({"write_all", "write_zeros", "prepare_file", "_open_next", "_open_with_page"})
_KEEPER = {"keeper.step", "keeper.__init__"}
SHORT_BYTES = 7


@attrs.frozen(order=True)
class Place:
    """A call, who makes it, and when: at a `start`, in the `run`, or by the `keeper`."""

    when: str
    caller: str
    call: str


@attrs.frozen
class Fault:
    """What becomes of one call: it fails with an errno, or takes only a few bytes."""

    number: int = 0
    short: bool = False


class FailingDisk(VirtualDisk):
    """Notes each place, and lets one of its calls meet with a fault."""

    def __init__(
        self,
        root: Path,
        image: Image,
        place: Place | None = None,
        fault: Fault | None = None,
        at: int = 1,
    ) -> None:
        """Lay an image out; call number `at` at a place will meet with the fault."""
        super().__init__(root, image)
        self.places: Counter[Place] = Counter()
        self._place = place
        self._fault = fault or Fault()
        self._at = at

    def open(self, path: Path, flags: int) -> int:
        """Open, or fail."""
        self._pass("open")
        return super().open(path, flags)

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        """Write, take a few bytes, or fail."""
        if self._pass("pwrite"):
            data = memoryview(data)[:SHORT_BYTES]
        return super().pwrite(fd, data, offset)

    def fdatasync(self, fd: int) -> None:
        """Sync, or fail."""
        self._pass("fdatasync")
        super().fdatasync(fd)

    def fsync(self, fd: int) -> None:
        """Sync, or fail."""
        self._pass("fsync")
        super().fsync(fd)

    def drop_cache(self, fd: int) -> None:
        """Fail, or do it."""
        self._pass("drop_cache")
        super().drop_cache(fd)

    def sync_directory(self, path: Path) -> None:
        """Sync, or fail."""
        self._pass("sync_directory")
        super().sync_directory(path)

    def rename(self, old: Path, new: Path) -> None:
        """Rename, or fail."""
        self._pass("rename")
        super().rename(old, new)

    def free_bytes(self, directory: Path) -> int:
        """Ask, or fail."""
        self._pass("statvfs")
        return super().free_bytes(directory)

    def unlink(self, path: Path) -> None:
        """Remove, or fail."""
        self._pass("unlink")
        super().unlink(path)

    def _pass(self, call: str) -> bool:
        """Note the place; whether the write is to be short."""
        place = _place(call)
        self.places[place] += 1
        if place != self._place or self.places[place] != self._at:
            return False
        if self._fault.number:
            raise OSError(self._fault.number, os.strerror(self._fault.number))
        return self._fault.short


def _place(call: str) -> Place:
    """Name the nearest function of the program that decides to make the call."""
    callers = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if any(room in code.co_filename for room in _ROOMS):
            callers.append(f"{Path(code.co_filename).stem}.{code.co_name}")
        frame = frame.f_back
    deciding = (each for each in callers if each.split(".")[1] not in _HELPERS)
    caller = next(deciding, "pump")
    if caller.startswith(("pump.", "disk_calls.")) or caller == "pump":
        return Place("run", "pump", call)
    when = "start" if "assembly.start" in callers else "keeper" if _KEEPER & set(callers) else "run"
    return Place(when, caller, call)
