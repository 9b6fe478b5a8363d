from pathlib import Path

import pytest
from support.journal_files import unit, write_journal
from support.sealed_journal import seal_all
from support.sent_messages import fetch, fetch_prepared

from kk99fix.journal import messages
from kk99fix.journal.messages import SentMessages
from kk99fix.journal.record import Buffer, unpack_record
from kk99fix.journal.scan import Scan, extents, find_sent, offsets

ROUNDS = 60


def _batches(first: int, end: int) -> list[bytes]:
    """Units with a message each to sessions 7 and 8, for these rounds."""
    batches = []
    for n in range(first, end):
        for turn, session in enumerate((7, 8)):
            report = b"%d to %d" % (n + 1, session) + b"x" * 300
            batches.append(unit(1 + 4 * n + 2 * turn, (report,), session=session, number=n + 1))
    return batches


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[SentMessages, list[int]]:
    """An index over several segments with 60 messages each to two sessions, and its scans."""
    monkeypatch.setattr(messages, "MARK_EVERY", 4)
    monkeypatch.setattr(messages, "SLICE_MARKS", 2)
    writer = write_journal(tmp_path, _batches(0, ROUNDS))
    assert writer.segment > 5
    sizes: list[int] = []

    def scanned(
        records: Buffer, start: int, end: int
    ) -> dict[tuple[int, int], tuple[int, int, int]]:
        sizes.append(end - start)
        return extents(records, start, end)

    def walked(records: Buffer, start: int, session: int, epoch: int, number: int) -> int:
        found = find_sent(records, start, session, epoch, number)
        sizes.append(found - start)
        return found

    scan = Scan(extents=scanned, find_sent=walked)
    return SentMessages(tmp_path, lambda: writer.position, scan=scan), sizes


@pytest.mark.parametrize("begin", [1, 2, 17, ROUNDS, ROUNDS + 1])
def test_prepare_scans_slices_until_fetch_scans_nothing(
    index: tuple[SentMessages, list[int]], begin: int
) -> None:
    """Each call scans a few records; then a fetch gives the same as one that scans by itself."""
    sent, sizes = index
    calls = 1
    while not sent.prepare(7, 0, begin):
        calls += 1
        assert len(sizes) <= calls
        assert calls < 1000
    # A record has some 50 or some 350 bytes, and a slice at most 12 of them.
    assert max(sizes) <= 6 * 50 + 6 * 400
    sizes.clear()
    found = [record.number for record in fetch_prepared(sent, 7, 0, begin, 1, 1 << 30)]

    assert found == [begin] * (begin <= ROUNDS)
    assert sum(sizes) <= 3 * 400
    found = [record.number for record in fetch(sent, 7, 0, begin, 1000)]
    assert found == list(range(begin, ROUNDS + 1))
    assert sent.prepare(7, 0, ROUNDS + 1)


def test_prepare_comes_to_an_end_while_the_journal_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More is written between two calls than one call scans, and still it gets there."""
    monkeypatch.setattr(messages, "MARK_EVERY", 1)
    monkeypatch.setattr(messages, "SLICE_MARKS", 0)
    writer = write_journal(tmp_path, _batches(0, 20))
    sent = SentMessages(tmp_path, lambda: writer.position)
    written = 20
    while not sent.prepare(7, 0, 2):
        for batch in _batches(written, written + 3):
            writer.append(batch)
        written += 3
        assert written < 1000

    assert [record.number for record in fetch_prepared(sent, 7, 0, 2, 3, 1 << 30)] == [2, 3, 4]


def test_prepare_goes_on_where_lookups_by_lsn_have_been(
    index: tuple[SentMessages, list[int]],
) -> None:
    """Marks that are there already change nothing about what is found."""
    sent, _ = index
    while not sent.prepare(7, 0, 30):
        pass
    place = sent.place(7, 0, 30)
    for at in list(offsets(place.records, 0, len(place.records)))[::-3]:
        assert sent.source(place, unpack_record(place.records, at).header.lsn) == at
    while not sent.prepare(8, 0, 1):
        pass

    assert len(fetch_prepared(sent, 8, 0, 1, 1000, 1 << 30)) == ROUNDS


def test_a_session_without_messages_is_ready_in_the_end(
    index: tuple[SentMessages, list[int]],
) -> None:
    """Nothing was sent to it, and everything has been looked at once."""
    sent, sizes = index
    while not sent.prepare(9, 0, 1):
        pass
    scans = len(sizes)

    assert fetch_prepared(sent, 9, 0, 1, 10, 1000) == []
    assert sum(sizes[scans:]) == 0


@pytest.mark.parametrize("begin", range(1, 13))
def test_a_place_deep_in_a_sealed_segment_is_walked_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: int
) -> None:
    """What a seal knows lies behind every mark: the search goes forward from there, in slices."""
    monkeypatch.setattr(messages, "MARK_EVERY", 2)
    monkeypatch.setattr(messages, "SLICE_MARKS", 1)
    batches = []
    for n in range(60):
        session, number = (9, n // 5 + 1) if n % 5 == 4 else (7, n + 1)
        batches.append(unit(1 + 2 * n, (b"x" * 300,), session=session, number=number))
    writer = write_journal(tmp_path, batches)
    seal_all(tmp_path)
    steps: list[int] = []

    def walked(records: Buffer, start: int, session: int, epoch: int, number: int) -> int:
        found = find_sent(records, start, session, epoch, number)
        steps.append(found - start)
        return found

    sent = SentMessages(tmp_path, lambda: writer.position, scan=Scan(find_sent=walked))

    assert [record.number for record in fetch(sent, 9, 0, begin)] == list(range(begin, 13))
    assert min(steps) >= 0
    assert max(steps) <= 4 * 400
