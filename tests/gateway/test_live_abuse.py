import os
import random
import socket
from pathlib import Path
from typing import Any

import pytest
import trio
from support.config_folder import ConfigFolder
from support.fix_client import stamp
from support.fix_peer import Fields, decode
from support.live_gateway import HOST, SMALL, Live, live_gateway, small_settings, wait_until
from support.live_peer import LivePeer, order

from kk99fix.gateway import acceptor

SESSIONS = 50


async def test_a_second_logon_is_closed_without_a_word(live: Live) -> None:
    """A live session's second connection gets nothing; the first goes on, both are in the log.

    All that the first one sees of it is a TestRequest(1).
    """
    async with await live.logged_on("BROKER1") as first, await live.peer("BROKER1") as second:
        await second.send("A", [(98, 0), (108, 30)])
        assert await second.until_closed() == []
        assert (await first.receive("1"))[34] == "2"
        await first.send("D", order("a"))
        assert (await first.receive("8"))[11] == "a"

    (line,) = live.logged.of("logon refused")
    assert line["cause"] == "session-is-live"
    assert line["address"] == line["live_address"] == HOST


async def test_a_race_of_logons_has_one_winner_and_one_probe(tmp_path: Path) -> None:
    """Of a hundred logons of one session one is answered; the losers cause one question at most."""
    changes = {
        "max_connections = 32": "max_connections = 128",
        "max_connections_per_address = 32": "max_connections_per_address = 128",
    }
    async with live_gateway(small_settings(tmp_path, changes), tmp_path / "var") as live:
        peers = [await live.peer("BROKER1") for _ in range(100)]
        heard: list[LivePeer] = []

        async def race(peer: LivePeer) -> None:
            await peer.send("A", [(98, 0), (108, 30)])
            await peer.until_closed()
            heard.append(peer)

        async with trio.open_nursery() as nursery:
            for peer in peers:
                nursery.start_soon(race, peer)
            await wait_until(lambda: len(heard) == 99)
            nursery.cancel_scope.cancel()
        (winner,) = set(map(id, peers)) - set(map(id, heard))
        types = [decode(frame)[35] for peer in peers for frame in peer.frames]
        answered = [id(peer) for peer in peers if peer.frames]
        for peer in peers:
            await peer.stream.aclose()

        assert answered == [winner]
        assert types in (["A"], ["A", "1"])
        assert len(live.logged.of("session probed")) <= 1
        causes = [line["cause"] for line in live.logged.of("logon refused")]
        assert set(causes) == {"session-is-live"}
        assert live.gateway.acceptor.refusals.counts == {"session-is-live": 99}


async def test_a_half_dead_connection_gives_way(tmp_path: Path) -> None:
    """Who says nothing when asked is cut, and the retry of the second logon succeeds."""
    settings = small_settings(tmp_path, {"half_dead_wait_s = 3": "half_dead_wait_s = 1"})
    async with (
        live_gateway(settings, tmp_path / "var") as live,
        await live.logged_on("BROKER1") as dead,
    ):
        async with await live.peer("BROKER1") as second:
            await second.send("A", [(98, 0), (108, 30)], number=2)
            assert await second.until_closed() == []
        await live.wait_until_gone("BROKER1")
        async with await live.logged_on("BROKER1", next_out=2) as retry:
            assert decode(retry.frames[0])[34] == "3"
        assert [decode(frame)[35] for frame in dead.frames] == ["A"]
        assert [fields[35] for fields in await dead.until_closed()] == ["1"]

        (line,) = live.logged.of("session ended")
        assert (line["cause"], line["session"]) == ("half-dead", "BROKER1")


async def test_a_first_connection_that_answers_stays(tmp_path: Path) -> None:
    """Any frame after the question keeps it, and the second logon stays refused."""
    settings = small_settings(tmp_path, {"half_dead_wait_s = 3": "half_dead_wait_s = 1"})
    async with (
        live_gateway(settings, tmp_path / "var") as live,
        await live.logged_on("BROKER1") as first,
    ):
        async with await live.peer("BROKER1") as second:
            await second.send("A", [(98, 0), (108, 30)], number=2)
            assert await second.until_closed() == []
        asked = await first.receive("1")
        await first.send("0", [(112, asked[112])])
        await first.silent_for(1.5)
        await first.send("D", order("a"))
        assert (await first.receive("8"))[11] == "a"

        assert live.logged.of("session ended") == []


async def test_a_logon_through_a_balancer(tmp_path: Path) -> None:
    """The address in the PROXY header has to be allowed, and is the one that the log has."""
    settings = small_settings(tmp_path, {"proxy_from = []": 'proxy_from = ["127.0.0.1/32"]'})
    async with live_gateway(settings, tmp_path / "var") as live:
        for source in ("192.0.2.7", "127.0.0.9"):
            async with await live.peer("BROKER1") as peer:
                await peer.send_bytes(b"PROXY TCP4 %s 127.0.0.1 1 2\r\n" % source.encode())
                if source == "192.0.2.7":
                    assert await peer.until_closed() == []
                else:
                    await peer.log_on()
        (refused,), (accepted,) = (
            live.logged.of("logon refused"),
            live.logged.of("session logged on"),
        )

        assert (refused["cause"], refused["address"]) == ("network-of-nobody", "192.0.2.7")
        assert (accepted["address"], accepted["balancer"]) == ("127.0.0.9", HOST)


async def test_options_of_a_socket(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session's socket sends without delay and gives up what nobody acknowledges."""
    given: list[int] = []
    add = live.gateway.connections.add

    def spy(descriptor: int, *more: Any) -> bool:  # noqa: ANN401 - handed on as it is
        with socket.socket(fileno=os.dup(descriptor)) as sock:
            given.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            given.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
        return add(descriptor, *more)

    monkeypatch.setattr(live.gateway.connections, "add", spy)
    async with await live.logged_on("BROKER1"):
        assert given == [1, acceptor.USER_TIMEOUT_MS]


@pytest.mark.parametrize(
    ("msg_type", "fields", "cause"),
    [
        ("D", order("a"), "not-a-logon"),
        ("0", [], "not-a-logon"),
        ("A", [(98, 0), (108, 30), (49, "NOBODY")], "unknown-session"),
    ],
)
async def test_nothing_is_said_before_a_logon(
    live: Live, msg_type: str, fields: Fields, cause: str
) -> None:
    """A first message that is no Logon(A), or nobody's, is closed without a word."""
    before = live.gateway.storage.venue.engine.next_lsn
    comp_id = "NOBODY" if cause == "unknown-session" else "BROKER1"
    async with await live.peer(comp_id) as peer:
        await peer.send(msg_type, fields)
        assert await peer.until_closed() == []

    assert [line["cause"] for line in live.logged.of("logon refused")] == [cause]
    assert before == live.gateway.storage.venue.engine.next_lsn


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"8=FIX.4.4\x019=5000\x0135=A\x01",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 5000,
    ],
    ids=["http", "too-long", "tls", "zeros"],
)
async def test_what_is_not_fix_is_closed_without_a_word(live: Live, data: bytes) -> None:
    """Other protocols and noise before a logon get no answer and change nothing."""
    async with await live.peer("BROKER1") as peer:
        await peer.send_bytes(data)
        assert await peer.until_closed() == []

    assert [line["cause"] for line in live.logged.of("logon refused")] == ["closed-or-not-fix"]


async def test_every_refusal_takes_the_same_time(tmp_path: Path) -> None:
    """Whatever is wrong with a logon, the connection is closed at the same moment."""
    changes = {"failed_logon_delay_s = 0": "failed_logon_delay_s = 1"}
    settings = small_settings(tmp_path, changes)
    took = []
    async with live_gateway(settings, tmp_path / "var") as live:

        async def refused(msg_type: str, comp_id: str) -> None:
            began = trio.current_time()
            async with await live.peer(comp_id) as peer:
                await peer.send(msg_type, [(98, 0), (108, 30)])
                assert await peer.until_closed() == []
            took.append(trio.current_time() - began)

        async with await live.logged_on("BROKER1"), trio.open_nursery() as nursery:
            nursery.start_soon(refused, "A", "NOBODY")
            nursery.start_soon(refused, "A", "BROKER1")
            nursery.start_soon(refused, "D", "BROKER2")

    assert len(took) == 3
    assert max(took) - min(took) < 0.4
    assert min(took) > 0.9


async def test_the_deadline_of_a_logon_is_absolute(tmp_path: Path) -> None:
    """A trickle of bytes does not move it: the connection ends after logon_timeout_s."""
    settings = small_settings(tmp_path, {"logon_timeout_s = 5": "logon_timeout_s = 1"})
    async with (
        live_gateway(settings, tmp_path / "var") as live,
        await live.peer("BROKER1") as peer,
        trio.open_nursery() as nursery,
    ):

        async def trickle() -> None:
            for byte in peer.frame("A", [(98, 0), (108, 30)]):
                await peer.send_bytes(bytes([byte]))
                await trio.sleep(0.1)

        nursery.start_soon(trickle)
        began = trio.current_time()
        assert await peer.until_closed() == []
        assert 0.8 < trio.current_time() - began < 2
        nursery.cancel_scope.cancel()

        assert [line["cause"] for line in live.logged.of("logon refused")] == ["logon-timeout"]


async def test_connections_are_capped(tmp_path: Path) -> None:
    """Beyond the cap of an address a connection is closed at once; later ones come in again."""
    changes = {"max_connections_per_address = 32": "max_connections_per_address = 3"}
    settings = small_settings(tmp_path, changes)
    async with live_gateway(settings, tmp_path / "var") as live:
        held = [await live.peer("BROKER2") for _ in range(3)]
        await wait_until(lambda: live.gateway.acceptor.pending == 3)
        async with await live.peer("BROKER1") as peer:
            assert await peer.until_closed() == []
        for each in held:
            await each.stream.aclose()
        await wait_until(lambda: live.gateway.acceptor.pending == 0)
        async with await live.logged_on("BROKER1"):
            causes = {line["cause"] for line in live.logged.of("logon refused")}

        assert "connection-cap-of-address" in causes


async def test_a_resend_and_a_logout_in_one_piece(live: Live) -> None:
    """Who asks for messages and logs out in one breath gets them, the Logout(5), and the end."""
    async with await live.logged_on("BROKER1") as peer:
        for number in range(500):
            await peer.send("D", order(f"o{number}", price="180.00"))
        await peer.receive_count(500)
        ask = peer.frame("2", [(7, 1), (16, 0)])
        await peer.send_bytes(ask + peer.frame("5", []))
        rest = await peer.until_closed()

    assert [fields[35] for fields in rest] == ["4", *["8"] * 500, "5"]
    assert rest[-1][34] == "502"


async def test_resends_in_a_storm(live: Live) -> None:
    """A thousand ResendRequest(2) of nearly everything cost no more than is sent; others trade."""
    async with await live.logged_on("BROKER1") as stormy, await live.logged_on("BROKER2") as calm:
        for number in range(100):
            await stormy.send("D", order(f"o{number}", price="180.00"))
        await stormy.receive_count(100)
        asks = b"".join(stormy.frame("2", [(7, 1 + n % 2), (16, 0)]) for n in range(1000))
        await stormy.send_bytes(asks)
        await calm.send("D", order("x", "2"))
        assert (await calm.receive("8"))[11] == "x"
        await stormy.send("1", [(112, "still here")])
        while (await stormy.receive()).get(112) != "still here":
            pass

        assert len(live.gateway.feeder) <= 1


async def test_the_same_resend_for_ever(live: Live) -> None:
    """Who asks for the same messages over and over is logged out, and told why."""
    async with await live.logged_on("BROKER1") as peer:
        for number in range(10):
            await peer.send("D", order(f"o{number}", price="180.00"))
        await peer.receive_count(10)
        asks = b"".join(peer.frame("2", [(7, 2), (16, 0)]) for _ in range(1000))
        await peer.send_bytes(asks)
        rest = await peer.until_closed()

    assert rest[-1][58] == "ResendRequest(2) from 2 was answered 3 times already"
    assert len(rest) <= 3 * 10 + 1
    assert [line["cause"] for line in live.logged.of("session ended")] == ["resend-loop"]


async def test_a_password_is_masked_in_the_journal(live: Live, tmp_path: Path) -> None:
    """Credentials of a Logon(A) are in no file, whether it opens the session or comes later."""
    async with await live.peer("BROKER1") as peer:
        await peer.log_on(more=[(554, "canary-one")])
        await peer.send("A", [(98, 0), (108, 60), (554, "canary-two"), (925, "canary-three")])
        assert (await peer.receive("3"))[45] == "2"
    await live.wait_until_gone("BROKER1")

    for path in (tmp_path / "var").rglob("*"):
        if path.is_file():
            assert b"canary" not in path.read_bytes(), path
    assert "canary" not in live.logged.text.getvalue()


async def test_passwords(tmp_path: Path) -> None:
    """With a password in its file a session logs on with that one, and nothing else."""
    files = ConfigFolder(tmp_path)
    for old, new in SMALL.items():
        files.replace("config/venue.toml", old, new)
    hashed = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$PfFEgWeN/8oE3ix+S+18KLM+cmY"
    files.replace(
        "sessions/BROKER1.toml",
        "[logon]",
        f'[logon]\nusername = "b1"\npassword_hash = "{hashed}"',
    )
    settings = files.load()
    async with live_gateway(settings, tmp_path / "var") as live:
        wrong: list[Fields] = [[], [(553, "b1")], [(553, "b1"), (554, "x")], [(553, "b2")]]
        for more in wrong:
            async with await live.peer("BROKER1") as peer:
                await peer.send("A", [(98, 0), (108, 30), *more])
                assert await peer.until_closed() == []
        async with await live.peer("BROKER1") as peer:
            await peer.log_on(more=[(553, "b1"), (554, "right")])
        causes = [line["cause"] for line in live.logged.of("logon refused")]

        assert causes == ["credentials"] * 4


async def test_random_bytes_hurt_nobody(live: Live) -> None:
    """Fifty sessions of valid messages with random bytes changed end in no fault of ours.

    Another session trades all the while, and every number of the spoilt one is answered or kept.
    """
    chance = random.Random(20261122)  # noqa: S311 - the same bytes in every run
    async with await live.logged_on("BROKER2") as calm:
        number = live.gateway.storage.venue.registry.session_id("BROKER1")
        assert number is not None
        for turn in range(SESSIONS):
            next_in = live.gateway.storage.venue.engine.session(number).next_in
            async with await live.peer("BROKER1") as spoilt:
                spoilt.next_out = next_in
                await _misbehave(spoilt, chance)
            await live.wait_until_gone("BROKER1")
            await calm.send("D", order(f"x{turn}", price="150.00"))
            report = await calm.receive("8")
            assert report[11] == f"x{turn}"

    assert live.logged.of("fault ended a session") == []
    assert live.logged.of("fault ended a logon") == []


async def _misbehave(peer: LivePeer, chance: random.Random) -> None:
    """Log on and send a stream with a few bytes changed, in random pieces, reading nothing."""
    await peer.send("A", [(98, 0), (108, 30)])
    data = bytearray()
    for turn in range(10):
        kind = chance.choice(["D", "0", "1", "F", "G", "H", "2", "4", "A", "5", "j"])
        fields: Fields = [*order(f"m{turn}"), (7, 1), (16, 0), (36, 5), (112, "t")]
        fields += [(41, "m0"), (123, "Y"), (108, 30), (58, "text"), (60, stamp())]
        data += peer.frame(kind, fields)
    for _ in range(chance.randrange(12)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        while data:
            size = chance.randrange(1, 400)
            await peer.send_bytes(bytes(data[:size]))
            del data[:size]
    except trio.BrokenResourceError:
        return
