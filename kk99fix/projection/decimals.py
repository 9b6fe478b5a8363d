"""Exact decimals of the projection: integers with a fixed number of decimals, and their text."""

from typing import Final

E8_PLACES: Final = 8
#: Price, quantity and multiplier have eight decimals each.
NOTIONAL_PLACES: Final = 24
_REMEMBERED: Final = 100_000


class E8Values(dict[str | None, int | None]):
    """Decimal text to units of 1e-8, computed once for each text; None stays None."""

    def __init__(self) -> None:
        """Know none but None."""
        super().__init__({None: None})

    def __missing__(self, text: str) -> int:
        """Parse a text that is new; ValueError when it is no number of at most 8 decimals."""
        if len(self) > _REMEMBERED:
            self.clear()
            self[None] = None
        assert text is not None
        value = parse_scaled(text, E8_PLACES)
        self[text] = value
        return value


def format_scaled(value: int, places: int) -> str:
    """Return the decimal text of `value` units of the last of `places` decimals."""
    whole, fraction = divmod(abs(value), 10**places)
    digits = f"{whole}.{fraction:0{places}}".rstrip("0").rstrip(".")
    return f"-{digits}" if value < 0 else digits


def parse_scaled(text: str, places: int) -> int:
    """Return what `format_scaled` made into text; ValueError for anything else."""
    whole, _, fraction = text.removeprefix("-").partition(".")
    if not (whole + fraction).isdecimal() or len(fraction) > places:
        raise ValueError(f"{text!r} is no decimal number")
    value = int(whole + fraction.ljust(places, "0"))
    return -value if text.startswith("-") else value


def divide_half_even(numerator: int, denominator: int) -> int:
    """Return the quotient rounded half to even; the denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient % 2))
