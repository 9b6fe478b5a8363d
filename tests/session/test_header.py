"""Case 2 of the FIX session test cases: the standard header, as session logs after a logon."""

import pytest
from support.session_desk import LOGON, ORDER, Desk, run

ORIG_LATE = "SendingTime accuracy problem: OrigSendingTime(122) is after SendingTime(52)"

HEADER_CASES = {
    "2a number as expected": """
        I 35=1|34=2|112=HELLO
        E 35=0|34=2|112=HELLO
        N 3 3
    """,
    "2b number too high: asked for once, handled in order": f"""
        I 35=1|34=4|112=LATER
        E 35=2|34=2|7=2|16=0
        I 35=1|34=5|112=LAST
        N 2 3
        I 35=D|34=2|43=Y|122=20260921-12:00:00|{ORDER}
        E deliver 35=D|34=2|43=Y|{ORDER}
        N 3 3
        I 35=4|34=3|43=Y|122=20260921-12:00:00|123=Y|36=4
        E 35=0|34=3|112=LATER
        E 35=0|34=4|112=LAST
        N 6 5
        S LOGGED_ON
    """,
    "2b absurd number: a live message shows that nothing is missing": """
        I 35=0|34=18446744073709551615
        E 35=2|34=2|7=2|16=0
        I 35=1|34=2|112=HELLO
        E 35=0|34=3|112=HELLO
        N 3 4
        S LOGGED_ON
    """,
    "2c number too low": """
        I 35=0|34=1
        E 35=5|34=2|58=MsgSeqNum too low, expecting 2 but received 1
        E disconnect msg-seq-num-too-low
        N 2 3
    """,
    "2e PossDup already received": """
        I 35=0|34=1|43=Y|122=20260921-12:00:00
        N 2 2
        S LOGGED_ON
    """,
    "2e PossDup not received": f"""
        I 35=D|34=2|43=Y|122=20260921-12:00:00|{ORDER}
        E deliver 35=D|34=2|43=Y|{ORDER}
        N 3 2
    """,
    "2f OrigSendingTime after SendingTime": f"""
        I 35=D|34=2|43=Y|122=20990101-00:00:00|{ORDER}
        E 35=3|34=2|45=2|371=122|372=D|373=10|58={ORIG_LATE}
        N 3 3
    """,
    "2g OrigSendingTime missing": f"""
        I 35=D|34=2|43=Y|{ORDER}
        E 35=3|34=2|45=2|371=122|372=D|373=1|58=Required tag missing: OrigSendingTime(122)
        N 3 3
    """,
    "2g OrigSendingTime missing, number already received": """
        I 35=0|34=1|43=Y
        E 35=3|34=2|45=1|371=122|372=0|373=1|58=Required tag missing: OrigSendingTime(122)
        N 2 3
    """,
    "2g OrigSendingTime missing, number too high": f"""
        I 35=D|34=3|43=Y|{ORDER}
        E 35=3|34=2|45=3|371=122|372=D|373=1|58=Required tag missing: OrigSendingTime(122)
        N 2 3
        I 35=0|34=2
        N 3 3
    """,
    "2g OrigSendingTime missing in a gap fill": """
        I 35=0|34=4
        E 35=2|34=2|7=2|16=0
        I 35=4|34=2|43=Y|123=Y|36=5
        N 5 3
        S LOGGED_ON
        I 35=4|34=1|43=Y|123=Y|36=3
        N 5 3
    """,
    "2i BeginString": """
        I 35=0|34=2|8=FIX.4.2
        E 35=5|34=2|58=BeginString(8) must be FIX.4.4
        E disconnect begin-string
        N 2 3
    """,
    "2k SenderCompID": """
        I 35=0|34=2|49=OTHER
        E 35=3|34=2|45=2|372=0|373=9|58=CompID problem
        E 35=5|34=3|58=CompID problem
        E disconnect comp-id
        N 3 4
    """,
    "2k TargetCompID, number too high": """
        I 35=0|34=7|56=OTHER
        E 35=3|34=2|45=7|372=0|373=9|58=CompID problem
        E 35=5|34=3|58=CompID problem
        E disconnect comp-id
        N 2 4
    """,
    "2o SendingTime out of range": """
        I 35=0|34=2|52=20200101-00:00:00
        E 35=3|34=2|45=2|371=52|372=0|373=10|58=SendingTime accuracy problem
        E 35=5|34=3|58=SendingTime accuracy problem
        N 3 4
        S LOGOUT_SENT
        I 35=5|34=3|52=20200101-00:00:00
        E disconnect sending-time
        N 4 4
    """,
    "2q MsgType not valid": """
        I 35=!|34=2
        E 35=3|34=2|45=2|371=35|372=!|373=11|58=Invalid MsgType(35)
        N 3 3
    """,
    "2r MsgType not supported: ours to send": """
        I 35=8|34=2|37=1|17=1|150=0|39=0|54=1|151=1|14=0|6=0|55=AAPL
        E 35=j|34=2|45=2|372=8|380=3|58=Unsupported Message Type
        N 3 3
    """,
    "18b on behalf of somebody": """
        I 35=0|34=2|115=OTHER
        E 35=3|34=2|45=2|371=115|372=0|373=9|58=CompID problem: OnBehalfOfCompID(115), \
and this session acts for nobody else
        N 3 3
    """,
    "17f encrypted data": """
        I 35=0|34=2|90=3|91=abc
        E 35=3|34=2|45=2|371=90|372=0|373=7|58=Decryption problem: SecureDataLen(90), \
and nothing is encrypted
        N 3 3
    """,
    "17d signature": """
        I 35=0|34=2|93=3|89=abc
        E 35=3|34=2|45=2|371=93|372=0|373=8|58=Signature problem: SignatureLength(93), \
and no key was agreed on
        N 3 3
    """,
    "369 processed": """
        I 35=0|34=2|369=1
        N 3 2
    """,
    "369 above what was sent": """
        I 35=0|34=2|369=2
        E 35=3|34=2|45=2|371=369|372=0|373=5|58=LastMsgSeqNumProcessed(369) is above \
the last MsgSeqNum(34) sent, 1
        N 3 3
    """,
    "369 no number": """
        I 35=0|34=2|369=one
        E 35=3|34=2|45=2|371=369|372=0|373=6|58=Incorrect data format for value: \
LastMsgSeqNumProcessed(369)
    """,
    "MsgSeqNum missing": """
        I 35=0
        E 35=5|34=2|58=MsgSeqNum(34) missing
        E disconnect msg-seq-num-missing
    """,
    "MsgSeqNum no number": """
        I 35=0|34=two
        E 35=5|34=2|58=MsgSeqNum(34) missing
        E disconnect msg-seq-num-missing
    """,
}


@pytest.mark.parametrize("script", HEADER_CASES.values(), ids=HEADER_CASES)
def test_header(script: str) -> None:
    """Case 2: what the standard header leads to."""
    run(LOGON + script, Desk())
