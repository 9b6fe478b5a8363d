"""A snapshot's file: whole, or damaged and told so."""

import errno
import os
from pathlib import Path

import pytest

from kk99fix.journal.errors import JournalDamagedError, JournalReadError
from kk99fix.journal.files import Files
from kk99fix.journal.record import Buffer
from kk99fix.journal.segment import PAGE_BYTES, Identity, SegmentCapacity
from kk99fix.state.snapshot_file import (
    CORE,
    VENUE,
    SnapshotHeader,
    read_file,
    read_header,
    write_file,
)

IDENTITY = Identity(bytes(range(16)), 20260921, bytes(32), "kk99-core 9", SegmentCapacity(7, 6, 5))
HEADER = SnapshotHeader(41, 1_790_000_000_000_000_000, 3, 2**63 + 5, IDENTITY, clean=True)
SECTIONS = [(VENUE, b'{"a":1}'), (CORE, b"some bytes"), (CORE, b"and more")]


def written(folder: Path) -> Path:
    """A small snapshot."""
    path = folder / "00000000000000000041.kks"
    write_file(Files(), path, HEADER, SECTIONS)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Header and sections come back as they were."""
    path = written(tmp_path)
    found = read_file(path)

    assert read_header(path) == found.header == HEADER
    assert [(kind, bytes(payload)) for kind, payload in found.sections] == SECTIONS
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_each_flipped_bit_is_found(tmp_path: Path) -> None:
    """A bit that changed anywhere but in the zeros' own checksum is found, and so are those."""
    path = written(tmp_path)
    whole = path.read_bytes()
    for offset in range(len(whole)):
        changed = bytearray(whole)
        changed[offset] ^= 1 << offset % 8
        path.write_bytes(changed)
        with pytest.raises(JournalDamagedError) as found:
            read_file(path)
        assert str(path) in str(found.value)


def test_each_cut_is_found(tmp_path: Path) -> None:
    """A file that ends too early, or goes on, is damaged."""
    path = written(tmp_path)
    whole = path.read_bytes()
    for length in [0, 100, *range(PAGE_BYTES - 1, len(whole))]:
        path.write_bytes(whole[:length])
        with pytest.raises(JournalDamagedError):
            read_file(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(JournalDamagedError, match="goes on behind its end"):
        read_file(path)


def test_a_section_of_another_snapshot(tmp_path: Path) -> None:
    """Sections of two snapshots make none, even where both stood in the same place."""
    path = written(tmp_path)
    other = tmp_path / "other.kks"
    write_file(Files(), other, SnapshotHeader(42, 5, 3, 7, IDENTITY, clean=True), SECTIONS)
    path.write_bytes(path.read_bytes()[:PAGE_BYTES] + other.read_bytes()[PAGE_BYTES:])

    with pytest.raises(JournalDamagedError, match="section 0 is damaged"):
        read_file(path)


def test_a_later_format(tmp_path: Path) -> None:
    """A format that this program does not know is named."""
    path = written(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kk99fix.state.snapshot_file.SNAPSHOT_VERSION", 2)
        path = written(tmp_path)
    with pytest.raises(JournalDamagedError, match="format 2, this program reads 1"):
        read_file(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """What the system refuses is told as such."""
    with pytest.raises(JournalReadError):
        read_file(tmp_path / "nothing.kks")


class FullDisk(Files):
    """A disk with room for the first section alone."""

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        """Refuse what comes later."""
        if offset > PAGE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().pwrite(fd, data, offset)


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    """Where a snapshot cannot be written no file is left, and an older one stays as it is."""
    path = written(tmp_path)
    before = path.read_bytes()
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_file(FullDisk(), path, HEADER, SECTIONS)

    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
