"""Messages ahead of their turn: one ResendRequest(2) for each gap, and a bounded queue.

The queue is drained as soon as the numbers reach it, so that what the counterparty resends of it
later is a PossDup already received.
"""

from kk99fix.fix.message import Message
from kk99fix.fix.split import split
from kk99fix.session import answers, in_turn, resends
from kk99fix.session.effects import DisconnectCause
from kk99fix.session.gap import Gap
from kk99fix.session.life import Life
from kk99fix.session.states import Event, State
from kk99fix.session.turn import Turn


def too_high(life: Life, turn: Turn, message: Message, msg_seq_num: int) -> None:
    """Keep a message for its turn; the first one of a gap asks for what is missing."""
    if msg_seq_num in life.early:
        return
    handled = False
    if not message.get_bool(43):
        if message.msg_type == b"2" and life.validate(turn, message) is None:
            handled = resends.serve(life, turn, message) is None
        elif message.msg_type == b"5" and life.deadline_ns is None:
            life.deadline_ns = turn.now_ns + life.rules.logout_wait_ns
    if not life.established:
        return
    life.early.put(msg_seq_num, message.raw, handled=handled)
    if life.gap is None:
        _ask(life, turn, msg_seq_num - 1)
    elif not life.gap.tries:  # NextExpectedMsgSeqNum(789) was to fill it before this
        _ask(life, turn, life.gap.end)


def logon_too_high(
    life: Life, turn: Turn, message: Message, msg_seq_num: int, *, asked: bool
) -> None:
    """Open the gap below an accepted Logon(A).

    `asked`: our NextExpectedMsgSeqNum(789) asks for what is missing; if the counterparty goes on
    without it, or nothing comes at all, a ResendRequest(2) does.
    """
    life.early.put(msg_seq_num, message.raw, handled=True)
    if asked:
        _open(life, turn, msg_seq_num - 1, tries=0)
    else:
        _ask(life, turn, msg_seq_num - 1)


def catch_up(life: Life, turn: Turn) -> None:
    """Handle what waited for the expected number; the gap ends with the last of it."""
    while life.established and (early := life.early.take(turn.next_in)) is not None:
        if early.handled:
            turn.consume(turn.next_in)
        else:
            in_turn.handle(life, turn, split(early.raw), turn.next_in)
    if life.gap is None or turn.next_in <= life.gap.end:
        return
    ahead = life.early.next_after(turn.next_in)
    if ahead is None:
        life.move(Event.GAP_FILLED)
    else:
        _ask(life, turn, max(ahead - 1, turn.next_in))


def retry(life: Life, turn: Turn) -> None:
    """Repeat a ResendRequest(2) that brought nothing, a few times."""
    gap = life.gap
    if gap is None or turn.now_ns < gap.asked_ns + life.rules.resend_wait_ns:
        return
    if turn.next_in > gap.begin:
        life.gap = Gap(turn.next_in, gap.end, turn.now_ns)
    elif gap.tries < life.rules.resend_tries_max:
        life.gap = Gap(gap.begin, gap.end, turn.now_ns, gap.tries + 1)
        turn.send(answers.resend_request(gap.begin))
    else:
        text = b"ResendRequest(2) from %d was not answered" % gap.begin
        life.cut(turn, DisconnectCause.RESEND_TIMEOUT, text)


def _ask(life: Life, turn: Turn, end: int) -> None:
    """Ask for everything from the expected number on; the gap reaches to `end`."""
    _open(life, turn, end, tries=1)
    turn.send(answers.resend_request(turn.next_in))


def _open(life: Life, turn: Turn, end: int, *, tries: int) -> None:
    if life.state is State.LOGGED_ON:
        life.move(Event.GAP_FOUND)
    life.gap = Gap(turn.next_in, end, turn.now_ns, tries)
