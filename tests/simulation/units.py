"""Units of the journal as the invariants look at them: one input and everything it caused."""

from collections.abc import Iterable, Iterator

import attrs

from kk99fix.journal.record import FIRST_OUTPUT_KIND, Kind, Record, unpack_record
from kk99fix.journal.record import DropCopy as CopyRecord

Fields = dict[int, str]


class BrokenError(AssertionError):
    """An invariant does not hold; the text begins with its name."""


def require(condition: object, name: str, *details: object) -> None:
    """Fail in the name of an invariant unless it holds."""
    if not condition:
        raise BrokenError(f"{name}: " + ", ".join(str(each) for each in details))


def fields_of(message: bytes) -> Fields:
    """Fields by tag, the first of each."""
    fields: Fields = {}
    for field in message.decode("latin-1").split("\x01")[:-1]:
        tag, _, value = field.partition("=")
        fields.setdefault(int(tag), value)
    return fields


@attrs.define(eq=False)
class Sent:
    """A message to a session."""

    record: Record
    session: str
    fields: Fields

    @property
    def lsn(self) -> int:
        """Of its record."""
        return self.record.header.lsn

    def __getitem__(self, tag: int) -> str:
        """Value of a field; "" when it is absent."""
        return self.fields.get(tag, "")


@attrs.define(eq=False)
class Copy:
    """A drop copy: whose, of which message."""

    record: Record
    session: str
    source_lsn: int


@attrs.define(eq=False)
class Unit:
    """One input and its outputs."""

    input: Record
    #: Name of the input's session; "" where it concerns none.
    session: str
    sent: list[Sent] = attrs.field(factory=list)
    copies: list[Copy] = attrs.field(factory=list)
    #: Ranges that were frozen to be sent again.
    resends: list[Record] = attrs.field(factory=list)
    end: Record | None = None

    @property
    def kind(self) -> Kind:
        """Of its input."""
        return self.input.header.kind

    @property
    def time_ns(self) -> int:
        """When it happened."""
        return self.input.header.time_ns


def records_of(batch: bytes) -> Iterator[Record]:
    """Split whole records."""
    offset = 0
    while offset < len(batch):
        record = unpack_record(batch, offset)
        offset += record.header.length
        yield record


def units_of(records: Iterable[Record], names: dict[int, str]) -> Iterator[Unit]:
    """Put records together to whole units; `names` has the sessions'."""
    unit = None
    for record in records:
        header = record.header
        if header.kind < FIRST_OUTPUT_KIND:
            require(unit is None, "F5", "an input inside a unit", header)
            unit = Unit(record, names.get(header.session, ""))
        else:
            require(unit is not None, "F5", "an output without an input", header)
            assert unit is not None
            _add(unit, record, names[header.session])
        if header.ends_unit:
            unit.end = record
            yield unit
            unit = None
    require(unit is None, "F5", "a unit without an end")


def _add(unit: Unit, record: Record, name: str) -> None:
    match record.header.kind:
        case Kind.MESSAGE:
            unit.sent.append(Sent(record, name, fields_of(record.payload)))
        case Kind.DROP_COPY:
            source_lsn = CopyRecord.unpack(record.payload).source_lsn
            unit.copies.append(Copy(record, name, source_lsn))
        case Kind.RESEND:
            unit.resends.append(record)
