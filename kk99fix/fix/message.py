"""A message as its fields, in the order in which they arrived.

A Message is what `split` found in a frame; whether it keeps the rules is for `validate` to say.
Looking up a tag gives its first occurrence; entries of a repeating group come from `groups`.
"""

from functools import cached_property
from typing import Final

import attrs

from kk99fix.fix import tables, values

#: A tag with its value.
Pair = tuple[int, bytes]

#: Password(554), NewPassword(925), RawData(96): never shown, wherever a message is.
SECRET_TAGS: Final = frozenset({96, 554, 925})


@attrs.frozen
class FieldError:
    """What is wrong with one field: the substance of a Reject(3).

    `reason` is SessionRejectReason(373), `tag` RefTagID(371) (0: none), `text` Text(58).
    """

    reason: int
    tag: int
    text: bytes


def _shown(fields: tuple[Pair, ...]) -> str:
    return repr(tuple((tag, b"*" if tag in SECRET_TAGS else value) for tag, value in fields))


@attrs.frozen
class Message:
    """One message; `fault` is what already the cut into fields found wrong.

    Its repr may stand in an error that is logged, so it shows no secret.
    """

    msg_type: bytes
    fields: tuple[Pair, ...] = attrs.field(repr=_shown)
    raw: bytes = attrs.field(repr=False)
    fault: FieldError | None = None

    @cached_property
    def _first(self) -> dict[int, bytes]:
        return dict(reversed(self.fields))

    def get(self, tag: int) -> bytes | None:
        """Value of the first field with this tag; None if there is none."""
        return self._first.get(tag)

    def get_int(self, tag: int) -> int | None:
        """Value of an int, SeqNum, Length or NumInGroup field; None if absent or malformed."""
        value = self.get(tag)
        return None if value is None else values.integer(value)

    def get_bool(self, tag: int) -> bool:
        """Whether a Boolean field is there and `Y`."""
        return self.get(tag) == b"Y"

    def groups(self, count_tag: int) -> tuple[tuple[Pair, ...], ...]:
        """Entries of a top-level repeating group of a valid message; nested ones are inside."""
        return entries(self.fields, count_tag)


def entries(fields: tuple[Pair, ...], count_tag: int) -> tuple[tuple[Pair, ...], ...]:
    """Entries of the group counted by `count_tag` among `fields`; empty if it is not there."""
    tags = [tag for tag, _ in fields]
    if count_tag not in tags:
        return ()
    members = _members(count_tag)
    delimiter = tables.GROUPS[count_tag].delimiter
    found: list[list[Pair]] = []
    for tag, value in fields[tags.index(count_tag) + 1 :]:
        if tag not in members or (not found and tag != delimiter):
            break
        if tag == delimiter:
            found.append([])
        found[-1].append((tag, value))
    return tuple(tuple(entry) for entry in found)


def _members(count_tag: int) -> set[int]:
    """Every tag of an entry, those of nested groups included."""
    members = set(tables.GROUPS[count_tag].members)
    for tag in tuple(members):
        if tag in tables.GROUPS:
            members |= _members(tag)
    return members
