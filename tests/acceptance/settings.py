"""The settings of a script: the shipped files with small pools, and what its head changes."""

import tomllib
from pathlib import Path
from typing import Any

import attrs
from acceptance.script import Script
from support.live_gateway import small_settings

from kk99fix.config.load import Settings


def settings_of(script: Script, folder: Path) -> Settings:
    """Return the settings that a script wants; `folder` is for the copied files.

    A change names the owner of the key, as `venue`, a session or an instrument.
    """
    settings = small_settings(folder)
    for change in script.head.get("Config", []):
        owner, _, assignment = change.partition(" ")
        key, _, value = assignment.partition(" = ")
        changed = tomllib.loads(f"value = {value}")["value"]
        settings = _change(settings, owner, tuple(key.split(".")), changed)
    return settings


def _change(settings: Settings, owner: str, key: tuple[str, ...], value: object) -> Settings:
    if owner == "venue":
        return attrs.evolve(settings, venue=_evolve(settings.venue, key, value))
    if settings.session(owner) is not None:
        sessions = tuple(
            _evolve(each, key, value) if each.comp_id == owner else each
            for each in settings.sessions
        )
        return attrs.evolve(settings, sessions=sessions)
    listed = settings.instruments.instrument
    assert owner in {each.symbol for each in listed}, owner
    changed = tuple(_evolve(each, key, value) if each.symbol == owner else each for each in listed)
    return attrs.evolve(
        settings, instruments=attrs.evolve(settings.instruments, instrument=changed)
    )


def _evolve(owner: Any, key: tuple[str, ...], value: object) -> Any:  # noqa: ANN401
    """Return a copy of an attrs value in which the key, some levels down, has another value."""
    first, *rest = key
    inner = _evolve(getattr(owner, first), tuple(rest), value) if rest else value
    assert hasattr(owner, first), first
    return attrs.evolve(owner, **{first: inner})
