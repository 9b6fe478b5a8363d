"""Case 1B and the logout from either side, as session logs."""

import attrs
import pytest
from support.session_desk import LOGON, ORDER, RULES, Desk, run

from kk99fix.session.rules import Role

ANSWERS = {
    "1B-c valid answer": """
        I 35=A|34=1|98=0|108=30
        E established 30
        N 2 2
        S LOGGED_ON
    """,
    "1B-c answer too high": """
        I 35=A|34=3|98=0|108=30
        E established 30
        E 35=2|34=2|7=1|16=0
        S AWAITING_RESEND
    """,
    "1B-d invalid answer": """
        I 35=A|34=1|98=0|108=1
        E 35=5|34=2|58=HeartBtInt(108) must be between 5 and 60
        E disconnect logon-refused
    """,
    "1B-d refused by a Logout": """
        I 35=5|34=1|58=no
        E disconnect logon-refused
        N 2 2
    """,
    "1B-e other message": """
        I 35=0|34=1
        E disconnect not-a-logon
        N 1 2
    """,
    "1B no answer": """
        T 9
        T 1
        E disconnect logon-timeout
        S CLOSED
    """,
}


@pytest.mark.parametrize("script", ANSWERS.values(), ids=ANSWERS)
def test_answer_to_our_logon(script: str) -> None:
    """What an initiator makes of the answer to its Logon(A)."""
    desk = Desk(role=Role.INITIATOR)
    fields = ((553, b"user"), (554, b"word"))
    effects = desk.session.logon(30, desk.numbers, desk.now_ns, extra_fields=fields)

    assert desk.perform(effects) == ["35=A|34=1|98=0|108=30|553=user|554=word"]
    run(script, desk)


def test_reset_by_initiator() -> None:
    """Both sides begin a new epoch, and the answer has to be the first message of it."""
    desk = Desk(role=Role.INITIATOR, next_in=7, next_out=9)
    effects = desk.session.logon(30, desk.numbers, desk.now_ns, reset=True)

    assert desk.perform(effects) == ["reset", "35=A|34=1|98=0|108=30|141=Y"]
    run("I 35=A|34=1|98=0|108=30|141=Y\nE established 30\nN 2 2", desk)


def test_reset_that_nobody_asked_for() -> None:
    """An initiator with numbers to keep does not let the answer reset them."""
    desk = Desk(role=Role.INITIATOR, next_in=7, next_out=9)
    desk.perform(desk.session.logon(30, desk.numbers, desk.now_ns))
    run(
        """
        I 35=A|34=1|98=0|108=30|141=Y
        E 35=5|34=10|58=ResetSeqNumFlag(141)=Y is not allowed
        E disconnect logon-refused
        N 7 11
        """,
        desk,
    )


LOGOUTS = {
    "12 confirmed": """
        I 35=5|34=2
        E disconnect logout
        N 3 3
    """,
    "12 confirmed above a gap": """
        I 35=5|34=5
        E disconnect logout
        N 2 3
    """,
    "12 not confirmed": """
        T 1
        T 1
        E disconnect logout-timeout
        S CLOSED
    """,
    "12 a resend is still served": """
        I 35=2|34=2|7=1|16=0
        E resend 1 2
        I 35=0|34=3
        I 35=5|34=4
        E disconnect logout
        N 5 3
    """,
    "12 what needs an answer stays for the next logon": f"""
        I 35=D|34=2|{ORDER}
        I 35=1|34=3|112=HELLO
        N 2 3
        I 35=5|34=4
        E disconnect logout
        N 2 3
    """,
    "12 too low and wrong are not answered": """
        I 35=0|34=1
        I 35=2|34=2
        I 35=0|34=2|52=20200101-00:00:00
        N 3 3
        I 35=0|34=3|49=OTHER
        E disconnect comp-id
        N 3 3
    """,
}


@pytest.mark.parametrize("script", LOGOUTS.values(), ids=LOGOUTS)
def test_our_logout(script: str) -> None:
    """After our Logout(5) nothing is sent but a resend, until the other side confirms."""
    desk = Desk()
    run(LOGON, desk)

    assert desk.perform(desk.session.stop(b"", desk.numbers, desk.now_ns)) == ["35=5|34=2"]
    assert desk.perform(desk.session.stop(b"", desk.numbers, desk.now_ns)) == []
    run(script, desk)


def test_stop_before_the_logon() -> None:
    """A connection without a logon is closed without a word."""
    desk = Desk()

    assert desk.perform(desk.session.stop(b"bye", desk.numbers, desk.now_ns)) == [
        "disconnect stopped"
    ]


def test_session_without_heartbeats() -> None:
    """HeartBtInt(108)=0, where the rules allow it, means that silence is never tested."""
    desk = Desk(attrs.evolve(RULES, heart_bt_int_min_s=0))
    run("I 35=A|34=1|98=0|108=0\nE 35=A|34=1|98=0|108=0\nE established 0\nT 100000", desk)

    assert desk.session.next_deadline_ns(desk.numbers) is None
