"""The counterparty's ResendRequest(2): served at once, but not for ever.

A counterparty that asks for the same messages over and over does not take them: every further
resend would only lead to the next request.
So a row of requests with the same BeginSeqNo(7) has an end.
It is no row any longer when the counterparty's receiving side moves on, which shows in another
BeginSeqNo(7) or in a LastMsgSeqNumProcessed(369) that reaches it, or after a long time without one.
"""

from kk99fix.fix.message import FieldError, Message
from kk99fix.session import checks
from kk99fix.session.effects import DisconnectCause, Resend
from kk99fix.session.life import Life, Served
from kk99fix.session.turn import Turn


def serve(life: Life, turn: Turn, message: Message) -> FieldError | None:
    """Answer a ResendRequest(2) (case 8), unless its range is wrong or it never ends."""
    wanted = checks.resend_range(message, turn.next_out - 1)
    if isinstance(wanted, FieldError):
        return wanted
    note_processed(life, message)
    life.served = _served(life, turn.now_ns, wanted[0])
    if life.served.times > life.rules.same_resend_max:
        text = b"ResendRequest(2) from %d was answered %d times already"
        life.cut(turn, DisconnectCause.RESEND_LOOP, text % (wanted[0], life.served.times - 1))
    else:
        turn.add(Resend(*wanted))
    return None


def note_processed(life: Life, message: Message) -> None:
    """Take note of a LastMsgSeqNumProcessed(369); only one that rises shows that anything moved."""
    processed = checks.seq_num(message, 369)
    if processed is None or processed <= life.processed:
        return
    life.processed = processed
    if life.served is not None and processed >= life.served.begin:
        life.served = None


def _served(life: Life, now_ns: int, begin: int) -> Served:
    """Count the request within its row."""
    row = life.served
    goes_on = (
        row is not None
        and row.begin == begin
        and now_ns - row.at_ns < life.rules.same_resend_forget_ns
    )
    return Served(begin, now_ns, row.times + 1 if row is not None and goes_on else 1)
