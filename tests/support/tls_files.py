"""Certificates for tests, made on the spot, and a venue.toml that listens with them."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from support.config_folder import ConfigFolder
from support.live_gateway import SMALL

HOST = "127.0.0.1"
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


@attrs.frozen
class Pair:
    """A certificate with its chain, and its key, in PEM form."""

    chain: bytes
    key: bytes = attrs.field(repr=False)

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate itself."""
        return x509.load_pem_x509_certificate(self.chain)

    @property
    def pin(self) -> str:
        """What a session file says of it."""
        return f"sha256:{self.certificate.fingerprint(hashes.SHA256()).hex()}"

    @property
    def subject(self) -> str:
        """Its subject as a session file says it."""
        return self.certificate.subject.rfc4514_string()

    def write(self, folder: Path, name: str) -> None:
        """Write NAME.pem and NAME.key."""
        (folder / f"{name}.pem").write_bytes(self.chain)
        (folder / f"{name}.key").touch(mode=0o600)
        (folder / f"{name}.key").write_bytes(self.key)


def name_of(common_name: str, organization: str = "Broker One") -> x509.Name:
    """A subject."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


class Authority:
    """A CA of ours, with trustme's key, that issues whatever a test asks for."""

    def __init__(self, parent: "Authority | None" = None) -> None:
        """Begin a root, or one below another."""
        self._ca: trustme.CA = trustme.CA() if parent is None else parent._ca.create_child_ca()
        self._between: bytes = (
            b"" if parent is None else self._ca.cert_pem.bytes() + parent._between
        )

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self._ca.cert_pem.bytes()

    def server(self) -> Pair:
        """Issue a certificate for the gateway."""
        return self._pair(self._ca.issue_cert(HOST, "localhost"))

    def client(self, common_name: str = "broker1", organization: str = "Broker One") -> Pair:
        """Issue a client's certificate as most CAs would."""
        return self.issue(name_of(common_name, organization))

    def issue(
        self,
        subject: x509.Name,
        *,
        usage: x509.ObjectIdentifier = CLIENT,
        valid_from: timedelta = timedelta(days=-1),
        valid_for: timedelta = timedelta(days=30),
    ) -> Pair:
        """Issue a certificate with these dates and purpose."""
        signer = serialization.load_pem_private_key(self._ca.private_key_pem.bytes(), None)
        issuer = x509.load_pem_x509_certificate(self.pem)
        pair = make(subject, issuer.subject, signer, usage, valid_from, valid_for)
        return attrs.evolve(pair, chain=pair.chain + self._between)

    def unreadable(self) -> Pair:
        """Issue one that OpenSSL takes, with a name in T61 that is no UTF-8."""
        pair, name = self.client("XXXX"), b"\x0c\x04XXXX"
        whole = pair.certificate.public_bytes(serialization.Encoding.DER)
        old = pair.certificate.tbs_certificate_bytes
        new = old.replace(name, b"\x14\x04" + b"\xff" * 4)
        signer = serialization.load_pem_private_key(self._ca.private_key_pem.bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        signature = b"\0" + signer.sign(new, ec.ECDSA(hashes.SHA256()))
        begin = whole.index(old) + len(old)
        algorithm = whole[begin : begin + 2 + whole[begin + 1]]
        content = new + algorithm + bytes([3, len(signature)]) + signature
        der = b"\x30\x82" + len(content).to_bytes(2, "big") + content
        return attrs.evolve(pair, chain=ssl.DER_cert_to_PEM_cert(der).encode("ascii"))

    def _pair(self, leaf: trustme.LeafCert) -> Pair:
        chain = b"".join(each.bytes() for each in leaf.cert_chain_pems)
        return Pair(chain, leaf.private_key_pem.bytes())


def self_signed(subject: x509.Name, usage: x509.ObjectIdentifier = CLIENT) -> Pair:
    """A certificate that nobody vouches for."""
    return make(subject, None, None, usage, timedelta(days=-1), timedelta(days=30))


def make(
    subject: x509.Name,
    issuer: x509.Name | None,
    signer: object,
    usage: x509.ObjectIdentifier,
    valid_from: timedelta,
    valid_for: timedelta,
) -> Pair:
    """Make a key and a certificate for it; without an issuer signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    begins = datetime.now(UTC) + valid_from
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + valid_for)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    certificate = builder.sign(signer or key, hashes.SHA256())  # type: ignore[arg-type]
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


class TlsFolder(ConfigFolder):
    """The shipped files with small pools and a TLS listener on a free port."""

    def __init__(self, root: Path, changes: dict[str, str] | None = None) -> None:
        """Write a server's certificate and the CA of partners; further texts are replaced."""
        super().__init__(root)
        self.ca, self.partners = Authority(), Authority()
        self.ca_file = self.config / "server-ca.pem"
        self.ca_file.write_bytes(self.ca.pem)
        self.ca.server().write(self.config, "server")
        (self.config / "partners.pem").write_bytes(self.partners.pem)
        for old, new in (SMALL | (changes or {})).items():
            self.replace("config/venue.toml", old, new)
        self.add(
            "config/venue.toml",
            '[tls]\nport = 0\ncertificate = "server.pem"\nprivate_key = "server.key"\n'
            'client_ca = { partners = "partners.pem" }\n',
        )

    def add(self, name: str, text: str) -> None:
        """Put `text` behind what a file says."""
        path = self.root / name
        path.write_text(f"{path.read_text()}\n{text}")

    def trust(self, name: str, pem: bytes) -> None:
        """Add a CA of client certificates."""
        (self.config / f"{name}.pem").write_bytes(pem)
        old = 'partners = "partners.pem" }\n'
        self.replace("config/venue.toml", old, f'{name} = "{name}.pem", {old}')

    def logon(self, comp_id: str, *lines: str) -> None:
        """Add lines to [logon] of a session."""
        self.replace(f"sessions/{comp_id}.toml", "[logon]", "\n".join(["[logon]", *lines]))
