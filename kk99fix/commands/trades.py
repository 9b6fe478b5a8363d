"""`kk99fix trades`: the trades as the tables of the projection have them, with both sides."""

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
from kk99fix.projection.queries import Filter, find_trades

_COLUMNS: Final = (
    Column("trade", right=True, whole=True),
    Column("time"),
    Column("symbol"),
    Column("quantity", right=True),
    Column("price", right=True),
    Column("taker"),
    Column("buyer"),
    Column("account", rank=2),
    Column("order", right=True, rank=1),
    Column("seller"),
    Column("account", rank=2),
    Column("order", right=True, rank=1),
)


@click.command(short_help="List trades with both sides.")
@filter_options
@json_rows_option
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
        times = Times.of("time", [row["time_ns"] for row in found.rows], decimals=3)
        columns = [_COLUMNS[0], Column(times.heading, whole=True), *_COLUMNS[2:]]
        print_table(columns, [_cells(row, times) for row in found.rows])
        older = f"; older ones are left out, --limit {limit * 10} shows more" if found.more else ""
        click.echo(f"{len(found.rows)} trade{'s' * (len(found.rows) != 1)}{older}")


def _cells(row: dict[str, Any], times: Times) -> tuple[str, ...]:
    return (
        str(row["trade_id"]),
        times.text(row["time_ns"]),
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
