"""What the lines of a script mean, as values: a `Step` is a line with its `Action`.

Texts that may hold `${...}` are kept as they stand; `play` fills them in.
"""

from pathlib import Path

import attrs

from kk99fix.harness.conditions import Is
from kk99fix.harness.script.lines import Line
from kk99fix.harness.vocabulary import FieldWords


@attrs.frozen
class Term:
    """A field of a message: to be sent, or with what is expected of it."""

    field: FieldWords
    comparison: Is
    value: str = ""
    literal: bool = False
    #: The variable that takes the value; empty without one.
    captured: str = ""


@attrs.frozen
class Default:
    """`default NAME VALUE`: a variable that the command line may give."""

    name: str
    value: str


@attrs.frozen
class Assign:
    """`set NAME VALUE`."""

    name: str
    value: str


@attrs.frozen
class DeclareParty:
    """`party NAME sender=... target=...`; the options are texts by their names."""

    name: str
    options: dict[str, str]
    raw: bool
    kk99: bool


@attrs.frozen
class Within:
    """`within SECONDS`: how long each later step waits."""

    seconds: str


@attrs.frozen
class Wait:
    """`wait SECONDS`."""

    seconds: str


@attrs.frozen
class Note:
    """`note TEXT`."""

    text: str


@attrs.frozen
class Compare:
    """`assert LEFT IS RIGHT`."""

    left: str
    sign: str
    right: str


@attrs.frozen
class Connect:
    """`PARTY connect`."""


@attrs.frozen
class Logon:
    """`PARTY logon`; `how` are its flags, as they stand there."""

    how: tuple[str, ...]
    terms: tuple[Term, ...]


@attrs.frozen
class Send:
    """`PARTY send MESSAGE`."""

    msg_type: str
    terms: tuple[Term, ...]


@attrs.frozen
class SendBytes:
    """`PARTY bytes "..."`."""

    text: str


@attrs.frozen
class Expect:
    """`PARTY expect MESSAGE`, or `find`, which passes over others; msg_type `*` is any."""

    msg_type: str
    terms: tuple[Term, ...]
    within: str
    passing_over: bool


@attrs.frozen
class ExpectNothing:
    """`PARTY expect nothing`."""

    within: str


@attrs.frozen
class ExpectClosed:
    """`PARTY expect closed`."""

    within: str


@attrs.frozen
class Logout:
    """`PARTY logout`."""

    text: str


@attrs.frozen
class Drop:
    """`PARTY drop`."""

    reset: bool


@attrs.frozen
class Numbers:
    """`PARTY numbers in=... out=...`."""

    options: dict[str, str]


Action = (
    Default
    | Assign
    | DeclareParty
    | Within
    | Wait
    | Note
    | Compare
    | Connect
    | Logon
    | Send
    | SendBytes
    | Expect
    | ExpectNothing
    | ExpectClosed
    | Logout
    | Drop
    | Numbers
)


@attrs.frozen
class Step:
    """One line of a script; `who` is empty for lines about no party."""

    line: Line
    who: str
    action: Action


@attrs.frozen
class Script:
    """A whole script with what it includes; `parameters` have no value in it."""

    path: Path
    title: str
    steps: tuple[Step, ...]
    parameters: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the file without its ending."""
        return self.path.stem

    @property
    def parties(self) -> tuple[str, ...]:
        """The parties in the order of their declarations."""
        return tuple(
            each.action.name for each in self.steps if isinstance(each.action, DeclareParty)
        )
