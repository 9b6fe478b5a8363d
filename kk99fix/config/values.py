"""The kinds of value that stand in the files, as types that say what is allowed.

A type is `E8`, `int`, `str`, `bool` or a date, with rules attached through `Annotated`.
`structure.py` applies them; a rule refuses with what would be right, and the finder adds what was
found, so that no rule can leak a secret.
"""

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Annotated, Any, NewType, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import field, frozen

from kk99fix.config.decimals import MAX_E8, format_e8
from kk99fix.config.public_key import public_key

#: A decimal number in units of 1e-8, written as a string in the file.
E8 = NewType("E8", int)

Network = IPv4Network | IPv6Network


class Rule(Protocol):
    """Something that a value has to satisfy."""

    def check(self, value: Any, /) -> None:  # noqa: ANN401 - each rule has its own type
        """Raise ValueError, saying what would be right, if the value does not satisfy the rule."""


@frozen
class Between:
    """An integer within bounds, both included."""

    low: int
    high: int

    def check(self, value: int, /) -> None:
        """See Rule."""
        if not self.low <= value <= self.high:
            raise ValueError(f"a number from {self.low} to {self.high} would be right")


@frozen
class DecimalFrom:
    """A decimal number at or above a bound."""

    low_e8: int

    def check(self, value: int, /) -> None:
        """See Rule."""
        if value < self.low_e8:
            raise ValueError(f"a number from {format_e8(self.low_e8)} would be right")


@frozen
class Matches:
    """Text of a certain form."""

    pattern: re.Pattern[str] = field(converter=re.compile)
    says: str

    def check(self, value: str, /) -> None:
        """See Rule."""
        if self.pattern.fullmatch(value) is None:
            raise ValueError(f"{self.says} would be right")


class OneOf:
    """One of a few words; some more are known, but not supported yet."""

    def __init__(self, *words: str, later: tuple[str, ...] = ()) -> None:
        """Name the words that work, and those that will."""
        self.words = words
        self.later = later

    def check(self, value: str, /) -> None:
        """See Rule."""
        right = " or ".join(f'"{word}"' for word in self.words)
        if value in self.later:
            raise ValueError(f"this is not supported yet; {right} would be right")
        if value not in self.words:
            raise ValueError(f"{right} would be right")


@frozen
class Satisfies:
    """Text that a function accepts."""

    accepts: Callable[[str], object]
    says: str

    def check(self, value: str, /) -> None:
        """See Rule."""
        try:
            self.accepts(value)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise ValueError(f"{self.says} would be right") from None


class Secret:
    """A value that no message may show."""

    def check(self, value: object, /) -> None:
        """See Rule: any value will do."""


Count = Annotated[int, Between(1, 2**32 - 2)]
CountOrZero = Annotated[int, Between(0, 2**32 - 2)]
Seconds = Annotated[int, Between(1, 86_400)]
SecondsOrZero = Annotated[int, Between(0, 86_400)]
#: 0 is never.
Days = Annotated[int, Between(0, 36_500)]
Port = Annotated[int, Between(0, 65_535)]

Positive = Annotated[E8, DecimalFrom(1)]
NotNegative = Annotated[E8, DecimalFrom(0)]
#: Signed, and its magnitude fits as well as it does itself.
AnyPrice = Annotated[E8, DecimalFrom(-MAX_E8)]

CompId = Annotated[
    str, Matches(r"[A-Za-z0-9_-]{1,32}", "1 to 32 letters, digits, underscores or hyphens")
]
Symbol = Annotated[
    str, Matches(r"[A-Za-z0-9._/-]{1,32}", "1 to 32 letters, digits or one of . _ / -")
]
Account = Annotated[
    str, Matches(r"[A-Za-z0-9._/-]{1,32}", "1 to 32 letters, digits or one of . _ / -")
]
Name = Annotated[
    str, Matches(r"[!-~](?:[ -~]{0,62}[!-~])?", "1 to 64 printable characters, no space around")
]
Currency = Annotated[str, Matches(r"[A-Z]{3,5}", "a currency code such as USD")]
Address = Annotated[str, Satisfies(ip_address, 'an IP address such as "127.0.0.1"')]
FileName = Annotated[str, Matches(r"[^\x00]{1,1000}", "the name of a file")]
TimeOfDay = Annotated[
    str, Matches(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", 'a time of day such as "17:00"')
]
Zone = Annotated[str, Satisfies(ZoneInfo, 'an IANA time zone such as "America/New_York"')]
PasswordHash = Annotated[
    str,
    Secret(),
    Matches(
        r"\$argon2id\$v=19\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+",
        "an argon2id hash that starts with $argon2id$v=19$",
    ),
]
PublicKey = Annotated[
    str,
    # No secret, but whoever pastes a private key here has not shown it to everybody yet.
    Secret(),
    Satisfies(public_key, "an Ed25519 public key in base64 or PEM"),
]
SeedName = Annotated[
    str, Matches(r"[A-Za-z0-9_-]{1,64}", "the name of a seed, letters, digits, _ or -,")
]
