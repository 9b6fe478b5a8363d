"""Buckets of addresses: how often each may begin something, in the long run and at once.

One number for each address, the moment at which its bucket will be full again.
Buckets that are full are forgotten from time to time, so an attacker with many addresses does not
make them grow for ever.
"""

from typing import Final

#: More than so many addresses, and the full ones go.
ADDRESSES_MAX: Final = 4096


class Buckets:
    """Buckets of all addresses that lately took from one."""

    def __init__(self, per_second: int, burst: int) -> None:
        """Fill each with `per_second` up to `burst`."""
        self._step_s = 1 / per_second
        self._burst_s = burst / per_second
        self._full_s: dict[str, float] = {}

    def take(self, address: str, now_s: float) -> bool:
        """Take one out of the bucket of `address`; False when there is none."""
        full_s = max(now_s, self._full_s.get(address, 0.0)) + self._step_s
        if full_s - now_s > self._burst_s + self._step_s / 2:
            return False
        self._full_s[address] = full_s
        if len(self._full_s) > ADDRESSES_MAX:
            self._full_s = {each: at for each, at in self._full_s.items() if at > now_s}
        return True
