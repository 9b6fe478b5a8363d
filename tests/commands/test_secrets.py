import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.config_folder import ConfigFolder

from kk99fix.cli import main
from kk99fix.vault.keys import VARIABLE, Keys
from kk99fix.vault.sealed_seeds import SealedSeeds


class Venue:
    """Configuration with a key file, and a folder of seeds."""

    def __init__(self, root: Path) -> None:
        """Name the key file; nothing is in it yet."""
        self.folder = ConfigFolder(root)
        self.folder.replace("config/venue.toml", '# key_file = "seed.key"', 'key_file = "seed.key"')
        self.key_file = self.folder.config / "seed.key"
        self.secrets = root / "secrets"

    def seeds(self) -> SealedSeeds:
        """Return the seeds under the key of the file."""
        return SealedSeeds(self.secrets, Keys(None, self.key_file))

    def run(self, *arguments: str | Path) -> Result:
        """Run `kk99fix secrets` over these folders."""
        where = ("--config", self.folder.config, "--sessions", self.folder.sessions)
        options = map(str, (*arguments, *where, "--secrets", self.secrets))
        return CliRunner().invoke(main, ["secrets", *options])


@pytest.fixture
def venue(tmp_path: Path) -> Venue:
    """Return a venue with a key and two seeds."""
    venue = Venue(tmp_path)
    result = CliRunner().invoke(main, ["secrets", "new-key", str(venue.key_file)])
    assert result.exit_code == 0, result.output
    for name in ("BROKER1", "BROKER2"):
        venue.seeds().add(name, b"seed of " + name.encode())
    return venue


def test_new_key_shows_the_id_and_not_the_key(tmp_path: Path) -> None:
    """The key stands in the file alone."""
    path = tmp_path / "seed.key"
    result = CliRunner().invoke(main, ["secrets", "new-key", str(path)])

    assert Keys(None, path).current().id.hex() in result.output
    assert path.read_text().strip() not in result.output
    again = CliRunner().invoke(main, ["secrets", "new-key", str(path)])
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)


def test_list_says_what_opens(venue: Venue) -> None:
    """Each seed with its key; one that does not open fails the command and says why."""
    assert venue.run("list").exit_code == 0

    venue.seeds().path("BROKER2").write_bytes(b"damaged")
    result = venue.run("list")

    assert result.exit_code == 1
    assert "BROKER1 " in result.output
    assert "BROKER2.seed: has 7 bytes, which no sealed seed has" in result.output


def test_list_as_json(venue: Venue) -> None:
    """A program reads the same."""
    result = venue.run("list", "--json")

    key = venue.seeds().keys.current().id.hex()
    assert json.loads(result.stdout) == {
        "seeds": [
            {"name": name, "key": key, "fault": "", "sessions": []}
            for name in ("BROKER1", "BROKER2")
        ]
    }


def test_list_of_nothing(tmp_path: Path) -> None:
    """A venue without seeds needs no key, and is told how seeds are made."""
    result = Venue(tmp_path).run("list")

    assert (result.exit_code, "kk99fix onboard --totp" in result.output) == (0, True)


def test_rotate_changes_the_key_and_keeps_the_seeds(venue: Venue) -> None:
    """Afterwards the file holds another key, and the seeds are what they were."""
    before = venue.key_file.read_text()
    result = venue.run("rotate")

    assert result.exit_code == 0
    assert f"2 seeds sealed under the key in {venue.key_file}" in result.output
    assert venue.key_file.read_text() != before
    assert venue.seeds().seed("BROKER1") == b"seed of BROKER1"


def test_rotate_of_a_key_in_the_environment(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks for a file, and says what to do with it."""
    monkeypatch.setenv(VARIABLE, venue.key_file.read_text())
    assert "--to FILE" in venue.run("rotate").stderr
    assert VARIABLE not in os.environ

    monkeypatch.setenv(VARIABLE, venue.key_file.read_text())
    new = venue.key_file.with_name("other.key")
    result = venue.run("rotate", "--to", new)

    assert f"put the file's content into {VARIABLE}" in result.output
    assert SealedSeeds(venue.secrets, Keys(None, new)).seed("BROKER2") == b"seed of BROKER2"


def test_a_variable_that_is_no_key_stops_every_command(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said at once, not at the first logon, and the value is not shown."""
    monkeypatch.setenv(VARIABLE, "no-key-at-all")
    result = venue.run("list")

    assert result.exit_code == 1
    assert "KK99_SEED_KEY: this is no key" in result.stderr
    assert "no-key-at-all" not in result.output
