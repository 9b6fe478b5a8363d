"""Changes the key: every seed is sealed anew, one after the other, while the gateway goes on.

1. The new key stands beside the old one, in FILE.new, synced.
2. Each seed that is not yet under it is opened, sealed under it, and takes the old one's place.
3. FILE.new takes the place of FILE.

Whatever stops it, both keys are on the disk until all seeds are under the new one, and `Keys` finds
either; starting it again goes on where it was.
A key in the environment cannot be changed from here: the new one goes to a file that a person
names, and stays there.
"""

from pathlib import Path

from attrs import frozen

from kk99fix.vault.keys import Key, Keys, new_key, read_key, successor
from kk99fix.vault.sealed_seeds import SealedSeeds
from kk99fix.vault.seeds import SeedError
from kk99fix.vault.whole_files import sync_folder, write_whole


@frozen
class Rotated:
    """What was done."""

    #: Seeds that were sealed anew, and those that were under the new key already.
    sealed: tuple[str, ...]
    before: tuple[str, ...]
    key_file: Path


def make_key_file(path: Path) -> Key:
    """Write a new key to a file that is not there yet.  Raises SeedError."""
    key = new_key(str(path))
    try:
        write_whole(path, key.encoded())
    except FileExistsError:
        raise SeedError(
            f"{path}: is there already; a key that is lost cannot be had back"
        ) from None
    except OSError as error:
        raise SeedError(f"{path}: cannot be written: {error.strerror}") from None
    return key


def rotate(seeds: SealedSeeds, to: Path | None) -> Rotated:
    """Seal all seeds under a new key: in the place of the key file, or in the file `to`.

    Raises SeedError; what was done until then stays done.
    """
    keys = seeds.keys
    if to is not None:
        return _seal_all(seeds, keys, to)
    if keys.from_environment is not None or keys.key_file is None:
        keys.current()
        raise SeedError(
            "the key comes from the environment, which cannot be changed from here; name a file "
            "for the new one with --to FILE"
        )
    done = _seal_all(seeds, keys, successor(keys.key_file))
    try:
        done.key_file.rename(keys.key_file)
        sync_folder(keys.key_file.parent)
    except OSError as error:
        raise SeedError(f"{keys.key_file}: cannot be replaced: {error.strerror}") from None
    return Rotated(done.sealed, done.before, keys.key_file)


def _seal_all(seeds: SealedSeeds, keys: Keys, key_file: Path) -> Rotated:
    """Open everything before anything is changed, then seal what is not under the new key."""
    both = SealedSeeds(seeds.folder, Keys(keys.current(), key_file))
    new = read_key(key_file) if key_file.exists() else None
    opened = {name: both.seed(name) for name in seeds.names()}
    new = new or make_key_file(key_file)
    before = tuple(name for name in opened if both.key_id(name) == new.id)
    sealed = tuple(name for name in opened if name not in before)
    for name in sealed:
        seeds.seal_under(name, opened[name], new, replace=True)
    return Rotated(sealed, before, key_file)
