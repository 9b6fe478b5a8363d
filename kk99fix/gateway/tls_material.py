"""Certificates and keys of the TLS listener: read, checked and made into one SSL context.

Everything that is wrong with the files is found here, at a start as at a reload and by
`kk99fix check`: each mistake names venue.toml, the key in it and its line, and the file.
The files are read whole before any of them is used, and a context is never changed: what a reload
finds is another one.

What the context allows: TLS 1.2 with ECDHE and an AEAD cipher, and TLS 1.3; no compression, no
renegotiation, no tickets.  A client certificate is taken only with a chain to a CA of
[tls.client_ca]; a certificate that stands there itself is its own CA.
"""

import ssl
import stat
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from attrs import frozen
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from kk99fix.config.errors import Mistake
from kk99fix.config.toml_file import KeyPath, read
from kk99fix.config.venue import Tls
from kk99fix.gateway.tls_channel import subject_of

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
_CERTIFICATE: Final = ("tls", "certificate")
_PRIVATE_KEY: Final = ("tls", "private_key")
#: What the library says of bytes that are no certificate or no key, as far as it looks.
_BROKEN: Final = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion)


@frozen
class TlsMaterial:
    """What the listener works with until the next reload."""

    context: ssl.SSLContext
    #: Our certificate: who it says we are, its SHA-256, and until when it is valid.
    subject: str
    sha256: bytes
    not_after: datetime
    #: SHA-256 of a CA's certificate -> its name in venue.toml.
    ca_names: Mapping[bytes, str]


class _WrongError(Exception):
    """One file cannot be used; key and text."""

    def __init__(self, path: KeyPath, text: str) -> None:
        """Take what a person will read."""
        super().__init__(text)
        self.path = path
        self.text = text


def load_material(config_dir: Path, tls: Tls, now: datetime) -> TlsMaterial | list[Mistake]:
    """Read what [tls] names, relative to `config_dir`; everything that is wrong with it instead."""
    file = read(config_dir / "venue.toml")
    if isinstance(file, Mistake):
        return [file]
    loader = _Loader(config_dir, tls, now)
    material = loader.load()
    if material is None:
        return [file.mistake(wrong.path, wrong.text) for wrong in loader.wrong]
    return material


def mistakes_of_material(config_dir: Path, tls: Tls, now: datetime) -> list[Mistake]:
    """What is wrong with the files that [tls] names; nothing where it has no port."""
    found = load_material(config_dir, tls, now) if tls.listens else []
    return found if isinstance(found, list) else []


class _Loader:
    """Reads one set of files and collects what is wrong with them."""

    def __init__(self, config_dir: Path, tls: Tls, now: datetime) -> None:
        self._config_dir = config_dir
        self._tls = tls
        self._now = now
        self.wrong: list[_WrongError] = []

    def load(self) -> TlsMaterial | None:
        chain: list[x509.Certificate] = []
        authorities: dict[str, list[x509.Certificate]] = {}
        try:
            chain = self._own_chain()
            self._check_key(chain[0])
        except _WrongError as wrong:
            self.wrong.append(wrong)
        for name, file_name in self._tls.client_ca.items():
            try:
                authorities[name] = self._authority(name, file_name)
            except _WrongError as wrong:
                self.wrong.append(wrong)
        if self.wrong:
            return None
        try:
            context = self._context(authorities)
        except _WrongError as wrong:
            self.wrong.append(wrong)
            return None
        return TlsMaterial(
            context=context,
            subject=subject_of(chain[0]),
            sha256=chain[0].fingerprint(hashes.SHA256()),
            not_after=chain[0].not_valid_after_utc,
            ca_names={
                each.fingerprint(hashes.SHA256()): name
                for name, certificates in authorities.items()
                for each in certificates
            },
        )

    def _path(self, name: str) -> Path:
        return self._config_dir / name

    def _bytes(self, key: KeyPath, name: str) -> bytes:
        try:
            return self._path(name).read_bytes()
        except OSError as error:
            raise _WrongError(key, f"{self._path(name)} cannot be read: {error.strerror}") from None

    def _certificates(self, key: KeyPath, name: str) -> list[x509.Certificate]:
        try:
            return x509.load_pem_x509_certificates(self._bytes(key, name))
        except _BROKEN:
            text = f"{self._path(name)} holds no certificate in PEM form, or a broken one"
            raise _WrongError(key, text) from None

    def _own_chain(self) -> list[x509.Certificate]:
        name = self._tls.certificate or ""
        chain = self._certificates(_CERTIFICATE, name)
        for problem in self._times(chain[0]):
            raise _WrongError(_CERTIFICATE, f"{self._path(name)} {problem}")
        return chain

    def _times(self, certificate: x509.Certificate) -> Iterator[str]:
        after, before = certificate.not_valid_after_utc, certificate.not_valid_before_utc
        if self._now > after:
            yield f"expired at {after:%Y-%m-%d %H:%M:%S} UTC; a valid one would be right"
        if self._now < before:
            yield f"is not valid before {before:%Y-%m-%d %H:%M:%S} UTC; a valid one would be right"

    def _check_key(self, certificate: x509.Certificate) -> None:
        name = self._tls.private_key or ""
        data = self._bytes(_PRIVATE_KEY, name)
        mode = stat.S_IMODE(self._path(name).stat().st_mode)
        if mode & stat.S_IRWXO:
            text = f"{self._path(name)} is for everybody (mode {mode:04o}); 0600 would be right, "
            text += "and another key if somebody could have read it"
            raise _WrongError(_PRIVATE_KEY, text)
        try:
            key = load_pem_private_key(data, None)
        except TypeError:
            text = f"{self._path(name)} is encrypted; a key without passphrase would be right"
            raise _WrongError(_PRIVATE_KEY, text) from None
        except _BROKEN:
            text = f"{self._path(name)} holds no private key in PEM form, or a broken one"
            raise _WrongError(_PRIVATE_KEY, text) from None
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        try:
            certified = certificate.public_key().public_bytes(*form)
        except _BROKEN:
            text = f"{self._path(self._tls.certificate or '')} holds a broken certificate"
            raise _WrongError(_CERTIFICATE, text) from None
        if key.public_key().public_bytes(*form) != certified:
            raise _WrongError(
                _PRIVATE_KEY,
                f"{self._path(name)} is not the key of {self._path(self._tls.certificate or '')}; "
                "the key that it was made for would be right",
            )

    def _authority(self, name: str, file_name: str) -> list[x509.Certificate]:
        key = ("tls", "client_ca", name)
        certificates = self._certificates(key, file_name)
        problems = [list(self._times(each)) for each in certificates]
        if all(problems):
            raise _WrongError(key, f"{self._path(file_name)} {problems[0][0]}")
        return certificates

    def _context(self, authorities: dict[str, list[x509.Certificate]]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS)
        context.options |= (
            ssl.OP_NO_COMPRESSION
            | ssl.OP_NO_RENEGOTIATION
            | ssl.OP_NO_TICKET
            | ssl.OP_CIPHER_SERVER_PREFERENCE
        )
        context.num_tickets = 0
        try:
            context.load_cert_chain(
                self._path(self._tls.certificate or ""), self._path(self._tls.private_key or "")
            )
        except (ssl.SSLError, OSError) as error:
            text = f"{self._path(self._tls.certificate or '')} cannot be used: {error}"
            raise _WrongError(_CERTIFICATE, text) from None
        if authorities:
            for name, certificates in authorities.items():
                self._trust(context, name, certificates)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.verify_mode = (
                ssl.CERT_REQUIRED if self._tls.require_client_certificate else ssl.CERT_OPTIONAL
            )
        return context

    def _trust(
        self, context: ssl.SSLContext, name: str, certificates: list[x509.Certificate]
    ) -> None:
        data = b"".join(each.public_bytes(Encoding.DER) for each in certificates)
        try:
            context.load_verify_locations(cadata=data)
        except ssl.SSLError:  # OpenSSL looks at more than was read
            text = f"{self._path(self._tls.client_ca[name])} holds a broken certificate"
            raise _WrongError(("tls", "client_ca", name), text) from None
