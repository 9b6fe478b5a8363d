"""The folders of the person who onboards, and `kk99fix onboard` over them."""

import json
import tomllib
from pathlib import Path
from typing import Any, Final

from click.testing import CliRunner, Result

from kk99fix.cli import main
from kk99fix.vault.keys import Keys
from kk99fix.vault.rotation import make_key_file
from kk99fix.vault.sealed_seeds import SealedSeeds
from support.config_folder import ConfigFolder

BROKER9: Final = (
    *("BROKER9", "--role", "order-entry", "--firm", "Broker Nine"),
    *("--account", "B9-HOUSE", "--account", "B9-CLIENT", "--from", "203.0.113.0/28"),
)


class Office:
    """Folders as the person who onboards has them."""

    def __init__(self, root: Path) -> None:
        """Copy the shipped files, with a key for seeds."""
        self.root = root
        self.folder = ConfigFolder(root)
        self.folder.replace("config/venue.toml", '# key_file = "seed.key"', 'key_file = "seed.key"')
        make_key_file(self.folder.config / "seed.key")
        self.secrets = root / "secrets"

    def arguments(self, *arguments: str) -> list[str]:
        """Return a command line over these folders."""
        where = ["--config", str(self.folder.config), "--sessions", str(self.folder.sessions)]
        return ["onboard", *arguments, *where, "--secrets", str(self.secrets)]

    def run(self, *arguments: str, answers: str | None = None) -> Result:
        """Run `kk99fix onboard`, with lines that a person types."""
        return CliRunner().invoke(main, self.arguments(*arguments), input=answers)

    def onboard(self, *arguments: str) -> dict[str, Any]:
        """Run it for a program and return what it says."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        content: dict[str, Any] = json.loads(result.stdout)
        return content

    def session(self, comp_id: str) -> dict[str, Any]:
        """Return a session file as TOML."""
        return tomllib.loads((self.folder.sessions / f"{comp_id}.toml").read_text())

    def seeds(self) -> SealedSeeds:
        """Return the sealed seeds."""
        return SealedSeeds(self.secrets, Keys(None, self.folder.config / "seed.key"))

    def names(self) -> set[str]:
        """Return every file of sessions/ and secrets/."""
        folders = (self.folder.sessions, self.secrets)
        return {path.name for folder in folders if folder.exists() for path in folder.iterdir()}
