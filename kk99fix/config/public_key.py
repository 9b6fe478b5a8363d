"""Public keys of counterparties in session files: Ed25519, in the forms in which people have them.

PEM as `openssl pkey -pubout` writes it, or base64 of that DER form or of the 32 bytes themselves.
"""

import base64
import binascii

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

KEY_BYTES = 32


def public_key(text: str) -> Ed25519PublicKey:
    """Return the key that `text` is; ValueError for anything else."""
    text = text.strip()
    try:
        if text.startswith("-----"):
            key = load_pem_public_key(text.encode("ascii"))
        else:
            data = base64.b64decode("".join(text.split()), validate=True)
            if len(data) == KEY_BYTES:
                return Ed25519PublicKey.from_public_bytes(data)
            key = load_der_public_key(data)
    except (binascii.Error, UnicodeError, UnsupportedAlgorithm) as error:
        raise ValueError("not a public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("a public key of another algorithm")  # noqa: TRY004 - a wrong value
    return key
