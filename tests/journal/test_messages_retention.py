from pathlib import Path

import pytest
from support.journal_files import unit, write_journal
from support.sealed_journal import seal_all
from support.sent_messages import fetch

from kk99fix.journal import compressed, indexed
from kk99fix.journal.files import Files
from kk99fix.journal.indexed import Held, Indexed
from kk99fix.journal.messages import SentMessages
from kk99fix.journal.names import compressed_name, seal_name
from kk99fix.journal.removed import Removed, write_removed
from kk99fix.journal.scan import Scan, extents
from kk99fix.journal.seals import Seal
from kk99fix.journal.segment import list_segments, segment_name
from kk99fix.journal.writer import JournalWriter

ROUNDS = 30


@pytest.fixture
def writer(tmp_path: Path) -> JournalWriter:
    """A live journal of several segments with 30 messages each to sessions 7 and 8."""
    batches = []
    for n in range(ROUNDS):
        for turn, session in enumerate((7, 8)):
            report = b"%d to %d" % (n + 1, session) + b"x" * 300
            batches.append(unit(1 + 4 * n + 2 * turn, (report,), session=session, number=n + 1))
    return write_journal(tmp_path, batches)


@pytest.fixture
def seals(tmp_path: Path, writer: JournalWriter) -> list[Seal]:
    """The seals of all its segments but the last."""
    assert writer.segment > 3
    return seal_all(tmp_path)


@pytest.fixture
def index(tmp_path: Path, writer: JournalWriter) -> SentMessages:
    """An index that has not looked at anything."""
    return SentMessages(tmp_path, lambda: writer.position)


def compress(directory: Path, number: int) -> None:
    """Put a compressed file in the place of a segment."""
    source = directory / segment_name(number)
    compressed.compress(Files(), source, directory / compressed_name(number))
    source.unlink()


def payloads(index: SentMessages, begin: int, session: int = 7) -> list[bytes]:
    """What a fetch of everything from a number on gives."""
    return [sent.payload[:8].rstrip(b"x") for sent in fetch(index, session, 0, begin)]


def wanted(begin: int, session: int = 7) -> list[bytes]:
    """What it should give."""
    return [b"%d to %d" % (n, session) for n in range(begin, ROUNDS + 1)]


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "unsealed"])
@pytest.mark.parametrize("begin", [1, 2, 17, 30])
def test_messages_come_from_compressed_segments(
    tmp_path: Path, seals: list[Seal], index: SentMessages, begin: int, sealed: bool
) -> None:
    """Every message is found as before, with the seals or without them."""
    for seal in seals:
        compress(tmp_path, seal.segment)
        if not sealed:
            (tmp_path / seal_name(seal.segment)).unlink()

    assert payloads(index, begin) == wanted(begin)
    assert payloads(index, begin, session=8) == wanted(begin, session=8)


def test_a_sealed_segment_is_not_scanned(
    tmp_path: Path, writer: JournalWriter, seals: list[Seal]
) -> None:
    """The seal knows what a scan would find; a damaged one costs the scan and nothing else."""
    (tmp_path / seal_name(2)).write_bytes(b"{}")
    scanned = []

    def counted(*at: object) -> dict[tuple[int, int], tuple[int, int, int]]:
        scanned.append(at[0])
        return extents(*at)  # type: ignore[arg-type]

    index = SentMessages(tmp_path, lambda: writer.position, scan=Scan(extents=counted))

    assert payloads(index, 1) == wanted(1)
    assert payloads(index, 1, session=9) == []
    assert (len(seals), len(scanned)) == (writer.segment - 1, 2)


def test_a_segment_may_be_compressed_while_it_is_read(
    tmp_path: Path, seals: list[Seal], index: SentMessages
) -> None:
    """Who is in the midst of it reads on, also after it was let go."""
    first = payloads(index, 1)[:1]
    for seal in seals:
        compress(tmp_path, seal.segment)
        index.replaced(seal.segment)

    assert (first, payloads(index, 2)) == (wanted(1)[:1], wanted(2))
    assert payloads(index, 1) == wanted(1)


def test_replaced_segments_are_let_go(
    tmp_path: Path, seals: list[Seal], index: SentMessages
) -> None:
    """No mapping keeps the disk from getting back what a removed file had."""
    payloads(index, 1)
    for seal in seals:
        compress(tmp_path, seal.segment)
        index.replaced(seal.segment)

    assert "(deleted)" not in maps_of(tmp_path)


def maps_of(directory: Path) -> str:
    """The mappings of this process of files in a directory."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return "\n".join(line for line in lines if str(directory) in line)


def remove(directory: Path, seals: list[Seal]) -> Removed:
    """Remove the segments of some seals."""
    removed = Removed()
    for seal in seals:
        removed = removed.beyond(seal)
    write_removed(Files(), directory, removed)
    for seal in seals:
        (directory / segment_name(seal.segment)).unlink()
        (directory / seal_name(seal.segment)).unlink()
    return removed


def test_what_is_gone_is_known_and_the_rest_is_found(
    tmp_path: Path, writer: JournalWriter, seals: list[Seal]
) -> None:
    """A start behind removed segments knows up to which number, and gives what is left."""
    removed = remove(tmp_path, seals[:2])
    index = SentMessages(tmp_path, lambda: writer.position)
    gone = index.gone_until(7, 0)

    assert gone == removed.last_sent(7, 0) > 1
    assert payloads(index, gone + 1) == wanted(gone + 1)
    assert (index.gone_until(7, 1), index.gone_until(9, 0)) == (0, 0)
    assert list_segments(tmp_path)[0].header.number == 3


def test_a_removal_that_nobody_told_of_is_noticed(
    tmp_path: Path, seals: list[Seal], index: SentMessages
) -> None:
    """A search that meets a removed segment starts over, and `gone_until` knows."""
    assert payloads(index, 30) == wanted(30)
    assert index.gone_until(7, 0) == 0
    remove(tmp_path, seals[:2])
    tries = 0
    while index.gone_until(7, 0) == 0:
        assert not index.prepare(7, 0, 1)
        tries += 1
        assert tries < 100

    gone = index.gone_until(7, 0)
    assert payloads(index, gone + 1) == wanted(gone + 1)


def test_the_reader_at_a_removed_segment_starts_over(
    tmp_path: Path, seals: list[Seal], index: SentMessages
) -> None:
    """A cursor into a segment that is removed leads to what comes behind it."""
    fetch(index, 7, 0, 1, 2)
    remove(tmp_path, seals[:2])
    for seal in seals[:2]:
        index.replaced(seal.segment)
    gone = index.gone_until(7, 0)

    assert not index.prepare(7, 0, 3)
    assert payloads(index, gone + 1) == wanted(gone + 1)


def test_what_is_held_has_a_limit(
    tmp_path: Path, seals: list[Seal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment that somebody uses stays; one that nobody uses makes room for the next."""
    monkeypatch.setattr(indexed, "IDLE_CALLS", 3)
    for seal in seals:
        compress(tmp_path, seal.segment)
    segments = [Indexed(segment) for segment in list_segments(tmp_path)]
    held = Held(max_bytes=2 * 8192)

    assert [held.ready(segments[0]), held.ready(segments[1])] == [True, True]
    assert [held.ready(segments[2]) for _ in range(3)] == [False, False, True]
    assert held.ready(segments[1])
    with pytest.raises(AssertionError, match="held before it is read"):
        _ = segments[0].records
    assert held.ready(segments[-1]), "a segment that is no longer compressed needs no room"


def test_a_segment_is_taken_in_piece_by_piece(
    tmp_path: Path, seals: list[Seal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a whole segment: a call does one piece, and the last one says so."""
    monkeypatch.setattr(indexed, "PIECE_BYTES", 2048)
    compress(tmp_path, seals[0].segment)
    first = Indexed(list_segments(tmp_path)[0])
    held = Held()

    assert [held.ready(first) for _ in range(5)] == [False, False, False, True, True]
