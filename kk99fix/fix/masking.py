"""Masks the secrets of a frame at equal length, so that it can be journaled and logged.

Password(554), NewPassword(925) and RawData(96) of a Logon(A) or UserRequest(BE) become `*`,
and CheckSum(10) is made right again. Data that holds SOH is masked whole.
In a frame whose fields do not stand as they should, everything behind the first secret is masked.
"""

from typing import Final

from kk99fix.fix.framing import TRAILER_LENGTH, checksum
from kk99fix.fix.message import Message
from kk99fix.fix.split import split

SECRET_TAGS: Final = frozenset({96, 554, 925})
MSG_TYPES: Final = frozenset({b"A", b"BE"})

#: Also behind what should not stand before a tag, such as a zero or a space.
_SECRET_STARTS: Final = tuple(b"%d=" % tag for tag in sorted(SECRET_TAGS))


def mask(raw: bytes) -> bytes:
    """Return the frame without its secrets, of the same length and with a right CheckSum(10)."""
    message = split(raw)
    return _masked(raw, message) if message.msg_type in MSG_TYPES else raw


def mask_whatever(raw: bytes) -> bytes:
    """Mask bytes of any kind, for the log: a stranger's first message may be anything.

    Bytes without a secret come back as they are.
    """
    if len(raw) <= TRAILER_LENGTH or not any(start in raw for start in _SECRET_STARTS):
        return raw
    return _masked(raw, split(raw))


def _masked(raw: bytes, message: Message) -> bytes:
    masked = bytearray(raw)
    if message.fault is None:
        _mask_fields(masked, message)
    else:
        _mask_rest(masked)
    trailer = len(raw) - TRAILER_LENGTH
    masked[trailer:] = b"10=%03d\x01" % checksum(masked[:trailer])
    return bytes(masked)


def _mask_fields(masked: bytearray, message: Message) -> None:
    position = 0
    for tag, value in message.fields:
        start = position + len(b"%d=" % tag)
        position = start + len(value) + 1
        if tag in SECRET_TAGS:
            masked[start : start + len(value)] = b"*" * len(value)


def _mask_rest(masked: bytearray) -> None:
    """Mask all but SOH from the first thing that looks like a secret on."""
    found = [masked.find(start) for start in _SECRET_STARTS]
    begin = min((position for position in found if position >= 0), default=len(masked))
    for position in range(begin, len(masked) - TRAILER_LENGTH):
        if masked[position] != 1:
            masked[position] = 0x2A
