"""The first frame of a connection, before anybody knows who is there: bounded, and one alone."""

from typing import Final

from attrs import field, frozen

from kk99fix.fix.framing import Frame, Framer
from kk99fix.gateway.arrival import Receiver

RECEIVE_BYTES: Final = 4096


@frozen
class FirstFrame:
    """The first frame of a connection and the bytes that came behind it."""

    frame: bytes = field(repr=False)
    rest: bytes = field(repr=False)


async def read_first_frame(sock: Receiver, data: bytes, bytes_max: int) -> FirstFrame | None:
    """The first frame, begun with `data`; None when the bytes are no FIX, too long, or end."""
    framer = Framer(bytes_max)
    while True:
        framer.feed(data)
        event = framer.next_event()
        if isinstance(event, Frame):
            return FirstFrame(event.raw, framer.rest())
        if event is not None:
            return None
        data = await sock.recv(RECEIVE_BYTES)
        if not data:
            return None
