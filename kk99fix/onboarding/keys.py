"""What a counterparty hands over to be known by: a public key, a certificate.

What is neither stays as it was given, so that the configuration refuses it in its own words.
"""

import base64
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from kk99fix.config.public_key import public_key


def public_key_text(given: str) -> str:
    """Return the key as one line of base64; `given` is that, or a file with a key."""
    text = _content(given)
    try:
        return base64.b64encode(public_key(text).public_bytes_raw()).decode("ascii")
    except ValueError:
        return text


def certificate_pin(given: str) -> str:
    """Return "sha256:" and the hash; `given` is that, or a PEM or DER file with the certificate."""
    path = Path(given)
    if not path.is_file():
        return given
    content = path.read_bytes()
    try:
        if content.lstrip().startswith(b"-----"):
            certificate = x509.load_pem_x509_certificate(content)
        else:
            certificate = x509.load_der_x509_certificate(content)
    except ValueError:
        return given
    return f"sha256:{certificate.fingerprint(SHA256()).hex()}"


def _content(given: str) -> str:
    path = Path(given)
    try:
        return path.read_text(encoding="ascii") if path.is_file() else given
    except (OSError, UnicodeError):
        return given
