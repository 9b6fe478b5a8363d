"""The rows that a stretch of the journal adds or changes, gathered for one transaction."""

import sqlite3
from operator import attrgetter
from typing import Any, Final

import attrs

from kk99fix.projection import schema

Row = list[Any] | tuple[Any, ...]
_ORDER_ROW: Final = attrgetter(*schema.ORDERS.columns)
_UPSERT_ORDER: Final = schema.ORDERS.upsert()
_UPSERT_CLIENT_ORDER_ID: Final = schema.CLIENT_ORDER_IDS.upsert()
_INSERT_EXECUTION: Final = schema.EXECUTIONS.insert()
_INSERT_TRADE: Final = schema.TRADES.insert()
_INSERT_REJECTED_REQUEST: Final = schema.REJECTED_REQUESTS.insert()


@attrs.define
class OrderState:
    """One order as it stands; the attributes are the columns of its table.

    Of an order that is in the table already, only what may change there is written.
    """

    order_id: int
    session: str
    firm: str | None
    account: str | None
    symbol: str | None
    side: str | None
    ord_type: str | None
    time_in_force: str | None = None
    first_cl_ord_id: str | None = None
    cl_ord_id: str | None = None
    price_e8: int | None = None
    order_qty_e8: int | None = None
    cum_qty_e8: int | None = None
    leaves_qty_e8: int | None = None
    avg_px_e8: int | None = None
    status: str | None = None
    reason: str | None = None
    entered_ns: int = 0
    changed_ns: int = 0
    closed_ns: int | None = None
    first_lsn: int = 0
    last_lsn: int = 0

    def row_of_side(self, lsn: int) -> Row:
        """Return the columns of one side of a trade, reported by record `lsn`."""
        return (self.order_id, self.session, self.firm, self.account, lsn)


@attrs.define
class Batch:
    """What waits to be written; orders by OrderID(37), so each is written once."""

    orders: dict[int, OrderState] = attrs.field(factory=dict)
    client_order_ids: list[Row] = attrs.field(factory=list)
    executions: list[Row] = attrs.field(factory=list)
    trades: list[Row] = attrs.field(factory=list)
    rejected_requests: list[Row] = attrs.field(factory=list)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows; the transaction is the caller's."""
        orders = map(_ORDER_ROW, self.orders.values())
        connection.executemany(_UPSERT_ORDER, orders)
        connection.executemany(_UPSERT_CLIENT_ORDER_ID, self.client_order_ids)
        connection.executemany(_INSERT_EXECUTION, self.executions)
        connection.executemany(_INSERT_TRADE, self.trades)
        connection.executemany(_INSERT_REJECTED_REQUEST, self.rejected_requests)
