import json
from pathlib import Path

import pytest
from support.journal_files import START_NS, unit, write_journal

from kk99fix.journal.printer import Selection, SessionNames, line, printable, show, utc
from kk99fix.journal.reader import read_records
from kk99fix.journal.record import (
    DropCopy,
    Kind,
    Record,
    ResendRange,
    pack_group,
    pack_record,
    unpack_record,
)
from kk99fix.journal.segment import list_segments

LOGON = b"8=FIX.4.4\x0135=A\x0149=BROKER1\x0156=KK99\x01"
REPORT = b"8=FIX.4.4\x0135=8\x0149=KK99\x0156=BROKER2\x01"


def record(kind: Kind, payload: bytes = b"", **fields: int) -> Record:
    """Return a record as it is read from a journal."""
    return unpack_record(pack_record(kind, payload, **({"lsn": 1, "time_ns": 0} | fields)), 0)  # type: ignore[arg-type]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A journal with a CONFIG, a LOGON, a unit of session 7 and one of session 8."""
    config = json.dumps({"ids": {"sessions": {"BROKER3": 8}}})
    batches = [
        pack_record(Kind.CONFIG, config.encode(), lsn=1, time_ns=START_NS, ends_unit=True),
        pack_record(Kind.LOGON, LOGON, lsn=2, time_ns=START_NS, session=7, ends_unit=True),
        unit(3),
        unit(5, (REPORT,), session=8),
    ]
    write_journal(tmp_path, batches).close()
    return tmp_path


def shown(directory: Path, selection: Selection, from_lsn: int = 0) -> list[dict[str, object]]:
    """Return what `show` prints as JSON."""
    records = read_records(list_segments(directory), from_lsn)
    return [json.loads(text) for text in show(records, selection, as_json=True)]


@pytest.mark.parametrize(
    ("selection", "from_lsn", "lsn"),
    [
        (Selection(), 0, [1, 2, 3, 4, 5, 6]),
        (Selection(), 4, [4, 5, 6]),
        (Selection(to_lsn=2), 0, [1, 2]),
        (Selection(to_lsn=4), 4, [4]),
        (Selection(session="7"), 0, [2, 3, 4]),
        (Selection(session="BROKER1"), 0, [2, 3, 4]),
        (Selection(session="BROKER2"), 5, [6]),
        (Selection(session="BROKER3"), 0, [5, 6]),
        (Selection(session="0"), 0, []),
        (Selection(kind=Kind.MESSAGE), 0, [4, 6]),
        (Selection(messages_only=True), 0, [2, 3, 4, 5, 6]),
        (Selection(session="7", kind=Kind.FRAME), 0, [3]),
    ],
)
def test_selection(directory: Path, selection: Selection, from_lsn: int, lsn: list[int]) -> None:
    """Each condition narrows what is shown; a CONFIG belongs to no session."""
    assert lsn == [row["lsn"] for row in shown(directory, selection, from_lsn)]


def test_json_has_every_field(directory: Path) -> None:
    """One object has the header, where the record stands, and the exact text."""
    row = shown(directory, Selection(), from_lsn=4)[0]

    assert {
        "lsn": 4,
        "time": "2023-11-14T22:13:20.000000003Z",
        "time_ns": START_NS + 3,
        "kind": "MESSAGE",
        "ends_unit": True,
        "segment": 1,
        "offset": row["offset"],
        "session": 7,
        "session_name": "#7",
        "epoch": 0,
        "msg_seq_num": 4,
        "text": "8=FIX.4.4\x01report\x01",
    } == row


def test_a_line_has_the_columns() -> None:
    """lsn, time, kind, session, epoch, number and text stand in columns, SOH as a bar."""
    names = SessionNames()
    names.learn(record(Kind.LOGON, LOGON, session=7))
    message = record(Kind.MESSAGE, REPORT, lsn=12, time_ns=START_NS, session=7, msg_seq_num=3)

    expected = (
        "       12 2023-11-14T22:13:20.000000000Z MESSAGE      BROKER1      e0  n3       "
        "8=FIX.4.4|35=8|49=KK99|56=BROKER2|"
    )
    assert expected == line(message, names)


@pytest.mark.parametrize(
    ("kind", "payload", "text"),
    [
        (Kind.DROP_COPY, DropCopy(17, 5, 230).pack(), "copy of lsn 17, 230 bytes"),
        (Kind.RESEND, ResendRange(3, 9).pack(), "3 to 9"),
        (Kind.DAY_ROLL, b"20231115", "20231115"),
        (Kind.DISCONNECT, b"peer closed", "peer closed"),
        (Kind.CONFIG, b"{" + b" " * 300 + b"}", "... (302 bytes, --json shows all)"),
        (Kind.TICK, b"", "TICK"),
    ],
)
def test_a_line_ends_with_the_text_of_its_kind(kind: Kind, payload: bytes, text: str) -> None:
    """Fixed payloads are read, a long configuration is cut with its size."""
    assert line(record(kind, payload), SessionNames()).endswith(text)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_line(kind: Kind) -> None:
    """No kind is left out of the printer."""
    payload = DropCopy(1, 2, 3).pack() if kind is Kind.DROP_COPY else bytes(16)

    assert kind.name in line(record(kind, payload), SessionNames())


def test_nothing_unprintable_reaches_a_terminal() -> None:
    """Whatever the 256 bytes are, the line is printable ASCII on one line."""
    text = printable(bytes(range(256)))

    assert all(" " <= character <= "~" for character in text)
    assert text.startswith("\\x00|\\x02")
    assert printable(b"\x1b[31m\r\n\xff") == "\\x1b[31m\\x0d\\x0a\\xff"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"sessions": {"BROKER1": {}}}',
        b'{"ids": 5}',
        b'{"ids": {"sessions": [7]}}',
        b'{"ids": {"sessions": {"BROKER1": "7"}}}',
    ],
)
def test_a_configuration_without_ids_names_nobody(payload: bytes) -> None:
    """A CONFIG of any other form is shown all the same, and ids stay numbers."""
    names = SessionNames()

    names.learn(record(Kind.CONFIG, payload))

    assert names.name(7) == "#7"


def test_a_configuration_with_ids_names_sessions() -> None:
    """The table of ids in a CONFIG names sessions before they are heard of."""
    names = SessionNames()

    names.learn(record(Kind.CONFIG, b'{"ids": {"sessions": {"BROKER1": 7}}}'))

    assert names.name(7) == "BROKER1"


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (START_NS + 999_999_999, "2023-11-14T22:13:20.999999999Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_times_keep_their_nanoseconds(time_ns: int, text: str) -> None:
    """All nine digits are shown, in UTC."""
    assert text == utc(time_ns)


def test_a_group_is_shown_where_it_is_asked_for(tmp_path: Path) -> None:
    """Bookkeeping is left out of what is shown, and says what was on the disk where it is not."""
    write_journal(tmp_path, [pack_group(1, 0) + unit(1), pack_group(3, 2)]).close()
    segments = list_segments(tmp_path)
    wanted = Selection(kind=Kind.GROUP)

    groups = list(show(read_records(segments, bookkeeping=True), wanted, as_json=False))
    as_json = list(show(read_records(segments, bookkeeping=True), wanted, as_json=True))

    assert len(list(read_records(segments))) == 2
    assert groups[1].split()[0] == "3"
    assert groups[1].endswith("all up to lsn 2 was on the disk")
    assert [json.loads(text)["watermark"] for text in as_json] == [0, 2]
