"""One-time codes of RFC 6238: where they stand in a Logon(A), and of which moment one is.

RawData(96) is `TOTP 123456` beside the password, or the six digits stand behind the password.
A code is good from one step before its own to one after; which of these were used before is the
venue's to know.
"""

import base64
import hmac
import re
from typing import Final

import pyotp
from attrs import field, frozen

from kk99fix.fix.message import Message

STEP_NS: Final = 30 * 1_000_000_000
#: Steps before and after the present one whose codes are good.
WINDOW: Final = 1
DIGITS: Final = 6
_RAW_DATA: Final = re.compile(rb"TOTP ([0-9]{6})")
_CODE: Final = re.compile(rb"[0-9]{6}")


@frozen
class GivenPassword:
    """What a Logon(A) says beside its Username(553)."""

    password: bytes = field(repr=False)
    #: None where none was asked for, or none is there.
    code: bytes | None = field(default=None, repr=False)


def given_password(message: Message, *, with_code: bool) -> GivenPassword:
    """Read password and, where the session file asks for one, code."""
    password = message.get(554) or b""
    if not with_code:
        return GivenPassword(password)
    data = message.get(96)
    if data is not None:
        match = _RAW_DATA.fullmatch(data)
        return GivenPassword(password, None if match is None else match[1])
    code = password[-DIGITS:]
    if _CODE.fullmatch(code) is None:
        return GivenPassword(password)
    return GivenPassword(password[:-DIGITS], code)


def steps_of(seed: bytes, code: bytes, utc_ns: int, last_step: int) -> tuple[int, ...]:
    """Return the steps around the present one that this is the code of, latest first.

    The present one is never before `last_step`, the last accepted, wherever the clock may be.
    """
    # A code of RFC 6238 is one of RFC 4226 whose counter is the step.
    codes = pyotp.HOTP(base64.b32encode(seed).decode("ascii"), digits=DIGITS)
    now = max(utc_ns // STEP_NS, last_step)
    steps = range(now + WINDOW, max(now - WINDOW, 0) - 1, -1)
    return tuple(s for s in steps if hmac.compare_digest(codes.at(s).encode("ascii"), code))
