from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kk99fix.vault.keys import Keys, new_key, successor
from kk99fix.vault.rotation import make_key_file, rotate
from kk99fix.vault.sealed_seeds import SealedSeeds
from kk99fix.vault.seeds import SeedError

NAMES = ("BROKER1", "BROKER2", "DROPCOPY1")


def sealed(tmp_path: Path) -> SealedSeeds:
    """Return three seeds under a key in a file."""
    key_file = tmp_path / "seed.key"
    make_key_file(key_file)
    seeds = SealedSeeds(tmp_path / "secrets", Keys(None, key_file))
    for name in NAMES:
        seeds.add(name, f"seed of {name}".encode())
    return seeds


def opened(seeds: SealedSeeds) -> dict[str, bytes]:
    """Return every seed."""
    return {name: seeds.seed(name) for name in seeds.names()}


def test_all_seeds_go_under_a_new_key(tmp_path: Path) -> None:
    """The key file holds another key, it opens every seed, and the old one opens none."""
    seeds = sealed(tmp_path)
    before, old = opened(seeds), seeds.keys.current()

    done = rotate(seeds, None)

    new = seeds.keys.current()
    assert (done.sealed, done.before) == (NAMES, ())
    assert new.value != old.value
    assert opened(seeds) == before
    assert {seeds.key_id(name) for name in NAMES} == {new.id}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secrets", "seed.key"]
    with pytest.raises(SeedError):
        SealedSeeds(seeds.folder, Keys(old, None)).seed("BROKER1")


def test_it_can_stop_anywhere_and_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure of any write or rename every seed opens; repeated, the change completes."""
    for failing in range(20):
        folder = tmp_path / str(failing)
        folder.mkdir()
        seeds = sealed(folder)
        before, old = opened(seeds), seeds.keys.current()
        with monkeypatch.context() as patch:
            _fail_at(patch, failing)
            try:
                rotate(seeds, None)
            except SeedError:
                complete = False
            else:
                complete = True

        assert opened(seeds) == before
        if complete:
            assert failing >= len(NAMES) + 2
            return
        rotate(seeds, None)
        assert opened(seeds) == before
        assert seeds.keys.current().id != old.id
        assert not successor(folder / "seed.key").exists()
    raise AssertionError("it never completed")


def _fail_at(patch: pytest.MonkeyPatch, failing: int) -> None:
    """Let the n-th link or rename fail as on a full disk."""
    calls = [0]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: object) -> object:
            calls[0] += 1
            if calls[0] == failing + 1:
                raise OSError(28, "No space left on device")
            return real(*args)

        return call

    for name in ("rename", "hardlink_to"):
        patch.setattr(Path, name, counted(getattr(Path, name)))


def test_a_seed_that_does_not_open_stops_it_before_anything_is_changed(tmp_path: Path) -> None:
    """Nobody ends with some seeds under one key and some under another by surprise."""
    seeds = sealed(tmp_path)
    seeds.path("BROKER2").write_bytes(b"damaged")
    old = seeds.key_id("BROKER1")

    with pytest.raises(SeedError, match=r"BROKER2\.seed"):
        rotate(seeds, None)
    assert seeds.key_id("BROKER1") == old
    assert not successor(tmp_path / "seed.key").exists()


def test_a_key_in_the_environment_goes_to_a_file(tmp_path: Path) -> None:
    """Without a file's name it says so; with one, the file's key opens every seed."""
    seeds = sealed(tmp_path)
    environment = SealedSeeds(seeds.folder, Keys(seeds.keys.current(), None))

    with pytest.raises(SeedError, match="name a file for the new one with --to FILE"):
        rotate(environment, None)
    done = rotate(environment, tmp_path / "new.key")

    assert done.sealed == NAMES
    assert set(opened(SealedSeeds(seeds.folder, Keys(None, tmp_path / "new.key")))) == set(NAMES)
    assert rotate(environment, tmp_path / "new.key").before == NAMES


def test_without_a_key_there_is_nothing_to_change(tmp_path: Path) -> None:
    """It is the missing key that is told of."""
    with pytest.raises(SeedError, match="there is no key for the seeds"):
        rotate(SealedSeeds(tmp_path, Keys(None, None)), None)


def test_a_seed_of_a_stranger_key_stops_it(tmp_path: Path) -> None:
    """A seed restored from before an earlier change is told of by its key."""
    seeds = sealed(tmp_path)
    seeds.seal_under("BROKER2", b"seed", new_key("test"), replace=True)

    with pytest.raises(SeedError, match=r"BROKER2\.seed: is sealed under key"):
        rotate(seeds, None)
