import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from support.config_folder import ConfigFolder

from kk99fix.config.public_key import public_key

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = PRIVATE.public_key().public_bytes_raw()
DER = PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(RAW).decode(),
        base64.b64encode(DER).decode(),
        f"  {base64.b64encode(RAW).decode()}\n",
        PEM.decode(),
        f"\n{PEM.decode()}\n",
    ],
)
def test_forms(text: str) -> None:
    """PEM, and base64 of the DER form or of the key alone, are the same key."""
    assert public_key(text).public_bytes_raw() == RAW


def other_keys() -> list[str]:
    """Keys that are none of ours."""
    spki = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    own = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return [
        rsa.generate_private_key(65537, 2048).public_key().public_bytes(*spki).decode(),
        ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*spki).decode(),
        ed448.Ed448PrivateKey.generate().public_key().public_bytes(*spki).decode(),
        own.decode(),
        base64.b64encode(RAW[:31]).decode(),
        base64.b64encode(RAW + b"\0").decode(),
        RAW.hex(),
        PEM.decode()[:-30],
        "-----",
        "ключ",
        "",
    ]


@pytest.mark.parametrize("text", other_keys())
def test_what_is_no_public_key(text: str) -> None:
    """Another algorithm, a private key, too few bytes or anything else is refused."""
    with pytest.raises(ValueError, match=r"."):
        public_key(text)


def test_a_private_key_is_not_shown(folder: ConfigFolder) -> None:
    """Whoever pastes it into a session file is told what would be right, and no byte of it."""
    own = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    folder.replace(
        "sessions/BROKER1.toml", "[logon]", f"[logon]\nusername = 'k1'\npublic_key = '''{own}'''"
    )

    assert folder.mistakes() == [
        "sessions/BROKER1.toml: logon.public_key: this value is kept out of messages; "
        "an Ed25519 public key in base64 or PEM would be right"
    ]


def test_in_a_session_file(folder: ConfigFolder) -> None:
    """A key over several lines stands in a session file as it is."""
    folder.replace(
        "sessions/BROKER1.toml",
        "[logon]",
        f"[logon]\nusername = 'k1'\npublic_key = '''\n{PEM.decode()}'''",
    )
    session = folder.load().session("BROKER1")

    assert session is not None
    assert session.logon.public_key is not None
    assert public_key(session.logon.public_key).public_bytes_raw() == RAW
    assert session.logon.asks_for_proof
