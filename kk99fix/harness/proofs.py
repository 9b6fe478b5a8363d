"""What a client's Logon(A) proves itself by: a password, a one-time code, or a signature.

The other side of what the gateway checks, written for itself: a mistake in one shows in the other.
"""

import base64
from typing import Final

import attrs
import pyotp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kk99fix.fix.message import Pair
from kk99fix.fix.values import format_utc_timestamp

NS_PER_S: Final = 1_000_000_000
_SOH: Final = b"\x01"


@attrs.frozen(kw_only=True)
class Identity:
    """Who logs on, as whom, and how."""

    #: SenderCompID(49) and TargetCompID(56) of what the client sends.
    sender_comp_id: str = attrs.field(kw_only=False)
    target_comp_id: str = attrs.field(kw_only=False)
    #: Username(553) and Password(554), if the session has them; the former may be a key's id.
    username: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    #: Of the one-time codes, if the session has them; the code goes into RawData(96),
    totp_seed: bytes | None = attrs.field(default=None, repr=False)
    #: or behind the password.
    code_behind_password: bool = False
    #: The private key that signs each Logon(A), 32 bytes, if the session has one.
    signing_key: bytes | None = attrs.field(default=None, repr=False)
    #: HeartBtInt(108).
    heart_bt_int_s: int = 30
    #: Whether the session's dialect is kk99.
    kk99: bool = False


def proof_fields(identity: Identity, number: int, now_ns: int) -> tuple[Pair, ...]:
    """Return the fields that prove a Logon(A) of this MsgSeqNum(34), sent now."""
    password, data = identity.password, b""
    if identity.totp_seed is not None:
        code = _code(identity.totp_seed, now_ns)
        if identity.code_behind_password:
            password = (password or "") + code
        else:
            data = b"TOTP " + code.encode("ascii")
    if identity.signing_key is not None:
        data = _signature(identity, identity.signing_key, number, now_ns)
    fields: list[Pair] = []
    if identity.username is not None:
        fields.append((553, identity.username.encode()))
    if password is not None:
        fields.append((554, password.encode()))
    if data:
        fields += [(95, b"%d" % len(data)), (96, data)]
    return tuple(fields)


def _code(seed: bytes, now_ns: int) -> str:
    totp = pyotp.TOTP(base64.b32encode(seed).decode("ascii"))
    # By the step: `TOTP.at` goes through local time, which has an hour twice a year.
    return totp.generate_otp(now_ns // NS_PER_S // totp.interval)


def _signature(identity: Identity, key: bytes, number: int, now_ns: int) -> bytes:
    """Sign MsgType(35), both CompIDs, MsgSeqNum(34) and SendingTime(52), joined by SOH."""
    values = (
        b"A",
        identity.sender_comp_id.encode(),
        identity.target_comp_id.encode(),
        b"%d" % number,
        format_utc_timestamp(now_ns),
    )
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(key).sign(_SOH.join(values)))
