"""The tables of the projection: their names, their columns and what each says. The one owner.

Rules:

- Prices and quantities of single orders and trades are integers in units of 1e-8, `..._e8`: they
  are exact, and SQL can add and compare them.
- What adds up over many trades (positions) may pass 64 bits and stands as exact decimal text.
- Times are integer nanoseconds since 1970 in UTC, `..._ns`.
- What FIX says in codes stands as words.
- A column is NULL where there is nothing to say.

Another `SCHEMA_VERSION` in a file means that the file is built anew.
docs/projection.md shows these tables; a test holds the two against each other.
"""

from typing import Final

import attrs
from sqlite_utils import Database

SCHEMA_VERSION: Final = 2


@attrs.frozen
class Table:
    """One table: columns in order as name -> (type, meaning)."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: dict[str, tuple[type, str]]
    #: Columns that later events of the same row change; None: all of them.
    changing: tuple[str, ...] | None = None

    def insert(self) -> str:
        """Return the statement that adds a row."""
        marks = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES ({marks})"  # noqa: S608 - names of this file

    def upsert(self) -> str:
        """Return the statement that adds a row, or changes what of it may change."""
        changing = tuple(self.columns) if self.changing is None else self.changing
        news = ", ".join(f"{name} = excluded.{name}" for name in changing)
        return f"{self.insert()} ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {news}"


JOURNAL_POSITION: Final = Table(
    "journal_position",
    "How far the tables have followed the journal; one row.",
    ("id",),
    {
        "id": (int, "always 1"),
        "journal_uuid": (str, "of the journal, in hex"),
        "first_lsn": (int, "first record that the tables know; above 1 where older ones are gone"),
        "lsn": (int, "last record that is in the tables"),
        "time_ns": (int, "venue time of that record"),
        "record_crc32c": (int, "its checksum; shows a journal put back to an older copy"),
        "segment": (int, "number of the segment where following goes on"),
        "offset": (int, "and the place in its file"),
        "trading_day": (str, "the day that has begun, YYYYMMDD"),
    },
)
FIRMS: Final = Table(
    "firms",
    "Firms that ever were configured.",
    ("firm_id",),
    {
        "firm_id": (int, "id that CONFIG gave"),
        "name": (str, "name in the session files"),
        "configured": (int, "1 while it is in the configuration"),
    },
)
ACCOUNTS: Final = Table(
    "accounts",
    "Accounts that ever were configured.",
    ("account_id",),
    {
        "account_id": (int, "id that CONFIG gave"),
        "name": (str, "Account(1)"),
        "firm": (str, "the firm that owns it"),
        "configured": (int, "1 while it is in the configuration"),
    },
)
INSTRUMENTS: Final = Table(
    "instruments",
    "Instruments that ever were configured.",
    ("instrument_id",),
    {
        "instrument_id": (int, "id that CONFIG gave"),
        "symbol": (str, "Symbol(55)"),
        "tick_e8": (int, "smallest step of a price"),
        "lot_e8": (int, "smallest step of a quantity"),
        "multiplier_e8": (int, "value of one unit at a price of one"),
        "currency": (str, "currency that it trades in"),
        "configured": (int, "1 while it is in the configuration"),
    },
)
SESSIONS: Final = Table(
    "sessions",
    "Sessions that ever were configured, and where each stands.",
    ("session_id",),
    {
        "session_id": (int, "id that CONFIG gave"),
        "name": (str, "SenderCompID(49) of the counterparty"),
        "target_comp_id": (str, "TargetCompID(56) that it sends"),
        "role": (str, "order-entry or drop-copy"),
        "firm": (str, "the firm that it belongs to"),
        "default_account": (str, "Account(1) of its orders that name none"),
        "configured": (int, "1 while it is in the configuration"),
        "connected": (int, "1 while it is logged on"),
        "epoch": (int, "counts the resets of its sequence numbers"),
        "last_sent": (int, "MsgSeqNum(34) of the last message to it in this epoch"),
        "last_received": (int, "MsgSeqNum(34) of the last frame from it in this epoch"),
        "logon_ns": (int, "when it last logged on"),
        "logout_ns": (int, "when that ended; NULL while it is logged on"),
        "logout_cause": (str, "how: logout, silence, restart, or the cause of the disconnect"),
        "address": (str, "where it last logged on from"),
        "heart_bt_int_s": (int, "HeartBtInt(108) of that logon"),
        "answer_due_ns": (int, "by when it has to answer a TestRequest(1); NULL: it was not asked"),
    },
)
ORDERS: Final = Table(
    "orders",
    "One row per accepted order, as it stands.",
    ("order_id",),
    {
        "order_id": (int, "OrderID(37)"),
        "session": (str, "who sent it"),
        "firm": (str, "firm of the session"),
        "account": (str, "Account(1), or the session's default"),
        "symbol": (str, "Symbol(55)"),
        "side": (str, "buy or sell"),
        "ord_type": (str, "limit or market"),
        "time_in_force": (str, "day, gtc, ioc or fok"),
        "first_cl_ord_id": (str, "ClOrdID(11) that it was entered with"),
        "cl_ord_id": (str, "ClOrdID(11) of the last accepted replace, else the first"),
        "price_e8": (int, "Price(44); NULL at market"),
        "order_qty_e8": (int, "OrderQty(38)"),
        "cum_qty_e8": (int, "CumQty(14), what was traded"),
        "leaves_qty_e8": (int, "LeavesQty(151), what may still trade"),
        "avg_px_e8": (int, "AvgPx(6)"),
        "status": (str, "new, partially-filled, filled, canceled or expired"),
        "reason": (str, "code of what ended it where nobody asked for that"),
        "entered_ns": (int, "when it was accepted"),
        "changed_ns": (int, "when anything last happened to it"),
        "closed_ns": (int, "when it ended; NULL while it is live"),
        "first_lsn": (int, "its first report"),
        "last_lsn": (int, "the last report that changed it"),
    },
    changing=(
        "time_in_force",
        "cl_ord_id",
        "price_e8",
        "order_qty_e8",
        "cum_qty_e8",
        "leaves_qty_e8",
        "avg_px_e8",
        "status",
        "reason",
        "changed_ns",
        "closed_ns",
        "last_lsn",
    ),
)
CLIENT_ORDER_IDS: Final = Table(
    "client_order_ids",
    "Every ClOrdID(11) that an order was entered, replaced or canceled with.",
    ("session", "cl_ord_id", "order_id"),
    {
        "session": (str, "who sent it"),
        "cl_ord_id": (str, "ClOrdID(11)"),
        "order_id": (int, "the order"),
        "event": (str, "new, replaced or canceled"),
        "lsn": (int, "the report that accepted it"),
    },
)
EXECUTIONS: Final = Table(
    "executions",
    "Every ExecutionReport(8) and OrderCancelReject(9), in order.",
    ("lsn",),
    {
        "lsn": (int, "its record in the journal"),
        "time_ns": (int, "venue time"),
        "session": (str, "who received it"),
        "event": (str, "what it says; docs/projection.md lists the events"),
        "order_id": (int, "the order; NULL where there is none"),
        "exec_id": (int, "ExecID(17); NULL for an OrderCancelReject(9)"),
        "status": (str, "OrdStatus(39) after it"),
        "cl_ord_id": (str, "ClOrdID(11)"),
        "orig_cl_ord_id": (str, "OrigClOrdID(41)"),
        "symbol": (str, "Symbol(55)"),
        "side": (str, "buy or sell"),
        "order_qty_e8": (int, "OrderQty(38)"),
        "price_e8": (int, "Price(44)"),
        "last_qty_e8": (int, "LastQty(32) of a trade"),
        "last_price_e8": (int, "LastPx(31) of a trade"),
        "cum_qty_e8": (int, "CumQty(14)"),
        "leaves_qty_e8": (int, "LeavesQty(151)"),
        "avg_px_e8": (int, "AvgPx(6)"),
        "trade_id": (int, "TrdMatchID(527)"),
        "counter_order_id": (int, "the order on the other side of a trade"),
        "liquidity": (str, "of a trade: added by the resting order, removed by the incoming one"),
        "reason": (str, "code of a refusal, or of what ended the order unasked"),
        "text": (str, "Text(58)"),
    },
)
TRADES: Final = Table(
    "trades",
    "Every trade with both sides.",
    ("trade_id",),
    {
        "trade_id": (int, "TrdMatchID(527)"),
        "time_ns": (int, "venue time"),
        "symbol": (str, "Symbol(55)"),
        "qty_e8": (int, "quantity"),
        "price_e8": (int, "price"),
        "aggressor": (str, "side of the incoming order: buy or sell"),
        "buy_order_id": (int, "OrderID(37) of the buyer"),
        "buy_session": (str, "its session"),
        "buy_firm": (str, "its firm"),
        "buy_account": (str, "its account"),
        "buy_lsn": (int, "its report"),
        "sell_order_id": (int, "OrderID(37) of the seller"),
        "sell_session": (str, "its session"),
        "sell_firm": (str, "its firm"),
        "sell_account": (str, "its account"),
        "sell_lsn": (int, "its report"),
    },
)
POSITIONS: Final = Table(
    "positions",
    "What each account has bought and sold of each instrument.",
    ("account", "symbol"),
    {
        "account": (str, "Account(1)"),
        "symbol": (str, "Symbol(55)"),
        "firm": (str, "the firm that owns the account"),
        "net_qty": (str, "bought less sold"),
        "bought_qty": (str, "quantity bought"),
        "sold_qty": (str, "quantity sold"),
        "bought_notional": (str, "sum of price x quantity x multiplier, as bought"),
        "sold_notional": (str, "the same, as sold"),
        "avg_cost": (str, "average price of what is open, half-even to 1e-8; 0 while flat"),
        "trades": (int, "trades counted in"),
        "changed_ns": (int, "when the last of them was"),
    },
)
REJECTED_REQUESTS: Final = Table(
    "rejected_requests",
    "Requests of counterparties that were refused, by whatever message says so.",
    ("lsn",),
    {
        "lsn": (int, "record of the refusal"),
        "time_ns": (int, "venue time"),
        "session": (str, "who asked"),
        "answer": (str, "ExecutionReport, OrderCancelReject, BusinessMessageReject or Reject"),
        "request": (str, "MsgType(35) that was refused"),
        "cl_ord_id": (str, "ClOrdID(11), or BusinessRejectRefID(379)"),
        "orig_cl_ord_id": (str, "OrigClOrdID(41)"),
        "order_id": (int, "the order that it meant, where there is one"),
        "account": (str, "Account(1) of the request"),
        "symbol": (str, "Symbol(55)"),
        "side": (str, "buy or sell"),
        "order_qty_e8": (int, "OrderQty(38)"),
        "price_e8": (int, "Price(44)"),
        "reason": (str, "reject code, where it has one"),
        "text": (str, "Text(58)"),
    },
)

TABLES: Final = (
    JOURNAL_POSITION,
    FIRMS,
    ACCOUNTS,
    INSTRUMENTS,
    SESSIONS,
    ORDERS,
    CLIENT_ORDER_IDS,
    EXECUTIONS,
    TRADES,
    POSITIONS,
    REJECTED_REQUESTS,
)
#: What is looked up beside the keys: name -> the rest of its statement.
INDEXES: Final = {
    "orders_live": f"{ORDERS.name} (order_id) WHERE closed_ns IS NULL",
    "executions_of_order": f"{EXECUTIONS.name} (order_id) WHERE order_id IS NOT NULL",
}


def create(database: Database) -> None:
    """Make the tables and indexes in an empty database."""
    for table in TABLES:
        types = {name: kind for name, (kind, _) in table.columns.items()}
        composite = len(table.key) > 1
        key = table.key if composite else table.key[0]
        statement = database.create_table_sql(table.name, types, pk=key).rstrip("; \n")
        # The rows stand in the order of a key of several columns, not beside an index of it.
        database.execute(f"{statement} WITHOUT ROWID" if composite else statement)
    for name, rest in INDEXES.items():
        database.execute(f"CREATE INDEX {name} ON {rest}")
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
