"""A script's text as lines of words: comments, quotes and lines that go on below.

- `#` at the beginning of a word begins a comment.
- A line that begins with blanks goes on with the one before.
- `"` keeps blanks together and is taken literally: no wildcards, no words of FIX; `${...}` is still
  filled in.

What the words mean is for `parse` to say.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

_WORD: Final = re.compile(r'\s*((?:[^\s"]|"[^"]*")+)')


class ScriptError(Exception):
    """A script is wrong; the text has file, line, what was found and what would be right."""

    def __init__(self, place: "Place", text: str) -> None:
        """Take where, and what."""
        super().__init__(f"{place}: {text}")


@attrs.frozen
class Place:
    """A line of a file."""

    path: Path
    line: int

    def __str__(self) -> str:
        """Return it as editors know it."""
        return f"{self.path}:{self.line}"


@attrs.frozen
class Word:
    """One word; the part behind its first quote is literal."""

    text: str

    @property
    def plain(self) -> str:
        """The word without its quotes."""
        return self.text.replace('"', "")

    def split(self, sign: re.Pattern[str]) -> tuple[str, str, str, bool] | None:
        """Return what stands before a sign, the sign, what follows, and whether that is literal."""
        match = sign.match(self.text)
        if match is None:
            return None
        value = self.text[match.end() :]
        return match[1], match[2], value.replace('"', ""), '"' in value


@attrs.frozen
class Line:
    """The words of a statement; `text` is all of it."""

    place: Place
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The statement as it stands there, blanks apart."""
        return " ".join(word.text for word in self.words)


def title_of(text: str) -> str:
    """Return the first comment of a script: what it shows."""
    for line in text.splitlines():
        if line.startswith("#"):
            return line.lstrip("# ").strip()
        if line.strip():
            break
    return ""


def lines_of(path: Path, text: str) -> Iterator[Line]:
    """Cut a script into lines; raises ScriptError."""
    begun: Line | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        place = Place(path, number)
        bare = _without_comment(raw)
        if bare.count('"') % 2:
            raise ScriptError(place, 'a quote " is opened and not closed in this line')
        words = tuple(Word(match[1]) for match in _WORD.finditer(bare))
        if not words:
            continue
        if not raw[0].isspace():
            if begun is not None:
                yield begun
            begun = Line(place, words)
        elif begun is None:
            raise ScriptError(
                place, "a line that begins with blanks goes on with the one before; there is none"
            )
        else:
            begun = attrs.evolve(begun, words=(*begun.words, *words))
    if begun is not None:
        yield begun


def _without_comment(raw: str) -> str:
    quoted = False
    for position, char in enumerate(raw):
        if char == '"':
            quoted = not quoted
        elif char == "#" and not quoted and (position == 0 or raw[position - 1].isspace()):
            return raw[:position]
    return raw
