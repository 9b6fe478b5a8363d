"""What a party logs on with, from the texts of a script; none of it is ever shown."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from kk99fix.harness.client import Identity
from kk99fix.harness.secrecy import Secrets

_SECRET_OPTIONS: Final = ("password", "totp_seed", "signing_key")
_KEY_BYTES: Final = 32
_HEART_BT_INT_S: Final = "30"


class BadValueError(ValueError):
    """A value that was filled in cannot be used; the text says what would be right."""


def identity_of(options: Mapping[str, str], secrets: Secrets, *, kk99: bool) -> Identity:
    """Return who a party is; options that are not there, or were empty, are none."""
    for name in _SECRET_OPTIONS:
        secrets.keep(options.get(name, ""))
    for name in ("sender", "target"):
        if name not in options:
            raise BadValueError(f"{name}= is empty: a CompID is wanted")
    return Identity(
        options["sender"],
        options["target"],
        username=options.get("username"),
        password=options.get("password"),
        totp_seed=_seed(options.get("totp_seed")),
        signing_key=_key(options.get("signing_key")),
        heart_bt_int_s=whole(options.get("heartbeat", _HEART_BT_INT_S), "heartbeat"),
        kk99=kk99,
    )


def whole(text: str, what: str) -> int:
    """Return a whole number; BadValueError names what is none."""
    if not text.isascii() or not text.isdigit():
        raise BadValueError(f"{what}={text!r}: a whole number is wanted")
    return int(text)


def _seed(text: str | None) -> bytes | None:
    """Return the seed that a device was given; the text itself is in no error."""
    if text is None:
        return None
    try:
        return base64.b32decode(text.replace(" ", "").upper() + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise BadValueError("totp_seed= is no Base32: what is typed into a device is") from None


def _key(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise BadValueError("signing_key= is no Ed25519 private key: 64 hex digits are wanted")
    return key
