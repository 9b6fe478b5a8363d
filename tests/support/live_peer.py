"""A counterparty in the test's own Trio loop: sends what it is told, hides nothing it receives."""

import re
from typing import Self

import attrs
import trio

from support.fix_client import content, stamp
from support.fix_peer import Fields, decode, encode

WITHIN_S = 10.0
_END = re.compile(rb"\x0110=\d{3}\x01")

__all__ = ["LivePeer", "content", "order"]


def order(cl_ord_id: str, side: str = "1", qty: object = 100, price: str = "190.00") -> Fields:
    """Body of a limit order in AAPL."""
    fields: Fields = [(11, cl_ord_id), (55, "AAPL"), (54, side), (60, stamp())]
    return [*fields, (38, qty), (40, 2), (44, price)]


def cancel(cl_ord_id: str, orig: str, side: str = "1") -> Fields:
    """Body of an OrderCancelRequest(F) in AAPL."""
    return [(11, cl_ord_id), (41, orig), (55, "AAPL"), (54, side), (60, stamp()), (38, 100)]


@attrs.define
class LivePeer:
    """One connection of a session."""

    comp_id: str
    stream: trio.SocketStream
    next_out: int = 1
    #: Frames in the order in which they came.
    frames: list[bytes] = attrs.field(factory=list)
    _buffer: bytes = b""
    _read: int = 0

    async def __aenter__(self) -> Self:
        """Return the peer itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Drop the connection."""
        await self.stream.aclose()

    # ---------------------------------------------------------------- sending

    def frame(self, msg_type: str, fields: Fields, **header: object) -> bytes:
        """Return the next message; `header` may replace comp_id, target, number and time."""
        number = header.get("number", self.next_out)
        if "number" not in header:
            self.next_out += 1
        head: Fields = [
            (35, msg_type),
            (49, header.get("comp_id", self.comp_id)),
            (56, header.get("target", "KK99")),
            (34, number),
            (52, header.get("time", stamp())),
        ]
        return encode(head + fields)

    async def send(self, msg_type: str, fields: Fields, **header: object) -> bytes:
        """Send the next message and return its bytes."""
        frame = self.frame(msg_type, fields, **header)
        await self.stream.send_all(frame)
        return frame

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self.stream.send_all(data)

    async def log_on(self, heart_bt_int: int = 60, more: Fields | None = None) -> dict[int, str]:
        """Send a Logon(A) and return the answer to it."""
        await self.send("A", [(98, 0), (108, heart_bt_int), *(more or [])])
        return await self.receive("A")

    # ---------------------------------------------------------------- receiving

    async def receive(self, msg_type: str | None = None) -> dict[int, str]:
        """Return the next message as fields; it must have that MsgType(35)."""
        fields = decode(await self.receive_frame())
        assert msg_type is None or fields[35] == msg_type, fields
        return fields

    async def receive_frame(self) -> bytes:
        """Return the next frame; an error when the connection ends or nothing comes."""
        with trio.fail_after(WITHIN_S):
            while self._read == len(self.frames):
                assert await self._more(), f"{self.comp_id}: closed, rest {self._buffer!r}"
        self._read += 1
        return self.frames[self._read - 1]

    async def receive_count(self, count: int) -> list[bytes]:
        """Return the next `count` frames."""
        return [await self.receive_frame() for _ in range(count)]

    async def until_closed(self) -> list[dict[int, str]]:
        """Return everything that comes until the gateway closes."""
        with trio.fail_after(WITHIN_S):
            while await self._more():
                pass
        assert self._buffer == b""
        rest = [decode(frame) for frame in self.frames[self._read :]]
        self._read = len(self.frames)
        return rest

    async def silent_for(self, seconds: float) -> None:
        """Hold that nothing comes for a while."""
        with trio.move_on_after(seconds):
            assert not await self._more(), self.frames
            raise AssertionError("closed")
        assert self._read == len(self.frames), self.frames[self._read :]

    async def _more(self) -> bool:
        try:
            data = await self.stream.receive_some(1 << 18)
        except trio.BrokenResourceError:
            return False
        self._buffer += data
        while (match := _END.search(self._buffer)) is not None:
            self.frames.append(self._buffer[: match.end()])
            self._buffer = self._buffer[match.end() :]
        return bool(data)
