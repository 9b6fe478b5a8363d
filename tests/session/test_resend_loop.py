"""Resends end: a counterparty that asks for ever, and two sides that lose everything."""

import random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.session_desk import LOGON, ORDER, PEER_RULES, RULES, Desk, inbound, pairs, run

from kk99fix.session.effects import Send
from kk99fix.session.rules import NS_PER_S, Role

LOOPS = {
    "the fourth of a row is the end": """
        I 35=2|34=2|7=1|16=0
        E resend 1 1
        I 35=2|34=3|7=1|16=0
        E resend 1 1
        I 35=0|34=4
        I 35=2|34=5|7=1|16=1
        E resend 1 1
        I 35=2|34=6|7=1|16=0
        E 35=5|34=2|58=ResendRequest(2) from 1 was answered 3 times already
        E disconnect resend-loop
        N 7 3
        S CLOSED
    """,
    "requests ahead of their turn count as well": """
        I 35=2|34=3|7=1|16=0
        E resend 1 1
        E 35=2|34=2|7=2|16=0
        I 35=2|34=4|7=1|16=0
        E resend 1 2
        I 35=2|34=5|7=1|16=0
        E resend 1 2
        I 35=2|34=6|7=1|16=0
        E 35=5|34=3|58=ResendRequest(2) from 1 was answered 3 times already
        E disconnect resend-loop
        N 2 4
    """,
    "another beginning is another row": """
        I 35=1|34=2|112=HELLO
        E 35=0|34=2|112=HELLO
        I 35=2|34=3|7=1|16=0
        E resend 1 2
        I 35=2|34=4|7=1|16=0
        E resend 1 2
        I 35=2|34=5|7=1|16=0
        E resend 1 2
        I 35=2|34=6|7=2|16=0
        E resend 2 2
        I 35=2|34=7|7=1|16=0
        E resend 1 2
        S LOGGED_ON
    """,
    "what was processed shows that it goes on": """
        I 35=2|34=2|7=1|16=0
        E resend 1 1
        I 35=2|34=3|7=1|16=0
        E resend 1 1
        I 35=2|34=4|7=1|16=0
        E resend 1 1
        I 35=0|34=5|369=1
        I 35=2|34=6|7=1|16=0
        E resend 1 1
        I 35=2|34=7|369=1|7=1|16=0
        E resend 1 1
        I 35=2|34=8|369=1|7=1|16=0
        E resend 1 1
        I 35=2|34=9|369=1|7=1|16=0
        E 35=5|34=2|58=ResendRequest(2) from 1 was answered 3 times already
        E disconnect resend-loop
    """,
}


@pytest.mark.parametrize("script", LOOPS.values(), ids=LOOPS)
def test_row(script: str) -> None:
    """The same ResendRequest(2) is served three times in a row, and a fourth ends the session."""
    run(LOGON + script, Desk())


def test_a_row_is_forgotten() -> None:
    """Whoever fetches the day again now and then is in no loop."""
    desk = Desk(attrs.evolve(RULES, heart_bt_int_min_s=0))
    run("I 35=A|34=1|98=0|108=0\nE 35=A|34=1|98=0|108=0\nE established 0", desk)
    for number in range(2, 12):
        run(f"T 600\nI 35=2|34={number}|7=1|16=0\nE resend 1 1", desk)


def test_after_our_logout() -> None:
    """A row goes on after our Logout(5), and its end is the end of the connection."""
    desk = Desk()
    run(LOGON, desk)
    desk.perform(desk.session.stop(b"", desk.numbers, desk.now_ns))
    asks = "\n".join(f"I 35=2|34={number}|7=1|16=0\nE resend 1 2" for number in (2, 3, 4))
    run(f"{asks}\nI 35=2|34=5|7=1|16=0\nE disconnect resend-loop\nN 6 3", desk)


@pytest.mark.parametrize("sends", [1, 20])
def test_a_stubborn_peer(sends: int) -> None:
    """Whatever comes, it asks from 1: the messages that this costs are few, and then it is over."""
    desk = Desk()
    run(LOGON, desk)
    for _ in range(sends):
        desk.send(Send(b"8"))
    transmitted = 0
    for number in range(2, 100):
        transmitted += len(desk.wire)
        desk.wire.clear()
        if not desk.disconnected:
            desk.receive(inbound(f"35=2|34={number}|7=1|16=0", desk))

    assert desk.disconnected
    assert transmitted <= 2 + 4 * (sends + 1)


@pytest.mark.parametrize("lost", ["resent", "everything"])
def test_both_lose_everything(lost: str) -> None:
    """Two of our own sides, each missing something that never arrives, give up and say why."""
    sides = Desk(RULES), Desk(PEER_RULES, Role.INITIATOR)
    logon = sides[1].session.logon(30, sides[1].numbers, sides[1].now_ns)
    sides[1].perform(logon)
    sides[0].receive(sides[1].wire.pop())
    sides[1].receive(sides[0].wire.pop())
    for side in sides:
        side.send(Send(b"0"))
        side.wire.clear()  # the gap
        side.send(Send(b"0"))
    carried = 0
    for second in range(200):
        for one, other in (sides, sides[::-1]):
            frames, one.wire = one.wire, []
            carried += len(frames)
            for frame in frames:
                if b"\x0143=Y\x01" not in frame and (lost == "resent" or second == 0):
                    other.receive(frame)
            one.now_ns += NS_PER_S
            one.tick()

    assert all(side.disconnected for side in sides)
    assert carried <= 30


def test_an_order_between_requests_is_no_progress() -> None:
    """What the counterparty sends says nothing about what it takes."""
    desk = Desk()
    run(LOGON, desk)
    for number in (2, 4, 6):
        run(f"I 35=2|34={number}|7=1|16=1\nE resend 1 1", desk)
        run(f"I 35=D|34={number + 1}|{ORDER}\nE deliver 35=D|34={number + 1}|{ORDER}", desk)
    desk.receive(inbound("35=2|34=8|7=1|16=1", desk))

    assert desk.disconnected


@given(st.randoms(use_true_random=False), st.sampled_from([0.1, 0.5, 0.9]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_moment_ends(chance: random.Random, loss: float, next_expected: bool) -> None:
    """Whatever is lost between two of our own sides, they fall silent until time passes.

    Ten new messages of a moment and the resends of everything before cost a few messages each.
    """
    sides = Desk(RULES), Desk(PEER_RULES, Role.INITIATOR)
    for _ in range(3):
        for side in sides:
            side.session.connection_lost()
            side.connect()
        initiator = sides[1]
        initiator.perform(
            initiator.session.logon(
                30, initiator.numbers, initiator.now_ns, next_expected=next_expected
            )
        )
        for _ in range(60):
            for side in sides:
                if side.session.established and chance.random() < 0.5:
                    side.send(Send(b"D", tuple(pairs(ORDER))))
            assert _carried(sides, chance, loss) <= 40 + 4 * max(s.next_out for s in sides)
            for side in sides:
                side.now_ns += NS_PER_S
                side.tick()


def _carried(sides: tuple[Desk, Desk], chance: random.Random, loss: float) -> int:
    """Carry what is under way, and what that leads to; return how much it was."""
    carried = 0
    while sides[0].wire or sides[1].wire:
        for one, other in (sides, sides[::-1]):
            frames, one.wire = one.wire, []
            carried += len(frames)
            assert carried < 10_000, "for ever"
            for frame in frames:
                if chance.random() >= loss:
                    other.receive(frame)
    return carried
