"""A venue on a desk: counterparties that speak FIX to it, and its journal in memory.

Bytes of a session take the way of live traffic: first through the core's `consume`, and what the
gate refuses through `Venue.apply` as a `FrameInput`.
All records are kept in `journal`, and what leaves for each session in `wire`.
"""

from collections.abc import Iterator
from typing import Any

import attrs

from kk99fix.fix.framing import Verdict, msg_type, scan
from kk99fix.fix.values import format_utc_timestamp
from kk99fix.journal.record import DropCopy, Kind, Record, unpack_record
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import Capacity, CoreStatus
from kk99fix.session.checks import ADMIN_TYPES
from kk99fix.venue.inputs import (
    ConfigInput,
    DayRollInput,
    DisconnectInput,
    FrameInput,
    Input,
    LogonInput,
    RestartInput,
    TickInput,
)
from kk99fix.venue.outcome import Outcome, ResendRange
from kk99fix.venue.recovery import Recovered, replay
from kk99fix.venue.venue import Venue
from support.drop_copies import rendered_copy
from support.frames import framed, soh
from support.small_venue import CAPACITY, FIRST_DAY, START_NS, configuration

Fields = dict[int, str]


@attrs.frozen
class Sent:
    """A message of the venue: its receiver, its number and its fields, the first of each tag."""

    session: str
    number: int
    fields: dict[int, str]
    raw: bytes

    def __getitem__(self, tag: int) -> str:
        """Value of a field; "" when it is absent."""
        return self.fields.get(tag, "")


def fields_of(message: bytes) -> dict[int, str]:
    """Fields by tag, the first of each."""
    fields: dict[int, str] = {}
    for field in message.decode("latin-1").split("\x01")[:-1]:
        tag, _, value = field.partition("=")
        fields.setdefault(int(tag), value)
    return fields


def records_of(journal: bytes | bytearray) -> list[Record]:
    """Split whole records."""
    records, offset = [], 0
    while offset < len(journal):
        records.append(unpack_record(journal, offset))
        offset += records[-1].header.length
    return records


def text_of(fields: Fields) -> str:
    """Fields in the notation of session logs; those without a value are left out."""
    return "".join(f"{tag}={value}|" for tag, value in fields.items() if value)


def logon_input(session: int, raw: bytes) -> LogonInput:
    """A Logon(A) as the gateway hands it over."""
    return LogonInput(session, raw, "127.0.0.1")


def frames_of(wire: bytes | bytearray) -> list[bytes]:
    """Cut what left for a session into frames."""
    frames, rest = [], bytes(wire)
    while rest:
        found = scan(rest)
        assert found.verdict is Verdict.FRAME
        frames.append(rest[: found.length])
        rest = rest[found.length :]
    return frames


class VenueDesk:
    """One venue, its time, its counterparties' numbers, and everything it wrote."""

    def __init__(
        self,
        config: dict[str, Any] | None = None,
        *,
        gate_open: bool = True,
        capacity: Capacity = CAPACITY,
        begin: bool = True,
        feeds: bool = False,
    ) -> None:
        """Start with a configuration and a trading day, unless `begin` is False.

        `feeds` puts resent messages into `wire`, as a gateway's feeder does.
        """
        self.engine = Engine(capacity)
        self.engine.set_gate(is_open=gate_open)
        self.venue = Venue(self.engine)
        self.now_ns = START_NS
        self.feeds = feeds
        self.journal = bytearray()
        self.wire: dict[str, bytearray] = {}
        self.outcomes: list[Outcome] = []
        #: MsgSeqNum(34) of each counterparty's next message.
        self.next_number: dict[str, int] = {}
        self.rest: dict[str, bytes] = {}
        if begin:
            self.configure(config or configuration())
            self.apply(DayRollInput(FIRST_DAY))

    def close(self) -> None:
        """Give the core's memory back."""
        self.engine.close()

    # ------------------------------------------------------------------ inputs

    def apply(self, item: Input) -> list[Record]:
        """Apply one input; returns its unit."""
        self.outcomes.append(self.venue.apply(item, self.now_ns))
        for disconnected in self.outcomes[-1].disconnects:
            self._collect_wire()
            self.engine.detach(disconnected.session)
        records = self._collect()
        for resend in self.outcomes[-1].resends:
            self._resend(resend, records)
        return records

    def configure(self, config: dict[str, Any]) -> list[Record]:
        """Apply a resolved configuration."""
        return self.apply(ConfigInput(self.venue.registry.plan(config)))

    def tick(self, after_ns: int = 0) -> list[Record]:
        """Let time pass, then tick."""
        self.now_ns += after_ns
        return self.apply(TickInput())

    def roll(self, trading_day: str) -> list[Record]:
        """Begin a trading day, unless it has begun already."""
        later = int(trading_day) > self.engine.trading_day
        return self.apply(DayRollInput(trading_day)) if later else []

    def connect(self, name: str, raw: bytes) -> list[Record]:
        """Hand over a Logon(A) of an authenticated connection."""
        assert self.engine.attach(self.id(name))
        self.wire.setdefault(name, bytearray())
        self.rest[name] = b""
        return self.apply(logon_input(self.id(name), raw))

    def log_on(self, name: str, more: Fields | None = None) -> list[Record]:
        """Log a session on, with HeartBtInt(108)=30 if `more` says nothing else."""
        fields = {98: "0", 108: "30", **(more or {})}
        return self.connect(name, self.build(name, "A", fields))

    def drop(self, name: str, cause: str = "connection-lost") -> list[Record]:
        """Lose a connection."""
        records = self.apply(DisconnectInput(self.id(name), cause))
        self.engine.detach(self.id(name))
        return records

    def restart(self) -> list[Record]:
        """Start the process again, without a replay: every connection is gone."""
        for session in self.venue.live_sessions:
            self.engine.detach(session)
        return self.apply(RestartInput())

    def build(
        self, name: str, msg_type: str, body: Fields | str, header: Fields | None = None
    ) -> bytes:
        """A counterparty's next frame; `header` replaces or adds header fields ("" removes)."""
        number = self.next_number.get(name, 1)
        head = {
            35: msg_type,
            49: name,
            56: "KK99",
            34: str(number),
            52: format_utc_timestamp(self.now_ns).decode(),
            **(header or {}),
        }
        if 34 not in (header or {}):
            self.next_number[name] = number + 1
        return framed(soh(text_of(head) + (body if isinstance(body, str) else text_of(body))))

    def send(
        self, name: str, msg_type: str, body: Fields | str = "", header: Fields | None = None
    ) -> list[Sent]:
        """Let a counterparty send a message; returns what the venue sends to anybody."""
        return self.sent(self.feed(name, self.build(name, msg_type, body, header)))

    def feed(self, name: str, data: bytes) -> list[Record]:
        """Let bytes of a session arrive; what is no whole frame yet waits for the rest."""
        return [record for unit in self.feed_units(name, data) for record in unit]

    def feed_units(self, name: str, data: bytes) -> Iterator[list[Record]]:
        """The same, what was written call by call."""
        session, data = self.id(name), self.rest.get(name, b"") + data
        while self.venue.is_live(session):
            consumed = self.engine.consume(session, data, self.now_ns)
            self.venue.note_time(self.engine.last_time_ns)
            yield self._collect()
            data = data[consumed.used :]
            if consumed.status is CoreStatus.ESCALATE:
                yield self.apply(FrameInput(session, data[: consumed.frame_length]))
                data = data[consumed.frame_length :]
            elif consumed.status is not CoreStatus.OUT_FULL:
                assert consumed.status is CoreStatus.NEED_DATA
                break
        self.rest[name] = data

    # ------------------------------------------------------------------ outputs

    def id(self, name: str) -> int:
        """Id of a session."""
        session = self.venue.registry.session_id(name)
        assert session is not None, name
        return session

    def sent(self, records: list[Record], to: str | None = None) -> list[Sent]:
        """Messages among `records`, to everybody or to one session."""
        names = self.venue.registry.session_names()
        sent = []
        for record in records:
            header = record.header
            if header.kind is Kind.MESSAGE:
                name = names[header.session]
                if to in {None, name}:
                    fields = fields_of(record.payload)
                    sent.append(Sent(name, header.msg_seq_num, fields, record.payload))
        return sent

    def outputs(self, name: str) -> list[tuple[Record, bytes]]:
        """Everything ever recorded for a session, with its bytes: copies are rendered again."""
        session = self.venue.registry.ids["sessions"][name]
        records = records_of(self.journal)
        payloads = {record.header.lsn: record.payload for record in records}
        found = []
        for record in records:
            header = record.header
            if header.session == session and header.kind is Kind.MESSAGE:
                found.append((record, record.payload))
            elif header.session == session and header.kind is Kind.DROP_COPY:
                source = payloads[DropCopy.unpack(record.payload).source_lsn]
                found.append((record, rendered_copy(self.engine, record, source)))
        return found

    def replayed(self) -> tuple["VenueDesk", Recovered]:
        """Another desk whose venue has replayed this one's journal."""
        desk = VenueDesk(begin=False, capacity=self.engine.capacity)
        recovered = replay(desk.venue, [memoryview(bytes(self.journal))])
        desk.now_ns = self.now_ns
        return desk, recovered

    def _resend(self, wanted: ResendRange, unit: list[Record]) -> None:
        """Feed a ring that has stopped for a resend, then let it follow again."""
        session, engine = wanted.session, self.engine
        if not engine.attached(session) or not engine.cursor(session):
            return
        name = self.venue.registry.session_names()[session]
        pushed = self._again(name, wanted) if self.feeds else []
        cursor = engine.cursor(session)
        pushed += [sent.raw for sent in self.sent(unit, name) if sent.number >= cursor]
        assert all(engine.push(session, frame) for frame in pushed)
        engine.advance(session, engine.session(session).next_out)
        assert engine.follow(session)
        self._collect_wire()

    def _again(self, name: str, wanted: ResendRange) -> list[bytes]:
        """The messages of a range as they are sent again, runs of administrative ones as gaps."""
        frames: list[bytes] = []
        gap_from = 0
        for record, message in self.outputs(name):
            number, epoch = record.header.msg_seq_num, record.header.epoch
            if epoch != wanted.epoch or not wanted.begin <= number <= wanted.end:
                continue
            if msg_type(message) in ADMIN_TYPES:
                gap_from = gap_from or number
                continue
            frames += self._gap_fill(wanted.session, gap_from, number)
            frames.append(self.engine.render_resend(message, self.now_ns))
            gap_from = 0
        return frames + self._gap_fill(wanted.session, gap_from, wanted.end + 1)

    def _gap_fill(self, session: int, begin: int, following: int) -> list[bytes]:
        if not begin:
            return []
        return [self.engine.render_gap_fill(session, begin, following, self.now_ns)]

    def _collect(self) -> list[Record]:
        """Take the records written and let their messages leave."""
        taken = self.engine.take()
        self.journal += taken
        self._collect_wire()
        return records_of(taken)

    def _collect_wire(self) -> None:
        self.engine.release()
        for name in self.wire:
            session = self.venue.registry.ids["sessions"][name]
            if self.engine.attached(session):
                self.wire[name] += self.engine.drain(session)
