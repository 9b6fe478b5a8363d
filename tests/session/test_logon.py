"""Case 1S of the FIX session test cases and what else a Logon(A) decides, as session logs."""

import attrs
import pytest
from support.session_desk import LOGON, RULES, Desk, run

from kk99fix.session.rules import ResetPolicy, SessionRules

LOGON_CASES = {
    "1S-a valid": """
        I 35=A|34=1|98=0|108=30
        E 35=A|34=1|98=0|108=30
        E established 30
        N 2 2
        S LOGGED_ON
    """,
    "1S-a too high: answered, then the gap is asked for": """
        I 35=A|34=5|98=0|108=30
        E 35=A|34=1|98=0|108=30
        E established 30
        E 35=2|34=2|7=1|16=0
        N 1 3
        S AWAITING_RESEND
        I 35=4|34=1|43=Y|122=20260921-12:00:00|123=Y|36=5
        N 6 3
        S LOGGED_ON
    """,
    "1S-a reset": """
        I 35=A|34=1|98=0|108=30|141=Y
        E reset
        E 35=A|34=1|98=0|108=30|141=Y
        E established 30
        N 2 2
    """,
    "1S-d too low": """
        I 35=A|34=0|98=0|108=30
        E 35=5|34=1|58=MsgSeqNum too low, expecting 1 but received 0
        E disconnect msg-seq-num-too-low
        N 1 2
    """,
    "1S-d HeartBtInt too small": """
        I 35=A|34=1|98=0|108=4
        E 35=5|34=1|58=HeartBtInt(108) must be between 5 and 60
        E disconnect logon-refused
        N 2 2
    """,
    "1S-d HeartBtInt beyond 64 bits": """
        I 35=A|34=1|98=0|108=18446744073709551616
        E 35=5|34=1|58=Value is incorrect (out of range) for this tag: HeartBtInt(108)
        E disconnect logon-refused
    """,
    "1S-d EncryptMethod": """
        I 35=A|34=1|98=1|108=30
        E 35=5|34=1|58=EncryptMethod(98) must be 0
        E disconnect logon-refused
    """,
    "1S-d SendingTime": """
        I 35=A|34=1|98=0|108=30|52=20200101-00:00:00
        E 35=5|34=1|58=SendingTime accuracy problem
        E disconnect sending-time
        S CLOSED
    """,
    "1S-d MsgSeqNum missing": """
        I 35=A|98=0|108=30
        E 35=5|34=1|58=MsgSeqNum(34) missing
        E disconnect msg-seq-num-missing
        N 1 2
    """,
    "1S-d reset without number 1": """
        I 35=A|34=2|98=0|108=30|141=Y
        E 35=5|34=1|58=ResetSeqNumFlag(141)=Y requires MsgSeqNum(34)=1
        E disconnect logon-refused
        N 1 2
    """,
    "1S-d a test Logon at a production venue": """
        I 35=A|34=1|98=0|108=30|464=Y
        E 35=5|34=1|58=TestMessageIndicator(464)=Y, but this is a production venue
        E disconnect logon-refused
        N 2 2
    """,
    "1S-a no test Logon": """
        I 35=A|34=1|98=0|108=30|464=N
        E 35=A|34=1|98=0|108=30
        E established 30
    """,
    "1S-d 369 above what was sent": """
        I 35=A|34=1|369=1|98=0|108=30
        E 35=5|34=1|58=LastMsgSeqNumProcessed(369) is above the last MsgSeqNum(34) sent, 0
        E disconnect logon-refused
    """,
    "1S-d on behalf of somebody": """
        I 35=A|34=1|115=OTHER|98=0|108=30
        E 35=5|34=1|58=CompID problem: OnBehalfOfCompID(115), and this session acts for nobody else
        E disconnect logon-refused
    """,
    "1S-c other CompID": """
        I 35=A|34=1|98=0|108=30|49=BROKER2
        E disconnect not-a-logon
        N 1 1
    """,
    "1S-c other BeginString": """
        I 35=A|34=1|98=0|108=30|8=FIX.4.2
        E disconnect not-a-logon
        N 1 1
    """,
    "1S-e first message is no Logon": """
        I 35=0|34=1
        E disconnect not-a-logon
        N 1 1
        S CLOSED
    """,
}


@pytest.mark.parametrize("script", LOGON_CASES.values(), ids=LOGON_CASES)
def test_logon(script: str) -> None:
    """Case 1S: what a first message leads to, while both numbers are 1."""
    run(script, Desk())


def test_numbers_survive() -> None:
    """A later connection goes on where the one before it ended, and a low Logon is refused."""
    desk = Desk()
    run(LOGON, desk)
    desk.session.connection_lost()
    desk.connect()
    run(
        """
        I 35=A|34=2|98=0|108=30
        E 35=A|34=2|98=0|108=30
        E established 30
        N 3 3
        """,
        desk,
    )
    desk.connect()
    run(
        """
        I 35=A|34=1|98=0|108=30
        E 35=5|34=3|58=MsgSeqNum too low, expecting 3 but received 1
        E disconnect msg-seq-num-too-low
        N 3 4
        """,
        desk,
    )


@pytest.mark.parametrize(
    ("rules", "numbers", "allowed"),
    [
        (attrs.evolve(RULES, reset_seq_num=ResetPolicy.REFUSED), (1, 1), False),
        (attrs.evolve(RULES, reset_seq_num=ResetPolicy.AT_SESSION_START), (1, 1), True),
        (attrs.evolve(RULES, reset_seq_num=ResetPolicy.AT_SESSION_START), (4, 2), False),
        (
            attrs.evolve(RULES, reset_seq_num=ResetPolicy.AT_SESSION_START, session_start_ns=1),
            (4, 2),
            True,
        ),
    ],
    ids=["refused", "untouched", "within the session", "first of the session"],
)
def test_reset_policy(rules: SessionRules, numbers: tuple[int, int], allowed: bool) -> None:
    """ResetSeqNumFlag(141)=Y works as the session's policy says, and otherwise keeps the state."""
    desk = Desk(rules, next_in=numbers[0], next_out=numbers[1])
    accepted = (
        "I 35=A|34=1|98=0|108=30|141=Y\nE reset\nE 35=A|34=1|98=0|108=30|141=Y\nE established 30"
    )
    refused = (
        "I 35=A|34=1|98=0|108=30|141=Y\n"
        f"E 35=5|34={numbers[1]}|58=ResetSeqNumFlag(141)=Y is not allowed\n"
        f"E disconnect logon-refused\nN {numbers[0]} {numbers[1] + 1}"
    )
    run(accepted if allowed else refused, desk)


@pytest.mark.parametrize(
    ("field", "answer"),
    [
        ("", "35=A|34=1|98=0|108=30|464=Y"),
        ("|464=Y", "35=A|34=1|98=0|108=30|464=Y"),
        ("|464=N", "35=5|34=1|58=TestMessageIndicator(464)=N, but this is a test venue"),
    ],
)
def test_test_venue(field: str, answer: str) -> None:
    """A test venue says that it is one, and refuses a Logon(A) that is meant for production."""
    desk = Desk(attrs.evolve(RULES, test_venue=True))
    after = "established 30" if answer.startswith("35=A") else "disconnect logon-refused"
    run(f"I 35=A|34=1|98=0|108=30{field}\nE {answer}\nE {after}", desk)
