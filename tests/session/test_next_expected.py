"""NextExpectedMsgSeqNum(789) in a Logon(A), in both roles, as session logs."""

import pytest
from support.session_desk import PEER_RULES, RULES, Desk, run

from kk99fix.session.effects import Send
from kk99fix.session.rules import Role

#: The acceptor expects 5 and sends 8 next.
ACCEPTOR_CASES = {
    "nobody misses anything": """
        I 35=A|34=5|98=0|108=30|789=8
        E 35=A|34=8|98=0|108=30|789=6
        E established 30
        N 6 9
        S LOGGED_ON
    """,
    "the counterparty misses what we sent": """
        I 35=A|34=5|98=0|108=30|789=3
        E 35=A|34=8|98=0|108=30|789=6
        E established 30
        E resend 3 7
        N 6 9
        S LOGGED_ON
    """,
    "we miss what it sent: not asked for": """
        I 35=A|34=7|98=0|108=30|789=8
        E 35=A|34=8|98=0|108=30|789=5
        E established 30
        S AWAITING_RESEND
        I 35=4|34=5|43=Y|122=20260921-12:00:00|123=Y|36=7
        N 8 9
        S LOGGED_ON
    """,
    "we miss what it sent, and it never comes: asked for like any gap": """
        I 35=A|34=7|98=0|108=30|789=8
        E 35=A|34=8|98=0|108=30|789=5
        E established 30
        T 9
        T 1
        E 35=2|34=9|7=5|16=0
        T 10
        E 35=2|34=10|7=5|16=0
        T 10
        E 35=2|34=11|7=5|16=0
        T 10
        E 35=5|34=12|58=ResendRequest(2) from 5 was not answered
        E disconnect resend-timeout
    """,
    "we miss what it sent, and it goes on without it: asked for at once": """
        I 35=A|34=7|98=0|108=30|789=8
        E 35=A|34=8|98=0|108=30|789=5
        E established 30
        I 35=0|34=8
        E 35=2|34=9|7=5|16=0
        I 35=0|34=9
        I 35=4|34=5|43=Y|122=20260921-12:00:00|123=Y|36=7
        N 10 10
        S LOGGED_ON
    """,
    "both miss something": """
        I 35=A|34=7|98=0|108=30|789=7
        E 35=A|34=8|98=0|108=30|789=5
        E established 30
        E resend 7 7
        S AWAITING_RESEND
    """,
    "it expects more than was ever sent": """
        I 35=A|34=5|98=0|108=30|789=9
        E 35=5|34=8|58=NextExpectedMsgSeqNum(789) is 9, but the next MsgSeqNum(34) to be sent is 8
        E disconnect logon-refused
        N 6 9
    """,
    "0 is no number to expect": """
        I 35=A|34=5|98=0|108=30|789=0
        E 35=5|34=8|58=NextExpectedMsgSeqNum(789) is 0, but the next MsgSeqNum(34) to be sent is 8
        E disconnect logon-refused
    """,
    "a reset leaves 1 to expect": """
        I 35=A|34=1|98=0|108=30|141=Y|789=1
        E reset
        E 35=A|34=1|98=0|108=30|141=Y|789=2
        E established 30
        N 2 2
    """,
    "a reset that expects more than 1 changes nothing": """
        I 35=A|34=1|98=0|108=30|141=Y|789=8
        E 35=5|34=8|58=NextExpectedMsgSeqNum(789) is 8, but the next MsgSeqNum(34) to be sent is 1
        E disconnect logon-refused
        N 5 9
    """,
}


def _seasoned(role: Role, next_in: int, next_out: int) -> Desk:
    """Return a side that has sent something before."""
    desk = Desk(RULES if role is Role.ACCEPTOR else PEER_RULES, role, next_in=next_in)
    for _ in range(1, next_out):
        desk.send(Send(b"8"))
    desk.wire.clear()
    return desk


@pytest.mark.parametrize("script", ACCEPTOR_CASES.values(), ids=ACCEPTOR_CASES)
def test_acceptor(script: str) -> None:
    """What the acceptor makes of it, before anything else of the connection."""
    run(script, _seasoned(Role.ACCEPTOR, 5, 8))


#: The initiator expects 5; its Logon(A) is number 8.
INITIATOR_CASES = {
    "nobody misses anything": """
        I 35=A|34=5|98=0|108=30|789=9
        E established 30
        N 6 9
        S LOGGED_ON
    """,
    "the acceptor misses what we sent": """
        I 35=A|34=5|98=0|108=30|789=6
        E established 30
        E resend 6 8
        S LOGGED_ON
    """,
    "we miss what it sent: not asked for": """
        I 35=A|34=7|98=0|108=30|789=9
        E established 30
        S AWAITING_RESEND
        I 35=4|34=5|43=Y|122=20260921-12:00:00|123=Y|36=7
        N 8 9
        S LOGGED_ON
    """,
    "it does not know the field: asked for at once": """
        I 35=A|34=7|98=0|108=30
        E established 30
        E 35=2|34=9|7=5|16=0
        S AWAITING_RESEND
    """,
    "it expects more than was ever sent": """
        I 35=A|34=5|98=0|108=30|789=10
        E 35=5|34=9|58=NextExpectedMsgSeqNum(789) is 10, but the next MsgSeqNum(34) to be sent is 9
        E disconnect logon-refused
    """,
}


@pytest.mark.parametrize("script", INITIATOR_CASES.values(), ids=INITIATOR_CASES)
def test_initiator(script: str) -> None:
    """What the initiator makes of the answer to its Logon(A) that carried the field."""
    desk = _seasoned(Role.INITIATOR, 5, 8)
    effects = desk.session.logon(30, desk.numbers, desk.now_ns, next_expected=True)

    assert desk.perform(effects) == ["35=A|34=8|98=0|108=30|789=5"]
    run(script, desk)


def test_an_answer_to_a_question_that_was_not_asked() -> None:
    """Who did not send the field resends nothing unasked, and asks for gaps as ever."""
    desk = _seasoned(Role.INITIATOR, 5, 8)
    desk.perform(desk.session.logon(30, desk.numbers, desk.now_ns))
    run("I 35=A|34=7|98=0|108=30|789=6\nE established 30\nE 35=2|34=9|7=5|16=0", desk)


def test_both_sides_of_ours() -> None:
    """Two of our own sides that both miss messages give each other everything, and nobody asks."""
    acceptor, initiator = _seasoned(Role.ACCEPTOR, 3, 6), _seasoned(Role.INITIATOR, 2, 7)
    logon = initiator.session.logon(30, initiator.numbers, initiator.now_ns, next_expected=True)
    said = initiator.perform(logon)
    while acceptor.wire or initiator.wire:
        for one, other in ((initiator, acceptor), (acceptor, initiator)):
            if one.wire:
                said += other.receive(one.wire.pop(0))

    assert not [line for line in said if line.startswith("35=2|")]
    assert (acceptor.next_in, acceptor.next_out) == (initiator.next_out, initiator.next_in)
    assert acceptor.session.plain
    assert initiator.session.plain
