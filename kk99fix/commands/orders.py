"""`kk99fix orders`: the orders as the tables of the projection have them."""

from pathlib import Path
from typing import Any, Final

import click

from kk99fix.commands.projection_options import database_option, filter_options, reading
from kk99fix.commands.tables import (
    Column,
    Times,
    decimal,
    plain,
    print_json,
    print_table,
)
from kk99fix.commands.usual_options import json_rows_option, state_option
from kk99fix.projection.queries import ORDER_STATUSES, Filter, find_orders

_COLUMNS: Final = (
    Column("order", right=True, whole=True),
    Column("entered"),
    Column("session"),
    Column("ClOrdID"),
    Column("account", rank=1),
    Column("symbol"),
    Column("quantity"),
    Column("price", right=True),
    Column("lives", rank=3),
    Column("traded", right=True),
    Column("average", right=True, rank=2),
    Column("status"),
)


@click.command(short_help="List orders.")
@filter_options
@click.option(
    "--status",
    type=click.Choice(ORDER_STATUSES),
    metavar="STATUS",
    help=f"Only those that are {', '.join(ORDER_STATUSES)}.",
)
@json_rows_option
@state_option
@database_option
def orders(
    *,
    session: str | None,
    account: str | None,
    symbol: str | None,
    since_ns: int | None,
    limit: int,
    status: str | None,
    as_json: bool,
    state_dir: Path,
    db_file: Path | None,
) -> None:
    """List accepted orders as they stand, the newest last.

    They come out of the tables that `kk99fix project` keeps; standard error says how far those
    are behind the journal, if they are. Refused requests are in the table rejected_requests.

    \b
    Examples:
      kk99fix orders --status live
      kk99fix orders --session BROKER1 --symbol AAPL --since 15m
      kk99fix orders --account B1-HOUSE --limit 1000 --json
    """
    wanted = Filter(session, account, symbol, status, since_ns, limit)
    with reading(state_dir, db_file) as connection:
        found = find_orders(connection, wanted)
        if as_json:
            print_json(found.rows)
            return
        times = Times.of("entered", [row["entered_ns"] for row in found.rows], decimals=3)
        columns = [_COLUMNS[0], Column(times.heading, whole=True), *_COLUMNS[2:]]
        print_table(columns, [_cells(row, times) for row in found.rows])
        older = f"; older ones are left out, --limit {limit * 10} shows more" if found.more else ""
        click.echo(f"{len(found.rows)} order{'s' * (len(found.rows) != 1)}{older}")


def _cells(row: dict[str, Any], times: Times) -> tuple[str, ...]:
    return (
        str(row["order_id"]),
        times.text(row["entered_ns"]),
        row["session"],
        plain(row["cl_ord_id"]),
        plain(row["account"]),
        plain(row["symbol"]),
        f"{row['side']} {decimal(row['order_qty_e8'])}",
        "market" if row["price_e8"] is None else decimal(row["price_e8"]),
        row["time_in_force"],
        decimal(row["cum_qty_e8"]),
        decimal(row["avg_px_e8"]) if row["cum_qty_e8"] else "",
        row["status"],
    )
