import base64
from pathlib import Path

import pytest

from kk99fix.vault import keys
from kk99fix.vault.keys import VARIABLE, Key, Keys, keys_from, new_key, read_key, successor
from kk99fix.vault.opening import open_seeds
from kk99fix.vault.rotation import make_key_file
from kk99fix.vault.seeds import SeedError


def test_a_key_from_the_environment_is_taken_out_of_it() -> None:
    """No child process inherits it."""
    key = new_key("test")
    environment = {VARIABLE: key.encoded().decode(), "OTHER": "stays"}

    assert keys_from(environment, None).current().value == key.value
    assert environment == {"OTHER": "stays"}


def test_a_key_from_a_file(tmp_path: Path) -> None:
    """What `new-key` writes is what is read, and the owner alone may read it."""
    path = tmp_path / "seed.key"
    key = make_key_file(path)

    assert Keys(None, path).current().value == key.value
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_environment_comes_first(tmp_path: Path) -> None:
    """With both, new seeds go under the key of the environment, and the file's opens old ones."""
    path = tmp_path / "seed.key"
    old, new = make_key_file(path), new_key("test")
    both = Keys(new, path)

    assert both.current() == new
    assert both.find(old.id) == old
    assert both.find(b"\0" * 8) is None


def test_no_key_is_no_fault_until_a_seed_is_asked_for(tmp_path: Path) -> None:
    """A venue without one-time passwords needs no key; one with them is told how to make one."""
    seeds = open_seeds("sealed-files", tmp_path, None, {})

    with pytest.raises(SeedError, match=r"set KK99_SEED_KEY, or name a file .* new-key FILE"):
        seeds.add("BROKER1", b"seed")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_key_that_others_may_read(tmp_path: Path, mode: int) -> None:
    """Such a file is refused, with the command that mends it."""
    path = tmp_path / "seed.key"
    make_key_file(path)
    path.chmod(mode)

    with pytest.raises(
        SeedError, match=rf"others may read the key \(mode {mode:04o}\); `chmod 600"
    ):
        Keys(None, path).current()


@pytest.mark.parametrize(
    "content",
    [b"", b"not base64!", base64.b64encode(b"short"), base64.b64encode(b"x" * 33), b"\xff"],
)
def test_what_is_no_key(tmp_path: Path, content: bytes) -> None:
    """A file or variable with something else is refused, and what it holds is not shown."""
    path = tmp_path / "seed.key"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(SeedError) as caught:
        Keys(None, path).current()
    assert str(caught.value).startswith(f"{path}: this is no key; base64 of 32 bytes")
    assert not content or content.decode("latin-1") not in str(caught.value)
    if content and content != b"\xff":
        with pytest.raises(SeedError, match="KK99_SEED_KEY: this is no key"):
            keys_from({VARIABLE: content.decode()}, None)


def test_a_key_file_that_is_not_there(tmp_path: Path) -> None:
    """The command that makes it is named."""
    with pytest.raises(SeedError, match=r"there is no such key file; `kk99fix secrets new-key"):
        Keys(None, tmp_path / "seed.key").current()


def test_a_key_is_not_overwritten(tmp_path: Path) -> None:
    """A second `new-key` to the same file keeps the first key."""
    path = tmp_path / "seed.key"
    key = make_key_file(path)

    with pytest.raises(SeedError, match="is there already"):
        make_key_file(path)
    assert Keys(None, path).current() == key


def test_a_key_that_is_changed_between_two_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FILE.new takes the place of FILE just after FILE was read: the new key is found."""
    path = tmp_path / "seed.key"
    make_key_file(path)
    new = make_key_file(successor(path))
    looks: list[Path] = []

    def read(looked_at: Path) -> Key:
        if len(looks) == 2:
            successor(path).rename(path)
        looks.append(looked_at)
        return read_key(looked_at)

    monkeypatch.setattr(keys, "read_key", read)

    assert Keys(None, path).find(new.id) == Key(new.value, str(path))
