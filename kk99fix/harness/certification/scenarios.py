"""Reads `scenarios.toml`: what a counterparty's engine has to show, as values.

A pattern is a message in terms of its fields' names.  Its values may name what the command chose
or what was kept of earlier messages, `${name}`; they are put in when the step begins.
"""

import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from kk99fix.fix import tables, values

TOML_PATH: Final = Path(__file__).with_name("scenarios.toml")
_TAGS: Final = {rule.name: tag for tag, rule in tables.FIELDS.items()}
_DECIMALS: Final = frozenset({"QTY", "PRICE"})
_VARIABLE: Final = re.compile(r"\$\{([a-z]+)\}")

Fields = Mapping[int, str]


@frozen
class Difference:
    """A field that is not as it was wanted; `found` is "" where it is absent."""

    tag: int
    wanted: tuple[str, ...]
    found: str


@frozen
class Pattern:
    """A message that is waited for: alternatives of its values, by tag; "" is an absent field."""

    fields: dict[int, tuple[str, ...]]

    @property
    def msg_type(self) -> str:
        """MsgType(35), of several the first."""
        return self.fields[35][0]

    def filled(self, variables: Mapping[str, str]) -> "Pattern":
        """Put values in the place of their names; what is in them stands for itself alone."""
        plain = {name: escape(value) for name, value in variables.items()}
        return Pattern(
            {
                tag: tuple(filled(text, plain) for text in alternatives)
                for tag, alternatives in self.fields.items()
            }
        )

    def differences(self, fields: Fields) -> list[Difference]:
        """What of a message is not as it is wanted, MsgType(35) first."""
        found = ((tag, wanted, fields.get(tag, "")) for tag, wanted in self.fields.items())
        return [Difference(*each) for each in found if not _fits(*each)]


@frozen
class Step:
    """One thing that is asked for."""

    ask: str
    #: What the counterparty sends; None where it is somebody else's turn.
    send: Pattern | None
    #: What the venue answers.
    expect: tuple[Pattern, ...]
    #: Name -> tag of what is sent.
    keep: dict[str, int]


@frozen
class Function:
    """What one function takes."""

    name: str
    title: str
    steps: tuple[Step, ...]


def read(path: Path = TOML_PATH) -> dict[str, Function]:
    """All functions by name."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    functions = (
        Function(row["name"], row["title"], tuple(_step(step) for step in row["step"]))
        for row in document["function"]
    )
    return {function.name: function for function in functions}


def filled(text: str, variables: Mapping[str, str]) -> str:
    """Put the values of variables in the place of their names; KeyError for an unknown one."""
    return _VARIABLE.sub(lambda found: variables[found[1]], text)


def _step(row: dict[str, Any]) -> Step:
    return Step(
        ask=row["ask"],
        send=_pattern(row["send"]) if "send" in row else None,
        expect=tuple(_pattern(each) for each in row.get("expect", ())),
        keep={name: _TAGS[field] for name, field in row.get("keep", {}).items()},
    )


def _pattern(row: dict[str, str]) -> Pattern:
    return Pattern({_TAGS[name]: tuple(value.split("|")) for name, value in row.items()})


def _fits(tag: int, alternatives: tuple[str, ...], found: str) -> bool:
    """Whether a value is one of the alternatives; numbers are compared as numbers."""
    if not found:
        return "" in alternatives
    if tables.FIELDS[tag].datatype in _DECIMALS:
        number = values.decimal_e8(found.encode())
        return any(number == values.decimal_e8(each.encode()) for each in alternatives if each)
    return any(fnmatchcase(found, each) for each in alternatives if each)
