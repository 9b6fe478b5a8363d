"""Reports become rows: what each ExecutionReport(8) and OrderCancelReject(9) says of an order.

Every report carries the whole state of its order, so a row follows from the newest report alone.
What no report carries is kept here: the account of an order that named none.

Rules:

- A status report changes nothing; it belongs to an order only if that order is its session's own.
- Both sides of a trade stand one after the other in the same unit, the resting side first.
"""

import sqlite3
from typing import Any, Final

import attrs

from kk99fix.fix import tables
from kk99fix.projection import schema, words
from kk99fix.projection.batch import Batch, OrderState
from kk99fix.projection.decimals import E8Values
from kk99fix.projection.positions import Position
from kk99fix.projection.sessions import SessionState

Fields = dict[str, str]
_COUNTER: Final = list(schema.EXECUTIONS.columns).index("counter_order_id")
_MAX_ID: Final = 2**63 - 1
#: So many accounts of orders are remembered; the others are read again when they are needed.
_REMEMBERED: Final = 500_000


@attrs.frozen
class Side:
    """The resting side of a trade, until the other one comes."""

    trade_id: int
    order: OrderState
    execution: list[Any]


class Orders:
    """Turns reports into the rows of a `Batch`, and adds trades to positions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Begin with what the tables say; `connection` is only read from."""
        self._connection = connection
        self.batch = Batch()
        self.positions: dict[tuple[str, str], Position] = {}
        self.changed_positions: set[tuple[str, str]] = set()
        self.multipliers_e8: dict[str, int] = {}
        self._accounts: dict[int, str | None] = {}
        self._e8 = E8Values()
        self._resting: Side | None = None

    def begin_batch(self) -> None:
        """Start over with an empty batch; the one before is in the tables."""
        for order in self.batch.orders.values():
            if order.closed_ns is not None:
                self._accounts.pop(order.order_id, None)
        if len(self._accounts) > _REMEMBERED:
            self._accounts.clear()
        self.batch = Batch()

    def reported(self, lsn: int, time_ns: int, session: SessionState, fields: Fields) -> None:
        """Take an ExecutionReport(8)."""
        event = words.EVENTS.get(fields["150"], fields["150"])
        if event == "status":
            self._status(lsn, time_ns, session, fields)
            return
        if event == "rejected":
            reason = code_of(fields)
            self._execution(lsn, time_ns, session.name, event, None, fields, reason)
            self._rejected(lsn, time_ns, session.name, "ExecutionReport", "D", None, fields)
            return
        order_id = int(fields["37"])
        unasked = event in {"canceled", "expired"} and "41" not in fields
        reason = code_of(fields) if unasked else None
        row = self._execution(lsn, time_ns, session.name, event, order_id, fields, reason)
        order = self._order(row, session, fields)
        if event == "trade":
            self._trade(order, row)
        elif event == "new" or "41" in fields:
            ids = (session.name, fields["11"], order_id, event, lsn)
            self.batch.client_order_ids.append(ids)

    def cancel_rejected(
        self, lsn: int, time_ns: int, session: SessionState, fields: Fields
    ) -> None:
        """Take an OrderCancelReject(9)."""
        order_id = int(fields["37"]) if fields["37"].isdecimal() else None
        event = words.CANCEL_REJECT_EVENTS[fields["434"]]
        request = words.CANCEL_REJECT_REQUESTS[fields["434"]]
        self._execution(lsn, time_ns, session.name, event, order_id, fields, code_of(fields))
        self._rejected(lsn, time_ns, session.name, "OrderCancelReject", request, order_id, fields)

    def message_rejected(
        self, lsn: int, time_ns: int, session: SessionState, fields: Fields
    ) -> None:
        """Take a BusinessMessageReject(j) or a Reject(3)."""
        answer = "BusinessMessageReject" if fields["35"] == "j" else "Reject"
        self._rejected(lsn, time_ns, session.name, answer, fields.get("372"), None, fields)

    def _status(self, lsn: int, time_ns: int, session: SessionState, fields: Fields) -> None:
        order_id = self._own_order(fields["37"], session.name)
        reason = code_of(fields) if "103" in fields else None
        self._execution(lsn, time_ns, session.name, "status", order_id, fields, reason)
        if "103" in fields:
            request = "AF" if "584" in fields else "H"
            self._rejected(lsn, time_ns, session.name, "ExecutionReport", request, order_id, fields)

    def _order(self, row: list[Any], session: SessionState, fields: Fields) -> OrderState:
        """Return the order as the report leaves it; `row` is what the report says."""
        lsn, time_ns, _, event, order_id, _, status, cl_ord_id, orig_cl_ord_id, symbol, side = row[
            :11
        ]
        order = self.batch.orders.get(order_id)
        if order is None:
            account = fields.get("1") or self._account_of(order_id, session, is_new=event == "new")
            ord_type = words.ORD_TYPES[fields.get("40")]
            order = OrderState(
                order_id, session.name, session.firm, account, symbol, side, ord_type
            )
            order.first_cl_ord_id = order.cl_ord_id = orig_cl_ord_id or cl_ord_id
            order.entered_ns, order.first_lsn = time_ns, lsn
            self.batch.orders[order_id] = order
            self._accounts[order_id] = account
        if event == "replaced":
            order.cl_ord_id = cl_ord_id
        order.time_in_force = words.TIMES_IN_FORCE[fields.get("59")]
        order.order_qty_e8, order.price_e8 = row[11:13]
        order.cum_qty_e8, order.leaves_qty_e8, order.avg_px_e8 = row[15:18]
        order.status, order.reason = status, row[21]
        order.changed_ns, order.last_lsn = time_ns, lsn
        if status in words.CLOSED_STATUSES:
            order.closed_ns = time_ns
        return order

    def _account_of(self, order_id: int, session: SessionState, *, is_new: bool) -> str | None:
        """Return the account of an order that names none: the session's default at its entry."""
        if is_new:
            return session.default_account
        if order_id not in self._accounts:
            found = self._connection.execute(
                f"SELECT account FROM {schema.ORDERS.name} WHERE order_id = ?",  # noqa: S608 - a name of ours
                (order_id,),
            ).fetchone()
            self._accounts[order_id] = found[0] if found else session.default_account
        return self._accounts[order_id]

    def _own_order(self, text: str, session: str) -> int | None:
        """Return OrderID(37) of a status report if it is an order of the session.

        What a counterparty asked for stands there also where there is no such order.
        """
        if not (text.isascii() and text.isdecimal()) or int(text) > _MAX_ID:
            return None
        order = self.batch.orders.get(int(text))
        if order is not None:
            return order.order_id if order.session == session else None
        found = self._connection.execute(
            f"SELECT session FROM {schema.ORDERS.name} WHERE order_id = ?",  # noqa: S608 - a name of ours
            (int(text),),
        ).fetchone()
        return int(text) if found and found[0] == session else None

    def _execution(
        self,
        lsn: int,
        time_ns: int,
        session: str,
        event: str,
        order_id: int | None,
        fields: Fields,
        reason: str | None,
    ) -> list[Any]:
        get, e8 = fields.get, self._e8
        exec_id, trade_id = get("17"), get("527")
        row = [
            lsn,
            time_ns,
            session,
            event,
            order_id,
            None if exec_id is None else int(exec_id),
            words.STATUSES[get("39")],
            get("11"),
            get("41"),
            get("55"),
            words.SIDES[get("54")],
            e8[get("38")],
            e8[get("44")],
            e8[get("32")],
            e8[get("31")],
            e8[get("14")],
            e8[get("151")],
            e8[get("6")],
            None if trade_id is None else int(trade_id),
            None,
            words.LIQUIDITY[get("851")],
            reason,
            get("58"),
        ]
        self.batch.executions.append(row)
        return row

    def _trade(self, order: OrderState, row: list[Any]) -> None:
        """Count a side in, and with the second one write the trade."""
        lsn, time_ns, qty_e8, price_e8, trade_id = row[0], row[1], row[13], row[14], row[18]
        self._count(order, qty_e8, price_e8, time_ns)
        resting = self._resting
        if resting is None or resting.trade_id != trade_id:
            self._resting = Side(trade_id, order, row)
            return
        self._resting = None
        row[_COUNTER] = resting.order.order_id
        resting.execution[_COUNTER] = order.order_id
        taker, maker = order.row_of_side(lsn), resting.order.row_of_side(resting.execution[0])
        both = (*taker, *maker) if order.side == "buy" else (*maker, *taker)
        self.batch.trades.append(
            (trade_id, time_ns, order.symbol, qty_e8, price_e8, order.side, *both)
        )

    def _count(self, order: OrderState, qty_e8: int, price_e8: int, time_ns: int) -> None:
        key = (order.account or "", order.symbol or "")
        position = self.positions.get(key)
        if position is None:
            position = self.positions[key] = Position(*key, order.firm)
        multiplier_e8 = self.multipliers_e8.get(key[1], 10**8)
        position.add(order.side, qty_e8, price_e8, multiplier_e8, time_ns)
        self.changed_positions.add(key)

    def _rejected(
        self,
        lsn: int,
        time_ns: int,
        session: str,
        answer: str,
        request: str | None,
        order_id: int | None,
        fields: Fields,
    ) -> None:
        get, e8 = fields.get, self._e8
        self.batch.rejected_requests.append(
            (
                lsn,
                time_ns,
                session,
                answer,
                request,
                get("11") or get("379"),
                get("41"),
                order_id,
                get("1"),
                get("55"),
                words.SIDES[get("54")],
                e8[get("38")],
                e8[get("44")],
                code_of(fields),
                get("58"),
            )
        )


def code_of(fields: Fields) -> str | None:
    """Return the reject code at the start of Text(58), None where the text has none."""
    code, _, _ = fields.get("58", "").partition(";")
    return code if code in tables.REJECT_CODES else None
