from collections.abc import Callable
from pathlib import Path

import pytest
from support.journal_files import SMALL_SEGMENT_BYTES, read_all, unit, write_journal

from kk99fix.journal.compressed import TRAILER, Inflation, compress, content_bytes, sha256_of
from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.files import Files
from kk99fix.journal.names import compressed_name
from kk99fix.journal.reader import read_records
from kk99fix.journal.segment import list_segments, map_records, read_segment, segment_name


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A journal of three segments."""
    large = (b"x" * 3900,)
    write_journal(tmp_path, [unit(1, large), unit(3, large), unit(5)]).close()
    return tmp_path


def replace(directory: Path, number: int) -> Path:
    """Compress a segment and remove its file."""
    source, target = directory / segment_name(number), directory / compressed_name(number)
    compress(Files(), source, target)
    source.unlink()
    return target


def test_a_compressed_segment_reads_like_its_file(directory: Path) -> None:
    """Listing, mapping, hashing and reading give what the file of before gave."""
    before, records = list_segments(directory), read_all(directory)
    mapped = bytes(map_records(before[1]))
    sha256 = sha256_of(before[1].path, compressed=False)
    target = replace(directory, 2)
    after = list_segments(directory)

    assert [each.header for each in before] == [each.header for each in after]
    assert [each.compressed for each in after] == [False, True, False]
    assert (mapped, records) == (bytes(map_records(after[1])), read_all(directory))
    assert sha256 == sha256_of(target, compressed=True)
    assert len(list(read_records(after))) == 6


def test_a_segment_that_was_replaced_is_still_found(directory: Path) -> None:
    """Who has its name or its header from before reads on."""
    segment = list_segments(directory)[1]
    mapped = bytes(map_records(segment))
    target = replace(directory, 2)

    assert read_segment(segment.path).path == target
    assert mapped == bytes(map_records(segment))


def test_a_segment_that_is_replaced_meanwhile_is_still_found(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own file may go between any two looks at it."""
    path = directory / segment_name(2)
    target = replace(directory, 2)
    monkeypatch.setattr(Path, "exists", lambda _: True)

    assert read_segment(path).path == target


def test_the_file_counts_as_long_as_it_is_there(directory: Path) -> None:
    """A compressed file beside it, which may be half done, is not read."""
    (directory / compressed_name(2)).write_bytes(b"half")

    assert [each.compressed for each in list_segments(directory)] == [False] * 3


def test_it_comes_piece_by_piece(directory: Path) -> None:
    """A step takes in as much as it is told, and the last one says so."""
    path = replace(directory, 1)
    inflation = Inflation(path, content_bytes(path))
    steps = []
    while not inflation.step(1000):
        steps.append(inflation.mapped[:])

    assert len(steps) == SMALL_SEGMENT_BYTES // 1000
    assert steps[0][1000:] == bytes(SMALL_SEGMENT_BYTES - 1000)


@pytest.mark.parametrize(
    ("cut", "says"),
    [
        (lambda data: data[:-1], "the file is cut off"),
        (lambda data: data[: -len(TRAILER)], "the file is cut off"),
        (lambda data: data + b"x", "the file is cut off"),
        (lambda _: b"", "the file is cut off"),
        (lambda data: b"x" + data[1:], "this is not a zstd file"),
        (lambda data: data[: -len(TRAILER) - 2] + b"xy" + TRAILER, "the compressed bytes are"),
        (lambda data: data[: -len(TRAILER) - 4] + TRAILER, "the compressed bytes are damaged"),
        (lambda data: data[:60] + b"xyz" + data[63:], "the header page is damaged"),
    ],
)
def test_damage_is_named(directory: Path, cut: Callable[[bytes], bytes], says: str) -> None:
    """A compressed file that is cut, longer or changed is an error with its name."""
    path = replace(directory, 1)
    path.write_bytes(cut(path.read_bytes()))

    with pytest.raises(JournalDamagedError, match=rf"{path.name}, offset \d+: {says}"):
        _ = map_records(read_segment(path))[0]


def test_another_length_than_the_header_says_is_damage(directory: Path, tmp_path: Path) -> None:
    """A whole zstd file of something shorter is no segment."""
    short = tmp_path / "short"
    short.write_bytes((directory / segment_name(1)).read_bytes()[:5000])
    path = directory / compressed_name(1)
    compress(Files(), short, path)
    (directory / segment_name(1)).unlink()

    with pytest.raises(JournalDamagedError, match="the file has 5000 bytes, its header says 8192"):
        list_segments(directory)
