"""Seeds as sealed files in one folder, one file for each: NAME.seed.

A file is read when its seed is asked for, so one that is added, replaced or removed counts at once,
and no seed stays in memory.
"""

from pathlib import Path
from typing import Final

from attrs import frozen

from kk99fix.vault.keys import Key, Keys
from kk99fix.vault.sealed_file import FILE_BYTES_MAX, UnreadableError, key_id_of, seal, unseal
from kk99fix.vault.seeds import NAME, SeedError, checked
from kk99fix.vault.whole_files import make_folder, write_whole

SUFFIX: Final = ".seed"
_AGAIN: Final = "restore it from a copy, or enrol again with `kk99fix onboard --totp {name}`"


@frozen
class SealedSeeds:
    """The seeds of a folder; a `Seeds` that can also be added to."""

    folder: Path
    keys: Keys

    def seed(self, name: str) -> bytes:
        """Return the seed of this name.  Raises SeedError."""
        content = self._content(name)
        return self._unsealed(name, content, self._key_of(name, content))

    def key_id(self, name: str) -> bytes:
        """Return which key the seed of this name is sealed under.  Raises SeedError."""
        try:
            return key_id_of(self._content(name))
        except UnreadableError as error:
            raise self._unreadable(name, error) from None

    def names(self) -> list[str]:
        """Return the names of all files, whether they open or not."""
        found = (path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}"))
        return sorted(name for name in found if NAME.fullmatch(name))

    def add(self, name: str, seed: bytes, *, replace: bool = False) -> Path:
        """Seal a seed under the current key and return its file.  Raises SeedError.

        Without `replace` a seed of that name stays as it is.
        """
        return self.seal_under(name, seed, self.keys.current(), replace=replace)

    def seal_under(self, name: str, seed: bytes, key: Key, *, replace: bool) -> Path:
        """Seal a seed under a certain key; see `add`."""
        path = self.path(name)
        try:
            make_folder(self.folder)
        except OSError as error:
            raise SeedError(f"{self.folder}: cannot be made: {error.strerror}") from None
        try:
            write_whole(path, seal(name, seed, key), replace=replace)
        except FileExistsError:
            raise SeedError(f"{path}: there is a seed of this name already") from None
        except OSError as error:
            raise SeedError(f"{path}: cannot be written: {error.strerror}") from None
        return path

    def path(self, name: str) -> Path:
        """Return where the seed of this name is kept.  Raises SeedError."""
        return self.folder / f"{checked(name)}{SUFFIX}"

    def _content(self, name: str) -> bytes:
        path = self.path(name)
        try:
            with path.open("rb") as file:
                return file.read(FILE_BYTES_MAX + 1)
        except FileNotFoundError:
            raise SeedError(
                f"{path}: there is no such seed; `kk99fix onboard --totp {name}` makes one"
            ) from None
        except OSError as error:
            raise SeedError(f"{path}: cannot be read: {error.strerror}") from None

    def _key_of(self, name: str, content: bytes) -> Key:
        try:
            key_id = key_id_of(content)
        except UnreadableError as error:
            raise self._unreadable(name, error) from None
        key = self.keys.find(key_id)
        if key is None:
            current = self.keys.current()
            raise SeedError(
                f"{self.path(name)}: is sealed under key {key_id.hex()}, and {current.source} "
                f"holds key {current.id.hex()}; give the key that it was sealed under"
            )
        return key

    def _unsealed(self, name: str, content: bytes, key: Key) -> bytes:
        try:
            return unseal(name, content, key)
        except UnreadableError as error:
            raise self._unreadable(name, error) from None

    def _unreadable(self, name: str, error: UnreadableError) -> SeedError:
        return SeedError(f"{self.path(name)}: {error}; {_AGAIN.format(name=name)}")
