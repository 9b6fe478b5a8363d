from collections.abc import Iterator
from pathlib import Path

import pytest
from support.live_gateway import small_settings
from support.live_peer import order
from support.still_gateway import StillGateway, StillPeer

from kk99fix.gateway.chunks import CHUNK_MESSAGES

NS_PER_S = 1_000_000_000
RATE = 10_000
#: The least that may be set; some 230 reports.
BURST = 65_536
COUNT = 400


@pytest.fixture
def still(tmp_path: Path) -> Iterator[StillGateway]:
    """A gateway with a small quota."""
    changes = {
        "bytes_per_second = 67_108_864": f"bytes_per_second = {RATE}",
        "burst_bytes = 67_108_864": f"burst_bytes = {BURST}",
    }
    with StillGateway(small_settings(tmp_path, changes), tmp_path / "var") as still:
        yield still


def rest(still: StillGateway, peer: StillPeer, count: int, side: str = "1") -> None:
    """Send orders that rest and let them be reported."""
    for _ in range(count):
        name = f"{peer.comp_id}-{peer.next_out}"
        peer.send("D", order(name, side, price={"1": "180.00", "2": "200.00"}[side]))
        still.run_pass()


def steps(still: StillGateway, count: int = 50) -> None:
    """Feed and send for a while, in no time."""
    for _ in range(count):
        still.step()
        still.run_pass()


def later(still: StillGateway, ns: int) -> None:
    """Let venue time be later."""
    clock = still.gateway.clock
    clock.offset_ns += ns
    still.gateway.sequencer.pump.set_clock(clock.offset_ns, 0)


def sent_again(peer: StillPeer) -> int:
    """Bytes of the messages that are there."""
    return sum(len(frame) for frame in peer.received())


def ask(still: StillGateway, peer: StillPeer) -> None:
    """Ask for every report again."""
    peer.send("2", [(7, 2), (16, 0)])
    still.run_pass()


def test_a_resend_waits_for_its_quota(still: StillGateway) -> None:
    """A burst leaves at once, the rest as the bucket fills; everything comes, once, in order."""
    peer = still.connect("BROKER1")
    rest(still, peer, COUNT)
    peer.received()
    ask(still, peer)
    steps(still)
    numbers = [int(m[34]) for m in peer.messages()]
    size = still.gateway.feeder.statistics().resent_bytes
    assert BURST <= size < BURST + CHUNK_MESSAGES * 400
    assert len(numbers) < COUNT
    assert still.gateway.feeder.statistics().backlog == COUNT - len(numbers)
    assert still.gateway.feeder.statistics().quota_waits == 1

    owed = size - BURST
    later(still, NS_PER_S * owed // 2 // RATE)
    steps(still)
    assert peer.received() == []
    rounds = 0
    while len(still.gateway.feeder):
        later(still, NS_PER_S)
        steps(still)
        more = [int(m[34]) for m in peer.messages()]
        assert len(more) <= CHUNK_MESSAGES
        numbers += more
        rounds += 1

    assert numbers == list(range(2, COUNT + 2))
    left = still.gateway.feeder.statistics().resent_bytes - BURST
    assert rounds >= left // RATE - 2


def test_coming_back_fills_no_bucket(still: StillGateway) -> None:
    """A session that drops its connection owes what it took."""
    peer = still.connect("BROKER1")
    rest(still, peer, COUNT)
    peer.received()
    ask(still, peer)
    steps(still)
    peer.sock.close()
    still.run_pass()
    back = still.connect("BROKER1")
    ask(still, back)
    steps(still)

    assert back.types() == "A"


def test_a_quota_is_a_session_s_own(still: StillGateway) -> None:
    """While one session waits for its quota another one gets what it asks for."""
    peers = [still.connect(name) for name in ("BROKER1", "BROKER2")]
    for peer, side in zip(peers, "12", strict=True):
        rest(still, peer, COUNT, side)
        peer.received()
    ask(still, peers[0])
    steps(still)
    first = sent_again(peers[0])
    ask(still, peers[1])
    steps(still)

    assert sent_again(peers[1]) > BURST
    assert first >= BURST
    assert sent_again(peers[0]) == 0


def test_what_is_sent_first_takes_nothing_of_it(still: StillGateway) -> None:
    """A reader that fell behind catches up at full speed, far beyond its quota."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    peer.send("D", order("rest", qty=100_000, price="190.00"))
    still.run_pass()
    peer.reads = False
    while still.engine.behind(peer.session) < 2 * BURST:
        for _ in range(100):
            other.send("D", order(f"x{other.next_out}", "2", 1, "190.00"))
        still.run_pass()
        other.received()
    peer.reads = True
    numbers = []
    for _ in range(200):
        steps(still, 1)
        numbers += [int(m[34]) for m in peer.messages()]

    assert numbers == list(range(1, still.engine.session(peer.session).next_out))
    assert still.gateway.feeder.statistics().quota_waits == 0
    assert still.gateway.feeder.statistics().resent_bytes == 0


def test_live_traffic_follows_a_resend_that_waits(still: StillGateway) -> None:
    """What is made while the quota is waited for comes after the range, in its order."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    rest(still, peer, COUNT)
    peer.received()
    ask(still, peer)
    steps(still)
    other.send("D", order("x", "2", 10, price="180.00"))
    still.run_pass()
    numbers = [int(m[34]) for m in peer.messages()]
    assert numbers[-1] < COUNT + 1
    while len(still.gateway.feeder):
        later(still, NS_PER_S)
        steps(still)
    numbers += [int(m[34]) for m in peer.messages()]

    assert numbers == list(range(2, COUNT + 3))


async def test_the_task_wakes_up_for_a_quota(tmp_path: Path) -> None:
    """The feeder sleeps until the bucket holds something, and goes on by itself."""
    from support.live_gateway import live_gateway  # noqa: PLC0415 - the only live test here

    changes = {
        "bytes_per_second = 67_108_864": "bytes_per_second = 200_000",
        "burst_bytes = 67_108_864": f"burst_bytes = {BURST}",
    }
    async with (
        live_gateway(small_settings(tmp_path, changes), tmp_path / "var") as live,
        await live.logged_on("BROKER1") as peer,
    ):
        data = b"".join(
            peer.frame("D", order(f"{peer.next_out}", price="180.00")) for _ in range(COUNT)
        )
        await peer.send_bytes(data)
        await peer.receive_count(COUNT)
        await peer.send("2", [(7, 2), (16, 0)])
        await peer.receive_count(COUNT)

        assert live.gateway.feeder.statistics().quota_waits > 0
