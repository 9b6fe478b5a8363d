import os
import shutil
from pathlib import Path

import attrs
import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st
from support.journal_files import IDENTITY, SMALL_SEGMENT_BYTES, FaultyFiles, unit, write_journal

from kk99fix.journal.errors import JournalDamagedError, JournalReadError
from kk99fix.journal.segment import (
    PAGE_BYTES,
    Identity,
    SegmentCapacity,
    SegmentHeader,
    list_segments,
    map_records,
    prepare_file,
    read_ahead,
    read_whole,
    round_to_pages,
    segment_name,
    unpack_page,
)

HERE = Path("00000001.kkj")
U64 = st.integers(0, 2**64 - 1)


def big_unit(lsn: int) -> bytes:
    """Return a unit of which one segment holds exactly one."""
    return unit(lsn, outputs=(b"x" * 3000,))


@pytest.fixture
def three_segments(tmp_path: Path) -> Path:
    """A directory with segments 1 to 3, one unit of two records each."""
    write_journal(tmp_path, [big_unit(1), big_unit(3), big_unit(5)]).close()
    return tmp_path


@given(
    st.builds(
        SegmentHeader,
        U64,
        U64,
        U64,
        st.builds(
            Identity,
            st.binary(min_size=16, max_size=16),
            st.integers(0, 2**32 - 1),
            st.binary(min_size=32, max_size=32),
            st.from_regex(r"[ -~]{0,32}", fullmatch=True),
            st.builds(SegmentCapacity, *[st.integers(0, 2**32 - 1)] * 7),
            st.booleans(),
        ),
    )
)
def test_a_header_page_round_trips(header: SegmentHeader) -> None:
    """What is packed into a page of 4096 bytes reads back the same."""
    page = header.pack()

    assert len(page) == PAGE_BYTES
    assert header == unpack_page(page, HERE)


def test_any_flipped_bit_of_a_header_page_is_found() -> None:
    """Every bit of the page is guarded, the unused part as well."""
    page = bytearray(SegmentHeader(1, 1, SMALL_SEGMENT_BYTES, IDENTITY).pack())

    for bit in range(len(page) * 8):
        page[bit // 8] ^= 1 << bit % 8
        with pytest.raises(JournalDamagedError):
            unpack_page(page, HERE)
        page[bit // 8] ^= 1 << bit % 8


def test_a_newer_format_is_refused_by_name() -> None:
    """A page of another version says which version wrote it and which is read."""
    page = bytearray(SegmentHeader(1, 1, SMALL_SEGMENT_BYTES, IDENTITY).pack())
    page[8] = 3
    page[PAGE_BYTES - 4 :] = _page_crc(page)

    with pytest.raises(JournalDamagedError, match="format version 3, this program reads 2"):
        unpack_page(page, HERE)


def test_an_empty_page_says_what_may_be_given_up(three_segments: Path) -> None:
    """A machine that died at level process may leave a name whose page never came to the disk."""
    path = three_segments / segment_name(3)
    path.write_bytes(bytes(path.stat().st_size))

    with pytest.raises(JournalDamagedError, match="the header page is empty") as caught:
        list_segments(three_segments)
    assert f"what came after is given up, move {path.name} " in str(caught.value)
    path.unlink()
    assert len(list_segments(three_segments)) == 2


def test_a_seed_that_does_not_follow_is_refused() -> None:
    """The seed must be the one of uuid and number, even where the page's checksum is right."""
    page = bytearray(SegmentHeader(1, 1, SMALL_SEGMENT_BYTES, IDENTITY).pack())
    page[12] ^= 1
    page[PAGE_BYTES - 4 :] = _page_crc(page)

    with pytest.raises(JournalDamagedError, match="the seed"):
        unpack_page(page, HERE)


def _page_crc(page: bytearray) -> bytes:
    return crc32c(page[: PAGE_BYTES - 4]).to_bytes(4, "little")


def test_segments_are_listed_in_order(three_segments: Path) -> None:
    """Numbers, names and first lsn go up; other files in the directory are left alone."""
    (three_segments / "notes.txt").write_text("kept")

    segments = list_segments(three_segments)

    assert [each.header.number for each in segments] == [1, 2, 3]
    assert [each.header.first_lsn for each in segments] == [1, 3, 5]
    assert [s.path.name for s in segments] == ["00000001.kkj", "00000002.kkj", "00000003.kkj"]


def test_listing_may_start_later(three_segments: Path) -> None:
    """Segments before the first that is wanted may be gone."""
    (three_segments / segment_name(1)).unlink()

    assert [s.header.number for s in list_segments(three_segments, first_number=2)] == [2, 3]


def test_an_empty_directory_has_no_segments(tmp_path: Path) -> None:
    """No journal is not an error of the listing."""
    assert list_segments(tmp_path) == []


@pytest.mark.parametrize("number", [1, 2])
def test_a_missing_segment_is_named(three_segments: Path, number: int) -> None:
    """The file that should be there is named, and the next one that is."""
    (three_segments / segment_name(number)).unlink()

    with pytest.raises(JournalDamagedError) as caught:
        list_segments(three_segments)

    assert caught.value.path == three_segments / segment_name(number)
    assert f"the file is missing, the next one there is {segment_name(number + 1)}" in str(
        caught.value
    )


def test_swapped_files_are_refused(three_segments: Path) -> None:
    """A file under another segment's name is not taken for that segment."""
    two, three = (three_segments / segment_name(n) for n in (2, 3))
    two.rename(three_segments / "aside")
    three.rename(two)
    (three_segments / "aside").rename(three)

    with pytest.raises(JournalDamagedError, match=r"holds segment 3 but is named 00000002\.kkj"):
        list_segments(three_segments)


def test_a_duplicated_segment_is_refused(three_segments: Path) -> None:
    """A copy of a segment under the next name is not taken for the next one."""
    shutil.copy(three_segments / segment_name(2), three_segments / segment_name(4))

    with pytest.raises(JournalDamagedError, match=r"holds segment 2 but is named 00000004\.kkj"):
        list_segments(three_segments)


def test_a_foreign_segment_is_refused(three_segments: Path) -> None:
    """A segment of another journal does not join, though its name and number fit."""
    path = three_segments / segment_name(2)
    foreign = SegmentHeader(
        2, 3, SMALL_SEGMENT_BYTES, attrs.evolve(IDENTITY, journal_uuid=b"f" * 16)
    )
    path.write_bytes(foreign.pack() + path.read_bytes()[PAGE_BYTES:])

    with pytest.raises(JournalDamagedError, match="belongs to another journal"):
        list_segments(three_segments)


def test_a_first_lsn_that_goes_back_is_refused(three_segments: Path) -> None:
    """The segments' first lsn never fall."""
    path = three_segments / segment_name(3)
    header = SegmentHeader(3, 2, SMALL_SEGMENT_BYTES, IDENTITY)
    path.write_bytes(header.pack() + path.read_bytes()[PAGE_BYTES:])

    with pytest.raises(JournalDamagedError, match="starts at lsn 2, before 00000002"):
        list_segments(three_segments)


@pytest.mark.parametrize(
    "size", [0, 100, PAGE_BYTES, SMALL_SEGMENT_BYTES - 1, SMALL_SEGMENT_BYTES + 1]
)
def test_a_file_of_the_wrong_size_is_refused(three_segments: Path, size: int) -> None:
    """A cut or a grown file is named, whatever is left of it."""
    path = three_segments / segment_name(2)
    path.write_bytes(path.read_bytes().ljust(size, b"\0")[:size])

    with pytest.raises(JournalDamagedError) as caught:
        list_segments(three_segments)

    assert path == caught.value.path


def test_a_file_that_cannot_be_read_is_one_sentence(three_segments: Path) -> None:
    """A segment that cannot be opened as a file is an error with its name and the cause."""
    (three_segments / segment_name(4)).mkdir()

    with pytest.raises(JournalReadError, match=r"00000004\.kkj: cannot read the file: Is a direc"):
        list_segments(three_segments)


def test_a_segment_that_is_gone_cannot_be_mapped(three_segments: Path) -> None:
    """A file that was moved away after it was listed is an error with its name."""
    last = list_segments(three_segments)[-1]
    last.path.unlink()

    with pytest.raises(JournalReadError, match="No such file"):
        map_records(last)


def test_a_disk_that_cannot_read_is_one_sentence(three_segments: Path) -> None:
    """Bytes that the disk does not give refuse the start by name, and kill nobody."""
    last = list_segments(three_segments)[-1]
    records = map_records(last)
    read_whole(last, records)
    os.truncate(last.path, PAGE_BYTES)

    with pytest.raises(JournalReadError, match=r"00000003\.kkj: cannot read the file: Input/outp"):
        read_whole(last, records)


def test_a_path_that_is_no_directory_is_one_sentence(three_segments: Path) -> None:
    """Listing a file is an error with the cause."""
    with pytest.raises(JournalReadError, match="Not a directory"):
        list_segments(three_segments / segment_name(1))


def test_something_else_under_a_segments_name_is_refused(three_segments: Path) -> None:
    """A file without the magic is not a segment."""
    shutil.copy(__file__, three_segments / segment_name(4))

    with pytest.raises(JournalDamagedError, match="not a segment of a kk99fix journal"):
        list_segments(three_segments)


def test_a_prepared_file_is_real_zeros_and_synced(tmp_path: Path) -> None:
    """All bytes are written, once, in pieces, and synced before the file gets its name."""
    files = FaultyFiles()

    prepare_file(files, tmp_path / "t", tmp_path / "p", (2 << 20) + PAGE_BYTES)

    assert (tmp_path / "p").read_bytes() == bytes((2 << 20) + PAGE_BYTES)
    assert (tmp_path / "p").stat().st_blocks * 512 >= 2 << 20
    assert files.calls == {"open": 1, "pwrite": 3, "fdatasync": 1, "rename": 1}
    assert not (tmp_path / "t").exists()


@given(st.integers(0, 1 << 40))
def test_rounding_to_pages(length: int) -> None:
    """The result is the smallest multiple of a page that is not less."""
    rounded = round_to_pages(length)

    assert rounded % PAGE_BYTES == 0
    assert length <= rounded < length + PAGE_BYTES


def test_reading_ahead_changes_nothing(tmp_path: Path) -> None:
    """The file stays as it is, and one that is not there is nobody's fault."""
    path = tmp_path / "some"
    path.write_bytes(b"x" * 10_000)
    read_ahead(path, 1 << 20)
    read_ahead(tmp_path / "none", 1 << 20)

    assert path.read_bytes() == b"x" * 10_000
    assert [each.name for each in tmp_path.iterdir()] == ["some"]
