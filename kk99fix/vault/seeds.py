"""What the live side knows of seeds: a name in, the bytes or a reason out.

Whoever keeps seeds elsewhere (a token behind PKCS#11, a service) implements `Seeds` and gets its
word in `store` of [secrets]; see `opening`.
"""

import re
from typing import Final, Protocol

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class SeedError(Exception):
    """A seed cannot be had; the text says why and what to do, and holds no secret."""


class Seeds(Protocol):
    """Seeds of one-time passwords by name."""

    def seed(self, name: str, /) -> bytes:
        """Return the seed that the other side's device holds too.  Raises SeedError.

        It may read a file: call it where waiting is allowed, and keep what it returns no longer
        than it takes to compare a code.
        """


class NoSeeds:
    """Where no seeds are kept."""

    def seed(self, name: str, /) -> bytes:
        """Raise SeedError, whatever is asked for."""
        raise SeedError(f"there is no seed {name}: this gateway was started without any")


def checked(name: str) -> str:
    """Return the name if it can be one, so that no name leads out of the folder; SeedError."""
    if NAME.fullmatch(name) is None:
        raise SeedError(
            "a seed is named by 1 to 64 letters, digits, underscores or hyphens, "
            "as a session is by its CompID"
        )
    return name
