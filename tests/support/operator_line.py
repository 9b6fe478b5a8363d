"""The operator's end of the socket, in the test's own Trio loop."""

import json
from pathlib import Path
from typing import Any

import attrs
import trio

from kk99fix.gateway.operator_path import SOCKET_NAME

WITHIN_S = 15.0


@attrs.define
class OperatorLine:
    """One connection of an operator's program."""

    stream: trio.SocketStream
    _buffer: bytes = b""

    async def ask(self, command: str, **arguments: object) -> dict[str, Any]:
        """Give a command and return the answer."""
        await self.send(json.dumps({"command": command, **arguments}).encode() + b"\n")
        return await self.answer()

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self.stream.send_all(data)

    async def answer(self) -> dict[str, Any]:
        """Return the next answer."""
        with trio.fail_after(WITHIN_S):
            while b"\n" not in self._buffer:
                data = await self.stream.receive_some(1 << 16)
                assert data, f"closed, rest {self._buffer!r}"
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def until_closed(self) -> list[dict[str, Any]]:
        """Return everything that comes until the gateway closes."""
        with trio.fail_after(WITHIN_S):
            try:
                while data := await self.stream.receive_some(1 << 16):
                    self._buffer += data
            except trio.BrokenResourceError:
                pass
        return [json.loads(line) for line in self._buffer.splitlines()]


async def operator_line(state_dir: Path) -> OperatorLine:
    """Connect to the gateway of a state directory."""
    return OperatorLine(await trio.open_unix_socket(str(state_dir / SOCKET_NAME)))


async def ask(state_dir: Path, command: str, **arguments: object) -> dict[str, Any]:
    """Give one command on a connection of its own."""
    line = await operator_line(state_dir)
    async with line.stream:
        return await line.ask(command, **arguments)
