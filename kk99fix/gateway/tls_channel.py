"""One TLS connection, sans I/O: ciphertext in and out, plaintext in and out.

The keys are in the SSL object of the standard library, which reads and writes two buffers in
memory; whoever moves bytes between those and a socket decides how many there may be.
"""

import contextlib
import hashlib
import ssl
from typing import Any, Final

from cryptography import x509

from kk99fix.gateway.peer import ClientCertificate

#: `_ssl.ENCODING_DER`.
_DER: Final = 2
#: Stands for a subject in characters that are none, as old CAs sign them; no file can name it.
UNREADABLE: Final = "unreadable"


class Channel:
    """A connection and its keys."""

    __slots__ = ("_pending", "_read", "_write", "incoming", "outgoing", "ssl_object")

    def __init__(self, context: ssl.SSLContext) -> None:
        """Begin the server's side of a connection."""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl_object = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self._read = self.ssl_object.read
        self._write = self.ssl_object.write
        self._pending = self.ssl_object.pending

    def decrypt(self, buffer: memoryview) -> tuple[int, bool]:
        """Decrypt into `buffer` what has come, as far as both go; how much, and whether it goes on.

        Raises `ssl.SSLError` when the bytes are not what the counterparty has sent.
        """
        read, pending, incoming = self._read, self._pending, self.incoming
        used, room = 0, len(buffer)
        try:
            while room and (incoming.pending or pending()):
                got = int(read(room, buffer[used:] if used else buffer))  # with a buffer it counts
                if not got:
                    return used, False
                used += got
                room -= got
        except ssl.SSLWantReadError:
            pass
        return used, True

    def encrypt(self, data: Any) -> bytes:  # noqa: ANN401 - any buffer
        """Return the ciphertext of all of `data`, with what the protocol has to say before it."""
        size = len(data)
        at = self._write(data)
        while at < size:
            at += self._write(memoryview(data)[at:])
        return self.outgoing.read()

    def farewell(self) -> bytes:
        """Return the ciphertext that says that nothing more will come."""
        with contextlib.suppress(ssl.SSLError):  # what the counterparty answers is not waited for
            self.ssl_object.unwrap()
        return self.outgoing.read()

    def certificate(self) -> bytes | None:
        """Return the certificate that the counterparty has shown, in DER form."""
        return self.ssl_object.getpeercert(binary_form=True)

    def issuers(self) -> list[bytes]:
        """SHA-256 of each certificate of the chain that was verified, up to one of a known CA.

        Empty where the session was resumed, and its chain verified when it began.
        """
        chain = _verified_chain(self.ssl_object) or []
        return [hashlib.sha256(each).digest() for each in chain]


def described(der: bytes, issuer: tuple[str, bytes] | None) -> ClientCertificate:
    """Return what the gateway keeps of a certificate; `issuer` is its CA's name and SHA-256."""
    parsed = x509.load_der_x509_certificate(der)
    sha256 = hashlib.sha256(der).digest()
    return ClientCertificate(sha256, subject_of(parsed), *(issuer or (None, None)))


def subject_of(certificate: x509.Certificate) -> str:
    """Return the subject of a certificate as RFC 4514 writes it."""
    try:
        return certificate.subject.rfc4514_string()
    except ValueError:
        return UNREADABLE


def _verified_chain(ssl_object: ssl.SSLObject) -> list[bytes] | None:
    """The chain in DER form; before Python 3.13 only the object behind the object tells it."""
    public = getattr(ssl_object, "get_verified_chain", None)
    if public is not None:
        found: list[bytes] = public()
        return found
    inner = ssl_object._sslobj  # type: ignore[attr-defined] # noqa: SLF001 - see above
    chain = inner.get_verified_chain()
    return None if chain is None else [each.public_bytes(_DER) for each in chain]
