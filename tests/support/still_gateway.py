"""A gateway whose tasks do not run: a test makes each pass and each step itself."""

import re
import socket
import threading
from pathlib import Path
from typing import Self

import attrs

from kk99fix.config.load import Settings
from kk99fix.gateway import assembly, server
from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.peer import Peer
from kk99fix.journal.files import Files
from kk99fix.matcher.disk_calls import DiskCalls
from kk99fix.vault.seeds import Seeds
from kk99fix.venue.inputs import LogonInput
from support.fix_client import stamp
from support.fix_peer import Fields, decode, encode
from support.live_gateway import LogLines

END = re.compile(rb"\x0110=\d{3}\x01")


@attrs.define
class StillPeer:
    """The counterparty's end of one connection."""

    comp_id: str
    session: int
    sock: socket.socket
    next_out: int
    reads: bool = True
    _buffer: bytes = b""
    _frames: list[bytes] = attrs.field(factory=list)
    #: A day of a watched disk looks at it from the journal's thread as well.
    _reading: threading.Lock = attrs.field(factory=threading.Lock)

    def frame(self, msg_type: str, fields: Fields) -> bytes:
        """Return the next message."""
        head: Fields = [(35, msg_type), (49, self.comp_id), (56, "KK99"), (34, self.next_out)]
        self.next_out += 1
        return encode([*head, (52, stamp()), *fields])

    def send(self, msg_type: str, fields: Fields) -> None:
        """Send the next message."""
        self.sock.sendall(self.frame(msg_type, fields))

    def drain(self) -> None:
        """Read what is there, if this counterparty reads at all; on any thread."""
        with self._reading:
            try:
                while self.reads and (more := self.sock.recv(1 << 20)):
                    self._buffer += more
            except BlockingIOError:
                pass
            while (match := END.search(self._buffer)) is not None:
                self._frames.append(self._buffer[: match.end()])
                self._buffer = self._buffer[match.end() :]

    def received(self) -> list[bytes]:
        """Return the frames that came since the last call."""
        self.drain()
        with self._reading:
            frames, self._frames = self._frames, []
        return frames

    def messages(self) -> list[dict[int, str]]:
        """Return the messages that are there."""
        return [decode(frame) for frame in self.received()]

    def types(self) -> str:
        """Return the MsgTypes of the messages that are there, as one word."""
        return "".join(message[35] for message in self.messages())

    def closed(self) -> bool:
        """Whether the gateway has closed the connection and everything was read."""
        try:
            return self.sock.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False


class StillGateway:
    """A gateway and its peers, to be used as a context manager."""

    def __init__(
        self,
        settings: Settings,
        state_dir: Path,
        *,
        disk: DiskCalls | None = None,
        files: Files | None = None,
        seeds: Seeds | None = None,
    ) -> None:
        """Start it, over the system's disk or another."""
        self.logged = LogLines()
        self.gateway: Gateway = assembly.start(
            settings, state_dir, self.logged.log, disk=disk, files=files, seeds=seeds
        )
        self.engine = self.gateway.storage.venue.engine
        self._peers: list[StillPeer] = []

    def __enter__(self) -> Self:
        """Return the gateway itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        server.stop(self.gateway)
        self.hang_up()

    def hang_up(self) -> None:
        """Close every counterparty's end."""
        for peer in self._peers:
            peer.sock.close()

    def session(self, comp_id: str) -> int:
        """Return the id of a session."""
        session = self.gateway.storage.venue.registry.session_id(comp_id)
        assert session is not None
        return session

    def connect(
        self,
        comp_id: str,
        rest: bytes = b"",
        logon: Fields | None = None,
        number: int | None = None,
    ) -> StillPeer:
        """Connect and log on, with the numbers that the gateway expects or from `number` on."""
        session = self.session(comp_id)
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        ours.setblocking(False)
        first = self.engine.session(session).next_in if number is None else number
        peer = StillPeer(comp_id, session, theirs, first)
        self._peers.append(peer)
        frame = peer.frame("A", [(98, 0), (108, 60), *(logon or [])])
        with ours:
            assert self.gateway.connections.add(ours.fileno(), session, Peer("127.0.0.1"), rest)
            ours.detach()
        self.gateway.sequencer.apply(LogonInput(session, frame, "127.0.0.1"))
        self.gateway.sequencer.commit()
        return peer

    def run_pass(self) -> None:
        """Make one pass of the live loop; the peers read."""
        self.gateway.loop.run_pass()
        self._drain()

    def step(self) -> None:
        """Feed everybody one chunk; the peers read."""
        self.gateway.feeder.step()
        self.gateway.sequencer.commit()
        self._drain()

    def feed(self) -> None:
        """Feed and send until nobody is fed any more."""
        for _ in range(10_000):
            self.step()
            self.run_pass()
            if len(self.gateway.feeder) == 0:
                return
        raise AssertionError("fed for ever")

    def _drain(self) -> None:
        for peer in self._peers:
            if peer.sock.fileno() >= 0:
                peer.drain()
