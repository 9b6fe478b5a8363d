"""Ten thousand random counterparties against the session layer, in virtual time.

`KK99_PEERS=100000` takes more of them, `KK99_SEED=7` other ones; a failure names the seed of its
counterparty, and `KK99_SEED=<that> KK99_PEERS=1` repeats it alone.
"""

import os
from collections.abc import Iterable

import attrs
import pytest
from support.model_peer import Fields, content, parse
from support.session_desk import RULES, Desk
from support.unruly import Unruly

from kk99fix.fix.message import Message
from kk99fix.session.effects import Send
from kk99fix.session.rules import NS_PER_S, ResetPolicy, SessionRules

FIRST_SEED = int(os.environ.get("KK99_SEED", "20261125"))
PEERS = int(os.environ.get("KK99_PEERS", "10000"))
#: How many the sanitized build gets, and one test case takes.
FEW = 500


@attrs.define
class RecordingDesk(Desk):
    """A desk that keeps what it ever sent, over all of its epochs."""

    epoch: int = attrs.field(default=1, init=False)
    recorded: dict[int, dict[int, Fields]] = attrs.field(factory=dict, init=False)

    def send(self, message: Send) -> str:
        """Send, and keep the frame as it was."""
        number = self.next_out
        self.epoch += number == 1 and bool(self.recorded or self.last_out_ns)
        line = super().send(message)
        fields = parse(self.wire[-1])
        if message.msg_type not in {b"0", b"1", b"2", b"3", b"4", b"5", b"A"}:
            self.recorded.setdefault(self.epoch, {})[number] = content(fields)
        return line


class SessionHost:
    """The session layer with numbers and a store, and nothing else."""

    comp_id = "BROKER1"

    def __init__(self, rules: SessionRules) -> None:
        """Begin without a connection."""
        self.desk = RecordingDesk(rules)
        self.desk.on_deliver = self._answer
        self._reports = 0

    def now_ns(self) -> int:
        """Virtual time."""
        return self.desk.now_ns

    def epoch(self) -> int:
        """How often the numbers began at 1."""
        return self.desk.epoch

    def numbers(self) -> tuple[int, int]:
        """MsgSeqNum(34) expected and sent next."""
        return self.desk.next_in, self.desk.next_out

    def open(self) -> None:
        """Begin a connection."""
        self.drop(b"")
        self.desk.connect()

    def drop(self, last_bytes: bytes) -> None:
        """Lose the connection; a frame that is not whole never reaches the session layer."""
        del last_bytes
        self.desk.session.connection_lost()
        self.desk.wire.clear()

    def feed(self, frame: bytes) -> None:
        """Receive a frame."""
        self.desk.receive(frame)

    def take(self) -> list[bytes]:
        """What the desk sent."""
        frames = list(self.desk.wire)
        self.desk.wire.clear()
        return frames

    def closed(self) -> bool:
        """Whether the session layer asked for a disconnect."""
        return self.desk.disconnected

    def busy(self) -> bool:
        """Never: a desk answers at once."""
        return False

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.desk.now_ns += seconds * NS_PER_S
        self.desk.tick()

    def report(self) -> None:
        """Send a report of its own; without a connection it waits to be asked for."""
        self.desk.send(self._report(b"unsolicited"))
        if not self.desk.session.established:
            self.desk.wire.pop()

    def stop(self) -> None:
        """Log out."""
        self.desk.perform(self.desk.session.stop(b"", self.desk.numbers, self.desk.now_ns))

    def taken(self) -> list[str]:
        """ClOrdID(11) of what was delivered, in order."""
        return [(message.get(11) or b"").decode() for message in self.desk.delivered]

    def _answer(self, message: Message) -> Iterable[Send]:
        return [self._report(message.get(11) or b"")]

    def _report(self, cl_ord_id: bytes) -> Send:
        self._reports += 1
        return Send(b"8", ((17, b"%d" % self._reports), (11, cl_ord_id), (150, b"0")))


def play(seed: int) -> tuple[SessionHost, Unruly]:
    """Let one random counterparty live, and come to rest."""
    rules = attrs.evolve(
        RULES,
        early_messages_max=(1, 3, 1000)[seed % 3],
        reset_seq_num=ResetPolicy.REFUSED if seed % 7 == 0 else ResetPolicy.ALLOWED,
    )
    host = SessionHost(rules)
    unruly = Unruly(host, seed, first_resets=seed % 7 != 0)
    unruly.live()
    unruly.settle()
    return host, unruly


def check(host: SessionHost, unruly: Unruly) -> int:
    """Each side has everything of the other's, in order, once; returns how many messages."""
    peer = unruly.peer
    assert not peer.faults, peer.faults
    compared = 0
    for epoch, sent in host.desk.recorded.items():
        end = peer.ended.get(epoch, host.desk.next_out if epoch == peer.epoch else 0)
        wanted = {number: fields for number, fields in sent.items() if number < end}
        got = peer.received.get(epoch, {})
        assert got == wanted, f"epoch {epoch}"
        assert list(got) == sorted(got), f"epoch {epoch}"
        compared += len(got)
    taken = host.taken()
    position = {cl_ord_id: place for place, cl_ord_id in enumerate(peer.orders)}
    assert [position[each] for each in taken] == sorted({position[each] for each in taken})
    assert {*peer.orders} - peer.waived - {*taken} == set()
    return compared + len(taken)


def play_all(seeds: range) -> None:
    """Play and check; a failure names its seed."""
    compared = 0
    for seed in seeds:
        try:
            compared += check(*play(seed))
        except Exception as error:
            raise AssertionError(f"KK99_SEED={seed} KK99_PEERS=1 repeats it") from error
    assert compared >= 5 * len(seeds), "peers that exchange next to nothing prove nothing"


def test_a_few_random_peers() -> None:
    """What the others are, in a number that a sanitized build has the time for."""
    play_all(range(FIRST_SEED, FIRST_SEED + min(FEW, PEERS)))


@pytest.mark.slow
def test_random_peers() -> None:
    """Whatever a counterparty does, it gets exactly what was sent to it, in order, once.

    So do we: every message of its own that it did not give up, in order, once.
    """
    play_all(range(FIRST_SEED + FEW, FIRST_SEED + PEERS))
