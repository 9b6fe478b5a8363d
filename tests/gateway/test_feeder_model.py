"""A counterparty that reads, stalls, asks, resets and comes back as it likes, over real sockets.

`KK99_FEEDER_SEEDS=1000` plays more of them.
"""

import os
import random
from pathlib import Path

import attrs
import pytest
from support.fix_client import content
from support.fix_peer import decode
from support.live_gateway import small_settings
from support.live_peer import order
from support.still_gateway import StillGateway

from kk99fix.gateway.chunks import CHUNK_MESSAGES

SEEDS = int(os.environ.get("KK99_FEEDER_SEEDS", "12"))
STEPS = 120


@attrs.define
class Memory:
    """What one session ever received."""

    #: The content of each application message by (epoch, number).
    messages: dict[tuple[int, int], bytes] = attrs.field(factory=dict)
    #: Numbers of this connection that came, messages of the session layer and gap fills included.
    covered: set[int] = attrs.field(factory=set)
    #: The last number of this connection that came without PossDupFlag(43).
    newest: int = 0
    #: The number of this connection's Logon(A).
    began: int = 0

    def take(self, epoch: int, frames: list[bytes]) -> None:
        """Take in frames of one connection, holding each against what came before."""
        for frame in frames:
            fields = decode(frame)
            number = int(fields[34])
            if fields.get(43) != "Y":
                assert number > self.newest, "what is new comes in its order"
                self.newest = number
            if fields[35] == "A":
                self.began = number
            self.covered.add(number)
            if fields[35] == "4":
                self.covered |= set(range(number, int(fields[36])))
            elif fields[35] in "89":
                first = self.messages.setdefault((epoch, number), content(frame))
                assert first == content(frame), "a number is one message"


class Play:
    """One random counterparty and its gateway."""

    def __init__(self, still: StillGateway, seed: int) -> None:
        """Log both sides on."""
        self.still = still
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.other = still.connect("BROKER2")
        self.peer = still.connect("BROKER1")
        self.memory = Memory()
        self.asked = 0
        self.rest()

    @property
    def epoch(self) -> int:
        """The epoch of the session."""
        return self.still.engine.session(self.peer.session).epoch

    @property
    def next_out(self) -> int:
        """The next number that the session is sent."""
        return self.still.engine.session(self.peer.session).next_out

    def read(self) -> None:
        """Remember what has come."""
        self.memory.take(self.epoch, self.peer.received())
        self.other.received()

    def rest(self) -> None:
        """An order that others trade with; its reports are the session's traffic."""
        name = f"r{self.peer.next_out}-{self.epoch}"
        self.peer.send("D", order(name, qty=50_000, price="190.00"))
        self.still.run_pass()

    def trade(self) -> None:
        """Fills for the session, some of them many."""
        for _ in range(self.random.choice((1, 1, 5, 20))):
            fills = [order(f"x{self.other.next_out + n}", "2", 1, "190.00") for n in range(50)]
            self.other.sock.sendall(b"".join(self.other.frame("D", fields) for fields in fills))
            self.still.run_pass()

    def ask(self) -> None:
        """Ask for any range, also twice; to ask for the same all the time would be a loop."""
        begin = self.random.randrange(1, self.next_out)
        if begin == self.asked:
            return
        self.asked = begin
        end = self.random.choice((0, begin, self.random.randrange(begin, self.next_out)))
        for _ in range(self.random.choice((1, 1, 2))):
            self.peer.send("2", [(7, begin), (16, end)])
        self.still.run_pass()

    def ping(self) -> None:
        """A message of the session layer."""
        self.peer.send("1", [(112, "t")])
        self.still.run_pass()

    def stall(self) -> None:
        """Stop reading, or begin again."""
        self.peer.reads = not self.peer.reads

    def feed(self) -> None:
        """A few steps of the feeder."""
        for _ in range(self.random.choice((1, 2, 10))):
            self.still.step()
            self.still.run_pass()

    def reset(self) -> None:
        """Begin a new epoch in the middle of everything."""
        self.finish_reading()
        self.peer.next_out = 1
        self.memory = attrs.evolve(self.memory, covered=set(), newest=0)
        self.peer.send("A", [(98, 0), (108, 60), (141, "Y")])
        self.still.run_pass()
        self.rest()

    def come_back(self) -> None:
        """Lose the connection and log on again."""
        self.peer.reads = True
        self.read()
        self.peer.sock.close()
        self.still.run_pass()
        self.peer = self.still.connect("BROKER1")
        self.memory = attrs.evolve(self.memory, covered=set(), newest=0)
        self.rest()

    def finish_reading(self) -> None:
        """Read until nothing is fed any more."""
        self.peer.reads = True
        for _ in range(3):
            self.still.feed()
            self.still.run_pass()
            self.read()

    def end(self) -> None:
        """Nothing is missing on this connection, and everything of this epoch can be had."""
        self.finish_reading()
        assert set(range(self.memory.began, self.next_out)) <= self.memory.covered
        self.peer.send("2", [(7, 1), (16, 0)])
        self.still.run_pass()
        self.finish_reading()
        assert self.memory.covered == set(range(1, self.next_out))
        assert self.still.engine.cursor(self.peer.session) == 0


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_counterparty_gets_what_it_was_sent(tmp_path: Path, seed: int) -> None:
    """Each number is one message, new ones come in order, and nothing is missing in the end."""
    with StillGateway(small_settings(tmp_path), tmp_path / "var") as still:
        play = Play(still, seed)
        acts = [play.trade, play.ask, play.feed, play.ping, play.stall]
        weights = [6, 5, 6, 1, 2]
        for _ in range(STEPS):
            play.random.choices(acts, weights)[0]()
            play.read()
            if play.random.random() < 1 / 40:
                play.random.choice((play.reset, play.come_back))()
        play.end()
        statistics = still.gateway.feeder.statistics()

        assert statistics.sessions == statistics.backlog == 0
        assert statistics.resent_messages > CHUNK_MESSAGES
