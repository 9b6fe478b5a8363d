import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.config_folder import ConfigFolder

from kk99fix.cli import main
from kk99fix.vault.keys import VARIABLE, Keys, new_key
from kk99fix.vault.sealed_seeds import SealedSeeds

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g"
KEY = new_key("test")


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    """Return files in which BROKER1 asks for codes."""
    folder = ConfigFolder(tmp_path)
    logon = f'[logon]\nusername = "b1"\npassword_hash = "{HASH}"\ntotp = "b1-device"\n'
    folder.replace("sessions/BROKER1.toml", "[logon]\n", logon)
    return folder


@pytest.fixture
def seeds(folder: ConfigFolder) -> SealedSeeds:
    """Return the folder of seeds, empty."""
    return SealedSeeds(folder.root / "secrets", Keys(KEY, None))


def check(seeds: SealedSeeds, *arguments: str, key: str | None = None) -> Result:
    """Run `kk99fix check` with a key in the environment or without one."""
    root = seeds.folder.parent
    where = ("--config", root / "config", "--sessions", root / "sessions")
    options = [*map(str, where), "--secrets", str(seeds.folder), *arguments]
    return CliRunner().invoke(main, ["check", *options], env={VARIABLE: key})


def test_a_seed_that_opens(seeds: SealedSeeds) -> None:
    """With key and seed there is nothing to say."""
    seeds.add("b1-device", b"seed")

    result = check(seeds, key=KEY.encoded().decode())
    assert (result.exit_code, "b1-device was not opened" in result.output) == (0, False)


def test_a_seed_that_is_not_there(seeds: SealedSeeds) -> None:
    """It is a mistake of the line that names it, seen also without a key."""
    for key in (None, KEY.encoded().decode()):
        result = check(seeds, key=key)

        assert result.exit_code == 1
        (line, count) = result.stderr.splitlines()
        where = f"{seeds.folder.parent}/sessions/BROKER1.toml:16: logon.totp: "
        assert line.startswith(f"{where}{seeds.folder}/b1-device.seed: there is no such seed")
        assert count == "1 mistake found"


def test_a_seed_that_does_not_open(seeds: SealedSeeds) -> None:
    """Damage and a wrong key are mistakes, in JSON too."""
    seeds.add("b1-device", b"seed")

    result = check(seeds, "--json", key=new_key("test").encoded().decode())
    (mistake,) = json.loads(result.stdout)["mistakes"]
    assert (result.exit_code, mistake["key"], mistake["line"]) == (1, "logon.totp", 16)
    assert "is sealed under key" in mistake["text"]


def test_without_a_key_it_says_what_it_did_not_see(seeds: SealedSeeds) -> None:
    """Files can be checked where the key is not."""
    seeds.add("b1-device", b"seed")

    result = check(seeds)
    assert result.exit_code == 0
    assert "BROKER1: no key is given here, so seed b1-device was not opened" in result.output
