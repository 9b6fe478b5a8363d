"""The words of FIX 4.4 for people: names, numbers and meanings of messages, fields and values.

They come from the message dictionary; dialect kk99's own fields are among them.
What the dictionary does not know goes by its number, so that other venues' fields can be used:
a tag is its digits, a message type its code.
A word that is neither raises `UnknownWordError`, which names the words that look like it.
"""

import difflib
import functools
import re
from collections.abc import Iterable
from typing import Final

import attrs

from kk99fix.fix import dictionary

#: Datatypes whose values are numbers: 190 and 190.00 are the same.
_NUMBERS: Final = frozenset({"PRICE", "QTY", "AMT", "PERCENTAGE", "PRICEOFFSET", "FLOAT", "INT"})
_TAG: Final = re.compile(r"[1-9][0-9]{0,8}")
_CODE: Final = re.compile(r"[A-Za-z0-9]{1,2}")
_MEANING: Final = re.compile(r"[A-Z][A-Z_]{2,}")


class UnknownWordError(ValueError):
    """No message or field has this name; the text says which ones look like it."""


@attrs.frozen
class FieldWords:
    """What is known of a field; `meanings` are the values of FIX by their codes."""

    tag: int
    name: str
    number: bool
    meanings: dict[str, str]

    @property
    def label(self) -> str:
        """The field for people: `Side(54)`."""
        return f"{self.name}({self.tag})" if self.name else str(self.tag)

    def code(self, word: str) -> str:
        """Return the value that a word stands for: `1` for `BUY`; any other value is itself.

        Raises UnknownWordError for a word that looks like a meaning and is none of this field.
        """
        for code, meaning in self.meanings.items():
            if word in {code, meaning}:
                return code
        if self.meanings and _MEANING.fullmatch(word):
            known = self.meanings.values()
            raise UnknownWordError(_unknown(f"value of {self.label}", word, known, "its code"))
        return word

    def meaning(self, value: str) -> str:
        """Return a value for people: `1 BUY`."""
        return f"{value} {self.meanings[value]}" if value in self.meanings else value


@attrs.frozen
class Vocabulary:
    """All words."""

    by_tag: dict[int, FieldWords]
    by_name: dict[str, FieldWords]
    #: Names of messages by their MsgType(35).
    messages: dict[str, str]

    def field(self, word: str) -> FieldWords:
        """Return the field that goes by this name or number; raises UnknownWordError."""
        if _TAG.fullmatch(word):
            return self.tag(int(word))
        if word not in self.by_name:
            raise UnknownWordError(_unknown("field", word, self.by_name, "a number as in 55="))
        return self.by_name[word]

    def tag(self, tag: int) -> FieldWords:
        """Return what is known of a tag, which may be nothing."""
        return self.by_tag.get(tag) or FieldWords(tag, "", number=False, meanings={})

    def msg_type(self, word: str) -> str:
        """Return the MsgType(35) of a message by name or code; raises UnknownWordError."""
        for code, name in self.messages.items():
            if word == name:
                return code
        if _CODE.fullmatch(word):
            return word
        raise UnknownWordError(
            _unknown("message", word, self.messages.values(), "a MsgType(35) as in D")
        )

    def message_label(self, msg_type: str) -> str:
        """Return a message for people: `NewOrderSingle(D)`."""
        name = self.messages.get(msg_type)
        return f"{name}({msg_type})" if name else f"message {msg_type}"


@functools.cache
def vocabulary() -> Vocabulary:
    """Return the words of the dictionary."""
    source = dictionary.load()
    fields = [*source.fields.values()]
    for dialect in source.dialect_fields.values():
        fields += dialect.values()
    words = [
        FieldWords(
            field.tag,
            field.name,
            field.datatype in _NUMBERS,
            dict(zip(field.enum, field.enum_names, strict=False)),
        )
        for field in fields
    ]
    return Vocabulary(
        {each.tag: each for each in words},
        {each.name: each for each in words},
        {code: message.name for code, message in source.messages.items()},
    )


def _unknown(kind: str, word: str, known: Iterable[str], otherwise: str) -> str:
    close = difflib.get_close_matches(word, list(known), n=3, cutoff=0.6)
    hint = f"; is it {' or '.join(close)}?" if close else ""
    return f"no {kind} is called {word!r}{hint} Give its FIX 4.4 name, or {otherwise}"
