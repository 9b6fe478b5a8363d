"""What the commands ask the tables: orders, trades, and the life of one order."""

import sqlite3
from typing import Any, Final

import attrs

from kk99fix.projection import schema
from kk99fix.projection.words import CLOSED_STATUSES

Row = dict[str, Any]
LIVE, CLOSED = "live", "closed"
ORDER_STATUSES: Final = (
    LIVE,
    CLOSED,
    "new",
    "partially-filled",
    *sorted(CLOSED_STATUSES - {"rejected"}),
)


@attrs.frozen
class Filter:
    """Which rows; None stands for no condition. The newest `limit` of them are taken."""

    session: str | None = None
    account: str | None = None
    symbol: str | None = None
    status: str | None = None
    since_ns: int | None = None
    limit: int = 50


@attrs.frozen
class Found:
    """Rows, oldest first; `more` says whether the limit left older ones out."""

    rows: list[Row]
    more: bool


def find_orders(connection: sqlite3.Connection, wanted: Filter) -> Found:
    """Return the orders that were entered last."""
    conditions: list[tuple[str, Any]] = [
        ("session = ?", wanted.session),
        ("account = ?", wanted.account),
        ("symbol = ?", wanted.symbol),
        ("entered_ns >= ?", wanted.since_ns),
    ]
    fixed = []
    if wanted.status in {LIVE, CLOSED}:
        fixed.append(f"closed_ns IS {'NULL' if wanted.status == LIVE else 'NOT NULL'}")
    else:
        conditions.append(("status = ?", wanted.status))
    return _newest(connection, schema.ORDERS, conditions, fixed, "order_id", wanted.limit)


def find_trades(connection: sqlite3.Connection, wanted: Filter) -> Found:
    """Return the newest trades; a session or account may be on either side."""
    conditions = [
        ("? IN (buy_session, sell_session)", wanted.session),
        ("? IN (buy_account, sell_account)", wanted.account),
        ("symbol = ?", wanted.symbol),
        ("time_ns >= ?", wanted.since_ns),
    ]
    return _newest(connection, schema.TRADES, conditions, [], "trade_id", wanted.limit)


def order_ids_of(connection: sqlite3.Connection, session: str, cl_ord_id: str) -> list[int]:
    """Return the orders that a session ever gave this ClOrdID(11), newest first."""
    rows = connection.execute(
        f"SELECT order_id FROM {schema.CLIENT_ORDER_IDS.name} "  # noqa: S608 - names of ours
        "WHERE session = ? AND cl_ord_id = ? ORDER BY order_id DESC",
        (session, cl_ord_id),
    )
    return [order_id for (order_id,) in map(tuple, rows)]


def find_order(connection: sqlite3.Connection, order_id: int) -> Row | None:
    """Return one order."""
    query = f"SELECT * FROM {schema.ORDERS.name} WHERE order_id = ?"  # noqa: S608 - names of ours
    row = connection.execute(query, (order_id,)).fetchone()
    return None if row is None else dict(row)


def events_of(connection: sqlite3.Connection, order_id: int) -> list[Row]:
    """Return everything that was ever reported of an order, in order."""
    query = f"SELECT * FROM {schema.EXECUTIONS.name} WHERE order_id = ? ORDER BY lsn"  # noqa: S608 - names of ours
    return [dict(row) for row in connection.execute(query, (order_id,))]


def _newest(
    connection: sqlite3.Connection,
    table: schema.Table,
    conditions: list[tuple[str, Any]],
    fixed: list[str],
    key: str,
    limit: int,
) -> Found:
    asked = [(text, value) for text, value in conditions if value is not None]
    texts = [*(text for text, _ in asked), *fixed]
    where = f"WHERE {' AND '.join(texts)} " if texts else ""
    query = f"SELECT * FROM {table.name} {where}ORDER BY {key} DESC LIMIT ?"  # noqa: S608 - texts of ours
    values = [*(value for _, value in asked), limit + 1]
    rows = [dict(row) for row in connection.execute(query, values)]
    return Found(rows[:limit][::-1], more=len(rows) > limit)
