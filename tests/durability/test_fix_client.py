from collections.abc import Callable

import pytest
from support.fix_client import FixClient
from support.fix_peer import FixPeer, encode

STAMP = "20260105-14:30:00.000"


def report(number: int, quantity: int, *, resent: bool = False) -> bytes:
    """Return an ExecutionReport(8) under a number of our choice."""
    mark: list[tuple[int, object]] = [(43, "Y"), (122, STAMP)] if resent else []
    head = [(35, "8"), (49, "KK99"), (56, "BROKER1"), (34, number), (52, STAMP)]
    return encode([*head, *mark, (17, number), (38, quantity)])


def gap_fill(number: int, new: int) -> bytes:
    """Return a SequenceReset(4) that fills a gap."""
    head = [(35, "4"), (49, "KK99"), (56, "BROKER1"), (34, number), (43, "Y"), (52, STAMP)]
    return encode([*head, (122, STAMP), (123, "Y"), (36, new)])


def meet(answers: dict[str, list[bytes]], talk: Callable[[FixClient], None]) -> FixClient:
    """Let a client talk to a peer that answers by MsgType(35)."""

    def answer(_: FixPeer, message: dict[int, str]) -> list[bytes]:
        return answers[message[35]]

    with FixPeer(answer) as peer:
        client = FixClient("BROKER1", peer.port)
        try:
            client.log_on()
            talk(client)
        finally:
            client.close()
    return client


def send_an_order(client: FixClient) -> None:
    """Send an order and wait for the next number."""
    before = client.next_in
    client.send("D", [(11, "A")])
    client.read_until(lambda: client.next_in > before)


def test_what_was_missed_is_asked_for() -> None:
    """A gap makes one ResendRequest(2), and everything arrives once, in order."""
    answers = {"D": [report(4, 40)], "2": [gap_fill(2, 3), report(3, 30, resent=True)]}
    answers["2"].append(report(4, 40, resent=True))

    client = meet(answers, send_an_order)

    assert (sorted(client.received), client.next_in) == ([3, 4], 5)
    assert client.complaints == []


@pytest.mark.parametrize(
    ("resent", "complaint"),
    [
        ([report(2, 21, resent=True)], "2 differs"),
        ([gap_fill(2, 3)], "[2] were filled over, but had been received"),
        ([report(2, 20)], "2 again, not as a resend"),
    ],
)
def test_a_changed_history_is_found(resent: list[bytes], complaint: str) -> None:
    """Other bytes under a number, a report that is gone, a number used twice: each is told."""

    def talk(client: FixClient) -> None:
        send_an_order(client)
        client.send("2", [(7, 2), (16, 0)])
        client.read_until(lambda: bool(client.complaints))

    client = meet({"D": [report(2, 20)], "2": resent}, talk)

    assert complaint in client.complaints[0]


def test_a_resend_may_change_the_envelope_alone() -> None:
    """The same report with 43, 122 and a new 9 and 10 is the same report."""

    def talk(client: FixClient) -> None:
        send_an_order(client)
        client.fetch_again(2)

    client = meet({"D": [report(2, 20)], "2": [report(2, 20, resent=True)]}, talk)

    assert client.complaints == []
