"""Full validation of a message by the dictionary: the session rules of FIX 4.4 Volume 2.

It judges fields, not sequence numbers, times or identities: those are the session layer's.
The answer is the first error found, in one pass over the fields, in time proportional to them:
undefined tag (3), no value (4), out of place (14, 2, 15, 16), twice (13), format (6), value (5);
then required fields (1); and only then what a BusinessMessageReject(j) answers.

Which messages a session may send is not judged here: every message of the dictionary is valid.
A tag that the dictionary lacks is undefined, those from 5000 up included.
"""

from typing import Final

import attrs

from kk99fix.fix import tables, values
from kk99fix.fix.encode import echo
from kk99fix.fix.message import FieldError, Message, Pair
from kk99fix.fix.names import label
from kk99fix.fix.schema import FieldRule, GroupRule, MessageRule

__all__ = ["BusinessError", "FieldError", "validate"]

#: Positions of the members within an entry, by the tag that counts the entries.
_POSITIONS: Final = {
    count_tag: {tag: position for position, tag in enumerate(group.members)}
    for count_tag, group in tables.GROUPS.items()
}
_TEXTS: Final = {
    1: b"Required tag missing: %s",
    2: b"Tag not defined for this message type: %s",
    3: b"Undefined tag: %s",
    4: b"Tag specified without a value: %s",
    5: b"Value is incorrect (out of range) for this tag: %s",
    6: b"Incorrect data format for value: %s",
    11: b"Invalid MsgType(35)%.0s",
    13: b"Tag appears more than once: %s",
    14: b"Tag specified out of required order: %s",
    15: b"Repeating group fields out of order: %s",
    16: b"Incorrect NumInGroup count for repeating group: %s",
}
_HEADER, _BODY, _TRAILER = range(3)


@attrs.frozen
class BusinessError:
    """A valid message that cannot be served: `reason` is BusinessRejectReason(380)."""

    reason: int
    text: bytes


def validate(message: Message, *, kk99: bool = False) -> FieldError | BusinessError | None:
    """Judge a message; None if it is valid. `kk99` allows the tags of that dialect."""
    if message.fault is not None:
        return message.fault
    rule = tables.MESSAGES.get(message.msg_type)
    if rule is None:
        return _unknown_type(message.msg_type)
    walk = _Walk(message.fields, rule, tables.KK99_MESSAGES.get(message.msg_type, frozenset()))
    if not kk99:
        walk.own_tags = frozenset()
    return walk.error() or _missing(walk.seen, rule)


def _unknown_type(msg_type: bytes) -> FieldError | BusinessError:
    """A type that FIX 4.4 knows, or a user's own, is unsupported; any other is invalid."""
    if not msg_type:
        return _error(4, 35)
    if msg_type in tables.FIELDS[35].enum or msg_type.startswith(b"U"):
        return BusinessError(3, b"Unsupported Message Type: %s" % echo(msg_type))
    return _error(11, 35)


def _missing(seen: set[int], rule: MessageRule) -> FieldError | BusinessError | None:
    for tag in (*tables.HEADER.required, *rule.required, *tables.TRAILER.required):
        if tag not in seen:
            return _error(1, tag)
    for alternatives in rule.conditional:
        if seen.isdisjoint(alternatives):
            text = b"Conditionally Required Field Missing: %s" % label(alternatives[0])
            return BusinessError(5, text)
    return None


def _error(reason: int, tag: int) -> FieldError:
    return FieldError(reason, tag, _TEXTS[reason] % label(tag))


@attrs.define
class _Walk:
    """One pass over the fields of a message."""

    fields: tuple[Pair, ...]
    rule: MessageRule
    own_tags: frozenset[int]
    seen: set[int] = attrs.field(factory=set, init=False)

    def error(self) -> FieldError | None:
        """Find the first thing wrong."""
        part = _HEADER
        index = 0
        while index < len(self.fields):
            tag = self.fields[index][0]
            error = self._defined(index) or self._placed(tag, part) or self._value(index)
            if error is not None:
                return error
            self.seen.add(tag)
            part = self._part(tag)
            index += 1
            if tag in self.rule.groups or tag in tables.HEADER.groups:
                after = self._group(index, tables.GROUPS[tag])
                if isinstance(after, FieldError):
                    return after
                index = after
        return None

    def _field_rule(self, tag: int) -> FieldRule | None:
        return tables.KK99_FIELDS[tag] if tag in self.own_tags else tables.FIELDS.get(tag)

    def _part(self, tag: int) -> int:
        if tag in tables.HEADER.fields:
            return _HEADER
        return _TRAILER if tag in tables.TRAILER.fields else _BODY

    def _defined(self, index: int) -> FieldError | None:
        tag, value = self.fields[index]
        if self._field_rule(tag) is None:
            return _error(3, tag)
        return None if value else _error(4, tag)

    def _placed(self, tag: int, part: int) -> FieldError | None:
        """Header, then body, then trailer; each tag once, and one that the message has."""
        mine = self._part(tag)
        if mine == _BODY and tag not in self.rule.fields and tag not in self.own_tags:
            return _error(2, tag)
        if tag in self.seen:
            return _error(13, tag)
        return _error(14, tag) if mine < part else None

    def _value(self, index: int) -> FieldError | None:
        tag, value = self.fields[index]
        rule = self._field_rule(tag)
        assert rule is not None, "only defined tags have a value to judge"
        reason = values.reason_against(rule.datatype, value)
        if not reason and rule.enum and not _listed(rule, value):
            reason = values.VALUE_INCORRECT
        return _error(reason, tag) if reason else None

    def _group(self, index: int, group: GroupRule) -> int | FieldError:
        """Judge the entries that start at `index`; return where they end."""
        declared = values.length(self.fields[index - 1][1])
        count = 0
        while self._tag(index) == group.delimiter:
            after = self._entry(index, group)
            if isinstance(after, FieldError):
                return after
            index = after
            count += 1
        if self._tag(index) in group.members:
            return _error(15, self._tag(index))
        return index if count == declared else _error(16, group.count_tag)

    def _entry(self, index: int, group: GroupRule) -> int | FieldError:
        """Judge one entry: members in their order, each at most once."""
        positions = _POSITIONS[group.count_tag]
        last = -1
        while (tag := self._tag(index)) in positions:
            position = positions[tag]
            if position == 0 and last >= 0:
                break
            if position <= last:
                return _error(15, tag)
            error = self._defined(index) or self._value(index)
            if error is not None:
                return error
            last = position
            index += 1
            if tag in tables.GROUPS:
                after = self._group(index, tables.GROUPS[tag])
                if isinstance(after, FieldError):
                    return after
                index = after
        return index

    def _tag(self, index: int) -> int:
        """The tag at `index`; 0 behind the end."""
        return self.fields[index][0] if index < len(self.fields) else 0


def _listed(rule: FieldRule, value: bytes) -> bool:
    """Whether FIX lists the value, or each of several."""
    if rule.datatype == "MULTIPLEVALUESTRING":
        return all(token in rule.enum for token in value.split(b" "))
    if rule.datatype == "INT":
        return b"%d" % int(value) in rule.enum
    return value in rule.enum
