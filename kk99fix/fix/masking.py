"""Masks the secrets of a frame at equal length, so that it can be journaled and logged.

Password(554) and NewPassword(925) of any message, and RawData(96) of a Logon(A) or UserRequest(BE),
become `*`, and CheckSum(10) is made right again. Data that holds SOH is masked whole.
In a frame whose fields do not stand as they should, everything behind the first secret is masked.
"""

from typing import Final

from kk99fix.fix.framing import TRAILER_LENGTH, checksum
from kk99fix.fix.message import SECRET_TAGS, Message
from kk99fix.fix.split import split

#: Secret wherever a counterparty puts them, also where no rule of FIX has a place for them.
_PASSWORD_TAGS: Final = frozenset({554, 925})
#: Messages whose RawData(96) proves something.
_MSG_TYPES: Final = frozenset({b"A", b"BE"})

#: Also behind what should not stand before a tag, such as a zero or a space.
_STARTS: Final = {tag: b"%d=" % tag for tag in SECRET_TAGS}


def mask(raw: bytes) -> bytes:
    """Return the frame without its secrets, of the same length and with a right CheckSum(10).

    A frame without a secret comes back as it is.
    """
    if not _may_hold(raw, SECRET_TAGS):
        return raw
    message = split(raw)
    tags = SECRET_TAGS if message.msg_type in _MSG_TYPES else _PASSWORD_TAGS
    return _masked(raw, message, tags) if _may_hold(raw, tags) else raw


def mask_whatever(raw: bytes) -> bytes:
    """Mask bytes of any kind, for the log: a stranger's first message may be anything.

    Bytes without a secret come back as they are.
    """
    if len(raw) <= TRAILER_LENGTH or not _may_hold(raw, SECRET_TAGS):
        return raw
    return _masked(raw, split(raw), SECRET_TAGS)


def _may_hold(raw: bytes, tags: frozenset[int]) -> bool:
    """Whether something looks like one of these tags."""
    return any(_STARTS[tag] in raw for tag in tags)


def _masked(raw: bytes, message: Message, tags: frozenset[int]) -> bytes:
    masked = bytearray(raw)
    if message.fault is None:
        _mask_fields(masked, message, tags)
    else:
        _mask_rest(masked, tags)
    trailer = len(raw) - TRAILER_LENGTH
    masked[trailer:] = b"10=%03d\x01" % checksum(masked[:trailer])
    return bytes(masked)


def _mask_fields(masked: bytearray, message: Message, tags: frozenset[int]) -> None:
    position = 0
    for tag, value in message.fields:
        start = position + len(b"%d=" % tag)
        position = start + len(value) + 1
        if tag in tags:
            masked[start : start + len(value)] = b"*" * len(value)


def _mask_rest(masked: bytearray, tags: frozenset[int]) -> None:
    """Mask all but SOH from the first thing that looks like a secret on."""
    found = [masked.find(_STARTS[tag]) for tag in tags]
    begin = min((position for position in found if position >= 0), default=len(masked))
    for position in range(begin, len(masked) - TRAILER_LENGTH):
        if masked[position] != 1:
            masked[position] = 0x2A
