import os
import stat
from pathlib import Path

import pytest

from kk99fix.vault.keys import Key, Keys, new_key
from kk99fix.vault.sealed_file import VERSION
from kk99fix.vault.sealed_seeds import SealedSeeds
from kk99fix.vault.seeds import SeedError

SEED = b"a seed of twenty byte"


@pytest.fixture
def seeds(tmp_path: Path) -> SealedSeeds:
    """Return an empty folder with a key."""
    return SealedSeeds(tmp_path / "secrets", Keys(new_key("test"), None))


def fault(seeds: SealedSeeds, name: str) -> str:
    """Return why a seed cannot be had."""
    with pytest.raises(SeedError) as caught:
        seeds.seed(name)
    return str(caught.value)


def test_a_seed_comes_back(seeds: SealedSeeds) -> None:
    """What was sealed opens, and the file shows nothing of it."""
    path = seeds.add("BROKER1", SEED)

    assert seeds.seed("BROKER1") == SEED
    assert seeds.names() == ["BROKER1"]
    assert SEED not in path.read_bytes()


def test_two_sealings_have_nothing_in_common(seeds: SealedSeeds) -> None:
    """The same seed sealed twice is other bytes: a nonce is used once."""
    first = seeds.add("BROKER1", SEED).read_bytes()
    second = seeds.add("BROKER1", SEED, replace=True).read_bytes()

    assert first[24:] != second[24:]


def test_only_the_owner_may_read(seeds: SealedSeeds) -> None:
    """Mode 0600 in a folder of mode 0700, whatever the umask."""
    before = os.umask(0)
    try:
        path = seeds.add("BROKER1", SEED)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_seed_is_not_overwritten_by_chance(seeds: SealedSeeds) -> None:
    """Adding a name that is there changes nothing, and leaves no temporary file."""
    seeds.add("BROKER1", SEED)

    with pytest.raises(SeedError, match=r"BROKER1\.seed: there is a seed of this name already"):
        seeds.add("BROKER1", b"another")
    assert seeds.seed("BROKER1") == SEED
    assert [path.name for path in seeds.folder.iterdir()] == ["BROKER1.seed"]


def test_a_seed_may_be_replaced(seeds: SealedSeeds) -> None:
    """Enrolling again takes the old seed's place."""
    seeds.add("BROKER1", SEED)
    seeds.add("BROKER1", b"another", replace=True)

    assert seeds.seed("BROKER1") == b"another"
    assert [path.name for path in seeds.folder.iterdir()] == ["BROKER1.seed"]


def test_every_changed_byte_is_noticed(seeds: SealedSeeds) -> None:
    """One bit flipped anywhere in the file: the seed is refused, never another one returned."""
    path = seeds.add("BROKER1", SEED)
    content = path.read_bytes()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1
        path.write_bytes(damaged)

        assert fault(seeds, "BROKER1").startswith(f"{path}: ")


def test_every_cut_is_noticed(seeds: SealedSeeds) -> None:
    """A file that ends early, or goes on, is refused."""
    path = seeds.add("BROKER1", SEED)
    content = path.read_bytes()
    for damaged in [*(content[:length] for length in range(len(content))), content + b"\0"]:
        path.write_bytes(damaged)

        assert "enrol again with `kk99fix onboard --totp BROKER1`" in fault(seeds, "BROKER1")


def test_files_cannot_be_swapped(seeds: SealedSeeds) -> None:
    """A seed under another's name does not open: nobody logs on with somebody else's device."""
    theirs = seeds.add("BROKER2", b"the seed of BROKER2")
    seeds.add("BROKER1", SEED).unlink()
    theirs.rename(seeds.path("BROKER1"))

    assert "is damaged, or was sealed under another name" in fault(seeds, "BROKER1")


def test_the_wrong_key_is_told_from_damage(seeds: SealedSeeds) -> None:
    """Both keys are named, so that a person knows which one to look for."""
    seeds.add("BROKER1", SEED)
    wrong = new_key("KK99_SEED_KEY")
    text = fault(SealedSeeds(seeds.folder, Keys(wrong, None)), "BROKER1")

    right = seeds.keys.current().id.hex()
    assert f"is sealed under key {right}, and KK99_SEED_KEY holds key {wrong.id.hex()}" in text


def test_a_later_version_is_told_from_damage(seeds: SealedSeeds) -> None:
    """A file of a newer program says so."""
    path = seeds.add("BROKER1", SEED)
    content = bytearray(path.read_bytes())
    content[8] = VERSION + 1
    path.write_bytes(content)

    assert f"has version {VERSION + 1}, and this program knows {VERSION}" in fault(seeds, "BROKER1")


def test_a_missing_seed_says_how_to_make_one(seeds: SealedSeeds) -> None:
    """No folder and no file are the same: nobody has enrolled."""
    text = fault(seeds, "BROKER1")

    assert text == (
        f"{seeds.folder}/BROKER1.seed: there is no such seed; "
        "`kk99fix onboard --totp BROKER1` makes one"
    )


@pytest.mark.parametrize("name", ["", "../BROKER1", "a/b", "x\0", ".hidden", "é", "n" * 65])
def test_no_name_leads_out_of_the_folder(seeds: SealedSeeds, name: str) -> None:
    """What is no name is refused before any file is looked at."""
    assert "a seed is named by" in fault(seeds, name)
    with pytest.raises(SeedError):
        seeds.add(name, SEED)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """The system's word is in the error."""
    (tmp_path / "secrets").write_text("a file")
    seeds = SealedSeeds(tmp_path / "secrets", Keys(new_key("test"), None))

    with pytest.raises(SeedError, match="secrets: cannot be made: File exists"):
        seeds.add("BROKER1", SEED)
    assert "cannot be read" in fault(seeds, "BROKER1")


def test_no_text_shows_a_key() -> None:
    """Neither repr nor str of a key, of keys or of a folder has the key in it."""
    key = Key(b"\x41" * 32, "test")
    for text in (repr(key), str(Keys(key, None)), repr(SealedSeeds(Path("s"), Keys(key, None)))):
        assert "AAAA" not in text
        assert "41" * 4 not in text
