"""A stream that tells what goes over it: whole messages both ways, and bytes that are none."""

from typing import Protocol

import trio

from kk99fix.fix.framing import LIMIT, Frame, Framer, TooLong
from kk99fix.fix.message import Message
from kk99fix.fix.split import split
from kk99fix.harness.frames import whole_frames


class Listener(Protocol):
    """Who is told; all calls are made before the stream's own call returns."""

    def sent(self, message: Message) -> None:
        """Take note of a message of ours."""

    def sent_bytes(self, data: bytes) -> None:
        """Take note of bytes of ours that are no messages."""

    def received(self, message: Message) -> None:
        """Take note of a message of the other side."""

    def received_garbage(self) -> None:
        """Take note of bytes of the other side that are no message."""


class Tap(trio.abc.Stream):
    """Any stream, with a listener."""

    def __init__(self, stream: trio.abc.Stream, listener: Listener) -> None:
        """Take over a connected stream."""
        self.stream = stream
        self._listener = listener
        self._framer = Framer(LIMIT)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Tell, then send."""
        told = bytes(data)
        frames = whole_frames(told)
        if frames is None:
            self._listener.sent_bytes(told)
        for frame in frames or ():
            self._listener.sent(split(frame))
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the stream does."""
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive, then tell."""
        data = await self.stream.receive_some(max_bytes)
        self._framer.feed(bytes(data))
        while (event := self._framer.next_event()) is not None:
            if isinstance(event, Frame):
                self._listener.received(split(event.raw))
            else:
                self._listener.received_garbage()
                if isinstance(event, TooLong):
                    break
        return data

    async def aclose(self) -> None:
        """Close the stream."""
        await self.stream.aclose()
