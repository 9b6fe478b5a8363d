"""A script's text to its steps: includes, parties, and everything that is wrong at once.

Checked without running it: verbs, names of fields, messages and parties, quotes, `${...}`, and
which variables nothing in the script gives a value: its parameters.
"""

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import attrs

from kk99fix.harness.conditions import Is
from kk99fix.harness.counterparty import WRITTEN
from kk99fix.harness.script import steps
from kk99fix.harness.script.lines import Line, Place, ScriptError, lines_of, title_of
from kk99fix.harness.script.steps import Script, Step
from kk99fix.harness.script.values import NoValueError, variables_in
from kk99fix.harness.script.verbs import OF_PARTY, OF_SCRIPT, Verb, WrongError

#: Deeper includes go round in a circle.
_DEPTH_MAX: Final = 8
#: What the command line gives every script.
_GIVEN: Final = frozenset({"host", "port"})


def read(path: Path) -> Script:
    """Read a script and what it includes; raises ScriptError for the first thing that is wrong."""
    parser = _Parser()
    steps_found = tuple(parser.file(path, None, 0))
    return Script(path, title_of(_text(path, None)), steps_found, tuple(parser.parameters))


@attrs.define
class _Parser:
    """What has to be remembered from one line to the next."""

    parties: set[str] = attrs.field(factory=set)
    #: Those of the parties that have no session layer.
    raw: set[str] = attrs.field(factory=set)
    variables: set[str] = attrs.field(factory=lambda: set(_GIVEN))
    parameters: list[str] = attrs.field(factory=list)

    def file(self, path: Path, included: Place | None, depth: int) -> Iterator[Step]:
        for line in lines_of(path, _text(path, included)):
            if line.words[0].text == "include":
                yield from self._include(line, depth)
            else:
                yield self._step(line)

    def _include(self, line: Line, depth: int) -> Iterator[Step]:
        if len(line.words) != 2:
            raise ScriptError(line.place, "right is: include FILE")
        if depth == _DEPTH_MAX:
            raise ScriptError(line.place, "the includes go round in a circle")
        path = line.place.path.parent / line.words[1].plain
        yield from self.file(path, line.place, depth + 1)

    def _step(self, line: Line) -> Step:
        first = line.words[0].text
        if first in OF_SCRIPT:
            step = Step(line, "", _action(OF_SCRIPT[first], line, 1))
        elif first in self.parties:
            step = Step(line, first, _action(self._verb_of_party(line), line, 2))
        else:
            raise ScriptError(line.place, self._unknown(first))
        self._note(step)
        return step

    def _verb_of_party(self, line: Line) -> Verb:
        if len(line.words) < 2:
            raise ScriptError(line.place, f"what does {line.words[0].text} do? {_all(OF_PARTY)}")
        word = line.words[1].text
        if word not in OF_PARTY:
            raise ScriptError(
                line.place, f"no verb is called {word!r}{_close(word, OF_PARTY)}. {_all(OF_PARTY)}"
            )
        return OF_PARTY[word]

    def _unknown(self, word: str) -> str:
        known = [*OF_SCRIPT, "include", *sorted(self.parties)]
        parties = ", ".join(sorted(self.parties)) or "none so far"
        return (
            f"{word!r} is neither a verb nor a party{_close(word, known)}. A line begins with "
            f"{', '.join(OF_SCRIPT)}, include, or a party ({parties}), which "
            "`party NAME sender=... target=...` declares"
        )

    def _note(self, step: Step) -> None:
        """Remember what a step declares, and find what has no value."""
        action, place = step.action, step.line.place
        if isinstance(action, steps.DeclareParty):
            if action.name in self.parties:
                raise ScriptError(place, f"there is a party {action.name} already")
            if action.name in OF_SCRIPT or action.name == "include":
                raise ScriptError(place, f"{action.name} is a verb; take another name")
            self.parties.add(action.name)
            self.raw |= {action.name} if action.raw else set()
        if isinstance(action, steps.Send) and step.who not in self.raw:
            _refuse_written(step, action)
        for word in step.line.words:
            try:
                needed = variables_in(word.text)
            except NoValueError as error:
                raise ScriptError(place, str(error)) from error
            new = [n for n in needed if n not in self.variables and n not in self.parameters]
            self.parameters += new
        if isinstance(action, steps.Default | steps.Assign):
            self.variables.add(action.name)
        elif isinstance(action, steps.Expect):
            self.variables |= {term.captured for term in action.terms if term.captured}


def _refuse_written(step: Step, action: steps.Send) -> None:
    written = [term.field.label for term in action.terms if term.field.tag in WRITTEN]
    written += [term.field.label for term in action.terms if term.comparison is Is.ABSENT]
    if written:
        raise ScriptError(
            step.line.place,
            f"the session layer of {step.who} writes {', '.join(dict.fromkeys(written))}; to write "
            f"it by hand declare `party {step.who} ... raw`",
        )


def _action(verb: Verb, line: Line, begin: int) -> steps.Action:
    try:
        return verb.parse(line.words[begin:])
    except WrongError as error:
        raise ScriptError(line.place, f"{error}. Right is: {verb.usage}") from error


def _text(path: Path, included: Place | None) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        where = Place(path, 1) if included is None else included
        raise ScriptError(where, f"{path} cannot be read: {reason}") from error


def _close(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, list(known), n=2, cutoff=0.6)
    return f"; is it {' or '.join(found)}?" if found else ""


def _all(verbs: Iterable[str]) -> str:
    return f"Verbs of a party are {', '.join(verbs)}"
