"""What proves a Logon(A), made without a line of the gateway's: codes, signatures, seeds."""

import base64
import hashlib
import hmac
import struct

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kk99fix.vault.seeds import SeedError

STEP_S = 30
NS_PER_S = 1_000_000_000


def code_at(seed: bytes, step: int) -> str:
    """The code of a step, as RFC 6238 and RFC 4226 compute it."""
    digest = hmac.new(seed, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack_from(">I", digest, offset)[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def wrong_code(seed: bytes, step: int) -> str:
    """A code that is right at no step around."""
    right = {code_at(seed, step + offset) for offset in range(-3, 4)}
    return next(f"{n:06d}" for n in range(10) if f"{n:06d}" not in right)


@attrs.define
class FakeSeeds:
    """Seeds in memory; a name that is not there cannot be opened."""

    seeds: dict[str, bytes] = attrs.field(factory=dict)

    def seed(self, name: str, /) -> bytes:
        """Return a seed; SeedError."""
        if name not in self.seeds:
            raise SeedError(f"secrets/{name}.seed: there is no such file")
        return self.seeds[name]


KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()


def signature(values: tuple[str, ...], key: Ed25519PrivateKey = KEY) -> str:
    """The signature of MsgType, SenderCompID, TargetCompID, MsgSeqNum and SendingTime."""
    return base64.b64encode(key.sign("\x01".join(values).encode())).decode()
