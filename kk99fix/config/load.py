"""Read config/ and sessions/ whole: all of it checked, or everything that is wrong with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from attrs import frozen

from kk99fix.config.calendar import CalendarFile
from kk99fix.config.contradictions import contradictions
from kk99fix.config.errors import ConfigError, Mistake
from kk99fix.config.instruments import InstrumentsFile
from kk99fix.config.parts import Part, Parts
from kk99fix.config.risk import RiskFile
from kk99fix.config.sessions import SessionFile
from kk99fix.config.structure import structure
from kk99fix.config.toml_file import read
from kk99fix.config.venue import VenueFile

T = TypeVar("T")

#: Which files of the folder are session files: neither hidden ones nor what editors leave behind.
SESSION_FILES: Final = "[!.]*.toml"

#: Where the commands look unless they are told otherwise.
DEFAULT_CONFIG_DIR: Final = Path("config")
DEFAULT_SESSIONS_DIR: Final = Path("sessions")


@frozen
class Settings:
    """Everything that the files say."""

    venue: VenueFile
    instruments: InstrumentsFile
    risk: RiskFile
    calendar: CalendarFile
    #: In the order of their comp ids.
    sessions: tuple[SessionFile, ...]

    def session(self, comp_id: str) -> SessionFile | None:
        """Return the session of this SenderCompID(49), None where there is none."""
        return next((session for session in self.sessions if session.comp_id == comp_id), None)


def read_part(path: Path, type_: type[T]) -> Part[T] | list[Mistake]:
    """Read one file by itself."""
    file = read(path)
    if isinstance(file, Mistake):
        return [file]
    value = structure(file, type_)
    return value if isinstance(value, list) else Part(file, value)


def _blamed_by(newest: str) -> Callable[[Part[SessionFile]], tuple[bool, bool]]:
    def key(part: Part[SessionFile]) -> tuple[bool, bool]:
        path = Path(part.file.name)
        return path.name == newest, path.stem != part.value.comp_id

    return key


def load(config_dir: Path, sessions_dir: Path, newest: str = "") -> Settings:
    """Read all files of both folders.  Raises ConfigError with every mistake in them.

    Of two session files that contradict each other the one named `newest` has the mistake, else one
    that is not called as its session is, else the later name.
    """
    mistakes: list[Mistake] = []

    def part(path: Path, type_: type[T]) -> Part[T] | None:
        found = read_part(path, type_)
        if isinstance(found, Part):
            return found
        mistakes.extend(found)
        return None

    venue = part(config_dir / "venue.toml", VenueFile)
    instruments = part(config_dir / "instruments.toml", InstrumentsFile)
    risk = part(config_dir / "risk.toml", RiskFile)
    calendar = part(config_dir / "calendar.toml", CalendarFile)
    if not sessions_dir.is_dir():
        mistakes.append(Mistake(str(sessions_dir), 0, "", "there is no such folder"))
    paths = sorted(sessions_dir.glob(SESSION_FILES))
    found = [part(path, SessionFile) for path in paths]
    sessions = tuple(sorted((each for each in found if each), key=_blamed_by(newest)))
    all_sessions = sessions_dir.is_dir() and len(sessions) == len(found)
    parts = Parts(venue, instruments, risk, calendar, sessions, all_sessions)
    mistakes.extend(contradictions(parts))
    if mistakes or not (venue and instruments and risk and calendar):
        raise ConfigError(mistakes)
    return Settings(
        venue=venue.value,
        instruments=instruments.value,
        risk=risk.value,
        calendar=calendar.value,
        sessions=tuple(sorted((part.value for part in sessions), key=lambda value: value.comp_id)),
    )
