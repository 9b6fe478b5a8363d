import pytest
from support.reports import report

from kk99fix.harness.demo.market import Market
from kk99fix.harness.demo.report import Happening, in_words, read

ORDER = {37: "7", 17: "9", 11: "A1", 55: "AAPL", 54: "1", 38: "100", 40: "2", 44: "189.9"}
TOO_HIGH = "PRICE_BAND; limit=209; value=380; headroom=19; Price(44) is outside the band."

WORDS = {
    "new": (ORDER | {150: "0", 151: "100"}, "new: buy 100 AAPL at 189.90"),
    "at market": (
        {55: "AAPL", 54: "2", 38: "1000", 40: "1", 150: "0", 151: "1000"},
        "new: sell 1,000 AAPL at market",
    ),
    "partial fill": (
        ORDER | {150: "F", 32: "40", 31: "189.85", 151: "60"},
        "bought 40 AAPL at 189.85, 60 left",
    ),
    "fill": (
        ORDER | {54: "2", 150: "F", 32: "60", 31: "190", 151: "0"},
        "sold 60 AAPL at 190.00, done",
    ),
    "replaced": (ORDER | {150: "5", 151: "30"}, "changed: buy 100 AAPL at 189.90, 30 left"),
    "cancelled": (ORDER | {150: "4", 151: "0"}, "cancelled: buy 100 AAPL at 189.90"),
    "cancelled by the venue": (
        ORDER | {150: "4", 151: "0", 58: "IOC_REMAINDER; What could not fill is cancelled."},
        "cancelled: buy 100 AAPL at 189.90 (IOC_REMAINDER)",
    ),
    "refused": (
        ORDER | {44: "380", 150: "8", 151: "0", 58: TOO_HIGH},
        f"refused: buy 100 AAPL at 380.00: {TOO_HIGH}",
    ),
    "unknown instrument": (
        ORDER | {55: "NO-SUCH", 150: "8", 151: "0", 58: "UNKNOWN_SYMBOL; No such instrument."},
        "refused: buy 100 NO-SUCH at 189.9: UNKNOWN_SYMBOL; No such instrument.",
    ),
    "status": (ORDER | {150: "I", 151: "60"}, "report: buy 100 AAPL at 189.90, 60 left"),
}


@pytest.mark.parametrize(("fields", "words"), WORDS.values(), ids=WORDS)
def test_in_words(fields: dict[int, str], words: str, market: Market) -> None:
    """Each kind of report is one sentence for a person."""
    told = read(report(fields), "BROKER1")

    assert told is not None
    assert in_words(told, market.price, market.qty) == words


def test_a_refused_cancel_in_words(market: Market) -> None:
    """An OrderCancelReject(9) names the order that was meant."""
    fields = {37: "7", 11: "A2", 41: "A1", 39: "2", 434: "1", 58: "TOO_LATE; It is closed."}
    told = read(report(fields, msg_type=b"9"), "BROKER1")

    assert told is not None
    assert told.happening is Happening.REFUSED
    assert in_words(told, market.price, market.qty) == (
        "refused: change of A1: TOO_LATE; It is closed."
    )


def test_a_copy_says_what_its_source_says() -> None:
    """The header and CopyMsgIndicator(797) set aside, both have the same content."""
    source = read(report(ORDER | {150: "0", 151: "100"}), "BROKER1")
    copy = read(report(ORDER | {150: "0", 151: "100"}, copy_of="BROKER1"), "DROPCOPY1")

    assert source == copy
    assert source is not None
    assert (source.broker, source.time) == ("BROKER1", "12:00:00.123")


def test_other_messages_are_no_reports() -> None:
    """A BusinessMessageReject(j) is none."""
    assert read(report({372: "D", 380: "3"}, msg_type=b"j"), "BROKER1") is None
