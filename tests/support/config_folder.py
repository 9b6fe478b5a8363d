"""A copy of the shipped config/ and sessions/ that a test may spoil."""

import shutil
from pathlib import Path
from typing import Self

import attrs

from kk99fix.config.errors import ConfigError
from kk99fix.config.load import Settings, load

REPOSITORY = Path(__file__).parents[2]


class ConfigFolder:
    """The shipped files under a folder of their own."""

    def __init__(self, root: Path) -> None:
        """Copy the shipped files to `root`."""
        self._stand_at(root)
        shutil.copytree(REPOSITORY / "config", self.config)
        shutil.copytree(REPOSITORY / "sessions", self.sessions)

    @classmethod
    def at(cls, root: Path) -> Self:
        """Return the files that are below `root` already."""
        folder = cls.__new__(cls)
        folder._stand_at(root)
        return folder

    def _stand_at(self, root: Path) -> None:
        self.root = root
        self.config = root / "config"
        self.sessions = root / "sessions"

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace the first `old` in the file `name` (such as `config/venue.toml`)."""
        path = self.root / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    def write(self, name: str, text: str) -> None:
        """Write a file whole."""
        (self.root / name).write_text(text)

    def load(self) -> Settings:
        """Load the folder."""
        return load(self.config, self.sessions)

    def mistakes(self) -> list[str]:
        """Return the mistakes as a person reads them, paths relative and without the lines."""
        try:
            self.load()
        except ConfigError as error:
            plain = [str(attrs.evolve(mistake, line=0)) for mistake in error.mistakes]
            return [text.replace(f"{self.root}/", "") for text in plain]
        return []
