"""The journal as text: one line, or one JSON object, per record.

Rules:

- A line is printable ASCII whatever the record holds: SOH is shown as `|`, every other byte that
  is not printable as `\\xNN`, so nothing that a counterparty sent reaches a terminal unescaped.
- JSON keeps every byte (as Latin-1, CONFIG as UTF-8) and escapes what is not ASCII.
- Sessions are named once a CONFIG record or a message has named them, and shown as `#ID` before.

Secrets were masked before they were journaled. Reading the files is the business of `reader`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from kk99fix.journal.reader import Placed
from kk99fix.journal.record import DropCopy, Kind, Record, ResendRange

FIX_KINDS: Final = frozenset((Kind.FRAME, Kind.LOGON, Kind.MESSAGE))
"""Records whose payload is a FIX message."""
OF_A_SESSION: Final = FIX_KINDS | {
    Kind.LOGON_FAILED,
    Kind.DISCONNECT,
    Kind.DROP_COPY,
    Kind.RESEND,
}
LINE_CONFIG_CHARACTERS: Final = 200
_COUNTERPARTY: Final = {
    Kind.LOGON: re.compile(rb"\x0149=([^\x01]*)\x01"),
    Kind.FRAME: re.compile(rb"\x0149=([^\x01]*)\x01"),
    Kind.MESSAGE: re.compile(rb"\x0156=([^\x01]*)\x01"),
}
"""Where a counterparty's name stands: SenderCompID(49) of its frames, TargetCompID(56) of ours."""
_SHOWN: Final = [chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in range(256)]
_SHOWN[1] = "|"


@attrs.frozen
class Selection:
    """What to show; None stands for no condition. `session` is an id or a name."""

    to_lsn: int | None = None
    session: str | None = None
    kind: Kind | None = None
    messages_only: bool = False


class SessionNames:
    """Names of session ids, learnt from the records as they pass."""

    def __init__(self) -> None:
        """Know none yet."""
        self._names: dict[int, str] = {}

    def learn(self, record: Record) -> None:
        """Take names from the ids in CONFIG, and else from the first message seen."""
        header = record.header
        if header.kind is Kind.CONFIG:
            self._names.update(_configured_names(record.payload))
        elif header.kind in _COUNTERPARTY and header.session not in self._names:
            match = _COUNTERPARTY[header.kind].search(record.payload)
            if match is not None:
                self._names[header.session] = printable(match[1])

    def name(self, session: int) -> str:
        """Return the name of a session id, `#ID` while it has none."""
        return self._names.get(session, f"#{session}")


def show(records: Iterable[Placed], selection: Selection, *, as_json: bool) -> Iterator[str]:
    """Yield the text of each selected record, up to `to_lsn`."""
    names = SessionNames()
    for placed in records:
        record = placed.record
        if selection.to_lsn is not None and record.header.lsn > selection.to_lsn:
            return
        names.learn(record)
        if _selected(record, selection, names):
            yield json_line(placed, names) if as_json else line(record, names)


def line(record: Record, names: SessionNames) -> str:
    """Return lsn, UTC time, kind, session, epoch, number and text of a record in columns."""
    header = record.header
    session = epoch = number = ""
    if header.kind in OF_A_SESSION:
        session = names.name(header.session)
        epoch = f"e{header.epoch}"
        number = f"n{header.msg_seq_num}" if header.msg_seq_num else ""
    columns = (
        f"{header.lsn:>9} {utc(header.time_ns)} {header.kind.name:<12} "
        f"{session:<12} {epoch:<3} {number:<8}"
    )
    return f"{columns} {_text(record)}".rstrip()


def json_line(placed: Placed, names: SessionNames) -> str:
    """Return the record as one line of JSON; the payload is read where its kind has fields."""
    header, payload = placed.record.header, placed.record.payload
    fields: dict[str, Any] = {
        "lsn": header.lsn,
        "time": utc(header.time_ns),
        "time_ns": header.time_ns,
        "kind": header.kind.name,
        "ends_unit": header.ends_unit,
        "segment": placed.segment.header.number,
        "offset": placed.offset,
    }
    if header.kind in OF_A_SESSION:
        fields["session"] = header.session
        fields["session_name"] = names.name(header.session)
        fields["epoch"] = header.epoch
        fields["msg_seq_num"] = header.msg_seq_num
    if header.kind is Kind.DROP_COPY:
        fields |= attrs.asdict(DropCopy.unpack(payload))
    elif header.kind is Kind.GROUP:
        fields["watermark"] = header.msg_seq_num
    elif header.kind is Kind.RESEND:
        fields |= attrs.asdict(ResendRange.unpack(payload))
    else:
        encoding = "utf-8" if header.kind is Kind.CONFIG else "latin-1"
        fields["text"] = payload.decode(encoding, "replace")
    return json.dumps(fields)


def utc(time_ns: int) -> str:
    """Return Unix nanoseconds as `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`."""
    seconds, rest_ns = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns:09}Z"


def printable(payload: bytes) -> str:
    """Return bytes as printable ASCII: SOH as `|`, others that are not printable as `\\xNN`."""
    return "".join([_SHOWN[byte] for byte in payload])


def _text(record: Record) -> str:
    kind, payload = record.header.kind, record.payload
    if kind is Kind.DROP_COPY:
        copy = DropCopy.unpack(payload)
        return f"copy of lsn {copy.source_lsn}, {copy.rendered_length} bytes"
    if kind is Kind.GROUP:
        return f"all up to lsn {record.header.msg_seq_num} was on the disk"
    if kind is Kind.RESEND:
        wanted = ResendRange.unpack(payload)
        return f"{wanted.begin} to {wanted.end}"
    if kind is Kind.CONFIG and len(payload) > LINE_CONFIG_CHARACTERS:
        start = printable(payload[:LINE_CONFIG_CHARACTERS])
        return f"{start}... ({len(payload)} bytes, --json shows all)"
    return printable(payload)


def _selected(record: Record, selection: Selection, names: SessionNames) -> bool:
    header = record.header
    if selection.messages_only and header.kind not in FIX_KINDS:
        return False
    if selection.kind is not None and header.kind is not selection.kind:
        return False
    if selection.session is None:
        return True
    wanted = {str(header.session), names.name(header.session)}
    return header.kind in OF_A_SESSION and selection.session in wanted


def _configured_names(payload: bytes) -> dict[int, str]:
    """Return id -> name of the configured sessions, and nothing where there is no such table."""
    try:
        table = json.loads(payload)["ids"]["sessions"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {number: printable(name.encode()) for name, number in table if isinstance(number, int)}
