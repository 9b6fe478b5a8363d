import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.journal_files import SMALL_SEGMENT_BYTES, START_NS, unit, write_journal
from support.sent_messages import fetch

from kk99fix.journal import messages
from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.indexed import WINDOW_BYTES
from kk99fix.journal.messages import MARK_EVERY, Place, SentMessages
from kk99fix.journal.record import (
    Buffer,
    DropCopy,
    Kind,
    ResendRange,
    pack_group,
    pack_record,
    unpack_record,
)
from kk99fix.journal.scan import Scan, extents, find_sent, offsets
from kk99fix.journal.segment import PAGE_BYTES, Position, segment_name
from kk99fix.journal.writer import JournalWriter

ALL = 1 << 40


class CountingScan:
    """The Python loops, with a note of every scan for extents and a count of the searches."""

    def __init__(self) -> None:
        """Start with nothing counted."""
        self.extent_calls: list[tuple[int, int]] = []
        self.find_calls = 0

    def scan(self) -> Scan:
        """Return the loops."""
        return Scan(extents=self._extents, find_sent=self._find_sent)

    def _extents(
        self, records: Buffer, start: int, end: int
    ) -> dict[tuple[int, int], tuple[int, int, int]]:
        self.extent_calls.append((start, end))
        return extents(records, start, end)

    def _find_sent(
        self, records: Buffer, offset: int, session: int, epoch: int, number: int
    ) -> int:
        self.find_calls += 1
        return find_sent(records, offset, session, epoch, number)


def numbers(index: SentMessages, begin: int, **limits: int) -> list[int]:
    """Return the numbers that a fetch for session 7, epoch 0 gives."""
    count, size = limits.get("messages", 1000), limits.get("size", ALL)
    session, epoch = limits.get("session", 7), limits.get("epoch", 0)
    return [sent.number for sent in fetch(index, session, epoch, begin, count, size)]


def two_sessions(directory: Path, rounds: int) -> JournalWriter:
    """Write `rounds` messages each to sessions 7 and 8, numbered from 1, over several segments."""
    batches = []
    for n in range(rounds):
        for turn, session in enumerate((7, 8)):
            report = b"%d to %d" % (n + 1, session) + b"x" * 300
            batches.append(unit(1 + 4 * n + 2 * turn, (report,), session=session, number=n + 1))
    return write_journal(directory, batches)


@pytest.fixture
def writer(tmp_path: Path) -> JournalWriter:
    """A live journal of several segments with 30 messages each to sessions 7 and 8."""
    writer = two_sessions(tmp_path, 30)
    assert writer.segment > 3
    return writer


@pytest.fixture
def index(tmp_path: Path, writer: JournalWriter) -> SentMessages:
    """An index over the live journal that has not looked at anything."""
    return SentMessages(tmp_path, lambda: writer.position)


@pytest.mark.parametrize("begin", range(1, 31))
def test_fetch_gives_everything_from_a_number_on(index: SentMessages, begin: int) -> None:
    """All later messages of that session come in order, over the segments."""
    assert list(range(begin, 31)) == numbers(index, begin)
    assert list(range(begin, 31)) == numbers(index, begin, session=8)


@pytest.mark.parametrize("begin", [1, 2, 17, 30])
def test_fetch_passes_over_the_headers_of_groups(tmp_path: Path, begin: int) -> None:
    """Bookkeeping before each unit and behind the last one changes nothing of what comes."""
    batches = []
    for n in range(30):
        report = b"%d" % (n + 1) + b"x" * 300
        batches.append(pack_group(1 + 2 * n, 2 * n) + unit(1 + 2 * n, (report,), number=n + 1))
    writer = write_journal(tmp_path, [*batches, pack_group(61, 60)])
    index = SentMessages(tmp_path, lambda: writer.position)

    assert list(range(begin, 31)) == numbers(index, begin)
    writer.close()


def test_fetched_records_are_as_they_were_sent(index: SentMessages) -> None:
    """Number, kind, exact payload, time and lsn are those of the record."""
    (sent,) = fetch(index, 8, 0, 3, 1, ALL)

    assert (sent.number, sent.kind, sent.payload) == (3, Kind.MESSAGE, b"3 to 8" + b"x" * 300)
    assert (sent.time_ns, sent.lsn) == (START_NS + 11, 12)


@given(data=st.data())
def test_chunks_join_without_a_gap(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """However a range is cut into chunks, by count or size, nothing is left out or doubled."""
    directory = tmp_path_factory.mktemp("chunks")
    writer = two_sessions(directory, 12)
    index = SentMessages(directory, lambda: writer.position)
    begin = data.draw(st.integers(1, 12))
    expected = list(range(begin, 13))
    got: list[int] = []

    while chunk := numbers(
        index,
        begin + len(got),
        messages=data.draw(st.integers(1, 5)),
        size=data.draw(st.integers(1, 2000)),
        session=7,
    ):
        got += chunk

    writer.close()
    assert expected == got


def test_limits_end_a_chunk(index: SentMessages) -> None:
    """The count is a bound; the size ends the chunk with the message that reaches it."""
    assert numbers(index, 5, messages=3) == [5, 6, 7]
    assert numbers(index, 5, size=1) == [5]
    assert numbers(index, 5, size=306) == [5]
    assert numbers(index, 5, size=307) == [5, 6]
    assert numbers(index, 5, messages=0) == []


@pytest.mark.parametrize(("session", "epoch", "begin"), [(7, 0, 31), (7, 1, 1), (9, 0, 1)])
def test_what_was_never_sent_is_not_found(
    index: SentMessages, session: int, epoch: int, begin: int
) -> None:
    """A number beyond the last, another epoch and an unknown session give nothing."""
    assert numbers(index, begin, session=session, epoch=epoch) == []


def test_epochs_are_apart(tmp_path: Path) -> None:
    """After a reset the same numbers hold other messages."""
    batches = [unit(1, (b"old",), number=1), unit(3, (b"new",), number=1, epoch=1)]
    writer = write_journal(tmp_path, batches)
    index = SentMessages(tmp_path, lambda: writer.position)

    assert [sent.payload for sent in fetch(index, 7, 0, 1, 9, ALL)] == [b"old"]
    assert [sent.payload for sent in fetch(index, 7, 1, 1, 9, ALL)] == [b"new"]
    writer.close()


def test_new_messages_are_found_at_once(index: SentMessages, writer: JournalWriter) -> None:
    """What is written after a fetch is found by the next one, in the same and the next segment."""
    assert numbers(index, 31) == []

    for n in range(31, 50):
        writer.append(unit(59 + 2 * n, (b"x" * 300,), number=n))

        assert list(range(29, n + 1)) == numbers(index, 29)
        assert [n] == numbers(index, n)


def test_nothing_behind_the_written_part_is_read(tmp_path: Path, writer: JournalWriter) -> None:
    """Messages that stand behind the position, still being written, are not handed out."""
    place = writer.position
    writer.append(unit(121, (b"late",), number=31))
    index = SentMessages(tmp_path, lambda: place)

    assert place.segment == writer.segment
    assert list(range(25, 31)) == numbers(index, 25)


def test_drop_copies_and_messages_share_the_numbers(tmp_path: Path) -> None:
    """Both kinds come in one sequence; frames and RESEND records of the session are passed over."""
    copy = DropCopy(2, 0xABCD, 200).pack()
    records = [(Kind.MESSAGE, 1, b"a"), (Kind.RESEND, 0, ResendRange(1, 1).pack())]
    records += [(Kind.DROP_COPY, 2, copy), (Kind.MESSAGE, 3, b"c")]
    batch = pack_record(Kind.FRAME, b"in", lsn=1, time_ns=0, msg_seq_num=2, session=7)
    for at, (kind, number, payload) in enumerate(records):
        batch += pack_record(
            kind,
            payload,
            lsn=2 + at,
            time_ns=0,
            msg_seq_num=number,
            session=7,
            ends_unit=at == len(records) - 1,
        )
    writer = write_journal(tmp_path, [batch])

    sent = fetch(SentMessages(tmp_path, lambda: writer.position), 7, 0, 1, 9, ALL)

    assert [(each.number, each.kind) for each in sent] == [
        (1, Kind.MESSAGE),
        (2, Kind.DROP_COPY),
        (3, Kind.MESSAGE),
    ]
    assert copy == sent[1].payload
    writer.close()


def test_a_noted_extent_saves_the_scan(tmp_path: Path, writer: JournalWriter) -> None:
    """A number inside a noted extent is found without scanning the segment's headers."""
    place = writer.append(unit(121, (b"noted",), session=5, number=1))
    counting = CountingScan()
    index = SentMessages(tmp_path, lambda: writer.position, scan=counting.scan())
    first = place.offset + len(unit(1, ()))

    index.note(place.segment, 5, 0, 1, 1, first)

    assert numbers(index, 1, session=5) == [1]
    assert counting.extent_calls == []


def test_a_note_never_hides_what_was_not_noted(tmp_path: Path, writer: JournalWriter) -> None:
    """With a part of a segment noted, the rest of the session's messages is still found."""
    place = writer.append(unit(121, (b"x",), number=31))
    index = SentMessages(tmp_path, lambda: writer.position)
    index.note(place.segment, 7, 0, 31, 31, place.offset + len(unit(1, ())))
    writer.append(unit(123, (b"x",), number=32))

    assert numbers(index, 32) == [32]
    assert list(range(1, 33)) == numbers(index, 1)


def test_a_resend_in_chunks_scans_nothing_twice(tmp_path: Path, writer: JournalWriter) -> None:
    """After the first chunk the cursor leads on: one search per message, no scan of extents."""
    counting = CountingScan()
    index = SentMessages(tmp_path, lambda: writer.position, scan=counting.scan())
    assert numbers(index, 1, messages=1) == [1]
    counting.extent_calls.clear()
    counting.find_calls = 0

    for n in range(2, 31):
        assert [n] == numbers(index, n, messages=1)

    assert counting.extent_calls == []
    assert counting.find_calls <= 29 + writer.segment


def test_a_segment_is_scanned_once(tmp_path: Path, writer: JournalWriter) -> None:
    """Lookups of many sessions share one scan of each segment."""
    counting = CountingScan()
    index = SentMessages(tmp_path, lambda: writer.position, scan=counting.scan())

    for session in (7, 8, 9, 10):
        numbers(index, 1, session=session)

    assert writer.segment == len(counting.extent_calls)


def test_a_changed_record_is_not_handed_out(tmp_path: Path, index: SentMessages) -> None:
    """A byte that changed on the disk since it was written is an error with file and offset."""
    path = tmp_path / segment_name(1)
    data = path.read_bytes()
    at = data.index(b"3 to 7")
    path.write_bytes(data[:at] + b"9" + data[at + 1 :])

    with pytest.raises(JournalDamagedError, match=f"offset {at - 48}: the record was changed"):
        fetch(index, 7, 0, 3, 1, ALL)


def test_a_hole_in_the_numbers_is_damage(tmp_path: Path) -> None:
    """A number that was skipped is an error, and nothing else is sent in its place."""
    writer = write_journal(tmp_path, [unit(1, (b"a",), number=1), unit(3, (b"c",), number=3)])
    index = SentMessages(tmp_path, lambda: writer.position)

    with pytest.raises(JournalDamagedError, match="number 2 is not where it belongs"):
        fetch(index, 7, 0, 1, 9, ALL)
    writer.close()


def place_of(index: SentMessages, number: int) -> Place:
    """Return where a number of session 7 is to be looked for."""
    while not index.prepare(7, 0, number):
        pass
    return index.place(7, 0, number)


def test_any_record_of_a_segment_is_found_by_lsn(
    index: SentMessages, writer: JournalWriter
) -> None:
    """Every lsn of the segment of a place gives its record; one of another segment is not there."""
    place = place_of(index, 1)
    lsns = [unpack_record(place.records, at).header.lsn for at in offsets(place.records, 0, 8192)]
    found = [unpack_record(place.records, index.source(place, n)).header.lsn for n in lsns]

    assert lsns == found == list(range(1, len(lsns) + 1))
    assert place.segment < writer.segment
    with pytest.raises(JournalDamagedError, match=f"{segment_name(1)}.*lsn 100, is not there"):
        index.source(place, 100)


def test_marks_lead_to_a_record_in_a_large_segment(tmp_path: Path) -> None:
    """Lookups around each mark work in any order, also while the segment grows."""
    writer = JournalWriter(tmp_path, write_journal(tmp_path, []).identity, segment_bytes=1 << 20)
    large = tmp_path / "large"
    large.mkdir()
    writer.directory = large
    writer.create()
    count = 3 * MARK_EVERY
    for lsn in range(1, count, 2):
        writer.append(unit(lsn, number=(lsn + 1) // 2))
    index = SentMessages(large, lambda: writer.position)
    place = place_of(index, 1)
    wanted = [count, 1, MARK_EVERY, MARK_EVERY + 1, 2 * MARK_EVERY + 2, 2, count - 1]

    found = [unpack_record(place.records, index.source(place, n)).header.lsn for n in wanted]
    assert wanted == found
    writer.append(unit(count + 1, number=count // 2 + 1))
    place = place_of(index, 1)
    at = index.source(place, count + 2)
    assert unpack_record(place.records, at).header.lsn == count + 2
    writer.close()


def test_what_was_read_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading through a segment, again too, the process holds a few windows of it at a time."""
    monkeypatch.setattr(messages, "MARK_EVERY", 128)
    monkeypatch.setattr(messages, "SLICE_MARKS", 1)
    writer = JournalWriter(tmp_path, write_journal(tmp_path, []).identity, segment_bytes=4 << 20)
    large = tmp_path / "large"
    large.mkdir()
    writer.directory = large
    writer.create()
    count = 4800
    batch = [unit(1 + 2 * n, (b"x" * 700,), number=n + 1) for n in range(count)]
    writer.append(b"".join(batch))
    index = SentMessages(large, lambda: writer.position)

    for _ in range(2):
        held = []
        for first in range(1, count, 100):
            found = [sent.number for sent in fetch(index, 7, 0, first, 100)]
            assert found == list(range(first, first + 100))
            held.append(held_bytes(large / segment_name(1)))
        assert 0 < max(held) < 3 * WINDOW_BYTES
    writer.close()


def held_bytes(path: Path) -> int:
    """How much of a mapped file this process holds."""
    maps = Path("/proc/self/smaps").read_text()
    found = re.findall(rf"{path}\nSize:.*?\nRss: +(\d+) kB", maps, re.DOTALL)
    return sum(int(size) for size in found) * 1024


def test_segments_before_the_first_are_not_looked_for(
    tmp_path: Path, writer: JournalWriter
) -> None:
    """With the oldest segment moved away, what is left can still be fetched."""
    (tmp_path / segment_name(1)).unlink()
    index = SentMessages(tmp_path, lambda: writer.position, first_segment=2)

    assert numbers(index, 1) == []
    assert numbers(index, 29) == [29, 30]


def test_an_empty_journal_has_no_messages(tmp_path: Path) -> None:
    """A new journal answers with nothing."""
    writer = write_journal(tmp_path, [])
    index = SentMessages(tmp_path, lambda: writer.position)

    assert Position(1, PAGE_BYTES) == writer.position
    assert numbers(index, 1) == []
    assert writer.end == SMALL_SEGMENT_BYTES
    writer.close()
