from support.reports import new_order, report

from kk99fix.harness.demo.market import Level, Market, Request
from kk99fix.harness.demo.report import Happening
from kk99fix.harness.demo.summary import summarize

E8 = 10**8
BUY = {11: "A1", 55: "AAPL", 54: "1", 38: "100", 40: "2", 44: "189.9"}
LOWER = BUY | {11: "A2", 44: "189.8", 38: "7"}
SELL = BUY | {11: "B1", 54: "2", 44: "190"}


def test_the_book_is_what_is_open(market: Market) -> None:
    """Levels of each side, the best first, with quantity and number of orders."""
    market.received("BROKER1", new_order("1", BUY))
    market.received("BROKER1", new_order("2", LOWER))
    market.received("BROKER2", new_order("3", BUY | {38: "50"}))
    market.received("BROKER2", new_order("4", SELL))

    assert market.side("AAPL", buy=True) == [
        Level(18_990_000_000, 150 * E8, 2),
        Level(18_980_000_000, 7 * E8, 1),
    ]
    assert market.side("AAPL", buy=False) == [Level(190 * E8, 100 * E8, 1)]
    assert market.side("SPY", buy=True) == []


def test_a_fill_leaves_the_rest_in_the_book(market: Market) -> None:
    """Each fill takes its quantity away, the last one the order."""
    market.received("BROKER1", new_order("1", BUY))
    fill = {37: "1", 150: "F", 32: "40", 31: "189.9"} | BUY
    market.received("BROKER1", report(fill | {17: "F1", 151: "60"}))

    assert [level.qty_e8 for level in market.side("AAPL", buy=True)] == [60 * E8]
    assert market.last_trades["AAPL"].last_qty_e8 == 40 * E8

    market.received("BROKER1", report(fill | {17: "F2", 151: "0"}))
    assert market.open == {}
    assert market.counters.trades == 1


def test_a_replace_is_under_way_until_it_is_answered(market: Market) -> None:
    """Nobody changes an order twice at a time."""
    market.received("BROKER1", new_order("1", BUY))
    market.sent("BROKER1", Request("G", "A3", ((11, "A3"),), "1"))
    assert market.busy == {"1"}
    assert market.unanswered == {("BROKER1", "A3")}

    replaced = BUY | {11: "A3", 41: "A1", 44: "189.7", 37: "1", 150: "5", 151: "100"}
    market.received("BROKER1", report(replaced))
    assert market.busy == set()
    assert market.unanswered == set()
    assert market.open["1"].cl_ord_id == "A3"
    assert market.open["1"].price_e8 == 18_970_000_000


def test_a_refusal_changes_no_order(market: Market) -> None:
    """The order that could not be changed stays as it is."""
    market.received("BROKER1", new_order("1", BUY))
    before = dict(market.open)
    market.sent("BROKER1", Request("F", "A3", ((11, "A3"),), "1"))
    refused = {37: "1", 11: "A3", 41: "A1", 39: "0", 434: "1", 58: "NO; Why."}
    market.received("BROKER1", report(refused, msg_type=b"9"))

    assert market.open == before
    assert market.busy == set()
    assert market.counters.refusals == 1


def test_copies_and_reports_in_any_order(market: Market) -> None:
    """The desk may be faster or slower; in the end everything has its counterpart."""
    order = {37: "1", 17: "E1", 150: "0", 39: "0", 14: "0", 151: "100"} | BUY
    market.copied(report(order, copy_of="BROKER1"), "DROPCOPY1")
    assert market.missed == 1
    market.received("BROKER1", new_order("1", BUY))
    assert market.missed == 0

    market.received("BROKER2", new_order("2", SELL))
    assert market.missed == 1
    assert summarize(market, 1.0).good is False


def test_a_copy_that_differs_is_found(market: Market) -> None:
    """A copy with another quantity is no copy of the report."""
    market.received("BROKER1", new_order("1", BUY))
    order = {37: "1", 17: "E1", 150: "0", 39: "0", 14: "0", 151: "100"} | BUY | {38: "101"}
    market.copied(report(order, copy_of="BROKER1"), "DROPCOPY1")

    assert market.missed == 2
    assert "2 reports and copies have no counterpart" in summarize(market, 1.0).lines


def test_copies_of_others_are_shown_and_not_counted(market: Market) -> None:
    """Another broker of the venue may trade at the same time."""
    copy = market.copied(report({150: "0", 151: "1"} | BUY, copy_of="BROKER9"), "DROPCOPY1")

    assert copy is not None
    assert market.copies[0].broker == "BROKER9"
    assert (market.counters.copies, market.missed) == (0, 0)


def test_anything_else_is_a_complaint(market: Market) -> None:
    """A whole message refused should not happen, and the summary says so."""
    market.received("BROKER1", report({372: "D", 380: "3"}, msg_type=b"j"))
    market.copied(report({45: "1"}, msg_type=b"3"), "DROPCOPY1")
    market.sent("BROKER1", Request("D", "A1", ()))
    summary = summarize(market, 1.0)

    assert summary.good is False
    assert [line.partition(":")[0] for line in summary.lines[1:3]] == ["BROKER1", "DROPCOPY1"]
    assert summary.lines[3] == "1 requests were not answered"


def test_summary_of_a_good_run(market: Market) -> None:
    """Counts, and that the desk saw everything."""
    market.sent("BROKER1", Request("D", "A1", ()))
    market.received("BROKER1", new_order("1", BUY))
    copy = report({37: "1", 17: "E1", 150: "0", 39: "0", 14: "0", 151: "100"} | BUY, "BROKER1")
    told = market.copied(copy, "DROPCOPY1")
    summary = summarize(market, 2.5)

    assert told is not None
    assert told.happening is Happening.NEW
    assert summary.good is True
    assert summary.lines == (
        "after 2.5 s: orders 1, changes and cancels 0, trades 0, refused 0",
        "the desk saw every one of the 1 reports of BROKER1 and BROKER2, unchanged",
    )
