"""What one session sends and is sent, as the journal tells it while it is written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kk99fix.fix.masking import mask_whatever
from kk99fix.harness.certification.examination import Seen
from kk99fix.journal.follow import Follower, JournalPosition
from kk99fix.journal.names import JOURNAL_FOLDER
from kk99fix.journal.record import DropCopy, Kind, unpack_record
from kk99fix.journal.segment import PAGE_BYTES, read_segment, segment_name

CHUNK_BYTES: Final = 1 << 20
_SHOWN: Final = frozenset({Kind.FRAME, Kind.LOGON, Kind.MESSAGE, Kind.DROP_COPY})
#: CopyMsgIndicator(797) and OnBehalfOfCompID(115): what a drop copy has beside its source.
_COPY_INDICATOR: Final = 797
_ON_BEHALF_OF: Final = 115


class Watch:
    """Follows the journal from a record on, and keeps to one session."""

    def __init__(self, state_dir: Path, segment: int, after_lsn: int, session: int) -> None:
        """Stand at the beginning of a segment; nothing up to `after_lsn` is handed out."""
        folder = state_dir / JOURNAL_FOLDER
        first = read_segment(folder / segment_name(segment)).header
        position = JournalPosition(first.first_lsn, first.number, PAGE_BYTES)
        self._follower = Follower(folder, position)
        self._after_lsn = after_lsn
        self._session = session
        #: Messages of the unit that is read, by lsn: a drop copy names its source.
        self._sources: dict[int, bytes] = {}

    def take(self) -> Iterator[Seen]:
        """Hand out what is new; JournalDamagedError, JournalReadError."""
        while (chunk := self._follower.take(CHUNK_BYTES)) is not None:
            offset = 0
            for fields in chunk.headers:
                length, lsn, kind = fields[0], fields[2], fields[8]
                if lsn > self._after_lsn and kind in _SHOWN:
                    yield from self._seen(bytes(chunk.data[offset : offset + length]))
                offset += length

    def _seen(self, data: bytes) -> Iterator[Seen]:
        record = unpack_record(data, 0)
        header, payload = record.header, record.payload
        if header.is_input:
            self._sources.clear()
        if header.kind is Kind.MESSAGE:
            self._sources[header.lsn] = payload
        if header.session != self._session:
            return
        if header.kind is Kind.LOGON:  # a line about the connection stands before it
            payload = payload.partition(b"\n")[2]
        if header.kind is not Kind.DROP_COPY:
            yield seen(payload, from_venue=not header.is_input)
            return
        source = self._sources.get(DropCopy.unpack(payload).source_lsn)
        if source is not None:
            yield copied(source)


def seen(raw: bytes, *, from_venue: bool) -> Seen:
    """A message as the examination takes it: the first field of each tag, secrets masked.

    Bytes that are no text are escaped: what a counterparty sends has no lines of its own.
    """
    pairs = [_text(pair) for pair in mask_whatever(raw).split(b"\x01")]
    fields: dict[int, str] = {}
    for pair in pairs:
        tag, _, value = pair.partition("=")
        if tag.isdecimal():
            fields.setdefault(int(tag), value)
    return Seen(from_venue, fields, "|".join(pairs))


def _text(data: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in data)


def copied(source: bytes) -> Seen:
    """A drop copy in terms of its source, which alone is in the journal."""
    original = seen(source, from_venue=True)
    more = {_ON_BEHALF_OF: original.fields.get(56, "")}
    if original.msg_type == "8":
        more[_COPY_INDICATOR] = "Y"
    text = f"copy of {original.text}"
    return Seen(from_venue=True, fields=original.fields | more, text=text)
