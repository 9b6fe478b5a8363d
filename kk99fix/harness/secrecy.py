"""Secrets of a run: what may never be shown, wherever it turns up.

Password(554), NewPassword(925) and RawData(96) are hidden by their tags.
A value that came from the environment, or that was sent in one of these fields, is hidden by its
text as well, unless it is so short that this would hide everything else.
"""

from typing import Final

import attrs

from kk99fix.fix import encode
from kk99fix.fix.message import SECRET_TAGS

HIDDEN: Final = "***"
#: Shorter texts stand in too many other words.
_LENGTH_MIN: Final = 4
#: Longer than any secret is, escaped.
_SHOWN_MAX: Final = 1 << 20


@attrs.define
class Secrets:
    """The secrets that a run knows of."""

    _texts: set[str] = attrs.field(factory=set, repr=False)

    def keep(self, text: str) -> None:
        """Hide this text from now on, also where its bytes are shown."""
        if len(text) >= _LENGTH_MIN:
            data = text.encode("utf-8", "surrogateescape")
            self._texts |= {text, encode.printable(data, _SHOWN_MAX)}

    def keep_field(self, tag: int, value: bytes) -> None:
        """Hide the value of a field from now on, if it is a secret one."""
        if tag in SECRET_TAGS:
            self.keep(value.decode("utf-8", "surrogateescape"))

    def value(self, tag: int, text: str) -> str:
        """Return the value of a field as it may be shown."""
        return HIDDEN if tag in SECRET_TAGS else self.text(text)

    def text(self, text: str) -> str:
        """Return any text as it may be shown."""
        for secret in sorted(self._texts, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text
