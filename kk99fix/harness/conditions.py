"""What is expected of a message: one condition a field, and in what a message differs.

A `Condition` is a tag, a comparison and the value to compare with, as text:

    =    this value; `*` and `?` are wildcards, `A|B` is one of the two
    !=   another value, or no such field
    < <= > >=   by number
    is-there, is-absent

Numbers are compared as numbers (190.00 is 190), everything else as text.
Where a field occurs more than once, the n-th condition that wants a value of it is about its n-th
occurrence, so the entries of a repeating group are expected in their order.
"""

import enum
import fnmatch
import operator
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

import attrs

from kk99fix.fix.message import Message
from kk99fix.harness.vocabulary import FieldWords, vocabulary

ABSENT: Final = "no such field"


class Is(enum.StrEnum):
    """How a value is compared."""

    EQUAL = "="
    OTHER = "!="
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    THERE = "is-there"
    ABSENT = "is-absent"


_RANGES: Final[dict[Is, Callable[[Decimal, Decimal], bool]]] = {
    Is.BELOW: operator.lt,
    Is.AT_MOST: operator.le,
    Is.ABOVE: operator.gt,
    Is.AT_LEAST: operator.ge,
}


@attrs.frozen
class Condition:
    """One condition; a `literal` value has neither wildcards nor alternatives nor meanings."""

    field: FieldWords
    comparison: Is
    value: str = ""
    literal: bool = False

    @property
    def label(self) -> str:
        """The condition for people: `ExecType(150)=F TRADE`."""
        match self.comparison:
            case Is.THERE:
                return f"{self.field.label}=*"
            case Is.ABSENT:
                return f"no {self.field.label}"
        return f"{self.field.label}{self.comparison}{self.field.meaning(self._codes()[0])}"

    def holds(self, value: str | None) -> bool:
        """Whether a value, None for a field that is not there, is as it should be."""
        match self.comparison:
            case Is.ABSENT:
                return value is None
            case Is.THERE:
                return value is not None
            case Is.OTHER:
                return value is None or not self._equal(value)
            case Is.EQUAL:
                return value is not None and self._equal(value)
        found, limit = number(value or ""), number(self.value)
        return found is not None and limit is not None and _RANGES[self.comparison](found, limit)

    def _codes(self) -> list[str]:
        if self.literal:
            return [self.value]
        return [self.field.code(each) for each in self.value.split("|")]

    def _equal(self, value: str) -> bool:
        return any(self._is(wanted, value) for wanted in self._codes())

    def _is(self, wanted: str, value: str) -> bool:
        if wanted == value:
            return True
        if not self.literal and any(each in wanted for each in "*?"):
            return fnmatch.fnmatchcase(value, wanted.replace("[", "[[]"))
        if not self.field.number:
            return False
        found, expected = number(value), number(wanted)
        return found is not None and found == expected


@attrs.frozen
class Difference:
    """A condition that does not hold, and what was found instead."""

    condition: Condition
    found: str | None

    @property
    def text(self) -> str:
        """The difference for people."""
        field = self.condition.field
        found = ABSENT if self.found is None else field.meaning(self.found)
        return f"expected {self.condition.label}, received {found}"


def number(text: str) -> Decimal | None:
    """Return a text as a number; None if it is none."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def differences(conditions: Sequence[Condition], message: Message) -> list[Difference]:
    """Return the conditions that a message does not keep, in their order."""
    occurrences = Counter(tag for tag, _ in message.fields)
    seen: Counter[int] = Counter()
    found: list[Difference] = []
    for condition in conditions:
        tag = condition.field.tag
        nth = 0
        if condition.comparison in {Is.EQUAL, Is.THERE} and occurrences[tag] > 1:
            nth = seen[tag]
            seen[tag] += 1
        value = nth_value(message, tag, nth)
        if not condition.holds(value):
            found.append(Difference(condition, value))
    return found


def nth_value(message: Message, tag: int, nth: int = 0) -> str | None:
    """Return the value of the n-th field with this tag, from 0; None if there are not as many."""
    values = [value for each, value in message.fields if each == tag]
    return values[nth].decode("latin-1") if nth < len(values) else None


def equal(word: str, value: str, *, literal: bool = False) -> Condition:
    """Return the condition that a field, by name or number, has this value."""
    return Condition(vocabulary().field(word), Is.EQUAL, value, literal)
