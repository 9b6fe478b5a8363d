"""Journal segments prepared before a run, and taken back after it.

Allocating blocks on a disk is slow and overwriting them is not, so the same files serve every run:
they are zeroed, synced and handed to the gateway as prepared segments.
"""

import os
from pathlib import Path

import attrs

from bench.gateway_files import SEGMENT_BYTES

_CHUNK = bytes(1 << 22)


def zero(path: Path, size: int) -> None:
    """Make `path` a synced file of `size` zero bytes."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for offset in range(0, size, len(_CHUNK)):
            os.pwrite(fd, _CHUNK[: size - offset], offset)
        os.fdatasync(fd)
    finally:
        os.close(fd)


@attrs.define
class SegmentPool:
    """A folder of files of SEGMENT_BYTES that are not in use."""

    folder: Path

    def lend(self, journal: Path, count: int) -> None:
        """Put `count` prepared segments into a gateway's journal folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        spare = sorted(self.folder.iterdir())
        for number in range(1, count + 1):
            path = journal / f"prepared-{number:08d}.zeros"
            if spare:
                spare.pop().rename(path)
            zero(path, SEGMENT_BYTES)

    def take_back(self, journal: Path) -> None:
        """Collect a journal's files of the right size, used or not."""
        for number, path in enumerate(sorted(journal.iterdir())):
            if path.is_file() and path.stat().st_size == SEGMENT_BYTES:
                path.rename(self.folder / f"{len(list(self.folder.iterdir())):04d}-{number:04d}")
