"""What a disk holds for certain, what it may hold, and what a machine that dies leaves of both.

A disk has two planes: what a sync has brought to it for certain, and what is still pending, which
are writes of each file and changes of names. `image` makes of them what may be found after the
machine died at this moment:

    KEPT         only the process died: everything pending is there
    LOST         nothing pending is there, neither bytes nor names
    TORN         everything but the end of the last write, cut at any byte
    REORDERED    any subset of the pending blocks of 4 KiB, and the first few pending names
    NAMES_LOST   all bytes, no pending name: a rename that nobody synced is undone
    NAMES_EARLY  all names, no pending byte: a rename that overtook what it names
"""

import enum
import random
from collections.abc import Callable, Iterator

import attrs

BLOCK_BYTES = 4096
#: Files by their path below the root, with all of their bytes.
Image = dict[str, bytes]


class Crash(enum.Enum):
    """What of the pending is there after a crash."""

    KEPT = enum.auto()
    LOST = enum.auto()
    TORN = enum.auto()
    REORDERED = enum.auto()
    NAMES_LOST = enum.auto()
    NAMES_EARLY = enum.auto()


@attrs.frozen
class Made:
    """A new, empty file has this name."""

    name: str


@attrs.frozen
class Wrote:
    """Bytes were written to a file, whatever its name was then: `name` is the present one."""

    name: str
    offset: int
    data: bytes


@attrs.frozen
class Synced:
    """The file's bytes are on the disk."""

    name: str


@attrs.frozen
class Renamed:
    """A file has another name."""

    old: str
    new: str


@attrs.frozen
class Removed:
    """A file has no name any more."""

    name: str


@attrs.frozen
class NamesSynced:
    """The names in a folder are on the disk."""

    folder: str


Step = Made | Wrote | Synced | Renamed | Removed | NamesSynced
Writes = list[tuple[int, bytes]]


@attrs.define(eq=False)
class _File:
    """One file, whatever it is called."""

    durable: bytes = b""
    pending: Writes = attrs.field(factory=list)

    def with_writes(self, writes: Writes) -> bytes:
        """Return the durable bytes with these writes on top."""
        if not writes:
            return self.durable
        content = bytearray(self.durable)
        for offset, data in writes:
            if len(content) < offset + len(data):
                content.extend(bytes(offset + len(data) - len(content)))
            content[offset : offset + len(data)] = data
        return bytes(content)

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Cut the pending writes at the borders of blocks."""
        for offset, data in self.pending:
            start = 0
            while start < len(data):
                stop = min(len(data), start + BLOCK_BYTES - (offset + start) % BLOCK_BYTES)
                yield offset + start, data[start:stop]
                start = stop


class DiskPlanes:
    """The two planes of one disk."""

    def __init__(self, image: Image) -> None:
        """Begin with an image, all of which is on the disk."""
        self._names = {name: _File(content) for name, content in image.items()}
        self._durable_names = self._names
        #: Names as they were after each pending change of one.
        self._pending_names: list[dict[str, _File]] = []
        self._last: _File | None = None

    def is_named(self, name: str) -> bool:
        """Whether this name of a file is on the disk."""
        return name in self._durable_names

    def make(self, step: Step) -> None:
        """Make one change."""
        names = dict(self._names)
        match step:
            case Made(name):
                names[name] = _File()
                self._rename(names)
            case Wrote(name, offset, data):
                self._last = self._names[name]
                self._last.pending.append((offset, data))
            case Synced(name):
                file = self._names[name]
                file.durable = file.with_writes(file.pending)
                file.pending.clear()
            case Renamed(old, new):
                names[new] = names.pop(old)
                self._rename(names)
            case Removed(name):
                del names[name]
                self._rename(names)
            case NamesSynced(folder):
                self._durable_names = self._settled(self._durable_names, folder)
                self._pending_names = [self._settled(n, folder) for n in self._pending_names]

    def image(self, crash: Crash, dice: random.Random) -> Image:
        """Return what may be found after a crash; `dice` decides where it may go either way."""
        names, early = self._names, self._names
        lost = self._durable_names
        match crash:
            case Crash.KEPT:
                return _image(names, lambda file: file.pending)
            case Crash.LOST:
                return _image(lost, lambda _: [])
            case Crash.TORN:
                return _image(names, lambda file: self._torn(file, dice))
            case Crash.REORDERED:
                some = dice.choice([lost, *self._pending_names])
                return _image(some, lambda file: [b for b in file.blocks() if dice.random() < 0.5])
            case Crash.NAMES_LOST:
                return _image(lost, lambda file: file.pending)
            case Crash.NAMES_EARLY:
                return _image(early, lambda _: [])

    def _torn(self, file: _File, dice: random.Random) -> Writes:
        if file is not self._last or not file.pending:
            return file.pending
        offset, data = file.pending[-1]
        return [*file.pending[:-1], (offset, data[: dice.randrange(len(data) + 1)])]

    def _settled(self, names: dict[str, _File], folder: str) -> dict[str, _File]:
        """Return names with those in one folder as they are now."""
        others = {name: file for name, file in names.items() if _folder(name) != folder}
        now = {name: file for name, file in self._names.items() if _folder(name) == folder}
        return others | now

    def _rename(self, names: dict[str, _File]) -> None:
        self._names = names
        self._pending_names.append(names)


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _image(names: dict[str, _File], writes: Callable[[_File], Writes]) -> Image:
    return {name: file.with_writes(writes(file)) for name, file in names.items()}
