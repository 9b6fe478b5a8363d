"""Numbers for people: prices and quantities in units of 1e-8 (`_e8`) as text."""

from kk99fix.fix.values import format_e8


def decimals_of(step_e8: int) -> int:
    """Return how many decimals every multiple of a tick or a lot needs at most."""
    return len(format_e8(step_e8).partition(b".")[2])


def fixed(value_e8: int, decimals: int) -> str:
    """Write a number with thousands set apart and exactly as many decimals: `60,012.50`.

    More decimals appear where the number has them: nothing is rounded.
    """
    whole, _, fraction = format_e8(abs(value_e8)).decode().partition(".")
    sign = "-" if value_e8 < 0 else ""
    fraction = fraction.ljust(decimals, "0")
    return f"{sign}{int(whole):,}{'.' if fraction else ''}{fraction}"
