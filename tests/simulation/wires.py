"""Connections as streams of bytes: delayed, cut into any pieces, broken with anything under way.

A `Wire` has two ends, the counterparty's and the venue's.  Bytes arrive in their order after a
random delay and in random pieces.  What is under way takes room, so that a counterparty that does
not read stops the venue's sending.  A wire ends in one of three ways:

    closed      orderly: what was sent before still arrives, then the end
    cut         a tail of what is under way is lost, in either direction, and both ends notice later
    half dead   nothing arrives any more, in either direction, and nobody is told
"""

import random
from collections import deque
from collections.abc import Callable

import attrs

from simulation.time_line import NS_PER_MS, NS_PER_S, TimeLine

#: Of bytes under way in one direction.
ROOM_BYTES = 24_000


@attrs.define(eq=False)
class End:
    """One end of a wire: what has arrived there, and what its owner wants to hear of."""

    on_bytes: Callable[[], None] = lambda: None
    on_end: Callable[[], None] = lambda: None
    #: Told when the other side has taken something, so that there is room again.
    on_room: Callable[[], None] = lambda: None
    arrived: bytearray = attrs.field(factory=bytearray)
    #: The other side has ended and everything before that has arrived.
    ended: bool = False
    under_way: deque[bytes] = attrs.field(factory=deque)
    waiting_bytes: int = 0
    last_arrival_ns: int = 0


class Wire:
    """One connection."""

    def __init__(self, time_line: TimeLine, dice: random.Random) -> None:
        """Connect two ends."""
        self._time_line = time_line
        self._dice = dice
        self.peer = End()
        self.venue = End()
        self.dead = False
        self.cut_off = False

    def room(self, to: End) -> int:
        """Bytes that may be sent to an end now."""
        return max(0, ROOM_BYTES - to.waiting_bytes - len(to.arrived))

    def send(self, to: End, data: bytes) -> None:
        """Send bytes to an end; they arrive in pieces."""
        if self.dead or self.cut_off:
            return
        start = 0
        while start < len(data):
            whole = self._dice.random() < 0.8
            stop = len(data) if whole else min(len(data), start + self._dice.randint(1, 90))
            self._send_piece(to, data[start:stop])
            start = stop

    def close(self, to: End) -> None:
        """End the stream to an end, behind what was sent before."""
        if not self.dead and not self.cut_off:
            self._arrive(to, lambda: self._end(to))

    def take(self, end: End, most: int = 1 << 30) -> bytes:
        """Take what has arrived at an end."""
        taken = bytes(end.arrived[:most])
        del end.arrived[:most]
        other = self.venue if end is self.peer else self.peer
        if taken:
            self._time_line.after(NS_PER_MS, other.on_room)
        return taken

    def cut(self) -> None:
        """Break: of what is under way a part may still arrive, and both ends notice in time."""
        if self.cut_off:
            return
        self.cut_off = True
        for end in (self.peer, self.venue):
            kept = self._dice.randint(0, len(end.under_way))
            while len(end.under_way) > kept:
                end.waiting_bytes -= len(end.under_way.pop())
            if end.under_way and self._dice.random() < 0.5:  # in the middle of a message
                piece = end.under_way.pop()
                part = piece[: self._dice.randint(0, len(piece))]
                end.waiting_bytes -= len(piece) - len(part)
                end.under_way.append(part)
            if not self.dead:
                self._arrive(end, lambda end=end: self._end(end))  # type: ignore[misc]

    def die(self) -> None:
        """Let nothing through any more, and tell nobody."""
        self.dead = True

    def _send_piece(self, to: End, piece: bytes) -> None:
        to.under_way.append(piece)
        to.waiting_bytes += len(piece)
        self._arrive(to, lambda: self._deliver(to))

    def _arrive(self, to: End, event: Callable[[], None]) -> None:
        delay_ns = self._dice.choice((50_000, 200_000, NS_PER_MS, 30 * NS_PER_MS))
        if self._dice.random() < 0.002:
            delay_ns = NS_PER_S
        to.last_arrival_ns = max(to.last_arrival_ns, self._time_line.now_ns + delay_ns)
        self._time_line.at(to.last_arrival_ns, event)

    def _deliver(self, to: End) -> None:
        if to.under_way and not self.dead and not to.ended:
            piece = to.under_way.popleft()
            to.waiting_bytes -= len(piece)
            to.arrived += piece
            to.on_bytes()

    def _end(self, to: End) -> None:
        if not to.ended:
            to.ended = True
            to.on_end()
