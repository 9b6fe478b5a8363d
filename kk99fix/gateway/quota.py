"""A quota of bytes for each session: a bucket that fills steadily and is emptied by sending.

One number for each session, the moment at which its bucket will be full again; that moment lies
further ahead the more was taken.
A session may send while its bucket holds anything, so it is overdrawn by one chunk at most, and
pays for that before it sends again.
A bucket outlives connections: coming back fills none.
"""

from typing import Final

NS_PER_S: Final = 1_000_000_000


class Quota:
    """Buckets of all sessions that ever took from one."""

    def __init__(self, bytes_per_second: int, burst_bytes: int) -> None:
        """Fill each at `bytes_per_second` up to `burst_bytes`; 0 a second is no limit."""
        self._bytes_per_second = bytes_per_second
        self._burst_ns = burst_bytes * NS_PER_S // bytes_per_second if bytes_per_second else 0
        self._full_ns: dict[int, int] = {}

    def due_ns(self, session: int, now_ns: int) -> int:
        """The moment from which the session may send: `now_ns` if it may already."""
        if not self._bytes_per_second:
            return now_ns
        return max(now_ns, self._full_ns.get(session, 0) - self._burst_ns + 1)

    def take(self, session: int, size: int, now_ns: int) -> None:
        """Take what was sent out of the session's bucket."""
        if self._bytes_per_second:
            full_ns = max(now_ns, self._full_ns.get(session, 0))
            self._full_ns[session] = full_ns - (-size * NS_PER_S // self._bytes_per_second)
