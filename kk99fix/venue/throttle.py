"""What a session sends faster than it may, where that is not the core's to refuse.

The core counts every message of the application and refuses D, F and G itself, as commands.
The others are refused here, with BusinessMessageReject(j) and the core's own words.
"""

from typing import Final

from kk99fix.fix import encode
from kk99fix.fix.message import Message
from kk99fix.fix.validate import BusinessError
from kk99fix.matcher.engine import Engine
from kk99fix.session import answers

#: Text(58) of the Logout(5) that ends a session that goes on too fast.
LOGOUT_TEXT: Final = b"THROTTLED; the session went on sending more than it may"
_COMMANDS: Final = frozenset({b"D", b"F", b"G"})


def refuses(engine: Engine, session: int, message: Message) -> bool:
    """Whether a valid message is above the session's limits; then it has been refused."""
    text = b"" if message.msg_type in _COMMANDS else engine.throttle(session)
    if not text:
        return False
    error = BusinessError(answers.OTHER_BUSINESS, text)
    reject = answers.business_reject(message, message.get_int(34) or 0, error)
    engine.send(session, reject.msg_type, encode.body(reject.fields))
    return True
