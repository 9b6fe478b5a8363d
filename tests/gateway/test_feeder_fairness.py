"""What a resend costs everybody else: no memory, and a turn of a bounded size."""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
from support.live_gateway import Live, small_settings
from support.live_peer import LivePeer, order
from support.still_gateway import StillGateway

from kk99fix.gateway.chunks import CHUNK_MESSAGES
from kk99fix.venue.outcome import ResendRange

MILLION = 1_000_000


@pytest.fixture
def still(tmp_path: Path) -> Iterator[StillGateway]:
    """A gateway that does what it is told."""
    with StillGateway(small_settings(tmp_path), tmp_path / "var") as still:
        yield still


def allocated(call: Callable[[], object]) -> int:
    """Bytes that a call leaves allocated."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    call()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before


def test_a_request_for_a_million_messages_costs_no_memory(still: StillGateway) -> None:
    """It is two numbers, and a thousand more of them are no more."""
    peer = still.connect("BROKER1")
    feeder, epoch = still.gateway.feeder, still.engine.session(peer.session).epoch
    first = allocated(lambda: feeder.resend(ResendRange(peer.session, epoch, 1, MILLION)))

    def storm() -> None:
        for n in range(1000):
            feeder.resend(ResendRange(peer.session, epoch, 1 + 37 * n, MILLION + 91 * n))

    more = allocated(storm)

    assert feeder.statistics().backlog == MILLION + 91 * 999
    assert first < 4096
    assert more < 4096
    # What was never sent can only be made up; nothing of it may be looked for.
    feeder.forget(peer.session)


def test_feeding_allocates_nothing_that_stays(still: StillGateway) -> None:
    """From the first chunk to the last the memory in use stays the same."""
    peer = still.connect("BROKER1")
    for _ in range(40):
        for _ in range(100):
            peer.send("D", order(f"{peer.next_out}", price="180.00"))
        still.run_pass()
        peer.received()
    peer.send("2", [(7, 2), (16, 0)])
    still.run_pass()
    while still.gateway.feeder.statistics().resent_messages < 10 * CHUNK_MESSAGES:
        still.step()
    peer.received()
    steps = 60

    def more() -> None:
        for _ in range(steps):
            still.gateway.feeder.step()
            still.gateway.sequencer.commit()
            peer.sock.recv(1 << 20)

    assert allocated(more) < 16_384
    assert still.gateway.feeder.statistics().resent_messages > steps * CHUNK_MESSAGES


#: So many that they take several steps of the feeder, however quickly they are served.
OTHERS = 15_000


def _recorded(live: Live) -> list[tuple[str, int]]:
    """Steps of the feeder and passes of the live loop as they come, and orders applied by then."""
    happened: list[tuple[str, int]] = []
    pump = live.gateway.sequencer.pump

    def record(name: str, call: Callable[[], None]) -> Callable[[], None]:
        def recorded() -> None:
            call()
            happened.append((name, pump.statistics().messages))

        return recorded

    feeder, loop = live.gateway.feeder, live.gateway.loop
    feeder.step = record("step", feeder.step)  # type: ignore[method-assign]
    loop.run_pass = record("pass", loop.run_pass)  # type: ignore[method-assign]
    return happened


async def _send_orders(peer: LivePeer, count: int) -> None:
    """Send many orders at once and read their reports."""
    data = b"".join(
        peer.frame("D", order(f"{peer.next_out}", price="180.00")) for _ in range(count)
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(peer.send_bytes, data)
        nursery.start_soon(peer.receive_count, count)


@pytest.mark.parametrize("live", ["process"], indirect=True)  # else others also wait for the disk
async def test_others_have_a_pass_between_two_chunks(live: Live) -> None:
    """While thousands of messages are resent, orders of others are taken after every chunk."""
    async with await live.logged_on("BROKER1") as peer, await live.logged_on("BROKER2") as other:
        for _ in range(10):
            await _send_orders(peer, 500)
        happened = _recorded(live)
        begin = live.gateway.sequencer.pump.statistics().messages
        async with trio.open_nursery() as nursery:
            await peer.send("2", [(7, 2), (16, 0)])
            nursery.start_soon(peer.receive_count, 5000)
            await _send_orders(other, OTHERS)
            under_way = live.gateway.feeder.statistics().resent_messages

    busy = [name for name, applied in happened if begin < applied < begin + OTHERS]
    runs = "".join("s" if name == "step" else "p" for name in busy)
    assert runs.count("s") >= 5
    assert max(len(run) for run in runs.split("p")) <= 10
    assert under_way > 0


async def test_a_resend_of_one_takes_turns_with_that_of_another(live: Live) -> None:
    """A short resend asked for while a long one is under way is over long before it."""
    async with await live.logged_on("BROKER1") as peer, await live.logged_on("BROKER2") as other:
        for _ in range(10):
            await _send_orders(peer, 500)
        await other.send("D", order("short", "2", price="250.00"))
        await other.receive("8")
        done: list[str] = []

        async def read(name: str, each: LivePeer, count: int) -> None:
            await each.receive_count(count)
            done.append(name)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read, "long", peer, 5000)
            nursery.start_soon(read, "short", other, 1)
            await peer.send("2", [(7, 2), (16, 0)])
            await other.send("2", [(7, 2), (16, 2)])

    assert done == ["short", "long"]
