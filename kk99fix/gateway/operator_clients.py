"""Programs that are connected to the operator's socket: one line asked, one line answered.

A connection may ask again and again, one request after the other.
What it does wrong ends that connection and nothing else: a line that is too long or no request,
silence, an answer that it does not read.
So many may be connected at once, and one more is told so.
A command that has begun is carried out to its end, whoever reads the answer.
"""

from contextlib import suppress
from typing import Any, Final

import trio

from kk99fix.gateway.logs import Log
from kk99fix.gateway.operator import Caller, CommandRefusedError, Operator
from kk99fix.gateway.operator_lines import encode_answer, read_request
from kk99fix.gateway.operator_socket import caller_of, may_ask

CLIENTS_MAX: Final = 16
REQUEST_MAX_BYTES: Final = 65_536
#: From the connect, or from an answer, to the end of a request.
REQUEST_WITHIN_S: Final = 10.0
#: For an answer to be read.
ANSWER_WITHIN_S: Final = 10.0
READ_BYTES: Final = 16_384


class OperatorClients:
    """Serves the operator's socket."""

    def __init__(self, operator: Operator, log: Log) -> None:
        """Take the table of commands."""
        self._operator = operator
        self._log = log
        self._connected = 0

    async def run(self, listener: trio.SocketListener) -> None:
        """Serve whoever connects, for ever."""
        await trio.serve_listeners(self._serve, [listener])

    async def _serve(self, stream: trio.SocketStream) -> None:
        self._connected += 1
        try:
            with suppress(OSError, trio.BrokenResourceError):
                caller = caller_of(stream.socket)
                if not may_ask(caller):
                    self._log.warning("operator turned away", uid=caller.uid, pid=caller.pid)
                    await _refuse(stream, "only the gateway's own user and root may ask")
                elif self._connected > CLIENTS_MAX:
                    await _refuse(stream, f"{CLIENTS_MAX} programs are connected; try again soon")
                else:
                    await self._converse(stream, caller)
        finally:
            self._connected -= 1
            await trio.aclose_forcefully(stream)

    async def _converse(self, stream: trio.SocketStream, caller: Caller) -> None:
        reader = _Requests(stream)
        asked: set[str] = set()
        while (line := await reader.next_line()) is not None:
            try:
                request = read_request(line, caller)
            except CommandRefusedError as error:
                self._log.warning(
                    "operator request refused", uid=caller.uid, pid=caller.pid, error=str(error)
                )
                await _refuse(stream, str(error))
                return
            repeated = request.command in asked
            asked.add(request.command)
            answer = await self._operator.answer(request, repeated=repeated)
            if not await _send(stream, answer):
                return


class _Requests:
    """The lines of one connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._buffer = b""

    async def next_line(self) -> bytes | None:
        """Return the next line without its end; None when there is none in time or in bounds."""
        with trio.move_on_after(REQUEST_WITHIN_S):
            while (end := self._buffer.find(b"\n")) < 0 and len(self._buffer) <= REQUEST_MAX_BYTES:
                data = await self._stream.receive_some(READ_BYTES)
                if not data:
                    return None
                self._buffer += data
            if not 0 <= end <= REQUEST_MAX_BYTES:
                await _refuse(self._stream, f"a request has at most {REQUEST_MAX_BYTES} bytes")
                return None
            line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
            return line
        await _refuse(self._stream, f"no request within {REQUEST_WITHIN_S:.0f} seconds")
        return None


async def _refuse(stream: trio.SocketStream, text: str) -> None:
    """Say why, before the connection is closed."""
    await _send(stream, {"ok": False, "error": text})


async def _send(stream: trio.SocketStream, answer: dict[str, Any]) -> bool:
    """Send an answer; False when it was not read in time."""
    with trio.move_on_after(ANSWER_WITHIN_S) as scope:
        for piece in encode_answer(answer):
            await stream.send_all(piece)
    return not scope.cancelled_caught
