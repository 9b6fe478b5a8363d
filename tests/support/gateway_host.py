"""One session of a whole gateway as an `unruly.Host`: core, venue, pump, feeder and journal.

The gateway's tasks do not run: each call makes the passes and steps itself.
Time is the gateway's own and jumps where the counterparty waits.
"""

import contextlib
import re
import socket

from kk99fix.gateway.peer import Peer
from kk99fix.venue.inputs import LogonInput, TickInput
from kk99fix.venue.session_commands import StopInput
from support.model_peer import ModelPeer, stamp
from support.still_gateway import StillGateway

NS_PER_S = 1_000_000_000
_END = re.compile(rb"\x0110=\d{3}\x01")


class GatewayHost:
    """The gateway's side of one session."""

    def __init__(self, still: StillGateway, comp_id: str, trader: "Trader | None" = None) -> None:
        """Begin without a connection; `trader` makes reports that nobody asked for."""
        self.comp_id = comp_id
        self.session = still.session(comp_id)
        self._still = still
        self._trader = trader
        self._sock: socket.socket | None = None
        self._waiting: socket.socket | None = None
        self._buffer = b""
        self._closed = True

    def close(self) -> None:
        """Leave the connection."""
        self.drop(b"")

    def now_ns(self) -> int:
        """Venue time."""
        return self._still.gateway.sequencer.pump.now_ns()

    def epoch(self) -> int:
        """The present epoch of the session."""
        return self._still.engine.session(self.session).epoch

    def numbers(self) -> tuple[int, int]:
        """MsgSeqNum(34) expected and sent next."""
        view = self._still.engine.session(self.session)
        return view.next_in, view.next_out

    def open(self) -> None:
        """Begin a connection; like the acceptor, the pump gets it with its first frame."""
        self.drop(b"")
        self._sock, self._waiting = socket.socketpair()
        self._sock.setblocking(False)
        self._waiting.setblocking(False)
        self._closed = False
        self._buffer = b""

    def drop(self, last_bytes: bytes) -> None:
        """Close the socket; the gateway has noticed when this returns."""
        if self._sock is not None:
            if self._waiting is not None:
                self._waiting.close()
                self._waiting = None
            else:
                self._send(last_bytes)
            self._sock.close()
            self._sock = None
        for _ in range(5):
            self._still.gateway.loop.run_pass()
        assert not self._still.gateway.storage.venue.is_live(self.session)

    def feed(self, frame: bytes) -> None:
        """Hand over a frame, in two pieces, or a Logon(A) as the acceptor does."""
        gateway = self._still.gateway
        if self._waiting is not None:
            descriptor = self._waiting.detach()
            self._waiting = None
            assert gateway.connections.add(descriptor, self.session, Peer("127.0.0.1"), b"")
            gateway.sequencer.apply(LogonInput(self.session, frame, "127.0.0.1"))
            gateway.sequencer.commit()
            return
        assert self._sock is not None
        for piece in (frame[:40], frame[40:]):
            self._send(piece)
            gateway.loop.run_pass()

    def take(self) -> list[bytes]:
        """Make a step and a pass, and return what came."""
        self._still.gateway.feeder.step()
        self._still.gateway.loop.run_pass()
        self._read()
        frames = []
        while (match := _END.search(self._buffer)) is not None:
            frames.append(self._buffer[: match.end()])
            self._buffer = self._buffer[match.end() :]
        return frames

    def closed(self) -> bool:
        """Whether the gateway has closed the socket and all of it was read."""
        return self._closed

    def busy(self) -> bool:
        """Whether the session is being fed, or its connection is about to be closed."""
        gateway = self._still.gateway
        live = gateway.storage.venue.is_live(self.session)
        ending = gateway.connections.address_of(self.session) is not None and not live
        return gateway.feeder.feeds(self.session) or ending

    def wait(self, seconds: int) -> None:
        """Let time jump, and the timers run."""
        gateway = self._still.gateway
        gateway.clock.offset_ns += seconds * NS_PER_S
        gateway.sequencer.pump.set_clock(gateway.clock.offset_ns, 0)
        for _ in range(10):
            due_ns = gateway.storage.venue.next_deadline_ns()
            if due_ns is None or due_ns > self.now_ns():
                break
            gateway.sequencer.apply(TickInput())
            gateway.sequencer.commit()
        gateway.loop.run_pass()

    def report(self) -> None:
        """Let somebody else trade."""
        if self._trader is not None:
            self._trader.trade()

    def stop(self) -> None:
        """Ask the session to log out."""
        self._still.gateway.sequencer.apply(StopInput(self.session, "see you"))
        self._still.gateway.sequencer.commit()

    def _send(self, piece: bytes) -> None:
        assert self._sock is not None
        with contextlib.suppress(BrokenPipeError):  # what was said before is still to be read
            self._sock.sendall(piece)

    def _read(self) -> None:
        while self._sock is not None and not self._closed:
            try:
                data = self._sock.recv(1 << 16)
            except BlockingIOError:
                return
            except ConnectionResetError:
                data = b""
            self._buffer += data
            self._closed = not data


class Trader:
    """A counterparty that behaves and sells one share at a time, whoever buys."""

    def __init__(self, still: StillGateway, comp_id: str) -> None:
        """Begin without a connection."""
        self._host = GatewayHost(still, comp_id)
        self.peer = ModelPeer(comp_id, self._host.now_ns, self._host.epoch)

    def close(self) -> None:
        """Leave the connection."""
        self._host.drop(b"")

    def trade(self) -> None:
        """Sell; log on first where silence has ended the session."""
        self._exchange()
        if self._host.closed():
            self._host.open()
            self.peer.connect(reset=False)
            self._exchange()
        cl_ord_id = f"{self.peer.comp_id}-{len(self.peer.orders)}"
        time = stamp(self._host.now_ns())
        order = [(11, cl_ord_id), (55, "AAPL"), (54, "2"), (60, time)]
        self.peer.order([*order, (38, "1"), (40, "2"), (44, "190"), (59, "3")])
        self._exchange()

    def _exchange(self) -> None:
        """Carry everything both ways."""
        while self.peer.out or self._host.busy():
            if self.peer.out and not self._host.closed():
                self._host.feed(self.peer.out.pop(0))
            for frame in self._host.take():
                self.peer.receive(frame)
            if self._host.closed():
                self.peer.lost()
        for frame in self._host.take():
            self.peer.receive(frame)
        if self._host.closed():
            self.peer.lost()
