"""Single-bit flips: what stands at or below the watermark is never dropped in silence."""

import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from support.journal_files import IDENTITY, SMALL_SEGMENT_BYTES, unit
from support.session_stream import SessionStream, play
from support.venue_desk import VenueDesk

from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.reader import JournalReader
from kk99fix.journal.record import Kind, pack_group, unpack_header
from kk99fix.journal.scan import offsets
from kk99fix.journal.segment import PAGE_BYTES, list_segments, map_records, segment_name
from kk99fix.journal.writer import JournalWriter
from kk99fix.scanning import FAST_SCAN
from kk99fix.state.snapshot_file import SECTION, read_file
from kk99fix.state.snapshots import newest_snapshot, save_snapshot

pytestmark = pytest.mark.slow

#: How much a venue has seen before its snapshot.
BURSTS = 40
#: Reports of sizes that leave padding of every length.
REPORTS = tuple(b"8=FIX.4.4\x0135=8\x01" + b"x" * length for length in range(33, 41))


@attrs.frozen
class Journal:
    """A journal of level `durable` in two segments, and what is known of its last one."""

    directory: Path
    #: The last lsn that the last segment says was on the disk, and the last one of all.
    watermark: int
    last_lsn: int

    def path(self, number: int) -> Path:
        """Where a segment is."""
        return self.directory / segment_name(number)


def write(directory: Path, *, marker: bool) -> Journal:
    """Write groups of two units until the second segment is well filled; with an idle marker."""
    identity = attrs.evolve(IDENTITY, durable=True)
    writer = JournalWriter(directory, identity, segment_bytes=SMALL_SEGMENT_BYTES)
    writer.create()
    lsn, durable, group = 1, 0, 0
    while writer.segment < 2 or writer.room > 1000:
        batch, first = pack_group(lsn, durable), lsn
        for _ in range(2):
            outputs = (REPORTS[group % 8], REPORTS[(group + 3) % 8])
            batch += unit(lsn, outputs)
            lsn += 3
        writer.append(batch)
        durable, group = (first - 1 if writer.room <= 1000 else lsn - 1), group + 1
    if marker:
        durable = lsn - 1
        writer.append(pack_group(lsn, durable))
    writer.close()
    return Journal(directory, durable, lsn - 1)


def flips(path: Path, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Flip every bit of [start, stop) of a file in turn; yields each with its offset."""
    content = path.read_bytes()[start:stop]
    fd = os.open(path, os.O_RDWR)
    for at, byte in enumerate(content, start):
        for bit in range(8):
            os.pwrite(fd, bytes([byte ^ 1 << bit]), at)
            yield at, bit
        os.pwrite(fd, bytes([byte]), at)
    os.close(fd)


def starts_of(path: Path, journal: Journal) -> tuple[list[int], int, dict[int, int]]:
    """Offsets of all records, where the last ends, and the highest lsn that each one leads to."""
    segment = next(s for s in list_segments(journal.directory) if s.path == path)
    records = map_records(segment)
    found, leads_to, end = [], {}, PAGE_BYTES
    for offset in offsets(records, 0, len(records)):
        header = unpack_header(records, offset)
        found.append(PAGE_BYTES + offset)
        leads_to[PAGE_BYTES + offset] = header.lsn - (header.kind is Kind.GROUP)
        end = PAGE_BYTES + offset + header.length
    return found, end, leads_to


def recover(journal: Journal) -> tuple[int, int]:
    """Verify the journal with the core's loops; its next lsn and the bytes to cut."""
    tail = JournalReader(list_segments(journal.directory), scan=FAST_SCAN).recover()
    return tail.next_lsn, tail.stale_bytes


def recover_or_refuse(journal: Journal) -> tuple[int, int] | JournalDamagedError:
    """Do the same, and return what refused it."""
    try:
        return recover(journal)
    except JournalDamagedError as error:
        return error


def test_every_bit_of_a_sealed_segment_is_guarded(tmp_path: Path) -> None:
    """Header page, records, groups, padding and the zeros behind: each flip is named."""
    journal = write(tmp_path, marker=True)
    path = journal.path(1)
    starts, end, _ = starts_of(path, journal)
    count = 0

    for offset, bit in flips(path, 0, SMALL_SEGMENT_BYTES):
        with pytest.raises(JournalDamagedError) as caught:
            recover(journal)
        count += 1
        assert caught.value.path == path, (offset, bit)
        if offset < PAGE_BYTES:
            assert caught.value.offset < PAGE_BYTES
        elif offset < end:
            assert caught.value.offset == starts[bisect_right(starts, offset) - 1], (offset, bit)
        else:
            assert caught.value.offset == offset
    assert count == 8 * SMALL_SEGMENT_BYTES
    assert recover(journal) == (journal.last_lsn + 1, 0)


@pytest.mark.parametrize("marker", [True, False], ids=["quiet", "busy"])
def test_a_flip_in_the_last_segment_is_named_or_above_the_watermark(
    tmp_path: Path, marker: bool
) -> None:
    """Up to the watermark each flip refuses the start by name; above it only what is torn goes."""
    journal = write(tmp_path, marker=marker)
    path = journal.path(2)
    starts, end, leads_to = starts_of(path, journal)
    outcomes: Counter[str] = Counter()

    for offset, bit in flips(path, 0, SMALL_SEGMENT_BYTES):
        start = starts[bisect_right(starts, offset) - 1] if offset >= PAGE_BYTES else 0
        found = recover_or_refuse(journal)
        if isinstance(found, JournalDamagedError):
            outcomes["refused"] += 1
            assert found.path == path
            assert found.offset == start if start else found.offset < PAGE_BYTES, (offset, bit)
            assert start == 0 or leads_to[start] <= journal.watermark
            continue
        next_lsn, stale = found
        outcomes["cut" if next_lsn <= journal.last_lsn else "kept"] += 1
        assert offset >= end or leads_to[start] >= journal.watermark, (offset, bit)
        assert next_lsn > journal.watermark, (offset, bit)
        assert stale > 0, (offset, bit)
    assert outcomes.total() == 8 * SMALL_SEGMENT_BYTES
    assert bool(outcomes["cut"]) is not marker
    assert recover(journal) == (journal.last_lsn + 1, 0)


def test_every_bit_of_a_snapshot_is_guarded(tmp_path: Path) -> None:
    """Page and sections: each flip is named, and a start passes the snapshot over with a word."""
    desk = play(VenueDesk(), SessionStream(3).script(BURSTS))
    path = save_snapshot(desk.venue, tmp_path, IDENTITY, 1)
    sections = [0, PAGE_BYTES]
    for _, payload in read_file(path).sections:
        sections.append(sections[-1] + SECTION.size + len(payload))
    said: list[str] = []

    for count, (offset, bit) in enumerate(flips(path, 0, path.stat().st_size)):
        with pytest.raises(JournalDamagedError) as caught:
            read_file(path)
        assert caught.value.path == path, (offset, bit)
        at = caught.value.offset
        assert at == sections[bisect_right(sections, offset) - 1] or at < PAGE_BYTES > offset
        if count % 1000 == 0:
            assert newest_snapshot(tmp_path, said.append) is None
            assert said.pop() == f"passed over: {caught.value}"
    assert newest_snapshot(tmp_path, said.append) is not None
