"""A FIX acceptor in this process: the session layer on one end of a Trio stream, for client tests.

A `Desk` carries out what the session asks for; time is Trio's, so that an autojump clock serves.
"""

import attrs
import trio

from kk99fix.fix.framing import Frame, Framer
from kk99fix.fix.message import Message, Pair
from kk99fix.fix.split import split
from kk99fix.session.effects import Send
from kk99fix.session.rules import NS_PER_S, SessionRules
from support.session_desk import RULES, START_NS, Desk


def now_ns() -> int:
    """Return Trio's time as UTC; every test begins at the same moment."""
    return START_NS + round(trio.current_time() * NS_PER_S)


class Acceptor:
    """Answers one client; `frames` has everything that came, `desk` what the session knows."""

    def __init__(
        self, stream: trio.abc.Stream, rules: SessionRules = RULES, chunk: int = 1 << 16
    ) -> None:
        """Take one end of a stream; at most `chunk` bytes are written at once."""
        self.desk = Desk(attrs.evolve(rules, heart_bt_int_min_s=1))
        self.frames: list[Message] = []
        self.stream = stream
        self._chunk = chunk

    async def run(self) -> None:
        """Serve until either side closes."""
        framer = Framer()
        desk = self.desk
        while not desk.disconnected:
            deadline_ns = desk.session.next_deadline_ns(desk.numbers)
            data: bytes | bytearray | None = None
            wait_s = 3600.0 if deadline_ns is None else (deadline_ns - now_ns()) / NS_PER_S
            with trio.move_on_after(max(0, wait_s)):
                data = await self.stream.receive_some()
            desk.now_ns = now_ns()
            if data is None:
                desk.tick()
            elif data:
                framer.feed(bytes(data))
                while isinstance(event := framer.next_event(), Frame):
                    self.frames.append(split(event.raw))
                    desk.receive(event.raw)
            else:
                break
            await self.flush()
        await self.stream.aclose()

    async def send(self, msg_type: bytes, fields: tuple[Pair, ...] = ()) -> None:
        """Send a message of the application's."""
        self.desk.now_ns = now_ns()
        self.desk.send(Send(msg_type, fields))
        await self.flush()

    async def flush(self) -> None:
        """Write what the desk has for the client."""
        data = b"".join(self.desk.wire)
        self.desk.wire.clear()
        for start in range(0, len(data), self._chunk):
            await self.stream.send_all(data[start : start + self._chunk])

    def received(self, msg_type: bytes) -> list[Message]:
        """Return what came of one type."""
        return [message for message in self.frames if message.msg_type == msg_type]
