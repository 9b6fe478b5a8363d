"""Who is at the other end of a connection, as far as the connection itself says it.

The address that counts (behind a balancer: whom its PROXY header names), whether the bytes came
over TLS, and the certificate that the counterparty has shown there, whose chain was verified in the
handshake.
What a session demands of it stands in its file, and is not decided here.
"""

from typing import Final

from attrs import frozen

from kk99fix.fix.encode import printable

SUBJECT_MAX_CHARACTERS: Final = 200


@frozen
class ClientCertificate:
    """A certificate that a counterparty has proved to hold, of a chain that a known CA signed."""

    #: SHA-256 of its DER form: what a session file pins.
    sha256: bytes
    #: Its subject as RFC 4514 writes it, such as `CN=broker1,O=Broker One`.
    subject: str
    #: The name in venue.toml of the CA that its chain ends in.
    issuer_name: str | None = None
    #: SHA-256 of that CA's own certificate: the name may come to mean another one.
    issuer_sha256: bytes | None = None

    @property
    def shown_subject(self) -> str:
        """Its subject for logs and people: whoever had it signed has chosen the characters."""
        return printable(self.subject.encode("utf-8", "replace"), SUBJECT_MAX_CHARACTERS)


@frozen
class Peer:
    """The other end of one connection."""

    address: str
    tls: bool = False
    certificate: ClientCertificate | None = None
