"""OrderMassStatusRequest(AF): a valid one becomes a request to the core, or is refused.

MassStatusReqType(585) 7 asks for all open orders of the session, 1 for those of one Symbol(55).
Symbol(55), Account(1) and Side(54) restrict both where they are given; parties and trading sessions
say who asks and when, and are not looked at.

What cannot be asked at all is refused by BusinessMessageReject(j).
Everything else is answered by the core: a report for each order, or one that says why there is
none.
"""

from typing import Final

from kk99fix.fix import encode, tables
from kk99fix.fix.message import Message
from kk99fix.fix.validate import BusinessError
from kk99fix.matcher.engine import MASS_STATUS_ID_MAX, Engine
from kk99fix.matcher.values import Command
from kk99fix.session import answers

_ONE_SECURITY: Final = 1
_ALL_ORDERS: Final = 7


def submit(engine: Engine, session: int, message: Message) -> None:
    """Answer a valid AF of `session` inside the open unit."""
    error = _error(engine, session, message)
    if error is None:
        engine.mass_status(session, _command_of(message))
    else:
        reject = answers.business_reject(message, message.get_int(34) or 0, error)
        engine.send(session, reject.msg_type, encode.body(reject.fields))


def _error(engine: Engine, session: int, message: Message) -> BusinessError | None:
    """Why the request cannot be asked; None if it can."""
    if len(message.get(584) or b"") > MASS_STATUS_ID_MAX:
        text = b"MassStatusReqID(584) must have at most %d bytes" % MASS_STATUS_ID_MAX
        return BusinessError(answers.OTHER_BUSINESS, text)
    if message.get_int(585) == _ONE_SECURITY and message.get(55) is None:
        text = b"Conditionally Required Field Missing: Symbol(55)"
        return BusinessError(answers.CONDITIONALLY_REQUIRED_MISSING, text)
    if engine.mass_status_pending(session):
        text = b"an earlier OrderMassStatusRequest(AF) is still being answered"
        return BusinessError(answers.OTHER_BUSINESS, text)
    return None


def _command_of(message: Message) -> Command:
    get = message.get
    supported = message.get_int(585) in {_ONE_SECURITY, _ALL_ORDERS}
    return Command(
        kind="H",
        clord_id=b"",
        account=get(1) or b"",
        symbol=get(55) or b"",
        status_req_id=get(584) or b"",
        sender_sub_id=get(50) or b"",
        target_sub_id=get(57) or b"",
        side=(get(54) or b"").decode("ascii"),
        reason=0 if supported else tables.REJECT_CODES["UNSUPPORTED_MASS_STATUS"].number,
    )
