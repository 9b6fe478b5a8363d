import socket
import struct

import pytest
import trio
from support.fix_peer import decode
from support.live_gateway import HOST, Live
from support.live_peer import LivePeer, cancel, content, order


async def test_logon_order_report_cancel_logout(live: Live) -> None:
    """An order is answered New, a cancel Canceled, a Logout(5) with a Logout(5) and the end."""
    async with await live.logged_on("BROKER1") as peer:
        await peer.send("D", order("a"))
        new = await peer.receive("8")
        await peer.send("F", cancel("b", "a"))
        canceled = await peer.receive("8")
        await peer.send("5", [])

        assert (new[150], new[39], new[11], new[151]) == ("0", "0", "a", "100")
        assert (canceled[150], canceled[39], canceled[11], canceled[41]) == ("4", "4", "b", "a")
        assert [fields[35] for fields in await peer.until_closed()] == ["5"]


async def test_a_trade_reaches_both_brokers_and_the_desk(live: Live) -> None:
    """Two brokers trade; DROPCOPY1 gets every report in its own sequence, marked as a copy."""
    async with (
        await live.logged_on("BROKER1") as one,
        await live.logged_on("BROKER2") as two,
        await live.logged_on("DROPCOPY1") as desk,
    ):
        await one.send("D", order("a"))
        await one.receive("8")
        await two.send("D", order("b", "2"))
        await two.receive("8")
        sold, bought = await two.receive("8"), await one.receive("8")
        copies = [decode(frame) for frame in await desk.receive_count(4)]

        assert "F" == sold[150] == bought[150]
        assert sold[527] == bought[527]
        assert [copy[34] for copy in copies] == ["2", "3", "4", "5"]
        assert [(copy[115], copy[11]) for copy in copies] == [
            ("BROKER1", "a"),
            ("BROKER2", "b"),
            ("BROKER1", "a"),
            ("BROKER2", "b"),
        ]
        assert {"Y"} == {copy[797] for copy in copies}


async def test_a_late_desk_fetches_everything_from_the_first(live: Live) -> None:
    """A desk that was away asks from 1 on, and gets what it missed and then what is new."""
    async with await live.logged_on("BROKER1") as one:
        for number in range(300):
            await one.send("D", order(f"o{number}", price="180.00"))
        await one.receive_count(300)
        async with await live.peer("DROPCOPY1") as desk:
            logon = await desk.log_on()
            assert logon[34] == "301"
            await desk.send("2", [(7, 1), (16, 0)])
            resent = [decode(frame) for frame in await desk.receive_count(301)]
            await one.send("D", order("last", price="180.00"))
            fresh = await desk.receive("8")

    assert [str(number) for number in range(1, 301)] == [each[34] for each in resent[:300]]
    assert [f"o{number}" for number in range(300)] == [each[11] for each in resent[:300]]
    assert {("8", "Y")} == {(each[35], each[43]) for each in resent[:300]}
    assert tuple(resent[300][tag] for tag in (35, 123, 34, 36)) == ("4", "Y", "301", "302")
    assert (fresh[11], fresh[34], fresh.get(43)) == ("last", "302", None)


async def test_a_resend_repeats_the_original_bytes(live: Live) -> None:
    """A resent report differs from the first in 43, 52, 122, 9 and 10 alone; 122 is the old 52."""
    async with await live.logged_on("BROKER1") as peer:
        await peer.send("D", [*order("a"), (58, "our text"), (526, "second")])
        first = await peer.receive_frame()
        await peer.send("2", [(7, 2), (16, 2)])
        again = await peer.receive_frame()

        assert content(first) == content(again)
        assert first != again
        assert decode(again)[43] == "Y"
        assert decode(first)[52] == decode(again)[122]


async def test_administrative_messages_are_filled_over(live: Live) -> None:
    """A resend of everything has one GapFill for each run of administrative messages."""
    async with await live.logged_on("BROKER1") as peer:
        await peer.send("1", [(112, "x")])
        await peer.receive("0")
        await peer.send("D", order("a"))
        await peer.receive("8")
        await peer.send("1", [(112, "y")])
        await peer.receive("0")
        await peer.send("2", [(7, 1), (16, 0)])
        fill, report, tail = [decode(frame) for frame in await peer.receive_count(3)]

        assert (fill[35], fill[34], fill[36]) == ("4", "1", "3")
        assert (report[35], report[34]) == ("8", "3")
        assert (tail[35], tail[34], tail[36]) == ("4", "4", "5")


async def test_a_gap_is_asked_for_and_filled(live: Live) -> None:
    """A number too high leads to one ResendRequest(2); filled, the waiting order is taken."""
    async with await live.logged_on("BROKER1") as peer:
        peer.next_out = 4
        await peer.send("D", order("a"))
        asked = await peer.receive("2")
        await peer.send("4", [(43, "Y"), (122, "20260101-00:00:00"), (123, "Y"), (36, 4)], number=2)
        report = await peer.receive("8")

        assert (asked[7], asked[16]) == ("2", "0")
        assert report[11] == "a"


async def test_numbers_go_on_over_connections(live: Live) -> None:
    """A session that comes back finds its numbers; one that forgot them is told and cut."""
    async with await live.logged_on("BROKER1") as peer:
        await peer.send("D", order("a"))
        await peer.receive("8")
    await live.wait_until_gone("BROKER1")
    async with await live.peer("BROKER1") as peer:
        peer.next_out = 3
        assert (await peer.log_on())[34] == "3"
    await live.wait_until_gone("BROKER1")
    async with await live.peer("BROKER1") as peer:
        await peer.send("A", [(98, 0), (108, 30)])
        logout = await peer.receive("5")
        assert "too low" in logout[58]
        assert await peer.until_closed() == []


async def test_garbled_frames_are_ignored(live: Live) -> None:
    """A frame with a wrong CheckSum(10) consumes no number and gets no answer."""
    async with await live.logged_on("BROKER1") as peer:
        good = peer.frame("D", order("a"))
        await peer.send_bytes(good[:-4] + b"999\x01")
        await peer.send_bytes(good)

        assert (await peer.receive("8"))[11] == "a"


async def test_too_much_garbage_ends_the_connection(live: Live) -> None:
    """More garbled stretches in a row than allowed, and the connection is closed."""
    async with await live.logged_on("BROKER1") as peer:
        await peer.send_bytes(b"8=FIX\x01" * 50)

        assert await peer.until_closed() == []
        assert [line["cause"] for line in live.logged.of("session cut")] == ["garbled"]


async def test_a_wrong_comp_id_ends_the_session(live: Live) -> None:
    """SenderCompID(49) that changes gets a Reject(3), a Logout(5) and the end."""
    async with await live.logged_on("BROKER1") as peer:
        await peer.send("D", order("a"), comp_id="BROKER2")

        assert [fields[35] for fields in await peer.until_closed()] == ["3", "5"]
        assert live.gateway.storage.venue.engine.statistics().live_orders == 0


async def test_a_frame_that_declares_too_much_ends_the_connection(live: Live) -> None:
    """BodyLength(9) above the limit closes at the header, before anything is buffered."""
    async with await live.logged_on("BROKER1") as peer:
        await peer.send_bytes(b"8=FIX.4.4\x019=70000\x0135=D\x01")

        assert await peer.until_closed() == []
        assert [line["cause"] for line in live.logged.of("session cut")] == ["frame-too-long"]


async def test_bytes_may_come_one_by_one(live: Live) -> None:
    """Frames in pieces of one byte, Logon(A) included, are frames."""
    async with await live.peer("BROKER1") as peer:
        peer.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        logon = peer.frame("A", [(98, 0), (108, 30)])
        for data in (logon, peer.frame("D", order("a"))):
            for byte in data:
                await peer.send_bytes(bytes([byte]))
        await peer.receive("A")

        assert (await peer.receive("8"))[11] == "a"


async def test_orders_may_follow_the_logon_at_once(live: Live) -> None:
    """What comes in one piece with the Logon(A) is served without waiting for more."""
    async with await live.peer("BROKER1") as peer:
        data = peer.frame("A", [(98, 0), (108, 30)])
        for number in range(20):
            data += peer.frame("D", order(f"o{number}"))
        await peer.send_bytes(data)

        assert [decode(f)[35] for f in await peer.receive_count(21)] == ["A"] + ["8"] * 20


async def test_a_drop_copy_session_may_not_trade(live: Live) -> None:
    """An order of a drop-copy session gets a BusinessMessageReject(j)."""
    async with await live.logged_on("DROPCOPY1") as desk:
        await desk.send("D", order("a"))

        refused = await desk.receive("j")

        assert (refused[380], refused[372]) == ("6", "D")


async def test_metrics_have_every_name(live: Live) -> None:
    """The metrics port gives every series of metrics.py, and counts what has happened."""
    async with await live.logged_on("BROKER1") as peer:
        await peer.send("D", order("a"))
        await peer.receive("8")
        await peer.send("D", order("b", price="1.00"))
        await peer.receive("8")
        with trio.fail_after(5):
            text = await _metrics(live)
            while 'kk99_rejects_total{code="' not in text:
                await trio.sleep(0.1)
                text = await _metrics(live)
    for name in (
        'kk99_messages_in_total{type="A"} 1.0',
        'kk99_messages_in_total{type="D"} 2.0',
        'kk99_messages_out_total{type="8"}',
        "kk99_orders_total 1.0",
        "kk99_trades_total 0.0",
        "kk99_fast_path_frames_total 2.0",
        "kk99_escalated_frames_total",
        "kk99_orders_live 1.0",
        "kk99_orders_capacity 50000.0",
        "kk99_levels_live 1.0",
        "kk99_sessions_up 1.0",
        "kk99_logons_pending 0.0",
        "# TYPE kk99_logons_refused_total counter",
        "# TYPE kk99_disconnects_total counter",
        "kk99_sessions_fed 0.0",
        "kk99_bytes_in_total",
        "kk99_bytes_out_total",
        "kk99_garbled_total 0.0",
        "kk99_queue_bytes 0.0",
        "kk99_queue_bytes_max",
        "kk99_journal_bytes_total",
        "kk99_journal_writes_total",
        "kk99_journal_lsn",
        "kk99_journal_segment ",
        "kk99_journal_segments_prepared",
        "kk99_journal_rolls_unprepared_total",
        "kk99_durable_lsn",
        "kk99_journal_waiting_bytes 0.0",
        "kk99_journal_groups_total",
        "kk99_journal_group_bytes_total",
        "kk99_journal_group_bytes_max",
        'kk99_sync_seconds_bucket{le="+Inf"}',
        "kk99_sync_seconds_sum",
        "kk99_sync_seconds_max",
        "kk99_clock_error_seconds",
        'kk99_latency_seconds_bucket{le="+Inf"} 2.0',
        "kk99_latency_seconds_sum",
    ):
        assert name in text


async def _metrics(live: Live) -> str:
    stream = await trio.open_tcp_stream(HOST, live.metrics_port)
    async with stream:
        await stream.send_all(b"GET /metrics HTTP/1.0\r\n\r\n")
        data = b""
        async for more in stream:
            data += more
    return data.decode("ascii")


async def test_a_stop_logs_everybody_out(live: Live) -> None:
    """Every session gets News(B) and a Logout(5); who confirms it ends with cause logout."""
    peers = [await live.logged_on(name) for name in ("BROKER1", "BROKER2", "DROPCOPY1")]
    live.stop()
    for peer in peers:
        await peer.receive("B")
        logout = await peer.receive("5")
        assert logout[58] == "the gateway stops"
        await peer.send("5", [])
        assert await peer.until_closed() == []
        await peer.stream.aclose()
    await live.wait_until_stopped()
    assert [line["cause"] for line in live.logged.of("session ended")] == ["logout"] * 3


async def test_nothing_is_reported_after_our_logout(live: Live) -> None:
    """A fill after our Logout(5) waits for the next logon; the counterparty may still fetch it."""
    one, two = await live.logged_on("BROKER1"), await live.logged_on("BROKER2")
    await one.send("D", order("a"))
    await one.receive("8")
    await one.send("D", order("late"), time="20200101-00:00:00.000")
    assert [(await one.receive())[35] for _ in range(2)] == ["3", "5"]

    await two.send("D", order("b", "2"))
    await two.receive("8")
    await two.receive("8")
    await one.send("2", [(7, 5), (16, 0)])
    fill = await one.receive("8")
    await one.send("5", [])

    assert (fill[150], fill[43]) == ("F", "Y")
    assert await one.until_closed() == []
    for peer in (one, two):
        await peer.stream.aclose()


@pytest.mark.parametrize("sent", ["frame", "half", "reset"])
async def test_the_death_of_one_is_not_felt_by_another(live: Live, sent: str) -> None:
    """Whatever way a connection ends, another session goes on and the dead one may come back."""
    async with await live.logged_on("BROKER2") as other:
        dead = await live.logged_on("BROKER1")
        await dead.send("D", order("a"))
        await dead.receive("8")
        if sent == "half":
            await dead.send_bytes(dead.frame("D", order("b"))[:30])
        if sent == "reset":
            dead.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await dead.stream.aclose()
        await other.send("D", order("x", "2"))
        assert [(await other.receive("8"))[150] for _ in range(2)] == ["0", "F"]
        await live.wait_until_gone("BROKER1")
        async with await _back(live, 3) as back:
            await back.send("2", [(7, 2), (16, 0)])
            assert [(await back.receive("8"))[11] for _ in range(2)] == ["a", "a"]


async def _back(live: Live, next_out: int) -> LivePeer:
    peer = await live.peer("BROKER1")
    peer.next_out = next_out
    await peer.log_on()
    return peer
