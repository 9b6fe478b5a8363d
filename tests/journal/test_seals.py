import json
from pathlib import Path

import attrs
import pytest
from support.journal_files import FaultyFiles, unit, write_journal
from support.sealed_journal import seal_all

from kk99fix.journal.errors import JournalDamagedError, JournalReadError
from kk99fix.journal.files import Files
from kk99fix.journal.names import PART_SUFFIX, seal_name
from kk99fix.journal.removed import Removed, read_removed, write_removed
from kk99fix.journal.scan import Extent
from kk99fix.journal.seals import NO_CHAIN, Seal, next_chain, read_seal, write_seal
from kk99fix.journal.segment import list_segments

LARGE = (b"x" * 3900,)


@pytest.fixture
def seals(tmp_path: Path) -> list[Seal]:
    """The seals of a journal of four segments."""
    write_journal(tmp_path, [unit(n, LARGE, number=n) for n in (1, 3, 5, 7)]).close()
    return seal_all(tmp_path)


def test_a_seal_comes_back_as_it_was(tmp_path: Path, seals: list[Seal]) -> None:
    """Every field survives the file, also where nobody replayed the segment."""
    unknown = attrs.evolve(seals[1], state_hash=None)
    write_seal(Files(), tmp_path, unknown)

    assert [read_seal(tmp_path, n) for n in (1, 2, 3)] == [seals[0], unknown, seals[2]]
    assert seals[0].sent == {(7, 0): Extent(1, 1, 64)}


def test_the_chain_depends_on_every_segment(seals: list[Seal]) -> None:
    """Each value is the hash of the one before and its own segment's."""
    chain = NO_CHAIN
    for seal in seals:
        chain = next_chain(chain, seal.sha256)
        assert chain == seal.chain
    assert len({seal.chain for seal in seals}) == 3


@pytest.mark.parametrize("at", range(0, 300, 7))
def test_a_changed_seal_is_named(tmp_path: Path, seals: list[Seal], at: int) -> None:
    """Whatever byte changes, the file is refused with what to do."""
    assert seals
    path = tmp_path / seal_name(2)
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 4
    path.write_bytes(data)

    with pytest.raises(JournalDamagedError, match=r"00000002\.seal, offset 0: .*kk99fix keep"):
        read_seal(tmp_path, 2)


def test_a_seal_under_another_name_is_named(tmp_path: Path, seals: list[Seal]) -> None:
    """A copy of another segment's seal is none."""
    assert seals
    (tmp_path / seal_name(1)).replace(tmp_path / seal_name(2))

    with pytest.raises(JournalDamagedError, match="the file holds the seal of segment 1"):
        read_seal(tmp_path, 2)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"crc32c":1}', b"\xff"])
def test_what_is_no_sheet_is_named(tmp_path: Path, text: bytes) -> None:
    """Neither an empty file nor other JSON is taken for a seal."""
    (tmp_path / seal_name(1)).write_bytes(text)

    with pytest.raises(JournalDamagedError):
        read_seal(tmp_path, 1)


def test_a_missing_seal_is_a_read_error(tmp_path: Path) -> None:
    """Who asks for a seal that is not there is told which file."""
    with pytest.raises(JournalReadError, match=seal_name(1)):
        read_seal(tmp_path, 1)


@pytest.mark.parametrize("call", ["open", "pwrite", "fdatasync", "rename"])
def test_a_seal_is_written_whole_or_not_at_all(
    tmp_path: Path, seals: list[Seal], call: str
) -> None:
    """A crash at any step leaves the seal of before, and at most a part beside it."""
    later = attrs.evolve(seals[0], state_hash=1)
    with pytest.raises(OSError, match="Input/output error"):
        write_seal(FaultyFiles(call, code=5), tmp_path, later)

    assert read_seal(tmp_path, 1) == seals[0]
    names = {path.name for path in tmp_path.glob("*.seal*")}
    assert names - {seal_name(n) for n in (1, 2, 3)} <= {seal_name(1) + PART_SUFFIX}


def test_what_is_removed_is_kept_count_of(tmp_path: Path, seals: list[Seal]) -> None:
    """The note keeps the chain, where the journal begins, and each session's last number."""
    removed = Removed().beyond(seals[0]).beyond(seals[1])
    write_removed(Files(), tmp_path, removed)

    assert read_removed(tmp_path) == removed
    assert (removed.segment, removed.next_lsn, removed.chain) == (2, 5, seals[1].chain)
    assert [removed.last_sent(7, 0), removed.last_sent(7, 1), removed.last_sent(8, 0)] == [3, 0, 0]
    assert [segment.header.number for segment in list_segments(tmp_path)] == [3, 4]


def test_only_the_newest_epoch_is_kept(seals: list[Seal]) -> None:
    """Numbers of an epoch that is over are never asked for again."""
    sent = {(7, 0): Extent(2, 9, 0), (7, 1): Extent(1, 4, 80), (8, 0): Extent(1, 6, 200)}
    removed = Removed().beyond(attrs.evolve(seals[0], sent=sent))
    later = removed.beyond(attrs.evolve(seals[1], sent={(8, 0): Extent(7, 8, 0)}))

    assert later.sent == {7: (1, 4), 8: (0, 8)}


def test_a_damaged_note_of_what_was_removed_is_named(tmp_path: Path, seals: list[Seal]) -> None:
    """Without it nobody knows which segments may be missing."""
    write_removed(Files(), tmp_path, Removed().beyond(seals[0]))
    path = tmp_path / "removed.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"segment": 2}))

    with pytest.raises(JournalDamagedError, match=r"removed\.json, offset 0: the checksum"):
        list_segments(tmp_path)
