"""The live picture: a pure function of the market, drawn with rich.

From top to bottom: the counters, the books, what each broker was told, what the desk saw.
The newest line of a list stands first, so a small terminal shows fewer lines and loses none that
matters.
"""

from typing import Final

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kk99fix.harness.demo.market import Level, Market
from kk99fix.harness.demo.report import Happening, Report, in_words

#: Levels of each side of a book, by the least height of the terminal.
_DEPTHS: Final = ((40, 5), (30, 3), (0, 1))
#: Columns that one book needs.
_BOOK_WIDTH: Final = 36
#: Columns below which the desk shows neither ClOrdID(11) nor Text(58).
_WIDE: Final = 110
_STYLES: Final = {
    Happening.NEW: "default",
    Happening.TRADE: "bold green",
    Happening.REPLACED: "cyan",
    Happening.CANCELLED: "bright_black",
    Happening.REFUSED: "bold red",
    Happening.OTHER: "default",
}


def picture(market: Market, elapsed_s: float, width: int, height: int) -> RenderableType:
    """Draw the market as it is, for a terminal of `width` columns and `height` lines."""
    depth = next(depth for least, depth in _DEPTHS if height >= least)
    layout = Layout()
    layout.split_column(
        Layout(_head(market, elapsed_s), size=3),
        Layout(_books(market, width, depth), size=2 * depth + 4),
        Layout(name="brokers"),
        Layout(_desk(market, width)),
    )
    layout["brokers"].split_row(*(Layout(_broker(market, broker)) for broker in market.brokers))
    return layout


def _head(market: Market, elapsed_s: float) -> RenderableType:
    counters = market.counters
    counts = Text.assemble(
        (f"{counters.orders:,}", "bold"),
        " orders   ",
        (f"{counters.changes:,}", "bold"),
        " changes   ",
        (f"{counters.trades:,}", "bold green"),
        " trades   ",
        (f"{counters.refusals:,}", "bold red"),
        " refused   ",
        (f"{len(market.open):,}", "bold"),
        " in the book",
        overflow="ellipsis",
        no_wrap=True,
    )
    minutes, seconds = divmod(int(elapsed_s), 60)
    title = f"KK99 over FIX 4.4   {minutes:02d}:{seconds:02d}"
    return Panel(counts, title=title, title_align="left", subtitle="Ctrl-C ends")


def _books(market: Market, width: int, depth: int) -> RenderableType:
    """As many books as there is room for, side by side."""
    symbols = list(market.instruments)[: max(1, width // _BOOK_WIDTH)]
    books = Layout()
    books.split_row(*(Layout(_book(market, symbol, depth)) for symbol in symbols))
    return books


def _book(market: Market, symbol: str, depth: int) -> RenderableType:
    bids = market.side(symbol, buy=True)[:depth]
    asks = market.side(symbol, buy=False)[:depth]
    table = Table(box=None, expand=True, padding=(0, 1))
    table.add_column("buyers", justify="right", style="green", ratio=1, no_wrap=True)
    table.add_column("price", justify="center", no_wrap=True)
    table.add_column("sellers", justify="left", style="red", ratio=1, no_wrap=True)
    for level in [None] * (depth - len(asks)) + asks[::-1]:
        table.add_row("", *_cells(market, symbol, level))
    table.add_row("", Text("─" * 8, style="bright_black"), "")
    for level in bids + [None] * (depth - len(bids)):
        price, qty = _cells(market, symbol, level)
        table.add_row(qty, price, "")
    return Panel(table, title=f"[bold]{symbol}[/]", subtitle=_last(market, symbol))


def _cells(market: Market, symbol: str, level: Level | None) -> tuple[str, str]:
    if level is None:
        return "", ""
    return market.price(symbol, level.price_e8), market.qty(symbol, level.qty_e8)


def _last(market: Market, symbol: str) -> str:
    trade = market.last_trades.get(symbol)
    if trade is None:
        return "no trade yet"
    qty, price = market.qty(symbol, trade.last_qty_e8), market.price(symbol, trade.last_price_e8)
    return f"last {qty} at {price}"


def _broker(market: Market, broker: str) -> RenderableType:
    """What a broker was told, in words."""
    lines = []
    for report in market.reports[broker]:
        words = in_words(report, market.price, market.qty)
        line = Text.assemble(
            (f"{report.time[:8]} ", "bright_black"), (words, _STYLES[report.happening])
        )
        # Why something was refused is worth a second line.
        line.no_wrap = report.happening is not Happening.REFUSED
        line.overflow = "ellipsis"
        lines.append(line)
    return Panel(Group(*lines), title=f"[bold]{broker}[/] is told", title_align="left")


def _desk(market: Market, width: int) -> RenderableType:
    """The drop copies, as a compliance desk reads them."""
    table = Table(box=None, expand=True, padding=(0, 1), header_style="bright_black")
    for heading in ("time", "who", "what", "side", "instrument"):
        table.add_column(heading, no_wrap=True)
    for heading in ("quantity", "price"):
        table.add_column(heading, justify="right", no_wrap=True)
    if width >= _WIDE:
        table.add_column("ClOrdID", no_wrap=True)
        table.add_column("why", no_wrap=True, ratio=1)
    for report in market.copies:
        cells = _copy(market, report)
        table.add_row(*cells[: len(table.columns)], style=_STYLES[report.happening])
    counters = market.counters
    seen = f"{counters.copies:,} of {counters.reports:,} reports seen"
    return Panel(table, title="[bold]compliance desk[/] sees", title_align="left", subtitle=seen)


def _copy(market: Market, report: Report) -> tuple[str, ...]:
    trade = report.happening is Happening.TRADE
    qty_e8 = report.last_qty_e8 if trade else report.qty_e8
    price_e8 = report.last_price_e8 if trade else report.price_e8
    symbol = report.symbol
    return (
        report.time,
        report.broker,
        report.happening.value,
        ("buy" if report.buy else "sell") if symbol else "",
        symbol,
        market.qty(symbol, qty_e8) if symbol else "",
        "" if not symbol else "market" if price_e8 is None else market.price(symbol, price_e8),
        report.cl_ord_id,
        report.text,
    )
