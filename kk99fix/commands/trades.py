"""`kk99fix trades`: the trades as the tables of the projection have them, with both sides."""

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
from kk99fix.projection.queries import Filter, find_trades

_COLUMNS: Final = {
    "trade": "right",
    "time (UTC)": "left",
    "symbol": "left",
    "quantity": "right",
    "price": "right",
    "taker": "left",
    "buyer": "left",
    "account": "left",
    "order": "right",
    "seller": "left",
    "account ": "left",
    "order ": "right",
}


@click.command(short_help="List trades with both sides.")
@filter_options
@json_option
@state_option
@database_option
def trades(
    *,
    session: str | None,
    account: str | None,
    symbol: str | None,
    since_ns: int | None,
    limit: int,
    as_json: bool,
    state_dir: Path,
    db_file: Path | None,
) -> None:
    """List trades with buyer and seller, the newest last.

    A session or an account may stand on either side. The taker is the side of the incoming
    order, which took what rested in the book. They come out of the tables that `kk99fix project`
    keeps; standard error says how far those are behind the journal, if they are.

    \b
    Examples:
      kk99fix trades --symbol AAPL --since 2026-11-25T09:30
      kk99fix trades --account B1-HOUSE --limit 1000 --json
    """
    wanted = Filter(session, account, symbol, None, since_ns, limit)
    with reading(state_dir, db_file) as connection:
        found = find_trades(connection, wanted)
        if as_json:
            print_json(found.rows)
            return
        console().print(table_of(_COLUMNS, map(_cells, found.rows)))
        older = f"; older ones are left out, --limit {limit * 10} shows more" if found.more else ""
        click.echo(f"{len(found.rows)} trade{'s' * (len(found.rows) != 1)}{older}")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(row["trade_id"]),
        day_and_time(row["time_ns"]),
        plain(row["symbol"]),
        decimal(row["qty_e8"]),
        decimal(row["price_e8"]),
        row["aggressor"],
        row["buy_session"],
        plain(row["buy_account"]),
        str(row["buy_order_id"]),
        row["sell_session"],
        plain(row["sell_account"]),
        str(row["sell_order_id"]),
    )
