"""Random misbehaviour: drives one `ModelPeer` against a venue, then brings both to rest.

What may happen at any step: orders and reports; frames carried, lost or swapped on their way;
messages sent again unasked; resends asked for at the worst moment; numbers skipped by
SequenceReset(4) in both modes; ResetSeqNumFlag(141)=Y at a logon or on an established session;
memory lost on the counterparty's side; logouts of either side; silence; a connection that breaks
with anything under way, in the middle of a message.

The venue is a `Host`: the session layer alone, or all of a gateway.
Equal seeds make equal runs.
"""

import random
from typing import Protocol

from support.model_peer import Fields, ModelPeer, stamp

STEPS = 40
SETTLING_ROUNDS = 60


class Host(Protocol):
    """The venue's side of one session; frames are whole ones."""

    comp_id: str

    def now_ns(self) -> int:
        """Venue time."""

    def epoch(self) -> int:
        """The venue's name for the present run of numbers."""

    def numbers(self) -> tuple[int, int]:
        """MsgSeqNum(34) expected and sent next."""

    def open(self) -> None:
        """Begin a connection."""

    def drop(self, last_bytes: bytes) -> None:
        """Break the connection, in the middle of a message if there are `last_bytes`."""

    def feed(self, frame: bytes) -> None:
        """Hand over a frame of the counterparty."""

    def take(self) -> list[bytes]:
        """Return the frames that left for the counterparty since the last call."""

    def closed(self) -> bool:
        """Whether the venue has ended the connection."""

    def busy(self) -> bool:
        """Whether more is on its way to the counterparty."""

    def wait(self, seconds: int) -> None:
        """Let time pass."""

    def report(self) -> None:
        """Let something happen that the counterparty is told of, connected or not."""

    def stop(self) -> None:
        """Ask the session to log out."""


class Unruly:
    """One random counterparty."""

    def __init__(self, host: Host, seed: int, *, first_resets: bool = True) -> None:
        """Begin without a connection; the first logon resets, unless the numbers are known."""
        self.host = host
        self._random = random.Random(seed)  # noqa: S311 - seeded on purpose
        self._seed = seed
        self.peer = ModelPeer(host.comp_id, host.now_ns, host.epoch)
        self.peer.keeps_early = self._maybe(0.5)
        self.peer.says_next = self._maybe(0.3)
        self._incoming: list[bytes] = []
        self._first = first_resets
        weights = {
            self._order: 8,
            self._carry: 14,
            self._report: 5,
            self._lose: 3,
            self._swap: 1,
            self._ask: 3,
            self._test: 1,
            self._again: 2,
            self._skip: 1,
            self._jump: 0.4,
            self._reset: 0.4,
            self._forget: 0.7,
            self._wait: 2,
            self._drop: 1.5,
            self._log_out: 0.6,
            self._stop: 0.6,
            self._rude: 0.3,
        }
        self._deeds = list(weights)
        self._weights = list(weights.values())

    def live(self) -> None:
        """Do random things."""
        for _ in range(STEPS):
            if not self.peer.connected and self._maybe(0.6):
                self._connect()
            (deed,) = self._random.choices(self._deeds, self._weights)
            deed()
            self._notice_end()

    def settle(self) -> None:
        """Behave until both sides agree that nothing is missing."""
        for _ in range(SETTLING_ROUNDS):
            if not self.peer.connected:
                self._connect()
            self._carry_all()
            agreed = self.host.numbers() == (self.peer.next_out, self.peer.next_in)
            if self.peer.logged_on and not self.peer.resetting and agreed:
                return
            if self.peer.connected:
                if not self.peer.ask_for_missing() and not self.peer.leaving:
                    self.peer.write("1", [(112, "anything missing?")])
                self._carry_all()
            self.host.wait(3)
        numbers = self.host.numbers(), (self.peer.next_out, self.peer.next_in)
        raise AssertionError(f"never at rest: {numbers}, {self.peer}")

    # ------------------------------------------------------------------ deeds

    def _maybe(self, probability: float) -> bool:
        return self._random.random() < probability

    def _order(self) -> None:
        """An order, also while there is no connection: it is sent when asked for."""
        if not self.peer.leaving and not self.peer.resetting:
            cl_ord_id = f"{self._seed}-{len(self.peer.orders)}"
            time = stamp(self.host.now_ns())
            order: Fields = [(11, cl_ord_id), (55, "AAPL"), (54, "1"), (60, time)]
            self.peer.order([*order, (38, "100"), (40, "2"), (44, "190")])

    def _report(self) -> None:
        self.host.report()

    def _carry(self) -> None:
        for _ in range(self._random.choice([1, 2, 8])):
            self._to_venue()
        for _ in range(self._random.choice([1, 2, 8])):
            self._to_peer()

    def _lose(self) -> None:
        """A frame never reaches the other side's session layer; Logon(A) always does."""
        frames = self._random.choice([self.peer.out, self._incoming])
        if frames and b"\x0135=A\x01" not in frames[0]:
            frames.pop(0)

    def _swap(self) -> None:
        out = self.peer.out
        if len(out) > 1 and self.peer.logged_on and not self.peer.resetting:
            out[-1], out[-2] = out[-2], out[-1]

    def _ask(self) -> None:
        """Ask for any of what came, or for more than there is; now and then again and again."""
        if self.peer.logged_on:
            begin = self._random.randint(1, self.peer.next_in)
            end = self._random.choice([0, begin, begin + 3, self.peer.next_in + 100])
            for _ in range(self._random.choice([1, 1, 1, 5])):
                self.peer.ask(begin, end)

    def _test(self) -> None:
        if self.peer.logged_on and not self.peer.leaving:
            self.peer.write("1", [(112, "there?")])

    def _again(self) -> None:
        """Send some messages again that nobody asked for."""
        if self.peer.logged_on and not self.peer.resetting:
            begin = self._random.randint(1, self.peer.next_out)
            self.peer.serve(begin, begin + self._random.randint(0, 3))

    def _skip(self) -> None:
        """SequenceReset(4) in mode GapFill over numbers that were never used."""
        if self.peer.logged_on and not self.peer.leaving:
            new = self.peer.next_out + self._random.randint(1, 5)
            self.peer.write("4", [(123, "Y"), (36, str(new))])
            self.peer.next_out = new

    def _jump(self) -> None:
        """SequenceReset(4) in mode Reset: what we have not taken so far is lost."""
        if self.peer.logged_on and not self.peer.leaving and not self.peer.resetting:
            self.peer.waive_all()
            new = self.peer.next_out + self._random.randint(1, 5)
            self.peer.write("4", [(36, str(new))])
            self.peer.next_out = new

    def _reset(self) -> None:
        if self.peer.logged_on and not self.peer.leaving and not self.peer.resetting:
            self.peer.log_on(reset=True)

    def _forget(self) -> None:
        """Lose memory: of messages sent, of those received, or of how far both had come."""
        peer = self.peer
        what = self._random.randrange(3)
        if what == 0:
            peer.give_up([number for number in peer.sent if self._maybe(0.3)])
        elif what == 1 and not peer.connected:
            peer.next_in = self._random.randint(1, peer.next_in)
            known = peer.received.get(peer.epoch, {})
            for number in [number for number in known if number >= peer.next_in]:
                del known[number]
        elif what == 2 and not peer.connected and not peer.resetting:
            peer.next_out = self._random.randint(1, peer.next_out)
            peer.unsure = True
            peer.give_up([number for number in peer.sent if number >= peer.next_out])

    def _wait(self) -> None:
        """Let time pass; nothing is on its way to us for so long that it would be too old."""
        seconds = self._random.choice([1, 2, 10, 31, 40])
        while seconds > 2 and self.peer.out and not self.host.closed():
            self._to_venue()
        self.host.wait(seconds)

    def _drop(self) -> None:
        if self.peer.connected:
            rest = self.peer.out[0] if self.peer.out else b""
            self.host.drop(rest[: self._random.randint(0, max(0, len(rest) - 1))])
            self._incoming.clear()
            self.peer.lost()

    def _log_out(self) -> None:
        if self.peer.logged_on and not self.peer.leaving and not self.peer.resetting:
            if self._maybe(0.3):
                self._ask()
            self.peer.log_out()

    def _stop(self) -> None:
        self.host.stop()

    def _rude(self) -> None:
        """Send an order twice without saying that it is the same one."""
        if self.peer.out and self.peer.logged_on and not self.peer.resetting:
            self.peer.out.append(self.peer.out[-1])

    # ------------------------------------------------------------------ the line

    def _connect(self) -> None:
        self.host.open()
        self._incoming.clear()
        self.peer.connect(reset=self._first or self._maybe(0.05))
        self._first = False

    def _to_venue(self) -> None:
        if self.peer.out and not self.host.closed():
            self.host.feed(self.peer.out.pop(0))
        self._incoming += self.host.take()

    def _to_peer(self) -> None:
        self._incoming += self.host.take()
        if self._incoming:
            self.peer.receive(self._incoming.pop(0))

    def _carry_all(self) -> None:
        for _ in range(100_000):
            self._to_venue()
            self._to_peer()
            sent = not self.peer.out or self.host.closed()
            if sent and not self._incoming and not self.host.busy():
                break
        self._notice_end()

    def _notice_end(self) -> None:
        """The venue closed: what it said before is read, or lost as well."""
        if self.peer.connected and self.host.closed():
            self._incoming += self.host.take()
            lost = self._random.randint(0, len(self._incoming)) if self._maybe(0.2) else 0
            for frame in self._incoming[: len(self._incoming) - lost]:
                self.peer.receive(frame)
            self._incoming.clear()
            self.peer.lost()
