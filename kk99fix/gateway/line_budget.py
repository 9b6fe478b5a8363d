"""How many log lines of one kind a second may have: what others cause must not become a flood."""

from typing import Final

LINES_PER_S: Final = 20


class LineBudget:
    """Counts the lines of the present second, and those that were left out before it."""

    def __init__(self) -> None:
        """Begin with nothing used."""
        self._second = 0
        self._lines = 0
        self._left_out = 0

    def take(self, now_s: float) -> dict[str, int] | None:
        """Fields that the line has to carry besides its own; None when it is left out."""
        if int(now_s) != self._second:
            self._second, self._lines = int(now_s), 0
        self._lines += 1
        if self._lines > LINES_PER_S:
            self._left_out += 1
            return None
        left_out, self._left_out = self._left_out, 0
        return {"left_out": left_out} if left_out else {}
