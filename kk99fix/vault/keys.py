"""The key that seeds are sealed under: 32 random bytes, from the environment or a file.

Rules:

- KK99_SEED_KEY holds it in base64, or the file that `key_file` of [secrets] names does.
  With both, new seeds are sealed under the one of the environment.
- The variable is taken out of the environment, so that no child process inherits it.
- A file that anybody but its owner may read is refused.
- A key is known by eight bytes of its hash; a sealed file names them, so that the wrong key and a
  damaged file are told apart.
- Beside FILE there may be FILE.new while keys are changed (see `rotation`); both open seeds.
  Files are read when a key is looked for, so a change needs no restart.
"""

import base64
import binascii
import hashlib
import os
import stat
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Final

from attrs import field, frozen

from kk99fix.vault.seeds import SeedError

VARIABLE: Final = "KK99_SEED_KEY"
KEY_BYTES: Final = 32
ID_BYTES: Final = 8
_ID_PREFIX: Final = b"kk99fix seed key\0"
_RIGHT: Final = f"base64 of {KEY_BYTES} bytes would be right, as `kk99fix secrets new-key` makes it"


@frozen
class Key:
    """A key, and where it was found."""

    value: bytes = field(repr=False)
    #: For messages.
    source: str

    @property
    def id(self) -> bytes:
        """What names the key and says nothing about it."""
        return hashlib.sha256(_ID_PREFIX + self.value).digest()[:ID_BYTES]

    def encoded(self) -> bytes:
        """Return the content of a key file."""
        return base64.b64encode(self.value) + b"\n"


def new_key(source: str) -> Key:
    """Return a key that nobody has had before."""
    return Key(os.urandom(KEY_BYTES), source)


@frozen
class Keys:
    """Every key that may be had."""

    from_environment: Key | None
    key_file: Path | None

    @property
    def any(self) -> bool:
        """Whether somebody has said where a key is."""
        return self.from_environment is not None or self.key_file is not None

    def current(self) -> Key:
        """Return the key for new seeds.  Raises SeedError."""
        if self.from_environment is not None:
            return self.from_environment
        if self.key_file is None:
            raise SeedError(
                f"there is no key for the seeds: set {VARIABLE}, or name a file by key_file under "
                "[secrets] in venue.toml; `kk99fix secrets new-key FILE` makes one"
            )
        return read_key(self.key_file)

    def find(self, key_id: bytes) -> Key | None:
        """Return the key with this id, None where there are only others.  Raises SeedError."""
        for _ in range(2):  # FILE.new may take FILE's place between the looks at the two
            for key in self._all():
                if key.id == key_id:
                    return key
        return None

    def _all(self) -> Iterator[Key]:
        yield self.current()
        if self.key_file is not None:
            for path in (self.key_file, successor(self.key_file)):
                try:
                    yield read_key(path)
                except SeedError:
                    if path.exists():
                        raise


def successor(key_file: Path) -> Path:
    """Return where the next key stands while seeds are sealed anew."""
    return key_file.with_name(f"{key_file.name}.new")


def keys_from(environment: MutableMapping[str, str], key_file: Path | None) -> Keys:
    """Take the key out of the environment, and remember the file.  Raises SeedError."""
    text = environment.pop(VARIABLE, "")
    return Keys(_decoded(text, VARIABLE) if text else None, key_file)


def read_key(path: Path) -> Key:
    """Return the key in a file that its owner alone may read.  Raises SeedError."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(1024)
    except FileNotFoundError:
        raise SeedError(
            f"{path}: there is no such key file; `kk99fix secrets new-key {path}` makes one"
        ) from None
    except OSError as error:
        raise SeedError(f"{path}: the key cannot be read: {error.strerror}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise SeedError(
            f"{path}: others may read the key (mode {stat.S_IMODE(mode):04o}); "
            f"`chmod 600 {path}`, and change the key if somebody could have"
        )
    return _decoded(text.decode("ascii", "replace"), str(path))


def _decoded(text: str, source: str) -> Key:
    try:
        value = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != KEY_BYTES:
        raise SeedError(f"{source}: this is no key; {_RIGHT}")
    return Key(value, source)
