"""The files as far as they could be read, for whoever compares them with each other."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from attrs import Factory, frozen

from kk99fix.config.calendar import CalendarFile
from kk99fix.config.instruments import InstrumentsFile
from kk99fix.config.risk import RiskFile
from kk99fix.config.sessions import SessionFile
from kk99fix.config.toml_file import TomlFile
from kk99fix.config.venue import VenueFile

T = TypeVar("T")


@frozen
class Part(Generic[T]):
    """A file and what was made of it."""

    file: TomlFile
    value: T


@frozen
class Parts:
    """All that could be read; None where a file could not."""

    venue: Part[VenueFile] | None
    instruments: Part[InstrumentsFile] | None
    risk: Part[RiskFile] | None
    calendar: Part[CalendarFile] | None
    sessions: tuple[Part[SessionFile], ...]
    #: Whether `sessions` lacks none.
    all_sessions: bool
    #: Account -> firm, of accounts that had a session once; who follows them has to have a place.
    former: Mapping[str, str] = Factory(dict)


def names_text(names: dict[str, str] | set[str]) -> str:
    """Render the first few of some names."""
    shown = [f'"{name}"' for name in sorted(names)[:5]]
    if len(names) > len(shown):
        shown.append("...")
    return " or ".join(shown) or "none"
