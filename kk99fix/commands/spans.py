"""Spans of time and amounts of bytes, short enough for a column."""

from typing import Final

_NS_PER_S: Final = 1_000_000_000
_UNITS: Final = ((86_400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s"))


def span(seconds: float) -> str:
    """Return `12s`, `3m05s`, `2h07m` or `4d03h`; what is not yet is 0."""
    whole = max(0, int(seconds))
    for unit_s, unit, part_s, part in _UNITS:
        if whole >= unit_s:
            return f"{whole // unit_s}{unit}{whole % unit_s // part_s:02}{part}"
    return f"{whole}s"


def since(moment_ns: int | None, now_ns: int) -> str:
    """Return how long ago a moment was; "" for none."""
    return "" if moment_ns is None else span((now_ns - moment_ns) / _NS_PER_S)


def size(count_bytes: int) -> str:
    """Return an amount such as `512 B`, `3.2 KiB` or `17 GiB`."""
    amount, unit = float(count_bytes), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
