"""What a client asked for once more, as messages come in."""

from support.fix_peer import Fields, encode

from kk99fix.fix.message import Message
from kk99fix.fix.split import split
from kk99fix.harness.again import Again


def sent_again(msg_type: str, number: int, *fields: tuple[int, object]) -> Message:
    """Return a message of a resend."""
    head: Fields = [(35, msg_type), (49, "KK99"), (56, "BROKER1"), (34, number), (43, "Y")]
    return split(encode([*head, *fields]))


def test_a_gap_fill_may_begin_below_the_range_and_end_above_it() -> None:
    """A venue that joins requests fills a run of administrative messages at once."""
    again = Again(5, 8, request=9)
    fills = sent_again("4", 4, (123, "Y"), (36, 7)), sent_again("4", 8, (123, "Y"), (36, 11))
    report = sent_again("8", 7)

    assert not again.take(sent_again("8", 3))
    assert not again.take(sent_again("4", 3, (123, "Y"), (36, 5)))
    assert all(again.take(message) for message in (fills[0], report, fills[1]))
    assert again.complete
    assert again.messages == [fills[0], report, fills[1]]
    assert not again.take(sent_again("8", 8))
