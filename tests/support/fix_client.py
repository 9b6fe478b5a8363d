"""A FIX initiator for tests, on a plain socket, that forgets nothing it received.

It keeps its numbers over reconnects, asks for what it missed, and holds every message against what
came under the same MsgSeqNum(34) before.
What the gateway asks it to resend it fills over, as an engine does that never repeats old orders.
"""

import contextlib
import re
import select
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import attrs

from support.fix_peer import Fields, decode, encode

WAIT_S: Final = 20.0
READ_BYTES: Final = 1 << 18
SESSION_MESSAGES: Final = frozenset("012345A")

_END = re.compile(rb"\x0110=\d{3}\x01")
#: What a resend may change: 9, 10, 43, 52, 97 and 122.
_ENVELOPE = re.compile(rb"(?<=\x01)(?:9|10|43|52|97|122)=[^\x01]*\x01")


def stamp() -> str:
    """Return the time now as SendingTime(52) has it."""
    return datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]


def content(frame: bytes) -> bytes:
    """Return the part of a frame that a resend may not change."""
    return _ENVELOPE.sub(b"", frame)


@attrs.define
class FixClient:
    """One session; `received` has the first frame of each number that was no session message."""

    comp_id: str
    port: int
    next_out: int = 1
    next_in: int = 1
    received: dict[int, bytes] = attrs.field(factory=dict)
    #: Numbers whose message came once more since it was last asked for.
    again: set[int] = attrs.field(factory=set)
    #: What was wrong, in words.
    complaints: list[str] = attrs.field(factory=list)
    asked_for: int = 0
    #: The gateway has logged out, and that was confirmed.
    left: bool = False
    #: Over TLS, with this.
    context: ssl.SSLContext | None = None
    _socket: socket.socket | None = None
    _buffer: bytes = b""
    _early: dict[int, bytes] = attrs.field(factory=dict)

    @property
    def connected(self) -> bool:
        """Is there a connection."""
        return self._socket is not None

    def log_on(self) -> None:
        """Connect, log on, and fetch everything missed; AssertionError if that takes too long."""
        self._socket = socket.create_connection(("127.0.0.1", self.port), WAIT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context is not None:
            self._socket = self.context.wrap_socket(self._socket, server_hostname="localhost")
        self._buffer = b""
        self._early.clear()
        self.asked_for = 0
        self.left = False
        expected = self.next_in
        self.send("A", [(98, 0), (108, 60)])
        self.read_until(lambda: self.next_in > expected and not self._early)

    def fetch_again(self, begin: int) -> None:
        """Ask for everything from `begin` on once more, and wait until all of it came."""
        wanted = {number for number in self.received if number >= begin}
        self.again.clear()
        self.send("2", [(7, begin), (16, 0)])
        self.read_until(lambda: wanted <= self.again)

    def send(self, msg_type: str, fields: Fields) -> None:
        """Send one message under the next number."""
        self._send_raw(self._header(msg_type, self.next_out) + fields)
        self.next_out += 1

    def read_until(self, done: Callable[[], bool]) -> None:
        """Read until a condition holds."""
        deadline = time.monotonic() + WAIT_S
        while not done():
            assert self._socket is not None, f"{self.comp_id}: the connection was closed"
            assert time.monotonic() < deadline, f"{self.comp_id} waits, next is {self.next_in}"
            decrypted = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()
            if decrypted or select.select([self._socket], [], [], 0.5)[0]:
                self.read()

    def read(self) -> None:
        """Read what is there; the connection may turn out to be over."""
        assert self._socket is not None
        try:
            chunk = self._socket.recv(READ_BYTES)
        except ConnectionError:
            chunk = b""
        if not chunk:
            self.close()
            return
        self._buffer += chunk
        while (match := _END.search(self._buffer)) is not None:
            frame, self._buffer = self._buffer[: match.end()], self._buffer[match.end() :]
            self._receive(frame)

    def close(self) -> None:
        """Drop the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        assert self._socket is not None
        return self._socket.fileno()

    # ---------------------------------------------------------------- inside

    def _header(self, msg_type: str, number: int) -> Fields:
        return [(35, msg_type), (49, self.comp_id), (56, "KK99"), (34, number), (52, stamp())]

    def _send_raw(self, fields: Fields) -> None:
        assert self._socket is not None
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(encode(fields))

    def _receive(self, frame: bytes) -> None:
        fields = decode(frame)
        number = int(fields[34])
        self._answer(fields)
        if fields.get(43) == "Y":
            self._take_resent(number, frame, fields)
        elif number == self.next_in:
            self._take(number, frame, fields)
        elif number > self.next_in:
            self._early[number] = frame
            self._ask()
        else:
            self.complaints.append(f"{self.comp_id}: {number} again, not as a resend: {frame!r}")
        self._take_early()

    def _answer(self, fields: dict[int, str]) -> None:
        match fields[35]:
            case "1":
                self.send("0", [(112, fields[112])])
            case "2":
                begin = int(fields[7])
                reset = self._header("4", begin)
                sent = dict(reset)[52]
                self._send_raw([*reset, (43, "Y"), (122, sent), (123, "Y"), (36, self.next_out)])
            case "5":
                self.send("5", [])
                self.left = True
            case "3" | "j":
                self.complaints.append(f"{self.comp_id}: rejected: {fields}")

    def _ask(self) -> None:
        if self.asked_for < self.next_in:
            self.asked_for = self.next_in
            self.send("2", [(7, self.next_in), (16, 0)])

    def _take(self, number: int, frame: bytes, fields: dict[int, str]) -> None:
        self.next_in = number + 1
        if fields[35] == "4":
            self.next_in = int(fields[36])
        elif fields[35] not in SESSION_MESSAGES:
            self._remember(number, frame)

    def _take_resent(self, number: int, frame: bytes, fields: dict[int, str]) -> None:
        if fields[35] != "4":
            self._remember(number, frame)
            self.next_in = max(self.next_in, number + 1)
            return
        end = int(fields[36])
        lost = [n for n in range(number, end) if n in self.received]
        if lost:
            self.complaints.append(
                f"{self.comp_id}: {lost} were filled over, but had been received"
            )
        self.next_in = max(self.next_in, end)

    def _take_early(self) -> None:
        while (frame := self._early.pop(self.next_in, None)) is not None:
            self._take(self.next_in, frame, decode(frame))
        for number in [n for n in self._early if n < self.next_in]:
            del self._early[number]

    def _remember(self, number: int, frame: bytes) -> None:
        first = self.received.setdefault(number, frame)
        if first is frame:
            return
        self.again.add(number)
        if content(first) != content(frame):
            self.complaints.append(f"{self.comp_id}: {number} differs:\n{first!r}\n{frame!r}")
