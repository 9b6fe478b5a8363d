"""Decimal text to int64 in units of 1e-8 and back, exactly.

No float is involved anywhere, and nothing is rounded:
text with more than eight decimals that matter, or out of the range of int64, is refused.
"""

import re

#: One, in the unit of every price and quantity at an interface.
ONE_E8 = 10**8

#: Largest magnitude that int64 holds on both sides of zero.
MAX_E8 = 2**63 - 1

_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)


def parse_e8(text: str) -> int:
    """Return the value of plain decimal text such as `-12.5` in units of 1e-8.

    Raises ValueError, saying what would be right, for anything else.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError('a plain decimal number such as "190.00" would be right')
    sign, whole, fraction = match.group(1), match.group(2), (match.group(3) or "").rstrip("0")
    if len(fraction) > 8:
        raise ValueError("at most 8 decimals would be right")
    # Twenty digits are past int64 in any case; longer text is not worth converting.
    whole = whole.lstrip("0") or "0"
    value = int(whole) * ONE_E8 + int(fraction.ljust(8, "0")) if len(whole) < 20 else MAX_E8 + 1
    if value > MAX_E8:
        raise ValueError(f"at most {format_e8(MAX_E8)} would be right")
    return -value if sign else value


def format_e8(value_e8: int) -> str:
    """Return decimal text without needless zeros: 19000000000 is `190`."""
    whole, fraction = divmod(abs(value_e8), ONE_E8)
    digits = f"{whole}.{fraction:08}".rstrip("0").rstrip(".")
    return f"-{digits}" if value_e8 < 0 else digits
