import os
import random
from pathlib import Path

import pytest
from support.disk_planes import BLOCK_BYTES, Crash, DiskPlanes, Image
from support.virtual_disk import VirtualDisk

DICE = random.Random(5)  # noqa: S311 - seeded on purpose
OLD, NEW = b"o" * BLOCK_BYTES, b"n" * BLOCK_BYTES


@pytest.fixture
def disk(tmp_path: Path) -> VirtualDisk:
    """A disk with one file `dir/a` of three old blocks."""
    return VirtualDisk(tmp_path / "root", {"dir/a": OLD * 3})


def image(disk: VirtualDisk, crash: Crash) -> Image:
    """What a crash leaves after all steps so far."""
    planes = DiskPlanes(disk.first)
    for step in disk.steps:
        planes.make(step)
    return planes.image(crash, DICE)


def test_what_is_synced_survives_every_crash(disk: VirtualDisk) -> None:
    """Bytes of a synced file and names of a synced directory are there whatever happens."""
    fd = disk.open(disk.root / "dir/a", os.O_RDWR)
    disk.pwrite(fd, NEW, BLOCK_BYTES)
    disk.fdatasync(fd)
    disk.rename(disk.root / "dir/a", disk.root / "dir/b")
    disk.sync_directory(disk.root / "dir")
    disk.close(fd)

    for crash in Crash:
        assert image(disk, crash) == {"dir/b": OLD + NEW + OLD}
    assert (disk.root / "dir/b").read_bytes() == OLD + NEW + OLD


def test_pending_bytes_and_names_may_each_be_lost(disk: VirtualDisk) -> None:
    """Each kind of crash leaves what its name says."""
    fd = disk.open(disk.root / "dir/a", os.O_RDWR)
    disk.pwrite(fd, NEW, 0)
    disk.rename(disk.root / "dir/a", disk.root / "dir/b")
    disk.close(fd)

    assert image(disk, Crash.KEPT) == {"dir/b": NEW + OLD * 2}
    assert image(disk, Crash.LOST) == {"dir/a": OLD * 3}
    assert image(disk, Crash.NAMES_LOST) == {"dir/a": NEW + OLD * 2}
    assert image(disk, Crash.NAMES_EARLY) == {"dir/b": OLD * 3}


def test_a_torn_write_is_cut_at_any_byte(disk: VirtualDisk) -> None:
    """Only the end of the last write is missing, and what stood there before shows."""
    fd = disk.open(disk.root / "dir/a", os.O_RDWR)
    disk.pwrite(fd, NEW, 0)
    disk.pwrite(fd, NEW, BLOCK_BYTES)
    disk.close(fd)

    lengths = set()
    for _ in range(200):
        content = image(disk, Crash.TORN)["dir/a"]
        lengths.add(kept := content.count(b"n"))
        assert content == (b"n" * kept).ljust(3 * BLOCK_BYTES, b"o")
    assert len(lengths) > 100
    assert min(lengths) >= BLOCK_BYTES


def test_reordered_writes_keep_any_blocks(disk: VirtualDisk) -> None:
    """Each block of a write is there or not, whatever became of the one before it."""
    fd = disk.open(disk.root / "dir/a", os.O_RDWR)
    disk.pwrite(fd, NEW * 2, BLOCK_BYTES // 2)
    disk.close(fd)

    found = {image(disk, Crash.REORDERED)["dir/a"] for _ in range(200)}

    assert len(found) == 8


def test_a_file_that_was_never_synced_is_empty_or_gone(disk: VirtualDisk) -> None:
    """A new file may be there by name only, and a removed one may come back."""
    fd = disk.open(disk.root / "dir/new", os.O_RDWR | os.O_CREAT)
    disk.pwrite(fd, NEW, 0)
    disk.close(fd)
    disk.unlink(disk.root / "dir/a")

    assert image(disk, Crash.LOST) == {"dir/a": OLD * 3}
    assert image(disk, Crash.NAMES_EARLY) == {"dir/new": b""}
    assert image(disk, Crash.KEPT) == {"dir/new": NEW}
