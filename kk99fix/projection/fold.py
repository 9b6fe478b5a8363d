"""Records to rows: what each record of the journal means for the tables.

Theory of operation
-------------------
The venue's outputs say nearly everything, so a frame only counts for its session and a drop copy
only for its receiver's numbers: neither payload is looked at. Rows gather in memory until
`write_rows` and `write` put them into the caller's transaction; what later records need of earlier
ones is read from the tables when a `Fold` is made, so where the journal is cut makes no difference.
"""

import json
import sqlite3
from typing import Any, Final

import attrs

from kk99fix.journal.follow import Chunk
from kk99fix.journal.record import FIRST_BOOKKEEPING_KIND, RECORD_HEADER_BYTES, Kind
from kk99fix.matcher.giving_way import KEEPING_ON, GiveWay
from kk99fix.projection import schema
from kk99fix.projection.configuration import stated
from kk99fix.projection.orders import Orders
from kk99fix.projection.positions import Position
from kk99fix.projection.sessions import Sessions, SessionState

_MESSAGE: Final = int(Kind.MESSAGE)
_FRAME: Final = int(Kind.FRAME)
_DROP_COPY: Final = int(Kind.DROP_COPY)
#: Records between two times that the processor is given up: some 20 us of work.
_GIVE_WAY_EVERY: Final = 8
#: MsgType(35) stands behind BeginString(8) and BodyLength(9).
_TYPE_WITHIN: Final = 32


@attrs.frozen
class LastRecord:
    """The last record that was taken, as far as the position needs it."""

    lsn: int
    crc32c: int
    time_ns: int


class Fold:
    """Everything that the tables will say after the records taken so far."""

    def __init__(self, connection: sqlite3.Connection, give_way: GiveWay = KEEPING_ON) -> None:
        """Begin where the tables stand; ValueError or TypeError where they make no sense."""
        self._connection = connection
        self._give_way = give_way.now
        self.orders = Orders(connection)
        self.sessions = Sessions()
        self.last = LastRecord(0, 0, 0)
        self.trading_day: str | None = None
        #: Those that came since the last time, in order.
        self._configurations: list[dict[str, Any]] = []
        for row in _rows(connection, schema.SESSIONS):
            self.sessions.states[row[0]] = SessionState(*row)
        for row in _rows(connection, schema.POSITIONS):
            position = Position.of_row(row)
            self.orders.positions[position.account, position.symbol] = position
        for _, symbol, _, _, multiplier_e8, _, _ in _rows(connection, schema.INSTRUMENTS):
            self.orders.multipliers_e8[symbol] = multiplier_e8

    def take(self, chunk: Chunk) -> int:
        """Take whole units; returns how many records they have."""
        data, offset, records = chunk.data, 0, 0
        for header in chunk.headers:
            length, _, lsn, time_ns, number, session, epoch, payload_length, kind, _, _ = header
            if not lsn % _GIVE_WAY_EVERY:
                self._give_way()
            if kind == _MESSAGE:
                start = offset + RECORD_HEADER_BYTES
                payload = str(data[start : start + payload_length], "latin-1")
                self._message(lsn, time_ns, session, epoch, number, payload)
            elif kind == _DROP_COPY:
                self.sessions.sent(session, epoch, number)
            elif kind == _FRAME:
                self.sessions.received(session, number)
            elif kind < FIRST_BOOKKEEPING_KIND:
                start = offset + RECORD_HEADER_BYTES
                payload_bytes = bytes(data[start : start + payload_length])
                self._other(Kind(kind), time_ns, session, number, payload_bytes)
            offset += length
            if kind < FIRST_BOOKKEEPING_KIND:
                records += 1
                last = header
        self.last = LastRecord(last[2], last[1], last[3])
        return records

    def write_rows(self) -> None:
        """Write the rows of orders taken since the last time, of which there are many."""
        self.orders.batch.write(self._connection)
        self.orders.begin_batch()

    def write(self) -> None:
        """Write all that was taken since the last time; the transaction is the caller's."""
        self.write_rows()
        connection, orders, sessions = self._connection, self.orders, self.sessions
        for configuration in self._configurations:
            _write_names(connection, configuration)
        self._configurations.clear()
        connection.executemany(
            schema.POSITIONS.upsert(),
            [orders.positions[key].row() for key in sorted(orders.changed_positions)],
        )
        connection.executemany(
            schema.SESSIONS.upsert(),
            [sessions.states[session].row() for session in sorted(sessions.changed)],
        )
        orders.changed_positions.clear()
        sessions.changed.clear()

    def configure(self, content: dict[str, Any], time_ns: int) -> None:
        """Take over names, ids and multipliers, the content of a CONFIG record."""
        self._configurations.append(content)
        self.sessions.configure(content, time_ns)
        for symbol, instrument in stated(content)["instruments"].items():
            self.orders.multipliers_e8[symbol] = instrument["multiplier_e8"]

    def _message(
        self, lsn: int, time_ns: int, session: int, epoch: int, number: int, payload: str
    ) -> None:
        state = self.sessions.sent(session, epoch, number)
        if "\x0135=8\x01" in payload[:_TYPE_WITHIN]:
            # Nothing before OrderID(37) matters: a third of the fields need not be split.
            self.orders.reported(
                lsn, time_ns, state, split(payload[payload.index("\x0137=") + 1 :])
            )
            return
        fields = split(payload)
        match fields["35"]:
            case "9":
                self.orders.cancel_rejected(lsn, time_ns, state, fields)
            case "j" | "3":
                self.orders.message_rejected(lsn, time_ns, state, fields)
            case _:
                self.sessions.told(session, time_ns, fields)

    def _other(self, kind: Kind, time_ns: int, session: int, number: int, payload: bytes) -> None:
        if kind.is_input:
            self.sessions.begin_unit()
        match kind:
            case Kind.LOGON:
                self.sessions.logon_asked(session, number, payload)
            case Kind.DISCONNECT:
                self.sessions.of(session).end(time_ns, payload.decode("ascii"))
            case Kind.TICK:
                self.sessions.ticked(time_ns)
            case Kind.OPERATOR:
                self.sessions.commanded(session, time_ns, payload)
            case Kind.CONFIG:
                self.configure(json.loads(payload), time_ns)
            case Kind.DAY_ROLL:
                self.trading_day = payload.decode("ascii")
            case Kind.RESTART:
                self.sessions.restarted(time_ns)


def split(text: str) -> dict[str, str]:
    """Return the fields of a message, the last of each tag."""
    pieces = text.replace("\x01", "=").split("=")
    if len(pieces) == 2 * text.count("\x01") + 1:
        return dict(zip(pieces[:-1:2], pieces[1::2], strict=True))
    # A value has a = of its own.
    pairs = [field.split("=", 1) for field in text.split("\x01")[:-1]]
    fields: dict[str, str] = dict(pairs)
    return fields


def _rows(connection: sqlite3.Connection, table: schema.Table) -> list[tuple[Any, ...]]:
    columns = ", ".join(table.columns)
    return connection.execute(f"SELECT {columns} FROM {table.name}").fetchall()  # noqa: S608 - names of ours


def _write_names(connection: sqlite3.Connection, content: dict[str, Any]) -> None:
    """Write firms, accounts and instruments; one that is gone keeps what was said of it last."""
    ids = content["ids"]
    for table, kind in (
        (schema.FIRMS, "firms"),
        (schema.ACCOUNTS, "accounts"),
        (schema.INSTRUMENTS, "instruments"),
    ):
        configured = stated(content)[kind]
        gone = [(number,) for name, number in ids[kind].items() if name not in configured]
        connection.executemany(
            f"UPDATE {table.name} SET configured = 0 WHERE {table.key[0]} = ?",  # noqa: S608 - names of ours
            gone,
        )
        rows = [
            (ids[kind][name], name, *_described(kind, configured[name]), 1)
            for name in sorted(configured)
        ]
        connection.executemany(table.upsert(), rows)


def _described(kind: str, item: dict[str, Any]) -> tuple[Any, ...]:
    """Return the columns between name and `configured`."""
    if kind == "accounts":
        return (item["firm"],)
    if kind == "instruments":
        keys = ("tick_e8", "lot_e8", "multiplier_e8")
        return (*(item[key] for key in keys), item.get("currency"))
    return ()
