"""The two ways in which a counterparty of a scenario is connected.

`SessionLink` is a `Client`: our session layer numbers, answers and recovers by itself.
`RawLink` does nothing by itself: it numbers what it sends, as far as no number is given, and
answers nothing, so that a script can be wrong on purpose.

Both have a task that reads until the end, told of by `changed`; what is read is seen by the tap.
"""

import contextlib
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import trio

from kk99fix.fix.message import Pair
from kk99fix.fix.values import format_utc_timestamp
from kk99fix.harness.client import Client, Identity
from kk99fix.harness.frames import build
from kk99fix.harness.ledger import Ledger
from kk99fix.harness.proofs import proof_fields
from kk99fix.harness.tap import Tap

#: The other side closed the stream, or we did.
GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)
_READ_BYTES: Final = 65_536


class Link(Protocol):
    """One connection of a counterparty."""

    #: Whether the connection is over.
    ended: bool

    async def serve(self, changed: Callable[[], None]) -> None:
        """Read until the end; `changed` is called after everything that was read."""

    async def ask_logon(self, *, reset: bool, next_expected: bool, more: tuple[Pair, ...]) -> None:
        """Send the Logon(A)."""

    @property
    def established(self) -> bool | None:
        """Whether the logon is complete; None where nobody keeps account of it."""

    @property
    def end_text(self) -> str:
        """How it ended, in words."""

    async def send(self, msg_type: bytes, fields: Sequence[Pair], left_out: Iterable[int]) -> None:
        """Send a message."""

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""

    async def ask_logout(self, text: str) -> None:
        """Send the Logout(5)."""

    async def aclose(self, *, reset: bool = False) -> None:
        """Drop the connection; `reset` by RST instead of FIN."""


class SessionLink:
    """A connection with a session layer."""

    def __init__(
        self, tap: Tap, identity: Identity, ledger: Ledger, clock_ns: Callable[[], int]
    ) -> None:
        """Take over a connected stream; the numbers live in the ledger."""
        self._tap = tap
        self._client = Client(tap, identity, ledger, clock_ns=clock_ns)
        self.ended = False

    async def serve(self, changed: Callable[[], None]) -> None:
        """Read, answer and keep alive until the session has ended."""
        while self._client.ending is None:
            await self._client.step()
            while self._client.receive_nowait() is not None:
                pass  # the tap has seen it
            changed()
        self.ended = True
        changed()

    async def ask_logon(self, *, reset: bool, next_expected: bool, more: tuple[Pair, ...]) -> None:
        """Send the Logon(A), credentials and further fields behind it."""
        await self._client.ask_logon(reset=reset, next_expected=next_expected, more=more)

    @property
    def established(self) -> bool | None:
        """Whether the logon is complete and no logout has begun."""
        return self._client.established

    @property
    def end_text(self) -> str:
        """The cause, and what the other side said."""
        ending = self._client.ending
        if ending is None:
            return ""
        return f"{ending.cause}: {ending.text}" if ending.text else ending.cause

    async def send(self, msg_type: bytes, fields: Sequence[Pair], left_out: Iterable[int]) -> None:
        """Send a message under the next number."""
        assert not tuple(left_out), "the session layer writes the header"
        await self._client.send(msg_type.decode(), fields)

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes between two messages."""
        await self._client.send_bytes(data)

    async def ask_logout(self, text: str) -> None:
        """Send the Logout(5); the session ends when it is confirmed."""
        await self._client.ask_logout(text)

    async def aclose(self, *, reset: bool = False) -> None:
        """Drop the connection as it is."""
        if reset:
            _linger_not(self._tap)
        await self._client.aclose()


class RawLink:
    """A connection without a session layer."""

    def __init__(
        self, tap: Tap, identity: Identity, ledger: Ledger, clock_ns: Callable[[], int]
    ) -> None:
        """Take over a connected stream; of the ledger only the number to be sent next is used."""
        self._tap = tap
        self._identity = identity
        self._ledger = ledger
        self._clock_ns = clock_ns
        self._sending = trio.Lock()
        self.ended = False
        #: Whether the other side took no more of what was sent.
        self.broken = False
        self._reading = trio.Event()
        self._reading.set()

    async def serve(self, changed: Callable[[], None]) -> None:
        """Read until the end."""
        with contextlib.suppress(*GONE):
            while await self._read():
                changed()
        await self._tap.aclose()
        self.ended = True
        changed()

    async def _read(self) -> bool:
        await self._reading.wait()
        return bool(await self._tap.receive_some(_READ_BYTES))

    def stop_reading(self, window_bytes: int) -> None:
        """Read nothing more after the next bytes, and let the system keep few for us."""
        self._reading = trio.Event()
        stream = _socket_of(self._tap)
        if stream is not None:
            stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, window_bytes)

    def read_again(self) -> None:
        """Go on reading."""
        self._reading.set()

    async def ask_logon(self, *, reset: bool, next_expected: bool, more: tuple[Pair, ...]) -> None:
        """Send a Logon(A); `reset` sets the number to 1."""
        assert not next_expected, "a raw counterparty keeps no account of what it received"
        if reset:
            self._ledger.next_in = self._ledger.next_out = 1
        fields = [(98, b"0"), (108, b"%d" % self._identity.heart_bt_int_s)]
        fields += [(141, b"Y")] if reset else []
        # One moment for all of it: a signature covers the SendingTime(52) that is written.
        now_ns = self._clock_ns()
        fields += proof_fields(self._identity, self._ledger.next_out, now_ns)
        fields.append((52, format_utc_timestamp(now_ns)))
        await self.send(b"A", [*fields, *more], ())

    @property
    def established(self) -> bool | None:
        """Nobody keeps account of it."""
        return None

    @property
    def end_text(self) -> str:
        """Nothing but the end itself is known."""
        return "connection-closed" if self.ended else ""

    def frame(self, msg_type: bytes, fields: Sequence[Pair], left_out: Iterable[int] = ()) -> bytes:
        """Return the next message; one with its own MsgSeqNum(34) does not move the number."""
        header = {
            49: self._identity.sender_comp_id.encode(),
            56: self._identity.target_comp_id.encode(),
            34: b"%d" % self._ledger.next_out,
            52: format_utc_timestamp(self._clock_ns()),
        }
        if not any(tag == 34 for tag, _ in fields):
            self._ledger.next_out += 1
        return build(msg_type, header, fields, left_out)

    async def send(self, msg_type: bytes, fields: Sequence[Pair], left_out: Iterable[int]) -> None:
        """Send a message, whatever is wrong with it."""
        await self.send_bytes(self.frame(msg_type, fields, left_out))

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes; that the other side is gone shows in what is read."""
        async with self._sending:
            try:
                await self._tap.send_all(data)
            except GONE:
                self.broken = True

    async def ask_logout(self, text: str) -> None:
        """Send a Logout(5)."""
        await self.send(b"5", [(58, text.encode())] if text else [], ())

    async def aclose(self, *, reset: bool = False) -> None:
        """Drop the connection as it is."""
        if reset:
            _linger_not(self._tap)
        await self._tap.aclose()


def _socket_of(tap: Tap) -> trio.SocketStream | None:
    """Return the socket below, None for a stream in memory."""
    stream = tap.stream
    if isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    return stream if isinstance(stream, trio.SocketStream) else None


def _linger_not(tap: Tap) -> None:
    """Let the next close be an RST, where the stream is a socket."""
    stream = _socket_of(tap)
    if stream is not None:
        value = struct.pack("ii", 1, 0)
        stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, value)
