"""Sessions over TLS: however the bytes are cut, what the protocol itself says, and every end."""

import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import trio
from support.live_gateway import Live, live_gateway, wait_until
from support.live_peer import LivePeer, order
from support.tls_client import client_context
from support.tls_files import TlsFolder
from support.tls_wire import TlsWire, wired

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(params=["process", "durable"])
async def files(tmp_path: Path, request: pytest.FixtureRequest) -> TlsFolder:
    """The shipped files with TLS, at either level."""
    level = 'durability = "process"'
    return TlsFolder(tmp_path / "files", {level: f'durability = "{request.param}"'})


@pytest.fixture
async def live(files: TlsFolder, tmp_path: Path) -> AsyncIterator[Live]:
    """A gateway that serves them."""
    async with live_gateway(files.load(), tmp_path / "var", config_dir=files.config) as live:
        yield live


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize(
    ("record_bytes", "write_bytes"),
    [(1, 1 << 20), (7, 3), (16_384, 1), (16_384, 1 << 20), (200, 5000)],
)
async def test_any_records_in_any_pieces(
    live: Live, files: TlsFolder, version: ssl.TLSVersion, record_bytes: int, write_bytes: int
) -> None:
    """Tiny records and the largest, byte by byte and all at once: the same answers in order."""
    peer, wire = await wired(live, client_context(files.ca_file, version=version), "BROKER1")
    count = 300 if write_bytes > 1 else 20
    async with peer:
        wire.record_bytes, wire.write_bytes = record_bytes, write_bytes
        await peer.log_on(60)
        frames = [peer.frame("D", order(f"A{number}")) for number in range(count)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wire.send_all, b"".join(frames))
            for number in range(count):
                assert (await peer.receive("8"))[11] == f"A{number}"


async def test_a_logon_and_orders_in_one_record(live: Live, files: TlsFolder) -> None:
    """What comes behind the Logon(A) in its record is the session's."""
    peer, wire = await wired(live, client_context(files.ca_file), "BROKER1")
    async with peer:
        frames = [peer.frame("A", [(98, 0), (108, 60)])]
        frames += [peer.frame("D", order(f"A{number}")) for number in range(60)]
        await wire.send_all(b"".join(frames))
        assert (await peer.receive())[35] == "A"
        for number in range(60):
            assert (await peer.receive("8"))[11] == f"A{number}"


async def test_a_handshake_and_a_logon_in_one_write(live: Live, files: TlsFolder) -> None:
    """The client's last words of the handshake and its Logon(A) arrive together."""
    stream = await trio.open_tcp_stream("127.0.0.1", live.tls_port)
    wire = TlsWire(stream, client_context(files.ca_file, version=V13))
    with pytest.raises(ssl.SSLWantReadError):
        wire.tls.do_handshake()
    await wire.flush()
    wire.incoming.write(await stream.receive_some())
    wire.tls.do_handshake()
    peer = LivePeer("BROKER1", wire)  # type: ignore[arg-type]
    async with peer:
        await peer.log_on(60)


async def test_keys_are_updated(live: Live, files: TlsFolder) -> None:
    """By the counterparty as often as it likes; ours follow."""
    peer, wire = await wired(live, client_context(files.ca_file, version=V13), "BROKER1")
    async with peer:
        await peer.log_on(60)
        for number in range(40):
            wire.key_update()
            await peer.send("D", order(f"A{number}"))
            assert (await peer.receive("8"))[11] == f"A{number}"


async def test_renegotiation_is_refused(live: Live, files: TlsFolder) -> None:
    """The session goes on with the keys it has, or the counterparty gives up; nothing else ends."""
    peer, wire = await wired(live, client_context(files.ca_file, version=V12), "BROKER1")
    other, _ = await wired(live, client_context(files.ca_file, version=V12), "BROKER2")
    async with peer, other:
        await peer.log_on(60)
        await other.log_on(60)
        wire.renegotiate()
        with pytest.raises(ssl.SSLError, match=r"(?i)renegotiation"):  # noqa: PT012 - a dialogue
            while True:
                with suppress(ssl.SSLWantReadError):
                    wire.tls.do_handshake()
                await wire.flush()
                wire.incoming.write(await wire.stream.receive_some())
        await other.send("D", order("B1"))
        assert (await other.receive("8"))[11] == "B1"
        assert live.gateway.tls is not None
        assert live.gateway.tls.succeeded == {"TLSv1.2": 2}


@pytest.mark.parametrize("version", [V12, V13])
async def test_a_close_notify_is_an_end(
    live: Live, files: TlsFolder, version: ssl.TLSVersion
) -> None:
    """What came before it is handled, and the socket may stay open."""
    peer, wire = await wired(live, client_context(files.ca_file, version=version), "BROKER1")
    async with peer:
        await peer.log_on(60)
        wire.seal(peer.frame("D", order("A1")))
        wire.seal(peer.frame("1", [(112, "bye")]))
        with pytest.raises(ssl.SSLWantReadError):
            wire.tls.unwrap()
        await wire.flush()
        await live.wait_until_gone("BROKER1")
    assert [line["cause"] for line in live.logged.of("session cut")] == ["connection-closed"]
    assert live.gateway.storage.venue.engine.statistics().orders_accepted == 1


async def test_a_logout_ends_with_a_close_notify(live: Live, files: TlsFolder) -> None:
    """Ours: the counterparty sees an end that nobody can have forged."""
    peer, wire = await wired(live, client_context(files.ca_file), "BROKER1")
    async with peer:
        await peer.log_on(60)
        await peer.send("5", [])
        assert (await peer.receive())[35] == "5"
        wire.incoming.write(await wire.stream.receive_some())
        assert wire.tls.read(1) == b""


@pytest.mark.parametrize(
    "noise", [b"8=FIX.4.4\x019=5\x01", b"\x17\x03\x03\x00\x20" + b"\x00" * 32, b"\x00" * 100]
)
async def test_bytes_that_are_no_tls_end_the_session(
    live: Live, files: TlsFolder, noise: bytes
) -> None:
    """Plain FIX, a record that nobody sealed, zeros: nothing of it reaches the venue."""
    peer, wire = await wired(live, client_context(files.ca_file), "BROKER1")
    other, _ = await wired(live, client_context(files.ca_file), "BROKER2")
    async with peer, other:
        await peer.log_on(60)
        await other.log_on(60)
        await wire.stream.send_all(noise)
        await live.wait_until_gone("BROKER1")
        (line,) = live.logged.of("session cut")
        assert (line["cause"], bool(line["detail"])) == ("tls-broken", True)
        await other.send("D", order("B1"))
        assert (await other.receive("8"))[11] == "B1"


async def test_a_changed_byte_ends_the_session(live: Live, files: TlsFolder) -> None:
    """An order that was changed on its way is none."""
    peer, wire = await wired(live, client_context(files.ca_file), "BROKER1")
    async with peer:
        await peer.log_on(60)
        wire.seal(peer.frame("D", order("A1")))
        data = bytearray(wire.outgoing.read())
        data[40] ^= 1
        await wire.stream.send_all(bytes(data))
        await live.wait_until_gone("BROKER1")
    assert [line["cause"] for line in live.logged.of("session cut")] == ["tls-broken"]
    assert live.gateway.storage.venue.engine.statistics().orders_accepted == 0


async def test_a_drop_copy_and_a_resend(live: Live, files: TlsFolder) -> None:
    """A desk over TLS gets what a plain session trades, and all of it again when it asks."""
    async with await live.logged_on("BROKER1") as broker:
        copy, _ = await wired(live, client_context(files.ca_file), "DROPCOPY1")
        async with copy:
            await copy.log_on(60)
            for number in range(200):
                await broker.send("D", order(f"A{number}"))
            for number in range(200):
                assert (await copy.receive("8"))[11] == f"A{number}"
            await copy.send("2", [(7, 1), (16, 0)])
            again: list[str] = []
            while len(again) < 200:
                message = await copy.receive()
                if message[35] == "8":
                    assert message[43] == "Y"
                    again.append(message[11])
    assert again == [f"A{number}" for number in range(200)]


async def test_who_does_not_read_is_cut(tmp_path: Path) -> None:
    """By the age of the first byte that waits, as on a plain socket."""
    files = TlsFolder(tmp_path / "files", {"max_seconds = 10": "max_seconds = 1"})
    async with live_gateway(files.load(), tmp_path / "var", config_dir=files.config) as live:
        peer, wire = await wired(live, client_context(files.ca_file), "BROKER1")
        async with peer:
            await peer.log_on(60)
            frames = b"".join(peer.frame("D", order(f"A{number}")) for number in range(40_000))

            async def send() -> None:
                with suppress(trio.BrokenResourceError):
                    await wire.send_all(frames)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(send)
                await wait_until(lambda: live.logged.of("session cut") != [])
        (line,) = live.logged.of("session cut")
        assert line["cause"] == "slow-reader"
