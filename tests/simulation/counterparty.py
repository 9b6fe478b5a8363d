"""One counterparty: a `ModelPeer` on wires of its own, with a temper, in virtual time.

The peer is a second opinion on FIX 4.4 without a line of ours; what it finds wrong stands in its
`faults`.  What makes a counterparty a nuisance is done to it here: frames that are lost, swapped or
sent twice, numbers skipped, memory lost, garbled bytes, connections that break in any way.
"""

import random
import re
from collections.abc import Callable
from typing import Protocol

import attrs
from support.model_peer import Fields, ModelPeer, stamp

from simulation.flow import Flow
from simulation.tempers import Temper
from simulation.time_line import NS_PER_S, TimeLine
from simulation.units import require
from simulation.wires import Wire

_END = re.compile(rb"\x0110=\d{3}\x01")
HEART_BT_INT_NS = 30 * NS_PER_S
#: After so much silence a connection is given up.
SILENCE_NS = 80 * NS_PER_S
LOGON = b"\x0135=A\x01"


class Venue(Protocol):
    """What a counterparty may know of the other side."""

    def connect(self, name: str, *, knock: bool = False) -> Wire:
        """A new connection to the venue's address; a knock comes beside the one there is."""

    def period(self, name: str) -> int:
        """When the session's present period began; 0 without a schedule."""

    def epoch(self, name: str) -> int:
        """The epoch of what last left for the session."""

    def may_log_on(self, name: str) -> bool:
        """Whether it is worth trying now."""

    def note_asked(self, name: str, ident: str, kind: str, wish: str) -> None:
        """A request is about to be sent."""


@attrs.define(eq=False)
class Counterparty:
    """See the top of this module."""

    peer: ModelPeer
    temper: Temper
    flow: Flow
    dice: random.Random
    time_line: TimeLine
    venue: Venue
    #: Frames received, for the digest of a run.
    on_frame: Callable[[bytes], None]
    wire: Wire | None = None
    behaves: bool = False
    _buffer: bytes = b""
    _last_sent_ns: int = 0
    _reading: bool = False
    _last_heard_ns: int = 0
    _period: int = 0
    #: The epoch begins with whatever comes first.
    _epoch_is_new: bool = True
    connections: int = 0
    knocks: int = 0

    @property
    def name(self) -> str:
        """Its SenderCompID(49)."""
        return self.peer.comp_id

    def begin(self) -> None:
        """Live from now on."""
        self.time_line.after(self.dice.randint(1, 3 * NS_PER_S), self._live)

    # ------------------------------------------------------------------ life

    def _live(self) -> None:
        """Do one thing, and think about when to do the next one."""
        if not self.behaves:
            if not self.peer.connected:
                if self.dice.random() < 0.5 and self.venue.may_log_on(self.name):
                    self.connect()
            else:
                deeds = self.temper.deeds
                (deed,) = self.dice.choices(list(deeds), list(deeds.values()))
                getattr(self, f"_{deed}")()
                self.flush()
        self._keep_alive()
        pause_s = self.temper.pause_s * self.dice.choice((0.05, 0.3, 1, 2))
        self.time_line.after(int(pause_s * NS_PER_S), self._live)

    def connect(self, *, reset: bool | None = None) -> None:
        """Connect and log on."""
        self.disconnect()
        wanted = self.peer.resetting or (self.dice.random() < 0.02 if reset is None else reset)
        self.connections += 1
        self.wire = wire = self.venue.connect(self.name)
        wire.peer.on_bytes = lambda: self._arrived(wire)
        wire.peer.on_end = lambda: self._ended(wire)
        self._buffer = b""
        self._last_heard_ns = self.time_line.now_ns
        begins = self._begin_period()
        self.peer.connect(reset=wanted and not begins)
        self.flush()

    def _begin_period(self) -> bool:
        """Both sides begin at 1 when a session with a schedule starts; whether it has."""
        period, peer = self.venue.period(self.name), self.peer
        if period == self._period:
            return False
        self._period, self._epoch_is_new = period, True
        peer.ended[peer.epoch] = peer.next_in
        peer.waive_all()
        peer.next_in = peer.next_out = 1
        peer.sent, peer.resetting, peer.unsure = {}, False, False
        return True

    def disconnect(self) -> None:
        """Leave the connection, if there is one."""
        if self.wire is not None:
            self.wire.close(self.wire.venue)
            self._forget_wire()

    def _forget_wire(self) -> None:
        if self.wire is not None:
            self.wire.peer.on_bytes = self.wire.peer.on_end = lambda: None
        self.wire = None
        self.peer.lost()

    def _keep_alive(self) -> None:
        now_ns = self.time_line.now_ns
        if self.wire is not None and now_ns - self._last_heard_ns > SILENCE_NS:
            self.disconnect()
        silent_ns = now_ns - self._last_sent_ns
        if self.peer.logged_on and not self.peer.leaving and silent_ns > HEART_BT_INT_NS:
            self.peer.write("0", [])
            self.flush()

    def flush(self) -> None:
        """Send what the peer has written; some of it gets lost where that is its temper."""
        out, self.peer.out[:] = list(self.peer.out), []
        for frame in out:
            if self.wire is None:
                return
            self._last_sent_ns = self.time_line.now_ns
            lost = not self.behaves and self.dice.random() < self.temper.loses
            if lost and LOGON not in frame[:30]:
                continue
            self.wire.send(self.wire.venue, frame)

    # ------------------------------------------------------------------ what arrives

    def _arrived(self, wire: Wire) -> None:
        if self.temper.reads_every_s and not self.behaves:
            if not self._reading:
                self._reading = True
                self.time_line.after(
                    int(self.temper.reads_every_s * NS_PER_S), lambda: self._read_some(wire)
                )
        else:
            self._read(wire, 1 << 30)

    def _read_some(self, wire: Wire) -> None:
        self._reading = False
        if wire is self.wire:
            self._read(wire, self.temper.reads_bytes)
            if wire.peer.arrived:
                self._arrived(wire)
            elif wire.peer.ended:
                self._ended(wire)

    def read_all(self) -> None:
        """Read everything that has arrived."""
        wire = self.wire
        if wire is not None:
            self._read(wire, 1 << 30)
            if wire.peer.ended:
                self._ended(wire)

    def _read(self, wire: Wire, most: int) -> None:
        if wire is not self.wire:
            return
        self._buffer += wire.take(wire.peer, most)
        while (found := _END.search(self._buffer)) is not None:
            frame, self._buffer = self._buffer[: found.end()], self._buffer[found.end() :]
            self.on_frame(frame)
            self._last_heard_ns = self.time_line.now_ns
            if self._epoch_is_new:
                self._epoch_is_new = False
                self.peer.epoch = self.venue.epoch(self.name)
                self.peer.ended.pop(self.peer.epoch, None)
            self.peer.receive(frame)
            require(not self.peer.faults, "N12", self.name, self.peer.faults)
        self.flush()

    def _ended(self, wire: Wire) -> None:
        if wire is self.wire and not wire.peer.arrived:
            self._forget_wire()

    # ------------------------------------------------------------------ orders

    @property
    def _may_order(self) -> bool:
        peer = self.peer
        return peer.logged_on and not peer.leaving and not peer.resetting

    def _request(self, kind: str, fields: Fields) -> None:
        if not self._may_order:
            return
        wish = dict(fields).get(18, "")
        self.venue.note_asked(self.name, fields[0][1], kind, wish)
        self.peer.order(fields, kind)

    def _make(self) -> None:
        self._request("D", self.flow.new(self.time_line.now_ns, resting=True))

    def _take(self) -> None:
        self._request("D", self.flow.new(self.time_line.now_ns, resting=False))

    def _replace(self) -> None:
        self._request("G", self.flow.replace(self.time_line.now_ns))

    def _cancel(self) -> None:
        self._request("F", self.flow.cancel(self.time_line.now_ns))

    def _status(self) -> None:
        self._request("H", self.flow.status())

    def _mass_status(self) -> None:
        self._request("AF", self.flow.mass_status())

    def _burst(self) -> None:
        for _ in range(self.dice.randint(4, 25)):
            self.dice.choice([self._make, self._take, self._take, self._cancel])()

    def _double(self) -> None:
        """An id that was used before, under a new number."""
        if self.peer.sent and self._may_order:
            kind, fields = self.dice.choice(
                [(kind, fields) for _, kind, fields in self.peer.sent.values()]
            )
            if kind == "D":
                self._request(kind, fields)

    # ------------------------------------------------------------------ the session

    def _test(self) -> None:
        if self._may_order:
            self.peer.write("1", [(112, "there?")])

    def _ask(self) -> None:
        if self.peer.logged_on:
            begin = self.dice.randint(max(1, self.peer.next_in - 60), self.peer.next_in)
            end = self.dice.choice([0, begin, begin + 3, self.peer.next_in + 100])
            for _ in range(self.dice.choice([1, 1, 1, 4])):
                self.peer.ask(begin, end)

    def _swap(self) -> None:
        for _ in range(2):
            self._make()
        if len(self.peer.out) > 1:
            self.peer.out[-1], self.peer.out[-2] = self.peer.out[-2], self.peer.out[-1]

    def _again(self) -> None:
        """Send some messages again that nobody asked for."""
        if self.peer.logged_on and not self.peer.resetting:
            begin = self.dice.randint(max(1, self.peer.next_out - 10), self.peer.next_out)
            self.peer.serve(begin, begin + self.dice.randint(0, 3))

    def _skip(self) -> None:
        """Fill over numbers that were never used."""
        if self._may_order:
            new = self.peer.next_out + self.dice.randint(1, 5)
            self.peer.write("4", [(123, "Y"), (36, str(new))])
            self.peer.next_out = new

    def _jump(self) -> None:
        """SequenceReset(4) in mode Reset: what has not been taken so far is lost."""
        if self._may_order:
            self.peer.waive_all()
            new = self.peer.next_out + self.dice.randint(1, 5)
            self.peer.write("4", [(36, str(new))])
            self.peer.next_out = new

    def _reset(self) -> None:
        if self._may_order:
            self.peer.log_on(reset=True)

    def _forget(self) -> None:
        """Lose the memory of messages sent."""
        numbers = [number for number in self.peer.sent if self.dice.random() < 0.3]
        self.peer.give_up(numbers)

    def _log_out(self) -> None:
        if self._may_order:
            self.peer.log_out()

    # ------------------------------------------------------------------ misbehaviour

    def _garble(self) -> None:
        """Bytes that are no FIX, between two messages."""
        if self.wire is not None and self.peer.logged_on:
            noise = self.dice.choice(
                [b"noise", b"8=FIX.4.4\x019=5\x0135=0\x0110=000\x01", b"8=FIX.4.2\x019=3\x01"]
            )
            self.wire.send(self.wire.venue, noise)

    def _wrong(self) -> None:
        """A message that is refused, the session going on."""
        if self._may_order:
            kind, fields = self.dice.choice(
                [
                    ("D", [(55, "AAPL")]),
                    ("ZZ", []),
                    ("8", [(37, "1")]),
                    ("Q", [(37, "1"), (17, "1"), (127, "D"), (55, "AAPL"), (54, "1"), (38, "1")]),
                ]
            )
            self.peer.write(kind, list(fields))

    def _rude(self) -> None:
        """An order twice under one number, without saying that it is the same one."""
        self._make()
        if self.peer.out and self._may_order:
            self.peer.out.append(self.peer.out[-1])

    def _drop(self) -> None:
        if self.wire is not None:
            if self.dice.random() < 0.5:
                self.wire.cut()
            else:
                self.wire.close(self.wire.venue)
            self._forget_wire()

    def _die(self) -> None:
        """The connection is half dead: neither side is told."""
        if self.wire is not None:
            self.wire.die()
            if self.dice.random() < 0.5:
                self._forget_wire()

    def _knock(self) -> None:
        """A second connection says that it is this session; nothing comes of it but its end."""
        if not self.peer.logged_on or self.peer.leaving:
            return
        wire = self.venue.connect(self.name, knock=True)
        self.knocks += 1

        def answered() -> None:
            raise AssertionError(f"N7: a second connection of {self.name} is sent something")

        wire.peer.on_bytes = answered
        head: Fields = [(35, "A"), (49, self.name), (56, "KK99"), (34, "1")]
        time: Fields = [(52, stamp(self.time_line.now_ns)), (98, "0"), (108, "30")]
        wire.send(wire.venue, encode([*head, *time]))


def encode(fields: Fields) -> bytes:
    """A frame around fields."""
    body = "".join(f"{tag}={value}\x01" for tag, value in fields).encode("ascii")
    head = b"8=FIX.4.4\x019=%d\x01" % len(body) + body
    return head + b"10=%03d\x01" % (sum(head) % 256)
