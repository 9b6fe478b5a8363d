"""Reads `example_day.fix`: the session log from which the rules of engagement take their examples.

    # caption               what the next line shows; a line with one is an example of its message
    > 8=FIX.4.4|9=...|      a counterparty sends, `|` for SOH
    < 8=FIX.4.4|9=...|      the venue sends, because of the `>` or `!` line before
    ! news BROKER1          the operator acts: `news` or `stop`, and whom it concerns

A test plays what comes in against a venue, and what the venue sends has to be what the log has.
"""

import re
from pathlib import Path
from typing import Final

import attrs

LOG_PATH: Final = Path(__file__).with_name("example_day.fix")


@attrs.frozen
class Line:
    """One line of the log: `mark` is what it begins with, `caption` the comment above it."""

    mark: str
    text: str
    caption: str = ""

    @property
    def msg_type(self) -> str:
        """MsgType(35) of a message; "" for an act of the operator."""
        found = re.search(r"\|35=([^|]+)\|", self.text)
        return found[1] if found else ""


def lines(text: str) -> list[Line]:
    """The lines of a log, each with its caption; ValueError names a line that is none."""
    found: list[Line] = []
    caption = ""
    for line in text.splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "#":
            caption = rest
        elif mark in {">", "<", "!"}:
            found.append(Line(mark, rest, caption))
            caption = ""
        elif line:
            raise ValueError(f"neither a message nor a comment: {line}")
    return found


def read() -> list[Line]:
    """The example day."""
    return lines(LOG_PATH.read_text(encoding="utf-8"))
