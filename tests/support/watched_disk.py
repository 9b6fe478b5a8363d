"""A disk under both seams of the gateway that tells of each change before it is made."""

from collections.abc import Callable
from pathlib import Path

from kk99fix.journal.files import Files


class WatchedDisk(Files):
    """The system's files; who makes a change calls `before_step` first, then counts it."""

    def __init__(self, root: Path) -> None:
        """Watch what is below `root`."""
        self.root = root
        self.before_step: Callable[[], None] = lambda: None
        self.step_count = 0

    def fsync(self, fd: int) -> None:
        """Wait until the names in an open directory are on the disk."""
        raise NotImplementedError
