"""A message in its turn, by MsgType(35): what it asks for, once its number is consumed.

Also what a counterparty may ask for at any time: a jump of the numbers.
"""

from kk99fix.fix.encode import ECHO_MAX
from kk99fix.fix.message import FieldError, Message
from kk99fix.fix.validate import BusinessError
from kk99fix.session import answers, checks, resends
from kk99fix.session.effects import Deliver, DisconnectCause
from kk99fix.session.life import Life
from kk99fix.session.rules import ORDER_ENTRY_TYPES
from kk99fix.session.turn import Turn


def handle(life: Life, turn: Turn, message: Message, msg_seq_num: int) -> None:
    """Validate a message (case 14), consume its number, and do what it asks for."""
    msg_type = message.msg_type
    error = None if msg_type == b"5" else life.validate(turn, message)  # leaving always works
    if isinstance(error, FieldError):
        turn.consume(msg_seq_num)
        life.reject(turn, message, msg_seq_num, error)
    elif msg_type == b"4":
        _gap_fill(life, turn, message, msg_seq_num)
    else:
        turn.consume(msg_seq_num)
        resends.note_processed(life, message)
        if msg_type not in checks.ADMIN_TYPES:
            _application(life, turn, message, msg_seq_num, error)
        elif not message.get_bool(43):
            _admin(life, turn, message, msg_seq_num)


def sequence_reset(life: Life, turn: Turn, message: Message, msg_seq_num: int) -> None:
    """SequenceReset(4) in mode Reset: its own number does not matter (case 11)."""
    error = life.validate(turn, message)
    new_seq_no = checks.seq_num(message, 36)
    if isinstance(error, FieldError):
        turn.consume(msg_seq_num)
        life.reject(turn, message, msg_seq_num, error)
    elif new_seq_no is None or new_seq_no < turn.next_in:
        life.reject(turn, message, msg_seq_num, checks.new_seq_no_fault(message, turn.next_in))
    elif new_seq_no > turn.next_in:
        _jump(life, turn, new_seq_no)


def _gap_fill(life: Life, turn: Turn, message: Message, msg_seq_num: int) -> None:
    """SequenceReset(4) in mode GapFill, in its turn (case 10)."""
    new_seq_no = checks.seq_num(message, 36)
    if new_seq_no is None or new_seq_no <= msg_seq_num:
        turn.consume(msg_seq_num)
        life.reject(turn, message, msg_seq_num, checks.new_seq_no_fault(message, turn.next_in))
    else:
        _jump(life, turn, new_seq_no)


def _jump(life: Life, turn: Turn, new_seq_no: int) -> None:
    if new_seq_no - turn.next_in > life.rules.new_seq_no_jump_max:
        text = b"NewSeqNo(36) leads by more than %d" % life.rules.new_seq_no_jump_max
        life.cut(turn, DisconnectCause.NEW_SEQ_NO_JUMP, text)
    else:
        turn.expect(new_seq_no)


def _admin(life: Life, turn: Turn, message: Message, msg_seq_num: int) -> None:
    fault = None
    match message.msg_type:
        case b"1":
            fault = _answer_test(turn, message)
        case b"2":
            fault = resends.serve(life, turn, message)
        case b"5":
            turn.send(answers.logout(b""))
            life.end(turn, DisconnectCause.PEER_LOGOUT)
        case b"A":
            fault = FieldError(answers.OTHER, 0, b"Logon(A) on an established session")
    if fault is not None:
        life.reject(turn, message, msg_seq_num, fault)


def _answer_test(turn: Turn, message: Message) -> FieldError | None:
    """Answer a TestRequest(1) with its TestReqID(112) (case 4b)."""
    test_req_id = message.get(112) or b""
    if len(test_req_id) > ECHO_MAX:
        text = b"TestReqID(112) must have at most %d bytes" % ECHO_MAX
        return FieldError(answers.VALUE_INCORRECT, 112, text)
    turn.send(answers.heartbeat(test_req_id))
    return None


def _application(
    life: Life, turn: Turn, message: Message, msg_seq_num: int, error: BusinessError | None
) -> None:
    """Deliver an application message, or say why this session does not take it (case 2r)."""
    msg_type = message.msg_type
    if msg_type not in life.rules.application_types:
        text = b"Unsupported Message Type"
        error = error or BusinessError(answers.UNSUPPORTED_MESSAGE_TYPE, text)
    elif msg_type in ORDER_ENTRY_TYPES and not life.rules.order_entry:
        error = BusinessError(answers.NOT_AUTHORIZED, b"Not authorized: no order entry")
    if error is None:
        turn.add(Deliver(message))
    elif msg_type != b"j":
        turn.send(answers.business_reject(message, msg_seq_num, error))
