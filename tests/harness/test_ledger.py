from support.session_desk import START_NS

from kk99fix.fix.framing import Frame, Framer
from kk99fix.fix.split import split
from kk99fix.harness.ledger import KEPT_MAX, Ledger
from kk99fix.session.effects import Send

HEARTBEAT, ORDER = Send(b"0"), Send(b"D", ((11, b"A"),))


def again(ledger: Ledger, begin: int, end: int) -> list[str]:
    """Return what `write_again` writes: type and number, or the range that is filled."""
    framer = Framer()
    framer.feed(ledger.write_again(begin, end, START_NS + 1))
    lines = []
    while isinstance(event := framer.next_event(), Frame):
        message = split(event.raw)
        assert message.get(43) == b"Y"
        number, filled_to = message.get_int(34), message.get_int(36)
        if message.msg_type == b"4":
            lines.append(f"fill {number} to {filled_to}")
        else:
            lines.append(f"{message.msg_type.decode()} {number}")
    return lines


def test_administrative_messages_are_filled_over() -> None:
    """Runs of them become one SequenceReset(4) each, also at either end."""
    ledger = Ledger(b"A", b"B")
    for message in (HEARTBEAT, HEARTBEAT, ORDER, HEARTBEAT, ORDER, ORDER, HEARTBEAT):
        ledger.write(message, START_NS)

    assert ledger.next_out == 8
    assert again(ledger, 1, 7) == ["fill 1 to 3", "D 3", "fill 4 to 5", "D 5", "D 6", "fill 7 to 8"]
    assert again(ledger, 3, 3) == ["D 3"]
    assert again(ledger, 1, 2) == ["fill 1 to 3"]


def test_only_so_many_are_kept() -> None:
    """The oldest ones are forgotten, and filled over when they are asked for."""
    ledger = Ledger(b"A", b"B")
    for _ in range(KEPT_MAX + 2):
        ledger.write(ORDER, START_NS)

    assert again(ledger, 1, 4) == ["fill 1 to 3", "D 3", "D 4"]


def test_reset() -> None:
    """A new epoch knows nothing of the one before."""
    ledger = Ledger(b"A", b"B")
    ledger.write(ORDER, START_NS)
    ledger.reset()
    ledger.write(HEARTBEAT, START_NS)

    assert (ledger.next_in, ledger.next_out) == (1, 2)
    assert again(ledger, 1, 1) == ["fill 1 to 2"]
