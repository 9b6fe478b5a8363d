"""A disk under `Files` and under the calls of the pump, that notes every change and waits for none.

The files themselves are real, so whoever maps or reads one sees what the system would show. What a
machine that dies would leave is told by `disk_planes` from the steps that are noted here.
`before_step` is called before each change; between two of those calls any crash may fall.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from kk99fix.journal.record import Buffer
from support.disk_planes import (
    DiskPlanes,
    Image,
    Made,
    NamesSynced,
    Removed,
    Renamed,
    Step,
    Synced,
    Wrote,
)
from support.watched_disk import WatchedDisk


class VirtualDisk(WatchedDisk):
    """The disk of one state directory; see the top of this module."""

    def __init__(self, root: Path, image: Image | None = None) -> None:
        """Lay an image out below `root`, in place of what is there."""
        super().__init__(root)
        self.steps: list[Step] = []
        self._image = image or {}
        self._lock = threading.Lock()
        #: The present name of each open file, and of each file that was renamed while it is open.
        self._open: dict[int, str] = {}
        lay_out(root, self._image)

    @classmethod
    def over(cls, root: Path) -> Self:
        """Return the disk of a state directory as it is; all of it counts as synced."""
        files = [path for path in root.rglob("*") if path.is_file() and path.name != "lock"]
        return cls(root, {str(path.relative_to(root)): path.read_bytes() for path in files})

    @property
    def first(self) -> Image:
        """What was on the disk before the first step."""
        return self._image

    def planes(self) -> DiskPlanes:
        """Return what the disk has and may have after all steps so far."""
        planes = DiskPlanes(self._image)
        for step in self.steps:
            planes.make(step)
        return planes

    def open(self, path: Path, flags: int) -> int:
        """Open a file, and note one that is made."""
        made = bool(flags & os.O_CREAT) and (bool(flags & os.O_TRUNC) or not path.exists())
        name = self._name(path)
        if flags & os.O_DIRECTORY:
            return super().open(path, flags)
        if not made:
            fd = super().open(path, flags)
        else:
            with self._step(Made(name)):
                fd = super().open(path, flags)
        self._open[fd] = name
        return fd

    def close(self, fd: int) -> None:
        """Close a file; nothing is synced by that."""
        self._open.pop(fd, None)
        super().close(fd)

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        """Write, all of it."""
        with self._step(Wrote(self._open[fd], offset, bytes(data))):
            taken = super().pwrite(fd, data, offset)
            assert taken == len(data)
            return taken

    def fdatasync(self, fd: int) -> None:
        """Note that the file's bytes are on the disk."""
        with self._step(Synced(self._open[fd])):
            pass

    def fsync(self, fd: int) -> None:
        """Note that the names in an open directory are on the disk."""
        assert fd not in self._open, "a file is synced with fdatasync"
        self._sync_names(Path(f"/proc/self/fd/{fd}").readlink())

    def sync_directory(self, path: Path) -> None:
        """Note that the names in a directory are on the disk."""
        self._sync_names(path)

    def drop_cache(self, fd: int) -> None:
        """Do nothing: an image has no cache that could differ."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name."""
        before, after = self._name(old), self._name(new)
        with self._step(Renamed(before, after)):
            super().rename(old, new)
            for fd, name in self._open.items():
                if name == before:
                    self._open[fd] = after

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        with self._step(Removed(self._name(path))):
            super().unlink(path)

    def _sync_names(self, path: Path) -> None:
        """Do so; those above the root are no part of an image."""
        if not path.is_relative_to(self.root):
            return
        with self._step(NamesSynced(self._name(path))):
            pass

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    @contextmanager
    def _step(self, step: Step) -> Iterator[None]:
        with self._lock:
            self.before_step()
            yield
            self.steps.append(step)
            self.step_count += 1


def lay_out(root: Path, image: Image, was: Image | None = None) -> None:
    """Make the files below `root` those of `image`; of those in `was` the bytes are known."""
    known = was or {}
    for name, content in image.items():
        if known.get(name) is not content:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    root.mkdir(parents=True, exist_ok=True)
    for path in list(root.rglob("*")):
        if path.is_file() and path.name != "lock" and str(path.relative_to(root)) not in image:
            path.unlink()
