"""Tries a session file beside the others before it is written: what would `kk99fix check` say.

A contradiction with another file (an account of somebody else's, no room for one more session) is
found here, while there is still nothing to take back.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from kk99fix.config.errors import ConfigError, Mistake
from kk99fix.config.load import SESSION_FILES, Settings, load


def try_session_file(config_dir: Path, sessions_dir: Path, name: str, text: str) -> Settings:
    """Return what all files would say with `text` as the session file `name`.

    Raises ConfigError; its mistakes name the files where they are, or would be.
    """
    with TemporaryDirectory(prefix="kk99fix-onboard-") as folder:
        there = Path(folder)
        for path in sessions_dir.glob(SESSION_FILES):
            if path.name != name:
                (there / path.name).symlink_to(path.resolve())
        (there / name).write_text(text, encoding="utf-8")
        try:
            return load(config_dir, there, newest=name)
        except ConfigError as error:
            raise ConfigError(
                [_where_it_would_be(mistake, there, sessions_dir) for mistake in error.mistakes]
            ) from None


def _where_it_would_be(mistake: Mistake, there: Path, sessions_dir: Path) -> Mistake:
    """Name the real folder in a mistake, also where its text names another file."""
    old, new = f"{there}/", f"{sessions_dir}/"
    return attrs.evolve(
        mistake, file=mistake.file.replace(old, new), text=mistake.text.replace(old, new)
    )
