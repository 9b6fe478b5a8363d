"""What happened in a run, in order, for people and for programs.

An `Entry` is one thing: a message with its direction, bytes that are no message, the begin or the
end of a connection, a note, or what went wrong.
Whatever is shown has gone through `Secrets`.
"""

import enum
from collections.abc import Callable
from typing import Any, Final

import attrs

from kk99fix.fix import encode, masking
from kk99fix.fix.message import Message
from kk99fix.fix.values import format_utc_timestamp
from kk99fix.harness.secrecy import Secrets
from kk99fix.harness.vocabulary import vocabulary

#: Not shown of a message: what every message has, and what says nothing by itself.
_ENVELOPE: Final = frozenset({8, 9, 10, 34, 35, 49, 52, 56})
_WIDTH: Final = 100
_INDENT: Final = " " * 16
_BYTES_MAX: Final = 200


class Kind(enum.StrEnum):
    """What an entry is about."""

    SENT = "sent"
    RECEIVED = "received"
    SENT_BYTES = "sent bytes"
    RECEIVED_GARBAGE = "received garbage"
    CONNECTED = "connected"
    CLOSED = "closed"
    NOTE = "note"
    FAILED = "failed"


_SIGNS: Final = {
    Kind.SENT: "->",
    Kind.RECEIVED: "<-",
    Kind.SENT_BYTES: "->",
    Kind.RECEIVED_GARBAGE: "<-",
    Kind.CONNECTED: "==",
    Kind.CLOSED: "==",
    Kind.NOTE: "--",
    Kind.FAILED: "!!",
}


@attrs.frozen
class Entry:
    """One thing that happened; `who` is empty where it is about nobody."""

    time_ns: int
    kind: Kind
    who: str
    text: str = ""
    message: Message | None = None


@attrs.define
class Transcript:
    """The entries of one run; `show` gets the lines of each as it comes."""

    secrets: Secrets = attrs.field(factory=Secrets)
    show: Callable[[str], None] | None = None
    #: Entries that are kept at most; a flood tells nothing new after so many.
    kept_max: int = 10_000
    entries: list[Entry] = attrs.field(factory=list, init=False, repr=False)

    def add(self, entry: Entry) -> None:
        """Take one more entry."""
        if entry.message is not None:
            for tag, value in entry.message.fields:
                self.secrets.keep_field(tag, value)
        if len(self.entries) < self.kept_max or entry.kind is Kind.FAILED:
            self.entries.append(entry)
            if self.show is not None:
                for line in self.lines(entry):
                    self.show(line)

    @property
    def text(self) -> str:
        """All of it as lines."""
        return "\n".join(line for entry in self.entries for line in self.lines(entry))

    def lines(self, entry: Entry) -> list[str]:
        """Return an entry as lines: time, who, direction, what, and below it the fields."""
        time = format_utc_timestamp(entry.time_ns)[9:].decode()
        begin = f"{time}  {entry.who:<10} {_SIGNS[entry.kind]} "
        if entry.message is None:
            first, *rest = self.secrets.text(entry.text).splitlines() or [""]
            return [begin + first, *(" " * len(begin) + line for line in rest)]
        number = fields_text(entry.message, 34)
        head = f"{begin}{label(entry.message)}{f' #{number}' if number else ''}"
        return [head, *_wrapped(self._fields(entry.message), _INDENT)]

    def json(self, entry: Entry) -> dict[str, Any]:
        """Return an entry for a program."""
        row: dict[str, Any] = {
            "time": format_utc_timestamp(entry.time_ns, 6).decode(),
            "who": entry.who,
            "kind": entry.kind.value,
        }
        if entry.message is None:
            return row | {"text": self.secrets.text(entry.text)}
        fields = [[tag, self._value(tag, value)] for tag, value in entry.message.fields]
        return row | {"message": label(entry.message), "fields": fields}

    def _value(self, tag: int, value: bytes) -> str:
        return self.secrets.value(tag, encode.printable(value, _BYTES_MAX))

    def _fields(self, message: Message) -> list[str]:
        words = vocabulary()
        told = []
        for tag, value in message.fields:
            if tag not in _ENVELOPE:
                field = words.tag(tag)
                told.append(f"{field.label}={field.meaning(self._value(tag, value))}")
        return told


def label(message: Message) -> str:
    """Return a message's name for people."""
    return vocabulary().message_label(message.msg_type.decode("latin-1"))


def fields_text(message: Message, tag: int) -> str:
    """Return the value of a field as text, empty without one."""
    return (message.get(tag) or b"").decode("latin-1")


def readable(data: bytes) -> str:
    """Return bytes as they may be shown: SOH as `|`, secrets masked."""
    masked = masking.mask_whatever(data)
    return encode.printable(masked.replace(b"\x01", b"|"), _BYTES_MAX)


def _wrapped(words: list[str], indent: str) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 2 + len(word) <= _WIDTH:
            lines[-1] += f"  {word}"
        else:
            lines.append(indent + word)
    return lines
