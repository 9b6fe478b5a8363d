from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from support.order_stream import SESSIONS, report_of
from support.projection_day import Day, database_of, project_all, rows_of, trade
from support.reference_values import Report
from support.venue_desk import Sent, fields_of, records_of

from kk99fix.journal.record import Kind

STEPS = 1200
SIDES = {"1": "buy", "2": "sell"}
TYPES = {"1": "market", "2": "limit"}
TIMES = {"0": "day", "1": "gtc", "3": "ioc", "4": "fok"}
STATUSES = {
    "0": "new",
    "1": "partially-filled",
    "2": "filled",
    "4": "canceled",
    "8": "rejected",
    "C": "expired",
}
EVENTS = {
    "0": "new",
    "F": "trade",
    "4": "canceled",
    "5": "replaced",
    "8": "rejected",
    "C": "expired",
    "I": "status",
}


@pytest.fixture(scope="module", params=[1, 2, 3], ids=lambda seed: f"seed-{seed}")
def traded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Day, Path]]:
    """A day of random orders, and the database that was made from its journal."""
    state_dir = tmp_path_factory.mktemp("state")
    day = trade(request.param, STEPS)
    day.write(state_dir)
    project_all(state_dir)
    yield day, database_of(state_dir)
    day.comparison.close()


def reports(day: Day) -> list[tuple[int, int, Sent, Report]]:
    """Return every 8, 9, j as lsn, time, fields and what it says, read the simple way."""
    names = day.comparison.desk.venue.registry.session_names()
    found = []
    for record in records_of(day.comparison.desk.journal):
        header = record.header
        if header.kind is not Kind.MESSAGE:
            continue
        fields = fields_of(record.payload)
        if fields[35] in {"8", "9", "j"}:
            name = names[header.session]
            sent = Sent(name, header.msg_seq_num, fields, record.payload)
            found.append((header.lsn, header.time_ns, sent, report_of(sent)))
    return found


def test_orders_are_those_of_the_reference(traded: tuple[Day, Path]) -> None:
    """Each accepted order has a row that says what the reference venue knows of it."""
    day, file = traded
    expected = [
        {
            "order_id": order.number,
            "session": order.session,
            "account": order.account,
            "symbol": order.symbol,
            "side": SIDES[order.side],
            "ord_type": TYPES[order.ord_type],
            "time_in_force": TIMES[order.time_in_force],
            "cl_ord_id": order.clord_id,
            "price_e8": order.price,
            "order_qty_e8": order.qty,
            "cum_qty_e8": order.cum,
            "leaves_qty_e8": order.leaves,
            "avg_px_e8": order.avg_px,
            "status": STATUSES[order.status],
            "live": int(order.state == "live"),
        }
        for order in day.comparison.reference.orders
    ]
    columns = ", ".join(name for name in expected[0] if name != "live")
    query = f"SELECT {columns}, closed_ns IS NULL AS live FROM orders ORDER BY order_id"  # noqa: S608 - columns of this test

    assert rows_of(file, query) == expected
    assert {row["status"] for row in expected} >= {"new", "filled", "canceled", "expired"}


def test_executions_are_the_reports_sent(traded: tuple[Day, Path]) -> None:
    """Each report has a row with its record, its time and what it says."""
    day, file = traded
    expected = [
        (lsn, time_ns, *execution(sent, report))
        for lsn, time_ns, sent, report in reports(day)
        if report.msg_type != "j"
    ]
    rows = rows_of(
        file,
        "SELECT lsn, time_ns, session, event, status, cl_ord_id, orig_cl_ord_id, symbol, side, "
        "order_qty_e8, price_e8, last_qty_e8, last_price_e8, cum_qty_e8, leaves_qty_e8, "
        "avg_px_e8, trade_id, reason FROM executions ORDER BY lsn",
    )

    assert [tuple(row.values()) for row in rows] == expected
    assert {row[3] for row in expected} >= {*EVENTS.values(), "cancel-rejected", "replace-rejected"}


def execution(sent: Sent, report: Report) -> tuple[Any, ...]:
    """Return a row of executions as a report says it, from the session on."""
    event = EVENTS.get(report.exec_type, "")
    if report.msg_type == "9":
        event = {"1": "cancel-rejected", "2": "replace-rejected"}[sent[434]]
    unasked = event in {"canceled", "expired"} and not report.orig_clord_id
    has_code = unasked or event in {"rejected", "status"} or report.msg_type == "9"
    return (
        report.session,
        event,
        STATUSES[report.ord_status],
        report.clord_id or None,
        report.orig_clord_id or None,
        report.symbol or None,
        SIDES.get(report.side, report.side) or None,
        report.qty,
        report.price,
        report.last_qty,
        report.last_price,
        report.leaves if report.leaves is None else report.cum,
        report.leaves,
        report.avg_px,
        int(report.trade) if report.trade else None,
        report.refusal.code if report.refusal and has_code else None,
    )


def test_trades_are_the_fills_of_both_sides(traded: tuple[Day, Path]) -> None:
    """The trades of each order are its fills, the taker is the one that came later."""
    day, file = traded
    fills: dict[int, list[tuple[int, int]]] = defaultdict(list)
    orders = {order.number: order for order in day.comparison.reference.orders}
    rows = rows_of(file, "SELECT * FROM trades ORDER BY trade_id")
    for row in rows:
        for side in ("buy", "sell"):
            order = orders[row[f"{side}_order_id"]]
            fills[order.number].append((row["qty_e8"], row["price_e8"]))
            assert (SIDES[order.side], order.symbol) == (side, row["symbol"])
            assert (order.session, order.account) == (
                row[f"{side}_session"],
                row[f"{side}_account"],
            )
        assert row["buy_firm"] == {"BETA": "Two"}.get(row["buy_session"], "One")
        assert (row["aggressor"] == "buy") == (row["buy_lsn"] > row["sell_lsn"])

    assert [row["trade_id"] for row in rows] == list(range(1, day.comparison.reference.trades + 1))
    assert fills == {order.number: order.fills for order in orders.values() if order.fills}
    counter = rows_of(file, "SELECT order_id, counter_order_id, trade_id FROM executions "
                            "WHERE event = 'trade'")  # fmt: skip
    both = {row["trade_id"]: {row["buy_order_id"], row["sell_order_id"]} for row in rows}
    assert all({r["order_id"], r["counter_order_id"]} == both[r["trade_id"]] for r in counter)


def test_positions_are_the_sums_of_the_trades(traded: tuple[Day, Path]) -> None:
    """Each account's quantities, notionals and average cost follow from its trades, exactly."""
    day, file = traded
    orders = {order.number: order for order in day.comparison.reference.orders}
    instruments = day.comparison.reference.configuration["instruments"]
    expected: dict[tuple[str, str], dict[str, Fraction]] = {}
    for row in rows_of(file, "SELECT * FROM trades ORDER BY trade_id"):
        # The resting side is reported, and so counted, first.
        for side in ("sell", "buy") if row["aggressor"] == "buy" else ("buy", "sell"):
            key = (orders[row[f"{side}_order_id"]].account, row["symbol"])
            held = expected.setdefault(key, defaultdict(Fraction))
            multiplier = Fraction(instruments[row["symbol"]]["multiplier_e8"], 10**8)
            count(held, side, Fraction(row["qty_e8"], 10**8), Fraction(row["price_e8"], 10**8))
            worth = Fraction(row["qty_e8"] * row["price_e8"], 10**16) * multiplier
            held["bought_notional" if side == "buy" else "sold_notional"] += worth
    rows = rows_of(file, "SELECT * FROM positions")

    names = ("net_qty", "bought_qty", "sold_qty", "bought_notional", "sold_notional", "avg_cost")
    for row in rows:
        held = expected.pop((row["account"], row["symbol"]))
        assert {name: Fraction(row[name]) for name in names} == {n: held[n] for n in names}
    assert not expected
    assert sum(Fraction(row["net_qty"]) for row in rows) == 0


def count(held: dict[str, Fraction], side: str, qty: Fraction, price: Fraction) -> None:
    """Add a trade to a position, the average cost by its definition."""
    held["bought_qty" if side == "buy" else "sold_qty"] += qty
    before, change = held["net_qty"], qty if side == "buy" else -qty
    after = held["net_qty"] = before + change
    if after == 0:
        held["avg_cost"] = Fraction(0)
    elif before == 0 or before * after < 0:
        held["avg_cost"] = price
    elif before * change > 0:
        paid = before * held["avg_cost"] + change * price
        held["avg_cost"] = Fraction(round(paid / after * 10**8), 10**8)


def test_rejected_requests_are_all_refusals(traded: tuple[Day, Path]) -> None:
    """Each refused request has a row with what was asked and why it was refused."""
    day, file = traded
    expected = [
        (lsn, request_of(sent), report.clord_id or None, code(sent), sent[58])
        for lsn, _, sent, report in reports(day)
        if report.refusal and (report.msg_type in {"9", "j"} or sent[103])
    ]
    rows = rows_of(
        file, "SELECT lsn, request, cl_ord_id, reason, text FROM rejected_requests ORDER BY lsn"
    )

    assert [tuple(row.values()) for row in rows] == expected
    assert {row[1] for row in expected} >= {"D", "F", "G", "AF"}


def request_of(sent: Sent) -> str:
    """Return the MsgType(35) that a refusal answers."""
    if sent[35] == "j":
        return sent[372]
    if sent[35] == "9":
        return {"1": "F", "2": "G"}[sent[434]]
    if sent[150] == "8":
        return "D"
    return "AF" if sent[584] else "H"


def code(sent: Sent) -> str | None:
    """Return the reject code of a refusal; a BusinessMessageReject(j) may have a sentence alone."""
    word = sent[58].split("; ")[0]
    return word if word.isupper() and " " not in word else None


def test_sessions_stand_where_the_engine_has_them(traded: tuple[Day, Path]) -> None:
    """Numbers, epoch and connection of every session are the engine's."""
    day, file = traded
    desk = day.comparison.desk
    for row in rows_of(file, "SELECT * FROM sessions"):
        view = desk.engine.session(row["session_id"])
        assert row["name"] == desk.venue.registry.session_names()[row["session_id"]]
        assert row["last_sent"] == view.next_out - 1
        assert row["last_received"] == view.next_in - 1
        assert row["epoch"] == view.epoch
        assert row["connected"] == desk.venue.is_live(row["session_id"])
        assert (row["name"] in SESSIONS) == (row["role"] == "order-entry")


def test_every_client_order_id_leads_to_its_order(traded: tuple[Day, Path]) -> None:
    """Whatever id an order was entered, replaced or canceled with finds it."""
    day, file = traded
    ids = day.comparison.reference.ids
    expected = {
        (session, clord_id, order.number) for (session, clord_id), order in ids.items() if order
    }
    rows = rows_of(file, "SELECT session, cl_ord_id, order_id FROM client_order_ids")

    assert {tuple(row.values()) for row in rows} == expected


def test_names_and_ids_are_those_of_the_configuration(traded: tuple[Day, Path]) -> None:
    """Firms, accounts and instruments stand there under the ids that CONFIG gave them."""
    day, file = traded
    ids = day.comparison.desk.venue.registry.ids
    for table, key, name in (
        ("firms", "firm_id", "name"),
        ("accounts", "account_id", "name"),
        ("instruments", "instrument_id", "symbol"),
    ):
        rows = rows_of(file, f"SELECT {name} AS name, {key} AS id FROM {table}")  # noqa: S608 - names of this test
        assert {row["name"]: row["id"] for row in rows} == ids[table]
