"""The client certificates that a session file asks for: pinned by their SHA-256, or by CA and name.

    client_certificate = "sha256:9f86d0…"
    client_certificate = { ca = "partners", subject = "CN=broker1,O=Broker One" }
    client_certificate = ["sha256:9f86d0…", "sha256:60303a…"]

Of several one is enough: that is how a certificate is exchanged while its session trades.
"""

import re
from typing import Annotated, Final

from attrs import frozen
from cryptography.x509 import Name as X509Name

from kk99fix.config.values import Name, Satisfies

PIN_PREFIX: Final = "sha256:"
_PIN: Final = re.compile(r"sha256:([0-9a-fA-F]{64}|[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){31})")
RIGHT_PIN: Final = '"sha256:" and 64 hexadecimal digits'


@frozen
class Pin:
    """One certificate, by the SHA-256 of its DER form."""

    sha256: bytes

    def __str__(self) -> str:
        """Render as in the file."""
        return f"{PIN_PREFIX}{self.sha256.hex()}"


Subject = Annotated[
    str,
    Satisfies(
        X509Name.from_rfc4514_string,
        'a subject as `openssl x509 -noout -subject -nameopt RFC2253` prints it, such as "CN=bot"',
    ),
]


@frozen
class Issued:
    """Any certificate of this subject that the CA of this name in [tls.client_ca] has issued."""

    ca: Name
    subject: Subject

    def __str__(self) -> str:
        """Render for a person."""
        return f"{self.subject} of CA {self.ca}"


ClientCertificate = Pin | Issued
#: One is enough.
ClientCertificates = tuple[ClientCertificate, ...]


def parse_pin(text: str) -> Pin:
    """Read a pin, with or without colons between the bytes; ValueError says what would be right."""
    found = _PIN.fullmatch(text)
    if found is None:
        raise ValueError(f"{RIGHT_PIN} would be right")
    return Pin(bytes.fromhex(found[1].replace(":", "")))


def plain_subject(subject: str) -> str:
    """The subject in the one form in which two of them are compared."""
    return X509Name.from_rfc4514_string(subject).rfc4514_string()
