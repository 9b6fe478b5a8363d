"""An acceptor with fakes all around: what a test puts into a socket, and what came of it."""

from typing import Any, cast

import attrs
import trio
from trio.testing import MockClock

from kk99fix.config.venue import Listen
from kk99fix.fix.message import Message
from kk99fix.gateway.acceptor import Acceptor
from kk99fix.gateway.authentication import Admitted, Refusal
from kk99fix.gateway.peer import Peer
from kk99fix.gateway.tls_channel import Channel
from kk99fix.venue.inputs import LogonInput
from kk99fix.venue.session_commands import ProbeInput
from support.frames import frame
from support.live_gateway import LogLines

NOW_NS = 1_790_000_000_000_000_000
LOGON = frame("A", "98=0|108=30|554=secret|")
BROKER1 = Admitted(3, "BROKER1")
LISTEN = Listen(
    logon_timeout_s=5,
    failed_logon_delay_s=2,
    max_connections=4,
    max_connections_per_address=2,
    max_pre_logon_bytes=512,
)


class FakeSocket:
    """A socket that receives what a test puts in."""

    def __init__(self, address: str) -> None:
        """Begin open, with nothing received."""
        self.address = address
        self.put, self._take = trio.open_memory_channel[bytes | OSError](100)
        self.closed_at: float | None = None
        self.detached = False

    def getpeername(self) -> tuple[str, int]:
        """Return the address."""
        if not self.address:
            raise OSError("not connected")
        return self.address, 1234

    async def recv(self, _size: int) -> bytes:
        """Return what a test has put in; an error is raised."""
        data = await self._take.receive()
        if isinstance(data, OSError):
            raise data
        return data

    def setsockopt(self, *_: int) -> None:
        """Take any option."""

    def fileno(self) -> int:
        """Return a number."""
        return 7

    def detach(self) -> None:
        """Give the descriptor away."""
        self.detached = True

    def close(self) -> None:
        """Note when."""
        self.closed_at = trio.current_time()


@attrs.define
class Rig:
    """An acceptor and the fakes around it, which are all this one object."""

    clock: MockClock
    verdict: Admitted | Refusal | Exception = BROKER1
    verdict_after_s: float = 0
    reachable: bool = True
    slot_free: bool = True
    probe_wanted: bool = False
    listen: Listen = LISTEN
    live: set[int] = attrs.field(factory=set)
    addresses: list[str] = attrs.field(factory=list)
    asked: list[str] = attrs.field(factory=list)
    done: list[object] = attrs.field(factory=list)
    logged: LogLines = attrs.field(factory=LogLines)
    acceptor: Acceptor = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Stand for every part."""
        me = cast("Any", self)
        serve_now = lambda: self.done.append("serve")  # noqa: E731 - as short as it is
        self.acceptor = Acceptor(self.listen, me, me, me, self.logged.log, serve_now)

    # the authenticator
    def reachable_from(self, address: str) -> bool:
        """Say what the test wants."""
        self.asked.append(address)
        return self.reachable

    async def admit(self, _message: Message, peer: Peer) -> Admitted | Refusal:
        """Say what the test wants, after a while."""
        self.asked.append(peer.address)
        await trio.sleep(self.verdict_after_s)
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict

    # the sequencer and its venue
    @property
    def venue(self) -> "Rig":
        """The venue is here too."""
        return self

    @property
    def pump(self) -> "Rig":
        """The pump is here too."""
        return self

    def now_ns(self) -> int:
        """Return some time."""
        return NOW_NS

    def is_live(self, session: int) -> bool:
        """Whether a LogonInput was applied, or the test says so."""
        return session in self.live

    def may_probe(self, _session: int, now_ns: int) -> bool:
        """Say what the test wants."""
        assert now_ns == NOW_NS
        return self.probe_wanted

    def apply(self, item: LogonInput | ProbeInput) -> None:
        """Note the input."""
        self.done.append(item)
        self.live.add(item.session)

    def commit(self) -> None:
        """Note that it happened."""
        self.done.append("commit")

    # the connections
    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.addresses)

    def count_from(self, address: str) -> int:
        """Return how many come from there."""
        return self.addresses.count(address)

    def address_of(self, _session: int) -> str:
        """Return some address."""
        return "192.0.2.9"

    def add(
        self, descriptor: int, session: int, peer: Peer, rest: bytes, channel: Channel | None
    ) -> bool:
        """Take a socket over."""
        assert channel is None
        if self.slot_free:
            self.done.append((descriptor, session, peer.address, rest))
        return self.slot_free

    async def connect(self, *data: bytes | OSError, address: str = "192.0.2.1") -> FakeSocket:
        """Handle one connection to its end."""
        sock = FakeSocket(address)
        for each in data:
            sock.put.send_nowait(each)
        await self.handle(sock)
        return sock

    async def handle(self, sock: FakeSocket) -> None:
        """Give a socket to the acceptor."""
        stream = attrs.make_class("Stream", ["socket"])(sock)
        await self.acceptor.handle(cast("trio.SocketStream", stream))

    def causes(self) -> list[str]:
        """Causes in the log."""
        return [line["cause"] for line in self.logged.of("logon refused")]
