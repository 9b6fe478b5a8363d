from pathlib import Path

import attrs
import pytest
from support.journal_files import FaultyFiles, read_all, unit, write_journal
from support.sealed_journal import seal_all

from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.files import Files
from kk99fix.journal.record import Buffer, Record
from kk99fix.journal.removed import read_removed
from kk99fix.journal.seals import Seal
from kk99fix.journal.segment import list_segments, segment_name
from kk99fix.state.retention import (
    DAY_NS,
    RetentionPolicy,
    allowed,
    compress_segment,
    finish_removal,
    remove_parts,
    remove_segments,
)

LARGE = (b"x" * 3900,)


@pytest.fixture
def seals(tmp_path: Path) -> list[Seal]:
    """The seals of a journal of five segments, one day apart."""
    write_journal(tmp_path, [unit(n, LARGE, number=n) for n in (1, 3, 5, 7, 9)]).close()
    return [
        attrs.evolve(seal, last_time_ns=day * DAY_NS)
        for day, seal in enumerate(seal_all(tmp_path), 1)
    ]


@pytest.mark.parametrize(
    ("policy", "needed_from", "day", "compress", "remove"),
    [
        (RetentionPolicy(), 9, 99, [], []),
        (RetentionPolicy(keep_days=2), 9, 4, [], [1]),
        (RetentionPolicy(keep_days=2), 9, 99, [], [1, 2, 3, 4]),
        (RetentionPolicy(keep_days=2), 3, 99, [], [1, 2]),
        (RetentionPolicy(keep_days=2), 1, 99, [], []),
        (RetentionPolicy(keep_days=2), 0, 99, [], []),
        (RetentionPolicy(compress_after_days=1), 9, 4, [1, 2], []),
        (RetentionPolicy(compress_after_days=1), 2, 4, [1], []),
        (RetentionPolicy(compress_after_segments=3), 9, 0, [1], []),
        (RetentionPolicy(compress_after_segments=1), 9, 0, [1, 2, 3], []),
        (RetentionPolicy(keep_days=2, compress_after_days=1), 9, 4, [2], [1]),
    ],
)
def test_the_policy_says_what_may_go(
    seals: list[Seal],
    policy: RetentionPolicy,
    needed_from: int,
    day: int,
    compress: list[int],
    remove: list[int],
) -> None:
    """Age and count decide, and nothing that a start needs is touched."""
    found = allowed(seals, policy, needed_from, day * DAY_NS)

    assert (found.compress, found.remove) == (compress, remove)


class CrashError(Exception):
    """The process died."""


class CrashingFiles(Files):
    """Dies before the call number `at` that changes something."""

    def __init__(self, at: int) -> None:
        """Count from 1."""
        self.calls = 0
        self._at = at

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self._at:
            raise CrashError

    def open(self, path: Path, flags: int) -> int:
        """Count, die or open."""
        self._count()
        return super().open(path, flags)

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        """Count, die or write."""
        self._count()
        return super().pwrite(fd, data, offset)

    def rename(self, old: Path, new: Path) -> None:
        """Count, die or rename."""
        self._count()
        super().rename(old, new)

    def unlink(self, path: Path) -> None:
        """Count, die or remove."""
        self._count()
        super().unlink(path)


def names(directory: Path) -> set[str]:
    """The names of all files."""
    return {path.name for path in directory.iterdir()}


def in_pieces(directory: Path, seals: list[Seal], at: int) -> tuple[bool, list[list[Record]]]:
    """Compress segment 2 and remove 1, die at a step, do it again; what could be read between."""
    between = []
    crashed = False
    for files in (CrashingFiles(at), Files()):
        try:
            remove_parts(files, directory)
            finish_removal(files, directory)
            compress_segment(files, directory, seals[1])
            if read_removed(directory).segment == 0:
                remove_segments(files, directory, seals[:1])
        except CrashError:
            crashed = True
        between.append(read_all(directory))
    return crashed, between


def test_a_crash_between_any_two_steps_is_made_good(tmp_path: Path, seals: list[Seal]) -> None:
    """After each step everything that is kept can be read, and doing it again ends the same."""
    everything = read_all(tmp_path)
    kept = everything[2:]
    ends = set()
    at = 0
    crashed = True
    while crashed:
        at += 1
        directory = tmp_path / f"crash-{at}"
        directory.mkdir()
        for path in tmp_path.glob("0*"):
            (directory / path.name).write_bytes(path.read_bytes())
        crashed, (first, second) = in_pieces(directory, seals, at)
        assert first in (everything, kept)
        assert second == kept
        ends.add(frozenset(names(directory)))

    assert at > 10
    (end,) = ends
    assert end == {
        *("00000002.kkj.zst", "00000003.kkj", "00000004.kkj", "00000005.kkj"),
        *("00000002.seal", "00000003.seal", "00000004.seal", "removed.json"),
    }


def test_a_removed_segment_that_came_back_goes_again(tmp_path: Path, seals: list[Seal]) -> None:
    """A machine that dies may keep the removal of a seal and lose that of its segment."""
    path = tmp_path / segment_name(1)
    content = path.read_bytes()
    remove_segments(Files(), tmp_path, seals[:1])
    path.write_bytes(content)
    finish_removal(Files(), tmp_path)

    assert not path.exists()


@pytest.mark.parametrize("call", ["open", "pwrite", "fdatasync", "rename", "unlink"])
def test_a_failure_leaves_the_segment(tmp_path: Path, seals: list[Seal], call: str) -> None:
    """What the disk refuses is an error, and the segment is still there."""
    with pytest.raises(OSError, match="No space left"):
        compress_segment(FaultyFiles(call, code=28), tmp_path, seals[0])

    assert segment_name(1) in names(tmp_path)
    assert compress_segment(Files(), tmp_path, seals[0])
    assert not compress_segment(Files(), tmp_path, seals[0])


def test_what_is_not_as_it_was_sealed_is_not_compressed(tmp_path: Path, seals: list[Seal]) -> None:
    """A changed byte is found before the original goes, and the file is left as it is."""
    path = tmp_path / segment_name(1)
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)

    with pytest.raises(JournalDamagedError, match=r"00000001\.kkj, offset 0: the bytes are not"):
        compress_segment(Files(), tmp_path, seals[0])
    assert path.read_bytes() == data
    assert not [name for name in names(tmp_path) if "zst" in name]


def test_a_wrong_compressed_file_is_made_anew(tmp_path: Path, seals: list[Seal]) -> None:
    """What stands under its name and is not the segment is replaced, not trusted."""
    (tmp_path / "00000001.kkj.zst").write_bytes(b"half of it")
    before = read_all(tmp_path)

    assert compress_segment(Files(), tmp_path, seals[0])
    assert read_all(tmp_path) == before
    assert list_segments(tmp_path)[0].compressed
