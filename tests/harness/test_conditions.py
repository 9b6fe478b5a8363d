import pytest

from kk99fix.fix.message import Message
from kk99fix.harness.conditions import Condition, Is, differences
from kk99fix.harness.vocabulary import UnknownWordError, vocabulary

FIELDS = ((150, b"F"), (44, b"190.50"), (58, b"a*b"), (448, b"X"), (448, b"Y"), (5, b"?"))
MESSAGE = Message(b"8", FIELDS, b"")


@pytest.mark.parametrize(
    ("word", "comparison", "value", "holds"),
    [
        ("ExecType", Is.EQUAL, "TRADE", True),
        ("ExecType", Is.EQUAL, "NEW|TRADE", True),
        ("ExecType", Is.EQUAL, "0", False),
        ("ExecType", Is.OTHER, "NEW", True),
        ("ExecType", Is.OTHER, "F", False),
        ("Price", Is.EQUAL, "190.5", True),
        ("Price", Is.EQUAL, "0190.500", True),
        ("Price", Is.EQUAL, "190.51", False),
        ("Price", Is.ABOVE, "190", True),
        ("Price", Is.ABOVE, "190.5", False),
        ("Price", Is.AT_LEAST, "190.5", True),
        ("Price", Is.BELOW, "190.5", False),
        ("Price", Is.AT_MOST, "NaN", False),
        ("Text", Is.EQUAL, "a?b", True),
        ("Text", Is.EQUAL, "a[*]b", False),
        ("Text", Is.ABOVE, "1", False),
        ("Symbol", Is.ABSENT, "", True),
        ("Symbol", Is.THERE, "", False),
        ("Symbol", Is.OTHER, "AAPL", True),
        ("Symbol", Is.EQUAL, "*", False),
        ("5", Is.EQUAL, "?", True),
    ],
)
def test_a_condition(word: str, comparison: Is, value: str, *, holds: bool) -> None:
    """Each comparison holds where it should, and a difference says what was found."""
    found = differences([Condition(vocabulary().field(word), comparison, value)], MESSAGE)

    assert (found == []) is holds
    assert all("received" in each.text for each in found)


def test_a_literal_value_has_no_wildcards() -> None:
    """What is in quotes is itself."""
    text = vocabulary().field("Text")

    assert differences([Condition(text, Is.EQUAL, "a*b", literal=True)], MESSAGE) == []
    assert differences([Condition(text, Is.EQUAL, "a?b", literal=True)], MESSAGE) != []


def test_entries_of_a_group_come_in_their_order() -> None:
    """The n-th mention is about the n-th occurrence; one too many finds nothing."""
    party = vocabulary().field("PartyID")
    wanted = [Condition(party, Is.EQUAL, value) for value in ("X", "Y", "Z")]

    assert [each.found for each in differences(wanted, MESSAGE)] == [None]


def test_words() -> None:
    """Names, numbers and codes lead to the same field, and a slip is answered with what is near."""
    words = vocabulary()

    assert words.field("Side") == words.field("54")
    assert words.field("20000").label == "20000"
    assert (words.msg_type("NewOrderSingle"), words.msg_type("D")) == ("D", "D")
    assert (words.field("54").code("SELL"), words.field("54").meaning("2")) == ("2", "2 SELL")
    with pytest.raises(UnknownWordError, match="is it ClOrdID"):
        words.field("ClOrdId")
    with pytest.raises(UnknownWordError, match="is it ExecutionReport"):
        words.msg_type("ExecReport")
