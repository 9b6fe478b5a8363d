import io

import pytest
from rich.console import Console
from support.reports import new_order, report

from kk99fix.harness.demo.market import Market
from kk99fix.harness.demo.picture import picture

BUY = {11: "A1", 55: "AAPL", 54: "1", 38: "1000", 40: "2", 44: "189.9"}
SELL = BUY | {11: "B1", 54: "2", 44: "190"}
TOO_HIGH = "PRICE_BAND; limit=209; value=380; headroom=19; Price(44) is outside the band."


def drawn(market: Market, width: int = 150, height: int = 45) -> list[str]:
    """Draw the picture as lines of text."""
    console = Console(file=io.StringIO(), width=width, height=height, legacy_windows=False)
    with console.capture() as capture:
        console.print(picture(market, 83.4, width, height), end="")
    return capture.get().splitlines()


@pytest.fixture
def busy_market(market: Market) -> Market:
    """Two orders, a trade, a refusal, and the desk's copies of the first ones."""
    market.received("BROKER1", new_order("1", BUY))
    market.received("BROKER2", new_order("2", SELL))
    trade = {17: "F1", 150: "F", 32: "40", 31: "190", 151: "960"}
    market.received("BROKER2", report({37: "2"} | trade | SELL))
    refused = {37: "NONE", 17: "R1", 150: "8", 39: "8", 151: "0", 58: TOO_HIGH}
    market.received("BROKER1", report(refused | BUY | {44: "380"}))
    market.copied(report({37: "2"} | trade | SELL, copy_of="BROKER2"), "DROPCOPY1")
    market.copied(report(refused | BUY | {44: "380"}, copy_of="BROKER1"), "DROPCOPY1")
    return market


def test_it_fills_the_terminal(busy_market: Market) -> None:
    """Exactly its size, whatever that is."""
    for width, height in ((150, 45), (120, 35), (80, 24), (220, 60)):
        lines = drawn(busy_market, width, height)
        assert len(lines) == height
        assert {len(line) for line in lines} == {width}


def test_the_book_is_a_ladder(busy_market: Market) -> None:
    """Sellers above, buyers below, each with price and quantity; the last trade beneath."""
    lines = drawn(busy_market)
    asks = next(row for row, line in enumerate(lines) if "190.00   960" in line)
    bids = next(row for row, line in enumerate(lines) if "1,000   189.90" in line)

    assert asks + 2 == bids
    assert any("last 40 at 190.00" in line for line in lines)
    assert any("AAPL" in line and "SPY" in line and "EUR-USD" in line for line in lines)


def test_what_everybody_is_told(busy_market: Market) -> None:
    """Brokers read sentences, the newest first; the reason of a refusal is not cut."""
    text = "\n".join(drawn(busy_market))

    assert "12:00:00 sold 40 AAPL at 190.00, 960 left" in text
    assert "12:00:00 refused: buy 1,000 AAPL at 380.00: PRICE_BAND; limit=209;" in text
    assert text.index("refused: buy") < text.index("new: buy")
    assert "outside the band." in text


def test_what_the_desk_sees(busy_market: Market) -> None:
    """Who, what, price and quantity, and how much of everything it has seen."""
    lines = drawn(busy_market)
    rows = [line.split() for line in lines if "BROKER2  trade" in line]

    assert rows[0][1:9] == [
        "12:00:00.123",
        "BROKER2",
        "trade",
        "sell",
        "AAPL",
        "40",
        "190.00",
        "B1",
    ]
    assert any("2 of 4 reports seen" in line for line in lines)


def test_the_counters(busy_market: Market) -> None:
    """Time and counts stand on top."""
    head = "\n".join(drawn(busy_market)[:3])

    assert "01:23" in head
    assert "1 refused" in head
    assert "2 in the book" in head


def test_an_empty_market(market: Market) -> None:
    """There is a picture before anything has happened."""
    assert any("no trade yet" in line for line in drawn(market))
