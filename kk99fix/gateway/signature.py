"""Signed logons: RawData(96) of a Logon(A) is a signature over its header, as crypto venues do it.

What is signed are the values of MsgType(35), SenderCompID(49), TargetCompID(56), MsgSeqNum(34) and
SendingTime(52), joined by SOH; RawData(96) is the Ed25519 signature of that in base64.
"""

import base64
import binascii
from typing import Final

from cryptography.exceptions import InvalidSignature

from kk99fix.config.public_key import public_key
from kk99fix.fix.message import Message
from kk99fix.fix.values import utc_timestamp_ns

SIGNED_TAGS: Final = (35, 49, 56, 34, 52)


def is_signed(message: Message, key: str) -> bool:
    """Whether RawData(96) is the signature of this Logon(A) under a public key."""
    values = [message.get(tag) for tag in SIGNED_TAGS]
    try:
        signature = base64.b64decode(message.get(96) or b"", validate=True)
        signed = b"\x01".join(value for value in values if value is not None)
        public_key(key).verify(signature, signed)
    except (InvalidSignature, binascii.Error):
        return False
    return None not in values


def signed_ns(message: Message) -> int | None:
    """Return the SendingTime(52) that is signed, None where it is none."""
    return utc_timestamp_ns(message.get(52))
