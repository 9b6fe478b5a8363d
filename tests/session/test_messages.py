"""Cases 4 to 20 of the FIX session test cases, as session logs after a logon."""

import attrs
import pytest
from support.session_desk import LOGON, ORDER, RULES, Desk, run

INCORRECT = "Value is incorrect (out of range) for this tag"
MISSING = "Conditionally Required Field Missing"
NEVER_SENT = "BeginSeqNo(7) is not between 1 and the last MsgSeqNum(34) sent"

BODY_CASES = {
    "4a nothing sent during HeartBtInt": """
        T 29.9
        T 0.1
        E 35=0|34=2
        T 6
        E 35=1|34=3|112=1790000036000000000
        N 2 4
    """,
    "5 Heartbeat received": """
        I 35=0|34=2
        N 3 2
    """,
    "6 TestRequest answered": """
        T 36
        E 35=1|34=2|112=1790000036000000000
        I 35=0|34=2|112=1790000036000000000
        T 29
        T 2
        E 35=0|34=3
        S LOGGED_ON
    """,
    "6 TestRequest not answered": """
        T 36
        E 35=1|34=2|112=1790000036000000000
        T 29
        T 1
        E disconnect heartbeat-timeout
        S CLOSED
    """,
    "7 Reject received": """
        I 35=3|34=2|45=1|58=why
        N 3 2
    """,
    "7 invalid Reject received: never answered": """
        I 35=3|34=2
        N 3 2
    """,
    "8 ResendRequest to the end": """
        I 35=2|34=2|7=1|16=0
        E resend 1 1
        N 3 2
    """,
    "8 ResendRequest beyond the end is clipped": """
        I 35=2|34=2|7=1|16=999999
        E resend 1 1
    """,
    "8 ResendRequest for what was never sent": f"""
        I 35=2|34=2|7=2|16=0
        E 35=3|34=2|45=2|371=7|372=2|373=5|58={NEVER_SENT}, 1
        N 3 3
    """,
    "8 ResendRequest that ends before it begins": """
        I 35=1|34=2|112=HELLO
        E 35=0|34=2|112=HELLO
        I 35=2|34=3|7=2|16=1
        E 35=3|34=3|45=3|371=16|372=2|373=5|58=EndSeqNo(16) is below BeginSeqNo(7)
        N 4 4
    """,
    "10a GapFill too high": """
        I 35=4|34=4|123=Y|36=9
        E 35=2|34=2|7=2|16=0
        N 2 3
        I 35=4|34=2|43=Y|122=20260921-12:00:00|123=Y|36=4
        N 9 3
        S LOGGED_ON
    """,
    "10b GapFill as expected": """
        I 35=4|34=2|123=Y|36=20
        N 20 2
    """,
    "10c GapFill too low, PossDup": """
        I 35=4|34=1|43=Y|122=20260921-12:00:00|123=Y|36=20
        N 2 2
        S LOGGED_ON
    """,
    "10d GapFill too low": """
        I 35=4|34=1|123=Y|36=20
        E 35=5|34=2|58=MsgSeqNum too low, expecting 2 but received 1
        E disconnect msg-seq-num-too-low
    """,
    "10e GapFill that lowers the number": f"""
        I 35=4|34=2|123=Y|36=2
        E 35=3|34=2|45=2|371=36|372=4|373=5|58={INCORRECT}: NewSeqNo(36)=2, expecting 3
        N 3 3
    """,
    "11a Reset to a greater number": """
        I 35=4|34=7|36=20
        N 20 2
    """,
    "11b Reset to the same number": """
        I 35=4|34=2|36=2
        N 2 2
    """,
    "11c Reset to a lower number": f"""
        I 35=4|34=2|36=1
        E 35=3|34=2|45=2|371=36|372=4|373=5|58={INCORRECT}: NewSeqNo(36)=1, expecting 2
        N 2 3
    """,
    "11 Reset closes a gap": """
        I 35=0|34=9
        E 35=2|34=2|7=2|16=0
        I 35=4|34=1|36=9
        N 10 3
        S LOGGED_ON
    """,
    "11 Reset that jumps too far": """
        I 35=4|34=2|36=1000003
        E 35=5|34=2|58=NewSeqNo(36) leads by more than 1000000
        E disconnect new-seq-no-jump
        N 2 3
    """,
    "13b Logout received": """
        I 35=5|34=2|58=bye
        E 35=5|34=2
        E disconnect peer-logout
        N 3 3
        S CLOSED
    """,
    "13b Logout above a gap: the gap first": """
        I 35=5|34=4
        E 35=2|34=2|7=2|16=0
        I 35=4|34=2|43=Y|122=20260921-12:00:00|123=Y|36=4
        E 35=5|34=3
        E disconnect peer-logout
        N 5 4
    """,
    "13b Logout above a gap that nobody fills": """
        I 35=5|34=4
        E 35=2|34=2|7=2|16=0
        T 2
        E 35=5|34=3
        E disconnect peer-logout
        N 2 4
    """,
    "13b Logout with a wrong tag is a Logout": """
        I 35=5|34=2|9999=x
        E 35=5|34=2
        E disconnect peer-logout
    """,
    "14b required tag missing": """
        I 35=1|34=2
        E 35=3|34=2|45=2|371=112|372=1|373=1|58=Required tag missing: TestReqID(112)
        N 3 3
    """,
    "14 conditionally required tag missing": """
        I 35=D|34=2|11=A1|54=1|60=20260921-12:00:00|40=2|38=10|44=190
        E 35=j|34=2|45=2|372=D|379=A1|380=5|58=Conditionally Required Field Missing: Symbol(55)
        N 3 3
    """,
    "14 a refusal goes to the sender within the session": f"""
        I 35=D|34=2|50=TRADER|57=DESK|11=A1|54=1|60=20260921-12:00:00|40=2|38=10|44=190
        E 35=j|34=2|57=TRADER|50=DESK|45=2|372=D|379=A1|380=5|58={MISSING}: Symbol(55)
        I 35=D|34=3|50={"T" * 65}|11=A1|54=1|60=20260921-12:00:00|40=2|38=10|44=190
        E 35=j|34=3|45=3|372=D|379=A1|380=5|58={MISSING}: Symbol(55)
        I 35=S|34=4|50=\x1b[31m|57=DESK
        E 35=j|34=4|50=DESK|45=4|372=S|380=3|58=Unsupported Message Type: S
    """,
    "19 PossResend is delivered": f"""
        I 35=D|34=2|97=Y|{ORDER}
        E deliver 35=D|34=2|97=Y|{ORDER}
    """,
    "20 simultaneous resend requests": """
        I 35=0|34=7
        E 35=2|34=2|7=2|16=0
        I 35=2|34=8|7=1|16=0
        E resend 1 2
        N 2 3
        I 35=4|34=2|43=Y|122=20260921-12:00:00|123=Y|36=9
        N 9 3
        S LOGGED_ON
    """,
    "20 ResendRequest too high: served first": """
        I 35=2|34=3|7=1|16=0
        E resend 1 1
        E 35=2|34=2|7=2|16=0
        I 35=4|34=2|43=Y|122=20260921-12:00:00|123=Y|36=3
        N 4 3
        S LOGGED_ON
    """,
    "Logon on an established session": """
        I 35=A|34=2|98=0|108=30
        E 35=3|34=2|45=2|372=A|373=99|58=Logon(A) on an established session
        N 3 3
    """,
    "Logon that resets an established session": """
        I 35=0|34=9
        E 35=2|34=2|7=2|16=0
        I 35=A|34=1|98=0|108=20|141=Y
        E reset
        E 35=A|34=1|98=0|108=20|141=Y
        E established 20
        N 2 2
        S LOGGED_ON
    """,
    "TestReqID too long": f"""
        I 35=1|34=2|112={"x" * 65}
        E 35=3|34=2|45=2|371=112|372=1|373=5|58=TestReqID(112) must have at most 64 bytes
        N 3 3
    """,
    "BusinessMessageReject is never answered": """
        I 35=j|34=2|372=8|380=3
        N 3 2
    """,
    "resent Logout is history": """
        I 35=5|34=2|43=Y|122=20260921-12:00:00
        N 3 2
        S LOGGED_ON
    """,
    "ResendRequest repeated only where nothing comes": f"""
        I 35=0|34=9
        E 35=2|34=2|7=2|16=0
        I 35=D|34=2|43=Y|122=20260921-12:00:00|{ORDER}
        E deliver 35=D|34=2|43=Y|{ORDER}
        T 10
        T 10
        E 35=2|34=3|7=3|16=0
        S AWAITING_RESEND
    """,
    "ResendRequest repeated, then given up": """
        I 35=0|34=4
        E 35=2|34=2|7=2|16=0
        T 10
        E 35=2|34=3|7=2|16=0
        T 10
        E 35=2|34=4|7=2|16=0
        T 10
        E 35=5|34=5|58=ResendRequest(2) from 2 was not answered
        E disconnect resend-timeout
    """,
}


@pytest.mark.parametrize("script", BODY_CASES.values(), ids=BODY_CASES)
def test_message(script: str) -> None:
    """Cases 4 to 20: what each administrative message and each moment leads to."""
    run(LOGON + script, Desk())


@pytest.mark.parametrize("order_entry", [True, False])
def test_dont_know_trade(order_entry: bool) -> None:
    """Whoever receives reports may say that it does not know one; the session layer delivers it."""
    desk = Desk(attrs.evolve(RULES, order_entry=order_entry))
    message = "35=Q|34=2|37=1|17=2|127=D|54=1|55=AAPL|38=10"
    run(f"{LOGON}\nI {message}\nE deliver {message}\nN 3 2", desk)


@pytest.mark.parametrize(
    ("left_out", "answer"),
    [
        ("127=D|", "35=3|34=2|45=2|371=127|372=Q|373=1|58=Required tag missing: DKReason(127)"),
        ("17=2|", "35=3|34=2|45=2|371=17|372=Q|373=1|58=Required tag missing: ExecID(17)"),
        ("55=AAPL|", f"35=j|34=2|45=2|372=Q|380=5|58={MISSING}: Symbol(55)"),
        ("38=1|", f"35=j|34=2|45=2|372=Q|380=5|58={MISSING}: OrderQty(38)"),
    ],
)
def test_dont_know_trade_is_validated(left_out: str, answer: str) -> None:
    """It is judged as any message, and only a valid one is delivered."""
    message = "35=Q|34=2|37=1|17=2|127=D|54=1|55=AAPL|38=1|31=1".replace(left_out, "")
    run(f"{LOGON}\nI {message}\nE {answer}\nN 3 3", Desk())


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (
            f"35=D|34=2|{ORDER}",
            "45=2|372=D|379=A1|380=6|58=Not authorized: no order entry",
        ),
        (
            "35=8|34=2|37=1|17=1|150=0|39=0|54=1|151=1|14=0|6=0|55=AAPL",
            "45=2|372=8|380=3|58=Unsupported Message Type",
        ),
    ],
    ids=["an order", "a report"],
)
def test_session_without_order_entry(line: str, answer: str) -> None:
    """A session without order entry gets every application message back."""
    desk = Desk(attrs.evolve(RULES, order_entry=False))
    run(f"{LOGON}\nI {line}\nE 35=j|34=2|{answer}\nN 3 3", desk)
