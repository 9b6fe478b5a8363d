import os
from pathlib import Path

import pytest
from support.journal_files import (
    IDENTITY,
    SMALL_SEGMENT_BYTES,
    read_all,
    recover,
    unit,
    write_journal,
)

from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.reader import JournalReader
from kk99fix.journal.record import Kind, Record, pack_record, record_bytes, seal
from kk99fix.journal.segment import (
    PAGE_BYTES,
    SegmentHeader,
    list_segments,
    segment_name,
    segment_seed,
)

UNITS = [unit(1), unit(3, outputs=(b"a", b"bb", b"ccc")), unit(7, outputs=()), unit(8)]
STARTS = [PAGE_BYTES + sum(map(len, UNITS[:n])) for n in range(len(UNITS) + 1)]
FIRST_LSN = [1, 3, 7, 8, 10]


def segment_image(units: list[bytes], number: int = 1, first_lsn: int = 1) -> bytearray:
    """Return the bytes of a small segment with these units."""
    header = SegmentHeader(number, first_lsn, SMALL_SEGMENT_BYTES, IDENTITY)
    sealed = seal(b"".join(units), header.crc_seed)
    return bytearray((header.pack() + sealed).ljust(SMALL_SEGMENT_BYTES, b"\0"))


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """The path at which a test puts the image of segment 1."""
    return tmp_path / segment_name(1)


def test_a_clean_journal_ends_where_it_was_written(one: Path) -> None:
    """All units are valid; the next lsn follows."""
    one.write_bytes(segment_image(UNITS))

    tail = recover(one.parent)

    assert (STARTS[-1], FIRST_LSN[-1], 0) == (tail.offset, tail.next_lsn, tail.stale_bytes)


def test_every_prefix_is_cut_to_whole_units(one: Path) -> None:
    """Whatever number of bytes of a batch reached the file, the whole units before remain."""
    image = segment_image(UNITS)
    data_end = STARTS[-1]

    for length in range(PAGE_BYTES, data_end + 1):
        one.write_bytes(bytes(image[:length]).ljust(SMALL_SEGMENT_BYTES, b"\0"))
        tail = recover(one.parent)
        whole = max(n for n, start in enumerate(STARTS) if start <= length)
        # A prefix that lacks only zeros of the padding is the whole unit.
        if not any(image[length : STARTS[min(whole + 1, len(UNITS))]]):
            whole = min(whole + 1, len(UNITS))

        assert (STARTS[whole], FIRST_LSN[whole]) == (tail.offset, tail.next_lsn), length
        assert len(bytes(image[tail.offset : length]).rstrip(b"\0")) == tail.stale_bytes, length


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_no_flipped_byte_is_taken_for_data(one: Path, mask: int) -> None:
    """Damage before the last unit refuses the start; in it or after it there is a torn tail."""
    image = segment_image(UNITS)
    records = [read.payload for read in _read(one, image)]

    for offset in range(PAGE_BYTES, STARTS[-1] + 200):
        image[offset] ^= mask
        one.write_bytes(image)
        if offset < STARTS[-2]:
            with pytest.raises(JournalDamagedError) as caught:
                recover(one.parent)
            assert PAGE_BYTES <= caught.value.offset <= offset
        else:
            tail = recover(one.parent)
            kept = STARTS[-2] if offset < STARTS[-1] else STARTS[-1]
            assert (kept, True) == (tail.offset, tail.stale_bytes > 0), offset
        read = [each.payload for each in _read(one, image)]
        assert records[: len(read)] == read, offset
        image[offset] ^= mask


def _read(path: Path, image: bytearray) -> list[Record]:
    path.write_bytes(image)
    return read_all(path.parent)


def test_any_unit_but_the_last_may_not_be_overwritten(one: Path) -> None:
    """A unit of zeros or of garbage before a valid one is damage, with both places in the text."""
    image = segment_image(UNITS)
    image[STARTS[1] : STARTS[2]] = bytes(STARTS[2] - STARTS[1])
    one.write_bytes(image)

    with pytest.raises(JournalDamagedError) as caught:
        recover(one.parent)

    assert (
        f"{one}, offset {STARTS[1]}: no valid record with lsn 3 stands here, "
        f"but inputs were written after it; the next valid record is lsn 7 at offset {STARTS[2]}. "
        f"No file was changed. Restore the file from a copy, then check it with "
        f"`kk99fix journal verify --state {one.parent.parent}`." in str(caught.value)
    )


def test_a_refused_start_changes_nothing(one: Path) -> None:
    """The file of a refused journal is left as it was."""
    image = segment_image(UNITS)
    image[STARTS[0] + 60] ^= 1
    one.write_bytes(image)

    with pytest.raises(JournalDamagedError):
        recover(one.parent)

    assert image == one.read_bytes()


@pytest.mark.parametrize(
    "units",
    [
        [unit(2)],
        [unit(1), unit(4)],
        [unit(1), unit(1)],
        [unit(1), unit(3)[: record_bytes(15)], unit(4)],
        [unit(1), unit(2)[record_bytes(15) :]],
    ],
    ids=["starts late", "gap", "twice", "unit without end", "output without input"],
)
def test_valid_records_in_the_wrong_order_are_not_units(one: Path, units: list[bytes]) -> None:
    """Dense lsn and whole units are part of what is valid: the run ends before the break."""
    one.write_bytes(segment_image(units))

    read = read_all(one.parent)

    assert ([] if units == [unit(2)] else [1, 2]) == [each.header.lsn for each in read]


def _two(directory: Path, first: list[bytes], second_lsn: int) -> tuple[Path, bytearray]:
    path = directory / segment_name(1)
    path.write_bytes(image := segment_image(first))
    later = segment_image([unit(second_lsn)], 2, second_lsn)
    (directory / segment_name(2)).write_bytes(later)
    return path, image


def test_segments_lead_up_to_each_other(tmp_path: Path) -> None:
    """The last lsn of a segment is the one before the first of the next."""
    _two(tmp_path, UNITS, 10)

    assert recover(tmp_path).next_lsn == 12


@pytest.mark.parametrize("second_lsn", [1, 8, 9, 11, 50])
def test_segments_with_a_gap_or_an_overlap_are_refused(tmp_path: Path, second_lsn: int) -> None:
    """A lost unit at a segment's end is found, though both segments are whole."""
    path, _ = _two(tmp_path, UNITS, second_lsn)

    with pytest.raises(JournalDamagedError) as caught:
        recover(tmp_path)

    assert (path, STARTS[-1]) == (caught.value.path, caught.value.offset)
    assert f"goes on with lsn {second_lsn}" in str(caught.value)


def test_a_torn_tail_before_another_segment_is_damage(tmp_path: Path) -> None:
    """Only the last segment may be torn; the text says what can be done."""
    path, image = _two(tmp_path, UNITS, 10)
    image[STARTS[-1] - 60] ^= 1
    path.write_bytes(image)

    with pytest.raises(JournalDamagedError, match=r"move 00000002\.kkj and all later segments"):
        recover(tmp_path)


@pytest.mark.parametrize("offset", [STARTS[-1], STARTS[-1] + 999, SMALL_SEGMENT_BYTES - 1])
def test_the_rest_of_a_sealed_segment_is_zero(tmp_path: Path, offset: int) -> None:
    """A stray byte after the records is found up to the file's last byte."""
    path, image = _two(tmp_path, UNITS, 10)
    image[offset] = 1
    path.write_bytes(image)

    with pytest.raises(JournalDamagedError, match="not zero stand behind the last") as caught:
        recover(tmp_path)
    assert (path, offset) == (caught.value.path, caught.value.offset)


def test_a_segment_may_be_empty(tmp_path: Path) -> None:
    """A segment that was opened and never written is part of a journal, last or not."""
    (tmp_path / segment_name(1)).write_bytes(segment_image([]))
    (tmp_path / segment_name(2)).write_bytes(segment_image([unit(1)], 2, 1))
    (tmp_path / segment_name(3)).write_bytes(segment_image([], 3, 3))

    tail = recover(tmp_path)

    assert (tail.segment.header.number, tail.offset, tail.next_lsn) == (3, PAGE_BYTES, 3)


def test_a_record_of_another_segment_is_not_valid(tmp_path: Path) -> None:
    """A misdirected write of records is found by the seed."""
    header = SegmentHeader(1, 1, SMALL_SEGMENT_BYTES, IDENTITY)
    wrong = seal(unit(1), segment_seed(IDENTITY.journal_uuid, 2))
    image = (header.pack() + wrong).ljust(SMALL_SEGMENT_BYTES, b"\0")
    (tmp_path / segment_name(1)).write_bytes(image)

    assert recover(tmp_path).stale_bytes > 0
    assert read_all(tmp_path) == []


@pytest.mark.parametrize("from_lsn", [1, 2, 3, 5, 6, 7, 8])
def test_runs_start_at_the_wanted_lsn(tmp_path: Path, from_lsn: int) -> None:
    """Earlier segments are left out, and the first run starts at the record itself."""
    large = [unit(lsn, outputs=(b"x" * 1500,)) for lsn in (1, 3, 5, 7)]
    write_journal(tmp_path, large).close()

    runs = list(JournalReader(list_segments(tmp_path)).runs(from_lsn))

    first = runs[0]
    lsn = int.from_bytes(first.records[first.start + 8 : first.start + 16], "little")
    assert (from_lsn, from_lsn) == (lsn, first.first_lsn)
    assert [n for n in (1, 2) if n == 2 or from_lsn < 5] == [r.segment.header.number for r in runs]
    assert all(0 <= run.start < run.end for run in runs)


def test_runs_beyond_the_end_are_empty(one: Path) -> None:
    """Asking for the lsn that comes next yields a run of nothing."""
    one.write_bytes(segment_image(UNITS))

    (run,) = JournalReader(list_segments(one.parent)).runs(10)

    assert run.start == run.end == STARTS[-1] - PAGE_BYTES


def test_reading_follows_what_is_being_written(tmp_path: Path) -> None:
    """A reader of a live segment sees whole units and stops before a half written one."""
    writer = write_journal(tmp_path, [unit(1)])
    half = seal(unit(3), writer.seed)[:-16]
    os.pwrite(writer.fd, half, writer.offset)

    assert [each.header.lsn for each in read_all(tmp_path)] == [1, 2]
    writer.close()


def test_an_unknown_kind_is_not_valid(one: Path) -> None:
    """A record of a kind that this version does not know ends the run, even with its checksum."""
    record = bytearray(pack_record(Kind.TICK, lsn=1, time_ns=0, ends_unit=True))
    record[44] = 63
    one.write_bytes(segment_image([bytes(record)]))

    assert read_all(one.parent) == []
