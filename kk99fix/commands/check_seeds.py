"""What `kk99fix check` says of the seeds that session files name."""

from pathlib import Path

from attrs import frozen

from kk99fix.config.errors import Mistake
from kk99fix.config.load import Settings
from kk99fix.config.toml_file import TomlFile, read
from kk99fix.vault.sealed_seeds import SealedSeeds
from kk99fix.vault.seeds import SeedError


@frozen
class SeedCheck:
    """What is wrong with seeds, and what could not be seen."""

    mistakes: list[Mistake]
    #: CompID -> note.
    notes: dict[str, str]


def check_seeds(settings: Settings, sessions_dir: Path, seeds: SealedSeeds) -> SeedCheck:
    """Open every seed that a session names; without a key only see whether it is there."""
    found = SeedCheck([], {})
    for session in settings.sessions:
        name = session.logon.totp
        if name is None:
            continue
        try:
            if seeds.keys.any:
                seeds.seed(name)
            else:
                seeds.key_id(name)
                found.notes[session.comp_id] = (
                    f"no key is given here, so seed {name} was not opened"
                )
        except SeedError as error:
            file = read(sessions_dir / f"{session.comp_id}.toml")
            if isinstance(file, TomlFile):
                found.mistakes.append(file.mistake(("logon", "totp"), str(error)))
    return found
