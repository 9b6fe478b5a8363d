"""The watermark decides whether invalid bytes are a torn tail or damage."""

import errno
import os
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.journal_files import (
    IDENTITY,
    SMALL_SEGMENT_BYTES,
    FaultyFiles,
    read_all,
    recover,
    unit,
    write_journal,
)

from kk99fix.journal.ends import last_nonzero
from kk99fix.journal.errors import JournalDamagedError, JournalWriteError
from kk99fix.journal.record import RECORD_HEADER_BYTES, Kind, pack_group, pack_record, seal
from kk99fix.journal.segment import PAGE_BYTES, SegmentHeader, segment_name
from kk99fix.journal.settle import make_folder, settle

DURABLE = attrs.evolve(IDENTITY, durable=True)
#: A group of lsn 1 to 6, one of lsn 7 to 9 that tells that they are on the disk, and a marker.
FIRST = [pack_group(1, 0), unit(1), unit(3, outputs=(b"a", b"bb", b"ccc"))]
SECOND = [pack_group(7, 6), unit(7, outputs=()), unit(8)]
MARKER = [pack_group(10, 9)]
SECOND_AT = PAGE_BYTES + sum(map(len, FIRST))
MARKER_AT = SECOND_AT + sum(map(len, SECOND))
END = MARKER_AT + RECORD_HEADER_BYTES


def durable_image(pieces: list[bytes], number: int = 1, first_lsn: int = 1) -> bytearray:
    """Return the bytes of a small segment of level `durable`."""
    header = SegmentHeader(number, first_lsn, SMALL_SEGMENT_BYTES, DURABLE)
    sealed = seal(b"".join(pieces), header.crc_seed)
    return bytearray((header.pack() + sealed).ljust(SMALL_SEGMENT_BYTES, b"\0"))


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """The path at which a test puts the image of segment 1."""
    return tmp_path / segment_name(1)


def test_a_quiet_journal_ends_behind_its_marker(one: Path) -> None:
    """Bookkeeping belongs to what is valid, and writing goes on behind it."""
    one.write_bytes(durable_image(FIRST + SECOND + MARKER))

    tail = recover(one.parent)

    assert (tail.offset, tail.next_lsn, tail.stale_bytes) == (END, 10, 0)
    assert [each.header.lsn for each in read_all(one.parent)] == list(range(1, 10))


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_a_changed_byte_is_damage_up_to_the_watermark_and_cut_above(one: Path, mask: int) -> None:
    """In a journal without a marker the last watermark is 6: only the second group may be cut."""
    image = durable_image(FIRST + SECOND)

    for offset in range(PAGE_BYTES, MARKER_AT + 200):
        image[offset] ^= mask
        one.write_bytes(image)
        if offset < SECOND_AT:
            with pytest.raises(JournalDamagedError, match="lsn 6 was on the disk") as caught:
                recover(one.parent)
            assert PAGE_BYTES <= caught.value.offset <= offset
        else:
            tail = recover(one.parent)
            assert SECOND_AT <= tail.offset <= offset
            assert tail.next_lsn >= 7
            assert tail.stale_bytes > 0
        image[offset] ^= mask


def test_a_watermark_behind_the_damage_counts(one: Path) -> None:
    """The marker tells that the second group was on the disk, though no valid run leads to it."""
    image = durable_image(FIRST + SECOND + MARKER)

    for offset in range(SECOND_AT, MARKER_AT):
        image[offset] ^= 0x10
        one.write_bytes(image)
        with pytest.raises(JournalDamagedError, match="lsn 9 was on the disk") as caught:
            recover(one.parent)
        assert SECOND_AT <= caught.value.offset <= offset
        image[offset] ^= 0x10


def test_the_error_names_what_follows_and_what_to_do(one: Path) -> None:
    """File, offset, lsn, the next valid lsn with its offset, and the command."""
    image = durable_image(FIRST + SECOND + MARKER)
    at = PAGE_BYTES + len(FIRST[0])
    image[at : at + len(FIRST[1])] = bytes(len(FIRST[1]))
    one.write_bytes(image)

    with pytest.raises(JournalDamagedError) as caught:
        recover(one.parent)

    assert str(caught.value) == (
        f"{one}, offset {at}: no valid record with lsn 1 stands here, but lsn 9 was on the disk; "
        f"the next valid record is lsn 3 at offset {at + len(FIRST[1])}. No file was changed. "
        f"Restore the file from a copy, then check it with "
        f"`kk99fix journal verify --state {one.parent.parent}`."
    )
    assert image == one.read_bytes()


def test_the_end_of_a_file_says_that_nothing_follows(one: Path) -> None:
    """Where the durable end of a journal is missing there is no next valid record."""
    one.write_bytes(durable_image(FIRST))

    with pytest.raises(JournalDamagedError, match="no valid record follows in this file"):
        recover(one.parent, 8)


@given(st.data())
def test_a_group_torn_in_blocks_never_yields_half_a_unit(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Any subset of the blocks of the last group leaves whole units, also where inputs follow."""
    group = [unit(7 + 2 * n, outputs=(b"x" * 200,)) for n in range(4)]
    path = tmp_path_factory.mktemp("torn") / segment_name(1)
    image = durable_image([*FIRST, pack_group(7, 6), *group])
    start = SECOND_AT + RECORD_HEADER_BYTES
    for block in range(SECOND_AT, start + sum(map(len, group)), 128):
        if not data.draw(st.booleans()):
            image[block : block + 128] = bytes(len(image[block : block + 128]))
    path.write_bytes(image)

    tail = recover(path.parent)

    assert tail.next_lsn in {7, 9, 11, 13, 15}
    if tail.offset != SECOND_AT:
        assert start + (tail.next_lsn - 7) // 2 * len(group[0]) == tail.offset


def test_a_segment_that_was_just_begun_has_a_watermark_too(tmp_path: Path) -> None:
    """Its first group may be torn in any way, since the segment before it was on the disk."""
    (tmp_path / segment_name(1)).write_bytes(durable_image(FIRST + SECOND))
    image = durable_image([pack_group(10, 9), unit(10), unit(12)], 2, 10)
    image[PAGE_BYTES + 60] ^= 1
    (tmp_path / segment_name(2)).write_bytes(image)

    tail = recover(tmp_path)

    assert (tail.segment.header.number, tail.next_lsn) == (2, 10)
    assert tail.stale_bytes > 0


def test_the_first_group_of_all_may_be_torn_before_valid_inputs(one: Path) -> None:
    """In segment 1 nothing is known to be on the disk before the first sync."""
    image = durable_image(FIRST)
    image[PAGE_BYTES + RECORD_HEADER_BYTES + 60] ^= 1
    one.write_bytes(image)

    tail = recover(one.parent)

    assert (tail.offset, tail.next_lsn) == (PAGE_BYTES + RECORD_HEADER_BYTES, 1)


@pytest.mark.parametrize("known", [7, 8, 9])
def test_what_the_caller_knows_counts_as_well(one: Path, known: int) -> None:
    """A torn last group is damage to somebody who knows that it was on the disk."""
    image = durable_image(FIRST + SECOND)
    image[SECOND_AT + RECORD_HEADER_BYTES + 60] ^= 1
    one.write_bytes(image)

    with pytest.raises(JournalDamagedError, match=f"lsn {known} was on the disk"):
        recover(one.parent, known)
    assert recover(one.parent, 6).next_lsn == 7


@pytest.mark.parametrize("known", [0, 1, 2])
def test_at_level_process_later_inputs_are_damage_whatever_is_known(
    tmp_path: Path, known: int
) -> None:
    """What the caller knows of the beginning does not make a torn tail of a hole behind it."""
    writer = write_journal(tmp_path, [unit(1), unit(3), unit(5)])
    os.pwrite(writer.fd, b"\xff", PAGE_BYTES + len(unit(1)) + 60)
    writer.close()

    with pytest.raises(JournalDamagedError, match="inputs were written after it"):
        recover(tmp_path, known)


def test_an_input_that_ends_with_zeros_is_seen(tmp_path: Path) -> None:
    """The last record of a file may be one without a payload, whose last byte is zero."""
    tick = pack_record(Kind.TICK, lsn=3, time_ns=0, ends_unit=True)
    writer = write_journal(tmp_path, [unit(1), tick])
    os.pwrite(writer.fd, b"\xff", PAGE_BYTES + 60)
    writer.close()

    with pytest.raises(JournalDamagedError, match="inputs were written after it"):
        recover(tmp_path)


def test_nothing_of_a_durable_journal_is_given_up(tmp_path: Path) -> None:
    """What another segment follows was on the disk: no loss of power explains that it is not."""
    (tmp_path / segment_name(1)).write_bytes(durable_image(FIRST))
    (tmp_path / segment_name(2)).write_bytes(durable_image([], 2, 10))

    with pytest.raises(JournalDamagedError, match=r"00000002\.kkj goes on with lsn 10") as refused:
        recover(tmp_path)
    assert "lost power" not in str(refused.value)


def test_a_group_in_a_sealed_segment_is_passed_over(tmp_path: Path) -> None:
    """A marker behind the last unit takes no lsn, so the next segment still joins."""
    (tmp_path / segment_name(1)).write_bytes(durable_image(FIRST + SECOND + MARKER))
    (tmp_path / segment_name(2)).write_bytes(durable_image([pack_group(10, 9), unit(10)], 2, 10))

    assert recover(tmp_path).next_lsn == 12


def test_settling_syncs_the_file_before_the_disk_is_asked(one: Path) -> None:
    """What the system holds goes to the disk, its cache is dropped, and the name is synced."""
    one.write_bytes(durable_image(FIRST))
    files = FaultyFiles()

    settle(files, one)

    assert list(files.calls) == ["open", "fdatasync", "drop_cache", "sync_directory"]


@pytest.mark.parametrize("call", ["open", "fdatasync", "drop_cache", "sync_directory"])
def test_a_disk_that_cannot_be_settled_refuses_the_start(one: Path, call: str) -> None:
    """Each failed call is one sentence with the file; the bytes are as they were."""
    image = durable_image(FIRST)
    one.write_bytes(image)

    with pytest.raises(JournalWriteError, match=r"00000001\.kkj.*cannot sync the last segment"):
        settle(FaultyFiles(call, errno.EIO), one)
    assert image == one.read_bytes()


def test_the_names_of_new_folders_are_synced(tmp_path: Path) -> None:
    """Each folder that a start makes is synced in the one above it, and no other."""
    files = FaultyFiles()

    make_folder(files, tmp_path / "var" / "journal")
    make_folder(files, tmp_path / "var" / "journal")

    assert files.calls == {"sync_directory": 2}
    with pytest.raises(JournalWriteError, match="cannot make the folder"):
        make_folder(FaultyFiles("sync_directory", errno.EIO), tmp_path / "other")


@pytest.mark.parametrize(
    ("data", "start", "expected"),
    [
        (b"", 0, 0),
        (b"\0\0\0", 0, 0),
        (b"\0x\0", 0, 2),
        (b"x\0\0", 1, 1),
        (b"x" + bytes(3 << 20), 0, 1),
        (bytes(3 << 20) + b"x", 1, (3 << 20) + 1),
        (bytes(1 << 20) + b"x" + bytes((1 << 20) - 1), 5, (1 << 20) + 1),
    ],
)
def test_last_nonzero(data: bytes, start: int, expected: int) -> None:
    """The end of the last byte that is not zero is found across pieces of 1 MiB."""
    assert expected == last_nonzero(data, start)
