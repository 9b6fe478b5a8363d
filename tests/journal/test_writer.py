import errno
import os
import threading
from pathlib import Path

import attrs
import pytest
from support.disk_planes import Renamed, Synced, Wrote
from support.journal_files import (
    IDENTITY,
    SMALL_SEGMENT_BYTES,
    FaultyFiles,
    make_writer,
    read_all,
    recover,
    unit,
    write_journal,
)
from support.virtual_disk import VirtualDisk

from kk99fix.journal.errors import JournalPrepareError, JournalWriteError
from kk99fix.journal.record import seal
from kk99fix.journal.segment import PAGE_BYTES, Position, list_segments, segment_name
from kk99fix.journal.writer import JournalWriter

ERRNOS = [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG]


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    """Units made in Python come back in order, sealed under their segment."""
    batches = [unit(1), unit(3), unit(5, outputs=(b"a", b"b"))]

    write_journal(tmp_path, batches).close()

    assert [record.header.lsn for record in read_all(tmp_path)] == [1, 2, 3, 4, 5, 6, 7]
    assert recover(tmp_path).stale_bytes == 0


def test_a_new_journal_starts_behind_the_header_page(tmp_path: Path) -> None:
    """The first record stands at offset 4096 of segment 1."""
    writer = write_journal(tmp_path, [])

    position = writer.append(unit(1))

    assert Position(1, PAGE_BYTES) == position
    assert Position(1, PAGE_BYTES + len(unit(1))) == writer.position
    writer.close()


def test_the_hot_path_writes_by_itself(tmp_path: Path) -> None:
    """A batch written to `current` and noted with `advance` is part of the journal."""
    writer = write_journal(tmp_path, [unit(1)])
    fd, offset, end = writer.current()
    batch = seal(unit(3), writer.seed)

    os.pwrite(fd, batch, offset)
    writer.advance(len(batch))

    assert end == SMALL_SEGMENT_BYTES
    assert writer.room == end - offset - len(batch)
    assert [record.header.lsn for record in read_all(tmp_path)] == [1, 2, 3, 4]
    writer.close()


def test_a_batch_that_does_not_fit_opens_the_next_segment(tmp_path: Path) -> None:
    """Units never span segments: the rest of the first stays zero."""
    writer = write_journal(tmp_path, [])
    lsn = 1
    while writer.segment == 1:
        position = writer.append(unit(lsn))
        lsn += 2

    assert Position(2, PAGE_BYTES) == position
    assert lsn - 2 == list_segments(tmp_path)[1].header.first_lsn
    assert lsn == recover(tmp_path).next_lsn
    writer.close()


def test_a_batch_may_fill_a_segment_to_the_last_byte(tmp_path: Path) -> None:
    """A segment without zeros at its end is whole, and the next batch goes into the next one."""
    room = SMALL_SEGMENT_BYTES - PAGE_BYTES
    exact = unit(1, outputs=(b"x" * (room - len(unit(1, outputs=(b"",)))),))

    writer = write_journal(tmp_path, [exact, unit(3)])

    assert (len(exact), writer.segment) == (room, 2)
    assert recover(tmp_path).next_lsn == 5
    writer.close()


def test_a_unit_larger_than_a_segment_gets_its_own(tmp_path: Path) -> None:
    """A large unit stands alone in a segment of its size; later ones have the usual size."""
    large = unit(3, outputs=(b"x" * 20_000,))

    write_journal(tmp_path, [unit(1), large, unit(5, outputs=(b"y" * 3000,))]).close()

    sizes = [segment.header.segment_bytes for segment in list_segments(tmp_path)]
    assert sizes == [SMALL_SEGMENT_BYTES, 24_576, SMALL_SEGMENT_BYTES]
    assert recover(tmp_path).next_lsn == 7


def test_a_new_trading_day_starts_a_new_segment(tmp_path: Path) -> None:
    """The day given to `roll` stands in the new segment and all later ones."""
    writer = write_journal(tmp_path, [unit(1)])

    writer.roll(0, first_lsn=3, trading_day=20231115)
    writer.roll(0, first_lsn=3)
    writer.close()

    days = [each.header.identity.trading_day for each in list_segments(tmp_path)]
    assert days == [20231114, 20231115, 20231115]
    assert recover(tmp_path).next_lsn == 3


def test_rolling_uses_what_was_prepared(tmp_path: Path) -> None:
    """A prepared file becomes the next segment by its header page and a rename, nothing else."""
    files = FaultyFiles()
    writer = make_writer(tmp_path, files)
    writer.create()
    writer.prepare_ahead(2)
    before = dict(files.calls)

    writer.roll(100, first_lsn=1)

    spent = {name: files.calls[name] - before[name] for name in before}
    assert spent == {"open": 1, "pwrite": 1, "fdatasync": 0, "rename": 1}
    assert writer.statistics().prepared == 1
    assert (writer.statistics().rolls, writer.statistics().rolls_unprepared) == (1, 1)
    writer.close()


def test_the_disk_rests_while_a_prepared_segment_is_left(tmp_path: Path) -> None:
    """Only the first file is made in a hurry; of the next one each MiB is synced, then a rest."""
    files = FaultyFiles()
    writer = JournalWriter(tmp_path, IDENTITY, segment_bytes=(2 << 20) + 4096, files=files)
    writer.create()
    synced = files.calls["fdatasync"]
    rests: list[int] = []
    writer.prepare_ahead(2, lambda: rests.append(files.calls["fdatasync"] - synced))

    assert rests == [4, 5, 6]
    writer.close()


def test_prepared_files_outlive_the_process(tmp_path: Path) -> None:
    """The next start takes prepared files over and removes what was left unfinished."""
    writer = write_journal(tmp_path, [unit(1)])
    writer.prepare_ahead(2)
    writer.close()
    (tmp_path / "prepared-00000009.tmp").write_bytes(b"\0")
    (tmp_path / "prepared-00000008.zeros").write_bytes(b"\0")

    again = make_writer(tmp_path)
    again.resume(recover(tmp_path))
    again.prepare_ahead(3)

    assert again.statistics().prepared == 3
    sizes = {path.stat().st_size for path in tmp_path.glob("prepared-*")}
    assert sizes == {SMALL_SEGMENT_BYTES}
    again.close()


def test_a_durable_segment_gets_its_name_with_its_page_on_the_disk(tmp_path: Path) -> None:
    """The header page is synced before the rename, so a crash never leaves a name without it."""
    writer = JournalWriter(
        tmp_path,
        attrs.evolve(IDENTITY, durable=True),
        segment_bytes=SMALL_SEGMENT_BYTES,
        files=(disk := VirtualDisk(tmp_path)),
    )

    writer.create()

    calls = [type(step) for step in disk.steps]
    assert calls[-3:] == [Wrote, Synced, Renamed]
    writer.close()


def test_a_prepared_file_with_a_header_page_is_not_used_again(tmp_path: Path) -> None:
    """It lost its name to a crash and may hold records of the segment that it was."""
    writer = write_journal(tmp_path, [unit(1)])
    writer.prepare_ahead(2)
    writer.close()
    begun, unused = sorted(tmp_path.glob("prepared-*"))
    with begun.open("r+b") as file:
        file.write(b"KK99")

    again = make_writer(tmp_path)
    again.resume(recover(tmp_path))

    assert [path.name for path in tmp_path.glob("prepared-*")] == [unused.name]
    assert again.statistics().prepared == 1
    again.close()


def test_leftovers_that_cannot_be_removed_stop_the_start(tmp_path: Path) -> None:
    """What stands in the way of the segments is an error with the directory and the cause."""
    (tmp_path / "prepared-00000001.tmp").mkdir()

    with pytest.raises(JournalWriteError, match="cannot take over prepared segments"):
        make_writer(tmp_path).create()


def test_preparing_in_a_thread_while_rolling(tmp_path: Path) -> None:
    """One thread prepares while the owner rolls; every segment ends up in the journal once."""
    writer = write_journal(tmp_path, [])
    stop = threading.Event()

    def prepare() -> None:
        while not stop.is_set():
            writer.prepare_ahead(2)

    thread = threading.Thread(target=prepare)
    thread.start()
    for lsn in range(1, 61, 2):
        writer.append(unit(lsn, outputs=(b"x" * 3000,)))
    stop.set()
    thread.join()
    writer.close()

    assert recover(tmp_path).next_lsn == 61
    assert len(list_segments(tmp_path)) == 30


def test_only_one_thread_prepares(tmp_path: Path) -> None:
    """A second call while one is at work returns at once without a file."""
    writer = write_journal(tmp_path, [])
    writer._preparing.acquire()

    writer.prepare_ahead(1)

    assert writer.statistics().prepared == 0
    writer.close()


def test_short_writes_are_completed(tmp_path: Path) -> None:
    """A system that takes 100 bytes at a time still gets everything."""
    writer = make_writer(tmp_path, FaultyFiles(piece=100))

    writer.create()
    writer.append(unit(1, outputs=(b"x" * 1000,)))
    writer.close()

    assert recover(tmp_path).next_lsn == 3


def test_a_system_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    """A write of 0 bytes does not loop for ever."""
    with pytest.raises(JournalWriteError, match="Input/output error"):
        make_writer(tmp_path, FaultyFiles(piece=0)).create()


@pytest.mark.parametrize("code", ERRNOS, ids=errno.errorcode.get)
@pytest.mark.parametrize("call", ["open", "pwrite", "fdatasync", "rename"])
def test_a_failure_to_make_a_segment_says_where_and_why(
    tmp_path: Path, call: str, code: int
) -> None:
    """File and cause are named, and the unfinished file under the final name does not exist."""
    writer = make_writer(tmp_path, FaultyFiles(call, code))

    with pytest.raises(JournalWriteError) as caught:
        writer.create()

    assert code == caught.value.errno
    assert f"{tmp_path / segment_name(1)}, offset 0: cannot open the next segment" in str(
        caught.value
    )
    assert os.strerror(code) in str(caught.value)
    assert not list(tmp_path.glob("*.kkj"))
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("code", ERRNOS, ids=errno.errorcode.get)
def test_a_failed_append_stops_the_writer_for_good(tmp_path: Path, code: int) -> None:
    """The error has file, offset and cause; everything afterwards raises it again."""
    files = FaultyFiles("pwrite", code, at=4)
    writer = make_writer(tmp_path, files)
    writer.create()
    writer.append(unit(1))
    offset = writer.offset

    with pytest.raises(JournalWriteError) as caught:
        writer.append(unit(3))

    assert (tmp_path / segment_name(1), offset) == (caught.value.path, caught.value.offset)
    assert os.strerror(code) in str(caught.value)
    for again in (
        writer.current,
        lambda: writer.append(unit(3)),
        lambda: writer.roll(0, first_lsn=3),
    ):
        with pytest.raises(JournalWriteError):
            again()
    assert files.calls["pwrite"] == 4
    writer.close()


def test_the_hot_path_reports_its_own_failure(tmp_path: Path) -> None:
    """`fail` names the place of the batch and shuts the writer."""
    writer = write_journal(tmp_path, [unit(1)])

    error = writer.fail(OSError(errno.EIO, "disk"))

    assert (tmp_path / segment_name(1), writer.offset) == (error.path, error.offset)
    with pytest.raises(JournalWriteError):
        writer.current()
    writer.close()


@pytest.mark.parametrize("call", ["open", "pwrite", "fdatasync", "rename"])
def test_a_failure_to_prepare_leaves_no_file_and_stops_nothing(tmp_path: Path, call: str) -> None:
    """The worker thread gets the error; the journal can still be written."""
    made = make_writer(tmp_path, counted := FaultyFiles())
    made.create()
    made.close()
    (tmp_path / segment_name(1)).unlink()
    writer = make_writer(tmp_path, FaultyFiles(call, errno.ENOSPC, at=counted.calls[call] + 1))
    writer.create()

    with pytest.raises(JournalPrepareError, match="prepare a segment: No space left"):
        writer.prepare_ahead()
    writer.append(unit(1))
    writer.close()

    assert [segment_name(1)] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("call", ["open", "pwrite", "fdatasync"])
def test_a_failure_to_cut_a_torn_tail_stops_the_start(tmp_path: Path, call: str) -> None:
    """Taking up a segment whose stale bytes cannot be zeroed is an error with its offset."""
    writer = write_journal(tmp_path, [unit(1), unit(3)])
    os.pwrite(writer.fd, b"torn", writer.offset)
    writer.close()
    tail = recover(tmp_path)

    with pytest.raises(JournalWriteError, match=f"offset {tail.offset}: cannot take up"):
        make_writer(tmp_path, FaultyFiles(call, errno.EIO)).resume(tail)


def test_resuming_after_a_torn_tail_zeroes_it(tmp_path: Path) -> None:
    """Stale bytes are gone before anything is written after them."""
    torn = unit(5, outputs=(b"x" * 500,))
    writer = write_journal(tmp_path, [unit(1), unit(3)])
    os.pwrite(writer.fd, seal(torn, writer.seed)[:-8], writer.offset)
    writer.close()
    tail = recover(tmp_path)

    again = make_writer(tmp_path)
    again.resume(tail)
    again.append(unit(5, outputs=()))
    again.close()

    assert (5, PAGE_BYTES + len(unit(1) + unit(3))) == (tail.next_lsn, tail.offset)
    assert 0 < tail.stale_bytes <= len(torn)
    assert recover(tmp_path).next_lsn == 6
    assert recover(tmp_path).stale_bytes == 0


def test_statistics_count_the_written_bytes(tmp_path: Path) -> None:
    """Bytes of records since the start, over segments, without header pages and unused rest."""
    writer = write_journal(tmp_path, [unit(1), unit(3, outputs=(b"x" * 3900,)), unit(5)])
    total = len(unit(1) + unit(3, outputs=(b"x" * 3900,)) + unit(5))

    assert (total, 3) == (writer.statistics().bytes_written, writer.statistics().segment)
    writer.close()


@pytest.mark.parametrize("segment_bytes", [0, 4096, 8191, 10_000])
def test_segment_sizes_are_whole_pages(tmp_path: Path, segment_bytes: int) -> None:
    """A size that no segment can have is refused where it is given."""
    with pytest.raises(ValueError, match=f"segment_bytes is {segment_bytes}"):
        JournalWriter(tmp_path, IDENTITY, segment_bytes=segment_bytes)
