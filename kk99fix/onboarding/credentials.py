"""Credentials of a new session: made here, shown once, kept as hash or sealed.

Everything that is random comes from the operating system.
"""

import base64
import io
import os
from typing import Final

import pyotp
import segno
from argon2 import PasswordHasher
from attrs import field, frozen

#: 144 bits, in 24 characters that are easy to copy.
PASSWORD_BYTES: Final = 18
#: As long as the SHA-1 of RFC 6238 makes use of.
SEED_BYTES: Final = 20
#: Steps of 30 seconds that the device's clock may be off, either way.
STEPS_OFF: Final = 1


@frozen
class Password:
    """A password in clear, and what is kept of it."""

    clear: str = field(repr=False)
    hash: str = field(repr=False)


def new_password() -> Password:
    """Return a password that nobody has had before."""
    clear = base64.urlsafe_b64encode(os.urandom(PASSWORD_BYTES)).decode("ascii")
    return Password(clear, PasswordHasher().hash(clear))


@frozen
class Enrolment:
    """A seed on its way to the counterparty's device."""

    seed: bytes = field(repr=False)
    comp_id: str
    issuer: str

    @property
    def secret(self) -> str:
        """The seed as people type it into a device."""
        return base64.b32encode(self.seed).decode("ascii")

    @property
    def uri(self) -> str:
        """What the QR code holds."""
        return pyotp.TOTP(self.secret).provisioning_uri(name=self.comp_id, issuer_name=self.issuer)

    def qr_code(self) -> str:
        """Return the QR code as lines for a terminal."""
        lines = io.StringIO()
        segno.make(self.uri, error="m", micro=False).terminal(lines, compact=True)
        return lines.getvalue()

    def accepts(self, code: str) -> bool:
        """Whether the device shows this code now, so that it holds the same seed."""
        return pyotp.TOTP(self.secret).verify(code.replace(" ", ""), valid_window=STEPS_OFF)


def new_enrolment(comp_id: str, issuer: str) -> Enrolment:
    """Return a seed that nobody has had before."""
    return Enrolment(os.urandom(SEED_BYTES), comp_id, issuer)
