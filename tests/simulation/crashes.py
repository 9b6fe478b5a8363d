"""Crashes: at which step of the disk or the network the process dies, and what is found then.

Every call that changes the disk, and every send, is a step.  `arm` sets after how many of them the
process, or the whole machine, is to die; the step at which that happens raises `CrashedError`.

    the process dies    what the system was given survives, of the write under way any prefix
    the machine dies    what was synced survives; of the pending blocks of 4 KiB, and of the pending
                        changes of names, any part

The files are real ones, and so is their reading after the crash; only nothing waits for a disk.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path

import attrs

from kk99fix.journal.files import Files
from kk99fix.journal.record import Buffer

BLOCK_BYTES = 4096


class CrashedError(BaseException):
    """The process is dead from here on; nothing but the simulation may catch it."""


@attrs.define
class _Pending:
    """Bytes that are not synced, and what they took the place of."""

    path: Path
    offset: int
    before: bytes
    data: bytes


class Disk(Files):
    """The disk of one state directory, which dies with its machine."""

    def __init__(self, dice: random.Random, *, syncs: bool) -> None:
        """Begin with everything synced; without `syncs` writes count as synced, as names do."""
        self._dice = dice
        self._syncs = syncs
        self._countdown: int | None = None
        self._paths: dict[int, Path] = {}
        self._pending: list[_Pending] = []
        #: What undoes each change of a name that is not synced, in their order.
        self._names: list[Callable[[], None]] = []
        self._synced_names: set[Path] = set()
        self.crashed = False
        self.steps = 0

    def arm(self, steps: int) -> None:
        """Die at this step from now on."""
        self._countdown = steps

    def step(self) -> None:
        """Count a step; the one that was chosen raises."""
        self.steps += 1
        if self.crashed:
            raise CrashedError
        if self._countdown is None:
            return
        self._countdown -= 1
        if self._countdown <= 0:
            self._countdown = None
            self.crashed = True
            raise CrashedError

    def sync_time_ns(self) -> int:
        """How long a sync takes, in virtual time."""
        return self._dice.choice((200_000, 300_000, 1_000_000, 20_000_000))

    # ------------------------------------------------------------------ as Files

    def open(self, path: Path, flags: int) -> int:
        """Open a file."""
        made = bool(flags & os.O_CREAT) and not path.exists()
        if made:
            self.step()
        fd = super().open(path, flags)
        if made:
            self._name(lambda: path.unlink(missing_ok=True))
        self._paths[fd] = path
        return fd

    def close(self, fd: int) -> None:
        """Close a file."""
        self._paths.pop(fd, None)
        super().close(fd)

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        """Write all, or a prefix where the process dies on the way."""
        whole = bytes(data)
        try:
            self.step()
        except CrashedError:
            self._write(fd, whole[: self._dice.randint(0, len(whole))], offset)
            raise
        self._write(fd, whole, offset)
        return len(whole)

    def fdatasync(self, fd: int) -> None:
        """Take note that the file's bytes are on the disk."""
        self.step()
        path = self._paths[fd]
        self._pending = [each for each in self._pending if each.path != path]

    def drop_cache(self, fd: int) -> None:
        """Do nothing: there is no cache."""

    def fsync(self, fd: int) -> None:
        """Take note that the names are on the disk."""
        del fd
        self.sync_directory(Path())

    def sync_directory(self, path: Path) -> None:
        """Take note that the names are on the disk."""
        del path
        self.step()
        self._names.clear()

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name."""
        self.step()
        super().rename(old, new)
        for fd, path in self._paths.items():
            if path == old:
                self._paths[fd] = new
        for each in self._pending:
            if each.path == old:
                each.path = new
        self._name(lambda: self._undo_rename(old, new))

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        self.step()
        content = path.read_bytes()
        super().unlink(path)
        self._name(lambda: self._undo_unlink(path, content))

    # ------------------------------------------------------------------ the end

    def end(self, *, machine: bool) -> None:
        """Leave what a crash leaves; the next start finds it, and everything of it is synced."""
        for fd in list(self._paths):
            os.close(fd)
        self._paths.clear()
        if machine:
            lost = self._dice.random()
            for pending in reversed(self._pending):
                self._lose_blocks(pending, lost)
            kept = self._dice.randint(0, len(self._names))
            for undo in reversed(self._names[kept:]):
                undo()
        self._pending.clear()
        self._names.clear()
        self._countdown = None
        self.crashed = False

    def _write(self, fd: int, data: bytes, offset: int) -> None:
        path = self._paths[fd]
        if self._syncs:
            with path.open("rb") as file:
                file.seek(offset)
                before = file.read(len(data))
            self._pending.append(_Pending(path, offset, before.ljust(len(data), b"\0"), data))
        os.pwrite(fd, data, offset)

    def _name(self, undo: Callable[[], None]) -> None:
        if self._syncs:
            self._names.append(undo)

    def _lose_blocks(self, pending: _Pending, lost: float) -> None:
        if not pending.path.exists():
            return
        with pending.path.open("r+b") as file:
            start = 0
            while start < len(pending.data):
                border = BLOCK_BYTES - (pending.offset + start) % BLOCK_BYTES
                stop = min(len(pending.data), start + border)
                if self._dice.random() < lost:
                    file.seek(pending.offset + start)
                    file.write(pending.before[start:stop])
                start = stop

    def _undo_rename(self, old: Path, new: Path) -> None:
        if new.exists():
            new.rename(old)
        for each in self._pending:
            if each.path == new:
                each.path = old

    def _undo_unlink(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
