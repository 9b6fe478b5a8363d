"""References of refused logons: short enough to read out, and never given out twice.

A reference such as `mf3k2a81-17` is when the gateway started, in milliseconds and base 36, and a
count since then.  So one out of yesterday's log says by itself that it is of an earlier start.
"""

import re
from typing import Final, Self

from attrs import frozen

NS_PER_MS: Final = 1_000_000
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_FORM: Final = re.compile(r"([0-9a-z]{8,10})-([1-9][0-9]{0,17})")


@frozen(order=True)
class Reference:
    """One reference."""

    started_ms: int
    count: int

    def __str__(self) -> str:
        """Return it as people see it."""
        left, digits = self.started_ms, ""
        while left:
            left, digit = divmod(left, len(_DIGITS))
            digits = _DIGITS[digit] + digits
        return f"{digits}-{self.count}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return what the text stands for; None where it is no reference."""
        found = _FORM.fullmatch(text.strip().lower())
        return None if found is None else cls(int(found[1], len(_DIGITS)), int(found[2]))

    @property
    def started_ns(self) -> int:
        """When the gateway that gave it out started, UTC."""
        return self.started_ms * NS_PER_MS
