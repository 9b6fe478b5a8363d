"""A FIX acceptor for tests of clients: one connection, numbered messages, any misbehaviour.

It frames by CheckSum(10), answers Logon and Logout, and asks its `answer` what to send for
everything else.
"""

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

Fields = list[tuple[int, object]]

_END = re.compile(rb"\x0110=\d{3}\x01")
STAMP = "20260105-14:30:00.000"


def encode(fields: Fields) -> bytes:
    """Return a whole frame for the fields from MsgType(35) on."""
    body = b"".join(f"{tag}={value}\x01".encode() for tag, value in fields)
    frame = b"8=FIX.4.4\x019=%d\x01%s" % (len(body), body)
    return frame + b"10=%03d\x01" % (sum(frame) % 256)


def decode(frame: bytes) -> dict[int, str]:
    """Return the fields of a frame; of a repeated one the last."""
    pairs = (field.split(b"=", 1) for field in frame.split(b"\x01")[:-1])
    return {int(tag): value.decode() for tag, value in pairs}


def frames(connection: socket.socket) -> Iterator[bytes]:
    """Yield what arrives, frame by frame, until the peer closes."""
    buffer = b""
    while chunk := connection.recv(65536):
        buffer += chunk
        while (match := _END.search(buffer)) is not None:
            yield buffer[: match.end()]
            buffer = buffer[match.end() :]


class FixPeer:
    """Listens on `port` while in its `with` block."""

    def __init__(self, answer: Callable[["FixPeer", dict[int, str]], list[bytes]]) -> None:
        """Take what makes the answers to application messages."""
        self.next_out = 1
        self.next_exec_id = 1
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening and wait for the connection to end."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def message(self, msg_type: str, fields: Fields, to: str = "LOAD0001") -> bytes:
        """Return the next numbered message."""
        header = [(35, msg_type), (49, "KK99"), (56, to), (34, self.next_out), (52, STAMP)]
        self.next_out += 1
        return encode([*header, *fields])

    def exec_id(self) -> int:
        """Return the next ExecID(17)."""
        self.next_exec_id += 1
        return self.next_exec_id

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            with connection:
                for frame in frames(connection):
                    connection.sendall(b"".join(self._receive(decode(frame))))

    def _receive(self, message: dict[int, str]) -> list[bytes]:
        match message[35]:
            case "A":
                return [self.message("A", [(98, 0), (108, message[108])])]
            case "5":
                return [self.message("5", [])]
            case "0":
                return []
            case _:
                return self._answer(self, message)
