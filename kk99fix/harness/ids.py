"""Ids that no other run has: for ClOrdID(11) and whatever else a counterparty names itself."""

import string
from typing import Final, Self

import attrs

_DIGITS: Final = string.digits + string.ascii_lowercase
_NS_PER_MS: Final = 1_000_000


@attrs.define
class Ids:
    """Ids of one run: `PREFIX-1`, `PREFIX-2`, and so on."""

    prefix: str
    _count: int = attrs.field(default=0, init=False)

    @classmethod
    def of_now(cls, now_ns: int) -> Self:
        """Return ids that begin with the time, in milliseconds, as short as it can be written."""
        left, digits = now_ns // _NS_PER_MS, ""
        while left:
            left, digit = divmod(left, len(_DIGITS))
            digits = _DIGITS[digit] + digits
        return cls(digits)

    def new(self) -> str:
        """Return an id that was not there before."""
        self._count += 1
        return f"{self.prefix}-{self._count}"
