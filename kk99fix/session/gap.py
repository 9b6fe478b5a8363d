"""A gap in the counterparty's numbers, and the messages that wait behind it.

The queue is a cache, never the truth: whatever it has no room for is dropped, and asked for again
once the gap before it is closed.
Memory follows the bounds and not the size of the gap, which a counterparty may choose at will.
"""

import attrs


@attrs.frozen
class Gap:
    """The missing numbers `begin` to `end`, for which one ResendRequest(2) is under way."""

    begin: int
    end: int
    #: When they were asked for last.
    asked_ns: int
    #: How often a ResendRequest(2) was sent; none if NextExpectedMsgSeqNum(789) asked.
    tries: int = 1


@attrs.frozen
class Early:
    """A frame ahead of its turn; `handled` when only its number is still to be consumed."""

    raw: bytes
    handled: bool


@attrs.define
class EarlyQueue:
    """Frames ahead of a gap, by MsgSeqNum(34), bounded in number and in bytes."""

    messages_max: int
    bytes_max: int
    _waiting: dict[int, Early] = attrs.field(factory=dict, init=False)
    _bytes: int = attrs.field(default=0, init=False)
    #: The lowest number that was dropped for want of room; 0 for none.
    dropped: int = attrs.field(default=0, init=False)

    def __len__(self) -> int:
        """Count the waiting messages."""
        return len(self._waiting)

    def __contains__(self, number: int) -> bool:
        """Tell whether a message waits under `number`."""
        return number in self._waiting

    def waiting(self) -> list[tuple[int, Early]]:
        """Return all that wait, by number."""
        return sorted(self._waiting.items())

    def put(self, number: int, raw: bytes, *, handled: bool) -> None:
        """Keep a frame until its turn, or drop it if there is no room.

        A number that waits already keeps its first frame.
        """
        if number in self._waiting:
            return
        full = len(self._waiting) >= self.messages_max or self._bytes + len(raw) > self.bytes_max
        if full:
            self.dropped = min(self.dropped, number) if self.dropped else number
            return
        self._waiting[number] = Early(raw, handled)
        self._bytes += len(raw)

    def take(self, number: int) -> Early | None:
        """Take out the message whose turn it is, if it waits here."""
        early = self._waiting.pop(number, None)
        if early is not None:
            self._bytes -= len(early.raw)
        return early

    def next_after(self, number: int) -> int | None:
        """Return the lowest number from `number` on that has been seen; forget those below."""
        for passed in [waiting for waiting in self._waiting if waiting < number]:
            self.take(passed)
        if self.dropped < number:
            self.dropped = 0
        seen = [*self._waiting, self.dropped] if self.dropped else list(self._waiting)
        return min(seen, default=None)

    def clear(self) -> None:
        """Forget everything."""
        self._waiting.clear()
        self._bytes = 0
        self.dropped = 0
