"""`kk99fix timeline`: the life of one order, event by event."""

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any, Final

import click

from kk99fix.commands.projection_options import database_option, reading
from kk99fix.commands.tables import (
    Column,
    Times,
    decimal,
    json_row,
    plain,
    print_json,
    print_table,
)
from kk99fix.commands.usual_options import json_rows_option, state_option
from kk99fix.projection.queries import events_of, find_order, order_ids_of

_COLUMNS: Final = (
    Column("time"),
    Column("event", whole=True),
    Column("ClOrdID"),
    Column("quantity", right=True),
    Column("price", right=True),
    Column("traded", right=True),
    Column("with order", right=True, rank=2),
    Column("cum", right=True, rank=3),
    Column("leaves", right=True, rank=1),
    Column("why"),
)


@click.command(short_help="Show the life of one order.")
@click.argument("order", metavar="ORDER")
@json_rows_option
@state_option
@database_option
def timeline(*, order: str, as_json: bool, state_dir: Path, db_file: Path | None) -> None:
    """Show every event of one order, through all its replaces, to the microsecond.

    ORDER is its OrderID(37), or SESSION:ClOrdID with any ClOrdID(11) that it was entered,
    replaced or canceled with. A ClOrdID that was used again later means the newest such order.
    With --json the first line is the order, each other one an event.

    \b
    Examples:
      kk99fix timeline 1234
      kk99fix timeline BROKER1:first-1
      kk99fix timeline BROKER1:first-1 --json
    """
    with reading(state_dir, db_file) as connection:
        order_ids = _order_ids(connection, order)
        row = find_order(connection, order_ids[0]) if order_ids else None
        if row is None:
            click.echo(
                f"{plain(order)}: no such order in the tables. Name its OrderID, or "
                f"SESSION:ClOrdID as in BROKER1:first-1; `kk99fix orders` lists what there is.",
                err=True,
            )
            sys.exit(1)
        events = events_of(connection, row["order_id"])
        if as_json:
            click.echo(json.dumps(json_row(row)))
            print_json(events)
            return
        click.echo(_title(row))
        times = Times.of("time", [event["time_ns"] for event in events], decimals=6)
        columns = [Column(times.heading, whole=True), *_COLUMNS[1:]]
        print_table(columns, [_cells(event, times) for event in events])
        if len(order_ids) > 1:
            others = ", ".join(map(str, order_ids[1:]))
            click.echo(f"earlier orders with this ClOrdID: {others}")


def _order_ids(connection: sqlite3.Connection, order: str) -> list[int]:
    session, colon, cl_ord_id = order.partition(":")
    if colon:
        return order_ids_of(connection, session, cl_ord_id)
    return [int(order)] if order.isascii() and order.isdecimal() and len(order) < 19 else []


def _title(row: dict[str, Any]) -> str:
    price = "at market" if row["price_e8"] is None else f"at {decimal(row['price_e8'])}"
    return (
        f"order {row['order_id']}: {row['session']} {row['side']}s "
        f"{decimal(row['order_qty_e8'])} {plain(row['symbol'])} {price}, "
        f"{row['ord_type']} {row['time_in_force']}, account {plain(row['account'])}: "
        f"{row['status']}, {decimal(row['cum_qty_e8'])} traded"
    )


def _cells(row: dict[str, Any], times: Times) -> tuple[str, ...]:
    traded = f"{decimal(row['last_qty_e8'])} @ {decimal(row['last_price_e8'])}"
    return (
        times.text(row["time_ns"]),
        row["event"],
        plain(row["cl_ord_id"]),
        decimal(row["order_qty_e8"]),
        decimal(row["price_e8"]),
        "" if row["trade_id"] is None else traded,
        "" if row["counter_order_id"] is None else str(row["counter_order_id"]),
        decimal(row["cum_qty_e8"]),
        decimal(row["leaves_qty_e8"]),
        row["reason"] or plain(row["text"]),
    )
