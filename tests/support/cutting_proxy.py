"""A TCP proxy that breaks connections at a given byte, or stops passing anything on there.

It passes bytes on as they are; a test arms it for one direction with the number of bytes that may
still pass.
What it holds back is lost when the connection ends, as with a cable that is pulled.
"""

import contextlib
import enum
import selectors
import socket
import threading
from types import TracebackType
from typing import Self

import attrs

READ_BYTES = 1 << 16


class To(enum.Enum):
    """A direction."""

    CLIENT = "client"
    SERVER = "server"


@attrs.define
class _Limit:
    """Bytes that may still pass, and what happens then."""

    bytes_left: int
    cuts: bool


@attrs.define(eq=False)
class _Line:
    """One of the two sockets of a connection."""

    sock: socket.socket
    to: To
    other: "_Line | None" = None


class CuttingProxy:
    """Listens on `port` while in its `with` block and connects to `target_port` of loopback."""

    def __init__(self, target_port: int) -> None:
        """Begin to listen."""
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        #: Set when a limit was reached.
        self.reached = threading.Event()
        self._limits: dict[To, _Limit] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._stop, self._stopped = socket.socketpair()
        self._selector.register(self._stopped, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        """Start passing on."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every connection."""
        self._stop.close()
        self._thread.join()

    def cut_after(self, to: To, count: int) -> None:
        """Close the connection after `count` further bytes in that direction."""
        self._arm(to, count, cuts=True)

    def hold_after(self, to: To, count: int) -> None:
        """Let `count` further bytes pass in that direction; the rest is lost."""
        self._arm(to, count, cuts=False)

    def wait_reached(self, within_s: float = 20.0) -> None:
        """Wait until a limit was reached."""
        assert self.reached.wait(within_s), f"never so many bytes: {self._limits}"

    def _arm(self, to: To, count: int, *, cuts: bool) -> None:
        self.reached.clear()
        self._limits[to] = _Limit(count, cuts)

    # ------------------------------------------------------------------ the thread

    def _serve(self) -> None:
        with contextlib.closing(self._selector):
            while True:
                for key, _ in self._selector.select():
                    if key.fileobj is self._stopped:
                        self._close_all()
                        return
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.data.sock.fileno() >= 0:
                        self._pass_on(key.data)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self._target_port))
        except OSError:
            client.close()
            return
        lines = _Line(client, To.SERVER), _Line(server, To.CLIENT)
        lines[0].other, lines[1].other = lines[1], lines[0]
        for line in lines:
            line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(line.sock, selectors.EVENT_READ, line)

    def _pass_on(self, line: _Line) -> None:
        assert line.other is not None
        data = b""
        with contextlib.suppress(ConnectionError):
            data = line.sock.recv(READ_BYTES)
        limit = self._limits.get(line.to)
        passed = data if limit is None else data[: limit.bytes_left]
        try:
            line.other.sock.sendall(passed)
        except ConnectionError:
            data = b""
        if limit is not None:
            limit.bytes_left -= len(passed)
            if not limit.bytes_left:
                self.reached.set()
        if not data or (limit is not None and limit.cuts and not limit.bytes_left):
            if limit is not None and not limit.bytes_left:
                del self._limits[line.to]
            self._close(line)

    def _close(self, line: _Line) -> None:
        for each in (line, line.other):
            assert each is not None
            self._selector.unregister(each.sock)
            each.sock.close()

    def _close_all(self) -> None:
        lines = [key.data for key in self._selector.get_map().values() if key.data is not None]
        for line in lines:
            line.sock.close()
        self._listener.close()
        self._stopped.close()
