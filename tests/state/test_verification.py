import shutil
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from support.kept_state import copy_of, forge, keep, record_offsets, traded_state

from kk99fix.journal.errors import JournalError
from kk99fix.journal.files import Files
from kk99fix.journal.names import compressed_name, seal_name
from kk99fix.journal.removed import read_removed
from kk99fix.journal.scan import Extent
from kk99fix.journal.seals import read_seal, write_seal
from kk99fix.journal.segment import segment_name
from kk99fix.state.replica import snapshot_headers
from kk99fix.state.retention import RetentionPolicy
from kk99fix.state.snapshot_file import write_file
from kk99fix.state.snapshots import snapshot_name
from kk99fix.state.verification import Verification, verify


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory that a keeper has sealed; the first segment is compressed."""
    state = traded_state(tmp_path_factory.mktemp("kept"), 9000)
    keep(state, RetentionPolicy(compress_after_segments=3))
    return state


@pytest.fixture
def state(kept: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return copy_of(kept, tmp_path)


def check(state: Path) -> Verification:
    """Verify, without a word."""
    return verify(state, lambda _: None)


def problems(state: Path) -> list[tuple[str, str]]:
    """File and text of every problem."""
    return [(problem.file.name, problem.text) for problem in check(state).problems]


def test_a_state_as_it_was_kept_has_no_problem(state: Path) -> None:
    """Segments, compressed ones, seals and snapshots are counted, and the chain is told."""
    found = check(state)
    last = found.segments - 1

    assert found.problems == []
    assert found.segments >= 4
    assert (found.compressed, found.sealed) == (1, last)
    assert found.chain == read_seal(state / "journal", last).chain
    assert found.snapshots >= 2
    assert found.next_lsn > 18_000


def test_removed_segments_are_no_problem(state: Path) -> None:
    """The chain goes on from what the note of them says."""
    before = check(state)
    keep(state, RetentionPolicy(keep_days=1))
    after = check(state)

    assert after.problems == []
    assert after.removed_segment >= 1
    assert after.first_lsn > before.first_lsn
    assert (after.chain, after.next_lsn) == (before.chain, before.next_lsn)


def test_what_is_removed_meanwhile_is_no_problem(state: Path) -> None:
    """Segments and seals that retention removes while they are verified are not missed."""
    begun: list[str] = []

    def remove(text: str) -> None:
        begun.append(text)
        if len(begun) == 1:
            keep(state, RetentionPolicy(keep_days=1), kept=2)

    found = verify(state, remove)
    assert [problem.text for problem in found.problems] == []
    assert read_removed(state / "journal").segment == 3
    assert found.sealed == 1


def test_what_is_compressed_meanwhile_is_no_problem(state: Path) -> None:
    """A segment's own file may be gone by the time that it is held against its seal."""

    def squeeze(_: str) -> None:
        keep(state, RetentionPolicy(compress_after_segments=1))

    assert [problem.text for problem in verify(state, squeeze).problems] == []
    assert check(state).compressed > 1


def test_a_snapshot_that_is_saved_meanwhile_is_no_problem(state: Path) -> None:
    """It may stand behind what the journal had when its end was looked for."""
    folder = state / "snapshots"
    newest = list(snapshot_headers(folder).values())[-1]

    def save(_: str) -> None:
        later = attrs.evolve(newest, lsn=newest.lsn + 1_000_000)
        write_file(Files(), folder / snapshot_name(later.lsn), later, [])

    assert verify(state, save).problems == []
    assert len(check(state).problems) == 1


def flip(path: Path, offset: int) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def reseal(state: Path, number: int, **changes: object) -> None:
    """Change a seal so that its own checksum is right."""
    seal = read_seal(state / "journal", number)
    write_seal(Files(), state / "journal", attrs.evolve(seal, **changes))  # type: ignore[arg-type]


def swap(state: Path, name: str, other: str) -> None:
    """Put one file in the place of another."""
    shutil.copy(state / "journal" / other, state / "journal" / name)


TAMPERINGS: list[tuple[str, Callable[[Path], object], str, str]] = [
    (
        "a bit of a record",
        lambda state: flip(state / "journal" / segment_name(2), 100_000),
        segment_name(2),
        "no valid record with lsn",
    ),
    (
        "a forged record with a right checksum",
        lambda state: forge(state, 2, b"\x0144=180\x01", b"\x0144=181\x01"),
        segment_name(2),
        "offset 0: the SHA-256 of the segment is not the sealed one",
    ),
    (
        "a bit of a compressed segment",
        lambda state: flip(state / "journal" / compressed_name(1), 5000),
        compressed_name(1),
        "the compressed bytes are damaged",
    ),
    (
        "a segment that is gone",
        lambda state: (state / "journal" / segment_name(2)).unlink(),
        segment_name(2),
        "the file is missing",
    ),
    (
        "another segment under its name",
        lambda state: swap(state, segment_name(2), segment_name(3)),
        segment_name(2),
        "the file holds segment 3 but is named",
    ),
    (
        "a seal that is gone",
        lambda state: (state / "journal" / seal_name(2)).unlink(),
        seal_name(2),
        "the seal is missing, and later ones are there",
    ),
    (
        "a bit of a seal",
        lambda state: flip(state / "journal" / seal_name(2), 40),
        seal_name(2),
        "offset 0: ",
    ),
    (
        "another seal under its name",
        lambda state: swap(state, seal_name(2), seal_name(3)),
        seal_name(2),
        "the file holds the seal of segment 3",
    ),
    (
        "a seal with another hash",
        lambda state: reseal(state, 2, sha256=bytes(32)),
        seal_name(2),
        "the chain of the seals breaks here",
    ),
    (
        "a seal with another chain",
        lambda state: reseal(state, 2, chain=bytes(32)),
        seal_name(2),
        "the chain of the seals breaks here",
    ),
    (
        "a seal with another lsn",
        lambda state: reseal(state, 2, next_lsn=3),
        seal_name(2),
        "lsn or size in the seal are not those of 00000002.kkj",
    ),
    (
        "a seal with other extents",
        lambda state: reseal(state, 2, sent={(0, 0): Extent(1, 2, 3)}),
        seal_name(2),
        "what the seal says of the messages sent is not what 00000002.kkj has",
    ),
    (
        "a bit of a snapshot",
        lambda state: flip(max((state / "snapshots").iterdir()), 5000),
        "",
        "section 0 is damaged",
    ),
    (
        "a snapshot ahead of the journal",
        lambda state: cut_off(state, 2),
        "",
        "and the journal ends before that",
    ),
    (
        "a damaged note of what was removed",
        lambda state: (state / "journal" / "removed.json").write_text("{}"),
        "removed.json",
        "the checksum does not fit the text",
    ),
]


def cut_off(state: Path, last: int) -> None:
    """Remove everything after a segment."""
    for path in (state / "journal").iterdir():
        if int(path.name.split(".")[0]) > last:
            path.unlink()
    (state / "journal" / seal_name(last)).unlink()


@pytest.mark.parametrize(
    ("tamper", "name", "says"), [each[1:] for each in TAMPERINGS], ids=[e[0] for e in TAMPERINGS]
)
def test_each_kind_of_tampering_is_named(
    state: Path, tamper: Callable[[Path], object], name: str, says: str
) -> None:
    """The file is named, with what is wrong and what to do."""
    tamper(state)
    found = [(file, text) for file, text in problems(state) if says in text]

    assert found, problems(state)
    assert found[0][0] == name or not name
    assert ". " in found[0][1], "and what to do about it"


def test_all_problems_are_found_at_once(state: Path) -> None:
    """One does not hide another."""
    flip(state / "journal" / segment_name(2), 100_000)
    flip(state / "journal" / compressed_name(1), 5000)
    flip(state / "journal" / seal_name(3), 40)

    assert {name for name, _ in problems(state)} == {
        segment_name(2),
        compressed_name(1),
        seal_name(3),
    }


def test_an_unfinished_unit_is_no_problem(state: Path) -> None:
    """What the process had not written whole when it died, or is writing now, is only told."""
    path = max((state / "journal").glob("*.kkj"))
    last = list(record_offsets(path))[-1]
    flip(path, last + 60)
    for snapshot in (state / "snapshots").iterdir():
        snapshot.unlink()
    found = check(state)

    assert found.problems == []
    assert found.tail is not None
    assert found.tail.stale_bytes > 0


def test_no_journal_is_an_error(tmp_path: Path) -> None:
    """There is nothing to be verified."""
    (tmp_path / "journal").mkdir()
    with pytest.raises(JournalError, match="there is no journal here"):
        check(tmp_path)
