"""The first message of a connection: how a logon leads to an established session.

Whether a Logon(A) is acceptable is for `logon_rules` to say; here are the consequences.
A connection that does not begin with a Logon(A) of its session is closed without a word.
"""

from kk99fix.fix.message import Message
from kk99fix.session import ahead, answers, checks, logon_rules
from kk99fix.session.effects import DisconnectCause, Established, Resend, Send
from kk99fix.session.life import Life
from kk99fix.session.rules import NS_PER_S, Role
from kk99fix.session.states import Event, State
from kk99fix.session.turn import Turn


def first(life: Life, turn: Turn, message: Message) -> None:
    """Take the first message (cases 1B and 1S)."""
    if logon_rules.is_ours(message, life.rules):
        judge_logon(life, turn, message)
    else:
        _refuse_first(life, turn, message)


def judge_logon(life: Life, turn: Turn, message: Message) -> None:
    """Take a Logon(A): the first message, or one that resets an established session."""
    verdict = logon_rules.judge(message, life.rules, life.role, turn.numbers, turn.now_ns)
    if isinstance(verdict, logon_rules.Accepted):
        _accept(life, turn, message, verdict)
    else:
        if not message.get_bool(141):
            turn.consume(checks.seq_num(message, 34) or 0)
        life.cut(turn, verdict.cause, verdict.text)


def _refuse_first(life: Life, turn: Turn, message: Message) -> None:
    """Close without a word; an initiator has been refused if the answer is a Logout(5)."""
    refused = life.state is State.LOGON_SENT and message.msg_type == b"5"
    if refused and checks.comp_ids_match(message, life.rules):
        turn.consume(checks.seq_num(message, 34) or 0)
        life.end(turn, DisconnectCause.LOGON_REFUSED)
    else:
        life.end(turn, DisconnectCause.NOT_A_LOGON)


def _accept(life: Life, turn: Turn, message: Message, accepted: logon_rules.Accepted) -> None:
    acceptor = life.role is Role.ACCEPTOR
    if acceptor and accepted.reset:
        turn.reset()
    # Before the answer of an acceptor, with the Logon(A) of an initiator.
    last = turn.next_out - 1
    turn.consume(accepted.msg_seq_num)
    agreed = accepted.next_expected is not None and (acceptor or life.next_expected_sent)
    if acceptor:
        turn.send(_answer(life, turn, accepted))
    life.heart_bt_int_ns = accepted.heart_bt_int_s * NS_PER_S
    life.deadline_ns = None
    life.served = None
    life.processed = 0
    turn.add(Established(life.heart_bt_int_ns))
    life.move(Event.LOGON_DONE)
    if agreed and accepted.next_expected is not None and accepted.next_expected <= last:
        turn.add(Resend(accepted.next_expected, last))
    if accepted.msg_seq_num > turn.next_in:
        ahead.logon_too_high(life, turn, message, accepted.msg_seq_num, asked=agreed)


def _answer(life: Life, turn: Turn, accepted: logon_rules.Accepted) -> Send:
    """Our Logon(A); it says what we expect next to a counterparty that did."""
    return answers.logon(
        accepted.heart_bt_int_s,
        reset=accepted.reset,
        next_expected=None if accepted.next_expected is None else turn.next_in,
        test=life.rules.test_venue,
    )
