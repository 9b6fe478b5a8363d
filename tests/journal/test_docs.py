import re
from pathlib import Path

from kk99fix.journal.record import HEADER, Kind
from kk99fix.journal.segment import HEADER_PAGE, PAGE_BYTES
from kk99fix.state.snapshot_file import HEADER_PAGE as SNAPSHOT_PAGE

TEXT = (Path(__file__).parents[2] / "docs" / "journal_format.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its two first lines."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [text for text in section.splitlines() if text.startswith("|")]
    return [[cell.strip() for cell in text.strip("|").split("|")] for text in lines[2:]]


def test_every_record_kind_is_listed() -> None:
    """The table of kinds has each kind with its number, and no other."""
    listed = {name: int(number) for number, name, _ in rows("The kinds")}

    assert listed == {kind.name: kind.value for kind in Kind}


def test_the_header_page_is_listed_without_a_gap() -> None:
    """Offsets and sizes add up to the page, and the fields to the struct."""
    table = [(int(offset), int(size)) for offset, size, _ in rows("The header page")]

    ends = [offset + size for offset, size in table]
    assert [offset for offset, _ in table] == [0, *ends[:-1]]
    assert (PAGE_BYTES, HEADER_PAGE.size) == (ends[-1], ends[-3])


def test_the_record_header_is_listed_without_a_gap() -> None:
    """Offsets and sizes add up to the header, and the payload follows."""
    table = [(int(offset), int(size or 0)) for offset, size, _ in rows("The record")]

    ends = [offset + size for offset, size in table]
    assert [offset for offset, _ in table] == [0, *ends[:-1]]
    assert HEADER.size == table[-1][0]


def test_every_field_of_a_record_is_listed() -> None:
    """The names are those of the record's class."""
    named = re.findall(r"`(\w+)`", " ".join(what for _, _, what in rows("The record")))

    assert named == [
        "length",
        "crc32c",
        "lsn",
        "time_ns",
        "msg_seq_num",
        "session",
        "epoch",
        "payload_length",
        "kind",
        "version",
        "flags",
    ]


def test_the_snapshot_page_is_listed_without_a_gap() -> None:
    """Offsets and sizes of a snapshot's header page add up to the page, and to the struct."""
    table = [(int(offset), int(size or 0)) for offset, size, _ in rows("Snapshots")[:14]]

    ends = [offset + size for offset, size in table]
    assert [offset for offset, _ in table] == [0, *ends[:-1]]
    assert (PAGE_BYTES, SNAPSHOT_PAGE.size) == (ends[-1], ends[-3])
