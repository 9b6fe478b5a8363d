"""Which files of a folder have changed and are whole: a look now and then, without reading them.

Editors and scripts write a file in steps: they truncate and write, write aside and rename, remove
and make anew.  A file counts as changed once it has looked the same, or been gone, for a while;
what it looked like in between was never there.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from attrs import define, field

#: How long a changed file has to look the same, and how long it has to be gone.
SETTLED_S: Final = 0.1
GONE_S: Final = 0.3

#: What tells one state of a file from another; None: there is none.
Signature = tuple[int, ...] | None


@define
class Looking:
    """Looks at files; those of the start count as changed."""

    _known: dict[Path, Signature] = field(factory=dict)
    #: What has been seen otherwise, and since when.
    _pending: dict[Path, tuple[Signature, float]] = field(factory=dict)

    @property
    def pending(self) -> bool:
        """Whether something has changed that is not settled yet."""
        return bool(self._pending)

    def look(self, paths: Iterable[Path], now_s: float) -> list[Path]:
        """Return those that have changed and settled, gone ones included, sorted."""
        settled = []
        wanted = set(paths)
        for path in [path for path, seen in self._known.items() if seen is None]:
            if path not in wanted:
                del self._known[path]
        for path in sorted({*wanted, *self._known, *self._pending}):
            seen = signature(path)
            if path in self._known and self._known[path] == seen:
                self._pending.pop(path, None)
                continue
            before, since_s = self._pending.get(path, (None, now_s))
            if path not in self._pending or before != seen:
                self._pending[path] = (seen, now_s)
            elif now_s - since_s >= (GONE_S if seen is None else SETTLED_S):
                settled.append(path)
        return settled

    def took(self, path: Path, seen: Signature) -> None:
        """Note the state in which a file was read."""
        self._pending.pop(path, None)
        self._known[path] = seen


def signature(path: Path) -> Signature:
    """Return what a file looks like; a link is what it points to."""
    try:
        status = path.stat()
    except OSError:
        return (0,) if path.is_symlink() else None
    return (
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_size,
        status.st_ino,
        status.st_dev,
        status.st_mode,
    )
