"""The bytes of one sealed seed.

    magic 8 "KK99SEED" | version 4 | key id 8 | nonce 12 | AES-256-GCM of the seed | tag 16

Header and name are associated data: a changed byte does not open, and neither does a file that was
renamed, so nobody can give one session the seed of another.
The nonce is random and new for each sealing; a key seals far fewer seeds than would matter.
"""

import os
import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kk99fix.vault.keys import ID_BYTES, Key

MAGIC: Final = b"KK99SEED"
VERSION: Final = 1
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
#: Longer is no seed: the device at the other end holds 20 to 64 bytes.
SEED_BYTES_MAX: Final = 256
_HEADER: Final = struct.Struct(f"<8sI{ID_BYTES}s{NONCE_BYTES}s")
FILE_BYTES_MAX: Final = _HEADER.size + SEED_BYTES_MAX + TAG_BYTES


class UnreadableError(ValueError):
    """These bytes are no sealed seed of this name; the text says what they are instead."""


def seal(name: str, seed: bytes, key: Key) -> bytes:
    """Return the content of the file of this name."""
    assert 0 < len(seed) <= SEED_BYTES_MAX
    nonce = os.urandom(NONCE_BYTES)
    header = _HEADER.pack(MAGIC, VERSION, key.id, nonce)
    return header + AESGCM(key.value).encrypt(nonce, seed, header + name.encode("ascii"))


def key_id_of(content: bytes) -> bytes:
    """Return the id of the key that the file says it is sealed under.  Raises UnreadableError."""
    if len(content) <= _HEADER.size + TAG_BYTES or len(content) > FILE_BYTES_MAX:
        raise UnreadableError(f"has {len(content)} bytes, which no sealed seed has")
    magic, version, key_id, _ = _HEADER.unpack_from(content)
    if magic != MAGIC:
        raise UnreadableError("is no sealed seed")
    if version != VERSION:
        raise UnreadableError(f"has version {version}, and this program knows {VERSION}")
    return bytes(key_id)


def unseal(name: str, content: bytes, key: Key) -> bytes:
    """Return the seed.  Raises UnreadableError.

    `key` is the one that `key_id_of` names.
    """
    nonce = content[_HEADER.size - NONCE_BYTES : _HEADER.size]
    associated = content[: _HEADER.size] + name.encode("ascii")
    try:
        return AESGCM(key.value).decrypt(nonce, content[_HEADER.size :], associated)
    except InvalidTag:
        raise UnreadableError("is damaged, or was sealed under another name") from None
