"""Sessions that do not read, and time that passes."""

import socket
from contextlib import suppress
from pathlib import Path

import trio
from support.fix_peer import decode
from support.live_gateway import Live, live_gateway, small_settings, wait_until
from support.live_peer import LivePeer, content, order

NS_PER_S = 1_000_000_000
#: A smaller one than a segment of loopback makes TCP wait for its timers.
SMALL_WINDOW = 65536


def jump(live: Live, seconds: int) -> None:
    """Let venue time be later by so many seconds."""
    clock = live.gateway.clock
    clock.offset_ns += seconds * NS_PER_S
    live.gateway.sequencer.pump.set_clock(clock.offset_ns, 0)


async def _flood(peer: LivePeer, count: int, price: str = "180.00") -> None:
    """Send orders without reading a report."""
    data = b"".join(peer.frame("D", order(f"{peer.next_out}", price=price)) for _ in range(count))
    await peer.send_bytes(data)


async def test_a_reader_that_takes_nothing_is_cut(tmp_path: Path) -> None:
    """It is cut after max_seconds with its cause; the others notice nothing; all waits for it."""
    settings = small_settings(tmp_path, {"max_seconds = 10": "max_seconds = 1"})
    async with (
        live_gateway(settings, tmp_path / "var") as live,
        await live.logged_on("BROKER2") as calm,
        await live.logged_on("BROKER1") as slow,
    ):
        slow.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
        venue = live.gateway.storage.venue
        session = venue.registry.session_id("BROKER1")
        assert session is not None
        with trio.move_on_after(10):
            while venue.is_live(session):
                with trio.move_on_after(0.2), suppress(trio.BrokenResourceError):
                    await _flood(slow, 200)
                await calm.send("D", order(f"x{calm.next_out}", price="150.00"))
                await calm.receive("8")
        await live.wait_until_gone("BROKER1")

        (cut,) = live.logged.of("session cut")
        assert (cut["cause"], cut["limit"]) == ("slow-reader", "max_seconds")
        assert 1 < cut["waited_s"] < 5
        assert cut["waiting_bytes"] > 0
        view = venue.engine.session(session)
        async with await live.logged_on("BROKER1", next_out=view.next_in) as back:
            await back.send("2", [(7, 1), (16, 0)])
            await back.receive("4")
            numbers = [int((await back.receive("8"))[34]) for _ in range(2, view.next_out)]
        assert numbers == list(range(2, view.next_out))


async def _fill_against(live: Live, slow: LivePeer, other: LivePeer, enough: int) -> None:
    """Let fills for a reader that takes nothing come until so many bytes wait for it."""
    slow.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
    await slow.send("D", order("rest", qty=100_000, price="190.00"))
    engine = live.gateway.storage.venue.engine
    session = live.gateway.storage.venue.registry.session_id(slow.comp_id)
    assert session is not None
    while engine.attached(session) and engine.pending(session) + engine.behind(session) < enough:
        data = b"".join(other.frame("D", order(f"x{other.next_out}", "2", 1)) for _ in range(100))
        await other.send_bytes(data)
        await other.receive_count(200)


async def test_a_reader_that_takes_a_little_now_and_then_is_cut(tmp_path: Path) -> None:
    """What it reads makes no difference to what has waited for too long."""
    settings = small_settings(tmp_path, {"max_seconds = 10": "max_seconds = 1"})
    async with (
        live_gateway(settings, tmp_path / "var") as live,
        await live.logged_on("BROKER2") as other,
        await live.logged_on("BROKER1") as slow,
    ):
        await _fill_against(live, slow, other, 200_000)
        taken = 0
        with trio.move_on_after(10):
            while live.gateway.connections.address_of(slow_session(live)) is not None:
                with suppress(trio.BrokenResourceError):
                    taken += len(await slow.stream.receive_some(200))
                await trio.sleep(0.05)
        (cut,) = live.logged.of("session cut")

    assert (cut["cause"], cut["limit"]) == ("slow-reader", "max_seconds")
    assert 1 < cut["waited_s"] < 5
    assert taken >= 200 * 10


def slow_session(live: Live) -> int:
    """Id of BROKER1."""
    session = live.gateway.storage.venue.registry.session_id("BROKER1")
    assert session is not None
    return session


async def test_too_many_bytes_for_a_reader_cut_it(tmp_path: Path) -> None:
    """What waits behind a full ring counts; the cut names the limit, and all is there on return."""
    settings = small_settings(tmp_path, {"max_bytes = 67_108_864 ": "max_bytes = 1_000_000 "})
    async with (
        live_gateway(settings, tmp_path / "var") as live,
        await live.logged_on("BROKER2") as other,
        await live.logged_on("BROKER1") as slow,
    ):
        await _fill_against(live, slow, other, 1_000_001)
        await live.wait_until_gone("BROKER1")
        (cut,) = live.logged.of("session cut")
        assert (cut["cause"], cut["limit"]) == ("slow-reader", "max_bytes")
        assert 1_000_000 < cut["waiting_bytes"] < 1_100_000
        assert cut["waited_s"] < 10
        view = live.gateway.storage.venue.engine.session(slow_session(live))
        async with await live.logged_on("BROKER1", next_out=view.next_in) as back:
            await back.send("2", [(7, 1), (16, 0)])
            await back.receive("4")
            numbers = [int((await back.receive("8"))[34]) for _ in range(2, view.next_out)]
        assert numbers == list(range(2, view.next_out))


async def test_a_slow_reader_gets_everything_in_order(live: Live) -> None:
    """A ring that ran full is fed from the journal: each number once, in order, nothing lost.

    What was sent long after its report was made says so by PossDupFlag(43).
    """
    async with await live.logged_on("BROKER1") as slow, await live.logged_on("BROKER2") as other:
        slow.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
        await slow.send("D", order("rest", qty=100_000, price="190.00"))
        engine = live.gateway.storage.venue.engine
        sent = 0
        while engine.statistics().trades < 6000:
            data = b"".join(
                other.frame("D", order(f"x{other.next_out}", "2", 1)) for _ in range(100)
            )
            await other.send_bytes(data)
            await other.receive_count(200)
            sent += 100
        reports = [decode(frame) for frame in await slow.receive_count(sent + 1)]

    assert [int(each[34]) for each in reports] == list(range(2, sent + 3))
    assert [int(each[14]) for each in reports] == list(range(sent + 1))
    assert "Y" in {each.get(43) for each in reports}


async def test_a_resend_larger_than_the_ring(live: Live) -> None:
    """Thousands of reports asked for again come once each, in order, while others trade."""
    count = 4000
    async with await live.logged_on("BROKER1") as peer, await live.logged_on("BROKER2") as other:
        first = []
        for _ in range(count // 200):
            await _flood(peer, 200)
            first += await peer.receive_count(200)
        await peer.send("2", [(7, 2), (16, 0)])
        await other.send("D", order("x", "2", price="250.00"))
        assert (await other.receive("8"))[11] == "x"
        again = await peer.receive_count(count)
        await peer.send("1", [(112, "t")])
        beat = await peer.receive("0")

    assert [content(frame) for frame in first] == [content(frame) for frame in again]
    assert beat[34] == str(count + 2)


async def test_a_logon_while_the_old_connection_drains(live: Live) -> None:
    """A session may come back at once, although its old connection still has bytes to send."""
    old = await live.logged_on("BROKER1")
    old.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
    await old.send("D", order("rest", qty=100_000, price="190.00"))
    async with await live.logged_on("BROKER2") as other:
        connections = live.gateway.connections
        while connections.queued_bytes < 100_000:
            data = b"".join(
                other.frame("D", order(f"x{other.next_out}", "2", 1)) for _ in range(200)
            )
            await other.send_bytes(data)
            await other.receive_count(400)
        await old.send("5", [])
        await wait_until(lambda: len(live.logged.of("session ended")) == 1)
        assert len(connections) == 2
        session = live.gateway.storage.venue.registry.session_id("BROKER1")
        assert session is not None
        next_out = live.gateway.storage.venue.engine.session(session).next_out
        async with await live.peer("BROKER1") as back:
            back.next_out = 4
            assert (await back.log_on())[34] == str(next_out)
            assert len(connections) == 2
            await other.send("D", order("more", "2", 1))
            assert (await back.receive("8"))[34] == str(next_out + 1)
        await old.stream.aclose()


async def test_silence_is_tested_and_then_ends_the_session(live: Live) -> None:
    """A Heartbeat(0) after its interval, a TestRequest(1) after silence, then the end."""
    async with await live.logged_on("BROKER1", heart_bt_int=30) as peer:
        jump(live, 31)
        assert 112 not in await peer.receive("0")
        jump(live, 6)
        test = await peer.receive("1")
        await peer.send("0", [(112, test[112])])
        await peer.send("1", [(112, "heard")])
        assert (await peer.receive("0"))[112] == "heard"
        jump(live, 31)
        await peer.receive("0")
        jump(live, 6)
        await peer.receive("1")
        jump(live, 31)
        await peer.until_closed()

    causes = [line["cause"] for line in live.logged.of("session ended")]
    assert causes == ["heartbeat-timeout"]


async def test_a_logout_that_nobody_confirms(live: Live) -> None:
    """A stop waits a bounded time for the counterparties."""
    async with await live.logged_on("BROKER1") as peer:
        live.stop()
        await peer.receive("B")
        await peer.receive("5")
        jump(live, 3)
        assert await peer.until_closed() == []

    await live.wait_until_stopped()
    assert [line["cause"] for line in live.logged.of("session ended")] == ["logout-timeout"]


async def test_a_second_stop_does_not_wait(live: Live) -> None:
    """Who asks twice gets the end at once."""
    async with await live.logged_on("BROKER1") as peer:
        live.stop()
        await peer.receive("B")
        await peer.receive("5")
        live.stop()
        with trio.fail_after(1):
            assert await peer.until_closed() == []

    await live.wait_until_stopped()
    assert [line["cause"] for line in live.logged.of("session cut")] == ["gateway-stopped"]
