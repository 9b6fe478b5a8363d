"""`kk99fix orders`: the orders as the tables of the projection have them."""

from pathlib import Path
from typing import Any, Final

import click

from kk99fix.commands.projection_options import (
    console,
    database_option,
    day_and_time,
    decimal,
    filter_options,
    json_option,
    plain,
    print_json,
    reading,
    state_option,
    table_of,
)
from kk99fix.projection.queries import ORDER_STATUSES, Filter, find_orders

_COLUMNS: Final = {
    "order": "right",
    "entered (UTC)": "left",
    "session": "left",
    "ClOrdID": "left",
    "account": "left",
    "symbol": "left",
    "side": "left",
    "type": "left",
    "quantity": "right",
    "price": "right",
    "traded": "right",
    "average": "right",
    "status": "left",
}


@click.command(short_help="List orders.")
@filter_options
@click.option(
    "--status",
    type=click.Choice(ORDER_STATUSES),
    metavar="STATUS",
    help=f"Only those that are {', '.join(ORDER_STATUSES)}.",
)
@json_option
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
        console().print(table_of(_COLUMNS, map(_cells, found.rows)))
        older = f"; older ones are left out, --limit {limit * 10} shows more" if found.more else ""
        click.echo(f"{len(found.rows)} order{'s' * (len(found.rows) != 1)}{older}")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(row["order_id"]),
        day_and_time(row["entered_ns"]),
        row["session"],
        plain(row["cl_ord_id"]),
        plain(row["account"]),
        plain(row["symbol"]),
        row["side"],
        f"{row['ord_type']} {row['time_in_force']}",
        decimal(row["order_qty_e8"]),
        decimal(row["price_e8"]),
        decimal(row["cum_qty_e8"]),
        decimal(row["avg_px_e8"]) if row["cum_qty_e8"] else "",
        row["status"],
    )
