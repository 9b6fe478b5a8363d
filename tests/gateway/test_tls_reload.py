"""Certificates that are exchanged while sessions trade, and those that are withdrawn."""

import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import trio
from support.live_gateway import Live, live_gateway, wait_until
from support.live_peer import LivePeer, order
from support.operator_line import ask
from support.tls_client import client_context, tls_peer
from support.tls_files import Authority, Pair, TlsFolder

from kk99fix.gateway.reloader import Folders
from kk99fix.gateway.tls_listener import TlsListener


@attrs.frozen
class Venue:
    """A gateway that follows its files, and BROKER1's certificate."""

    files: TlsFolder
    live: Live
    broker1: Pair
    #: Closed at the end of the test.
    peers: list[LivePeer] = attrs.field(factory=list)

    @property
    def tls(self) -> TlsListener:
        """The listener."""
        assert self.live.gateway.tls is not None
        return self.live.gateway.tls

    async def logged_on(self, comp_id: str, pair: Pair | None) -> LivePeer:
        """A session over TLS."""
        peer = await self.connected(comp_id, pair)
        await peer.log_on(60)
        return peer

    async def connected(self, comp_id: str, pair: Pair | None) -> LivePeer:
        """A connection over TLS."""
        peer = await tls_peer(self.live, client_context(self.files.ca_file, pair), comp_id)
        self.peers.append(peer)
        return peer

    def causes(self, event: str) -> list[tuple[str, str, str | None]]:
        """Session, cause and reason of lines about an event."""
        lines = self.live.logged.of(event)
        return [(line["session"], line["cause"], line.get("reason")) for line in lines]


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[Venue]:
    """BROKER1 is pinned, BROKER2 has CA and subject."""
    files = TlsFolder(tmp_path / "files")
    broker1 = files.partners.client()
    files.logon("BROKER1", f'client_certificate = "{broker1.pin}"')
    files.logon("BROKER2", 'client_certificate = { ca = "partners", subject = "CN=b2,O=B" }')
    folders = Folders(files.config, files.sessions)
    async with live_gateway(
        files.load(), tmp_path / "var", config_dir=files.config, folders=folders
    ) as live:
        venue = Venue(files, live, broker1)
        yield venue
        for peer in venue.peers:
            await trio.aclose_forcefully(peer.stream)


async def test_our_certificate_is_exchanged(venue: Venue) -> None:
    """Files that are written are taken; live sessions go on, new ones get the new certificate."""
    peer = await venue.logged_on("BROKER1", venue.broker1)
    before = venue.tls.material.sha256
    other = Authority()
    other.server().write(venue.files.config, "server")
    await wait_until(lambda: venue.tls.material.sha256 != before)

    await peer.send("D", order("A1"))
    assert (await peer.receive("8"))[11] == "A1"
    with pytest.raises(trio.BrokenResourceError):
        await venue.logged_on("BROKER2", venue.files.partners.client("b2", "B"))
    venue.files.ca_file.write_bytes(other.pem)
    await venue.logged_on("BROKER2", venue.files.partners.client("b2", "B"))
    assert venue.tls.reloads == {"taken": 1}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("server.pem", b"", "server.pem holds no certificate in PEM form, or a broken one"),
        ("server.key", b"x", "server.key holds no private key in PEM form, or a broken one"),
        ("partners.pem", None, "partners.pem cannot be read: No such file or directory"),
    ],
)
async def test_a_broken_file_changes_nothing(
    venue: Venue, name: str, content: bytes | None, says: str
) -> None:
    """The old ones stay, the log and the operator are told with file, line and key."""
    path = venue.files.config / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    answer = await ask(venue.live.gateway.storage.state_dir, "reload")

    assert says in str(answer["refused"])
    line = venue.live.logged.of("TLS files not taken over, the old ones stay")[-1]
    assert "venue.toml:" in line["mistakes"][0]
    await venue.logged_on("BROKER1", venue.broker1)
    assert set(venue.tls.reloads) == {"refused"}


async def test_a_pin_that_is_taken_out_ends_its_session(venue: Venue) -> None:
    """Within a second; the other sessions stay, and the new certificate gets in."""
    new = venue.files.partners.client()
    peer = await venue.logged_on("BROKER1", venue.broker1)
    other = await venue.logged_on("BROKER2", venue.files.partners.client("b2", "B"))
    began = trio.current_time()
    venue.files.replace("sessions/BROKER1.toml", venue.broker1.pin, new.pin)
    await peer.until_closed()
    assert trio.current_time() - began < 1

    withdrawn = ("BROKER1", "certificate-withdrawn", "wrong-certificate")
    assert venue.causes("session cut") == [withdrawn]
    await other.send("D", order("A1"))
    assert (await other.receive("8"))[11] == "A1"
    again = await venue.connected("BROKER1", new)
    again.next_out = peer.next_out
    await again.log_on(60)


async def test_two_pins_while_one_is_exchanged(venue: Venue) -> None:
    """The old certificate's session goes on beside the new pin, until the old one is taken out."""
    new = venue.files.partners.client()
    peer = await venue.logged_on("BROKER1", venue.broker1)
    both = f'["{venue.broker1.pin}", "{new.pin}"]'
    venue.files.replace("sessions/BROKER1.toml", f'"{venue.broker1.pin}"', both)
    await wait_until(lambda: len(venue.live.logged.of("session files taken over")) == 1)
    await peer.send("D", order("A1"))
    assert (await peer.receive("8"))[11] == "A1"

    venue.files.replace("sessions/BROKER1.toml", both, f'"{new.pin}"')
    await peer.until_closed()


async def test_a_ca_that_is_withdrawn_ends_its_sessions(venue: Venue) -> None:
    """Whoever was let in by its signature goes; who needed none stays."""
    peer = await venue.logged_on("BROKER1", venue.broker1)
    copy = await venue.logged_on("DROPCOPY1", None)
    began = trio.current_time()
    (venue.files.config / "partners.pem").write_bytes(Authority().pem)
    await peer.until_closed()
    assert trio.current_time() - began < 1

    withdrawn = ("BROKER1", "certificate-withdrawn", "certificate-untrusted")
    assert venue.causes("session cut") == [withdrawn]
    await copy.send("1", [(112, "still here")])
    assert (await copy.receive("0"))[112] == "still here"


async def test_a_name_that_comes_to_mean_another_ca(tmp_path: Path) -> None:
    """A certificate stays with its CA, also when that CA is known by another name now."""
    files, others = TlsFolder(tmp_path / "files"), Authority()
    files.trust("others", others.pem)
    files.logon("BROKER2", 'client_certificate = { ca = "partners", subject = "CN=b2,O=B" }')
    async with live_gateway(files.load(), tmp_path / "var", config_dir=files.config) as live:
        pair = files.partners.client("b2", "B")
        venue = Venue(files, live, pair)
        peer = await venue.logged_on("BROKER2", pair)
        (files.config / "others.pem").write_bytes(files.partners.pem)
        (files.config / "partners.pem").write_bytes(others.pem)
        await peer.until_closed()

        withdrawn = ("BROKER2", "certificate-withdrawn", "certificate-untrusted")
        assert venue.causes("session cut") == [withdrawn]
        await trio.aclose_forcefully(peer.stream)


async def test_tls_that_is_demanded_from_now_on(venue: Venue) -> None:
    """A session on the plain port is cut when its file asks for TLS."""
    peer = await venue.live.logged_on("DROPCOPY1")
    venue.peers.append(peer)
    venue.files.logon("DROPCOPY1", "require_tls = true")
    await peer.until_closed()

    withdrawn = ("DROPCOPY1", "certificate-withdrawn", "tls-required")
    assert venue.causes("session cut") == [withdrawn]


async def test_a_resumed_session_of_tls_1_2(venue: Venue) -> None:
    """It counts with the certificate of its first handshake, until the files are exchanged."""
    context = client_context(venue.files.ca_file, venue.broker1, version=ssl.TLSVersion.TLSv1_2)

    def connect(session: ssl.SSLSession | None) -> tuple[ssl.SSLSession | None, bool]:
        with (
            socket.create_connection(("127.0.0.1", venue.live.tls_port)) as sock,
            context.wrap_socket(sock, server_hostname="localhost", session=session) as tls,
        ):
            return tls.session, bool(tls.session_reused)

    session, _ = await trio.to_thread.run_sync(connect, None)
    _, reused = await trio.to_thread.run_sync(connect, session)
    assert reused
    venue.tls.reload()
    _, reused = await trio.to_thread.run_sync(connect, session)
    assert not reused
