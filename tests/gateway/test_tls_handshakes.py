"""The matrix of TLS and mutual TLS: each refusal has its cause on our side, and silence outside."""

import io
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
import trio
from support.fix_peer import Fields
from support.live_gateway import Live, live_gateway, wait_until
from support.live_peer import LivePeer
from support.tls_client import client_context, tls_peer
from support.tls_files import HOST, SERVER, Authority, Pair, TlsFolder, name_of, self_signed

from kk99fix.gateway import logs, tls_listener
from kk99fix.gateway.peer import SUBJECT_MAX_CHARACTERS

WITHIN_S = 5.0
LOGON: Fields = [(98, 0), (108, 60)]


@attrs.frozen
class Venue:
    """A gateway with a TLS listener, and what its counterparties have."""

    files: TlsFolder
    #: BROKER1's, by pin, and BROKER2's, by CA and subject.
    broker1: Pair
    broker2: Pair
    live: Live

    def context(self, pair: Pair | None = None, **more: ssl.TLSVersion) -> ssl.SSLContext:
        """A client's context with this certificate."""
        return client_context(self.files.ca_file, pair, **more)

    def causes(self) -> list[str]:
        """Causes of refused logons so far."""
        return [line["cause"] for line in self.live.logged.of("logon refused")]


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[Venue]:
    """BROKER1 is pinned, BROKER2 has CA and subject, DROPCOPY1 needs nothing."""
    files = TlsFolder(tmp_path / "files")
    broker1, broker2 = files.partners.client(), files.partners.client("broker2", "Broker Two")
    files.logon("BROKER1", f'client_certificate = "{broker1.pin}"')
    subject = "CN=broker2,O=Broker Two"
    files.logon("BROKER2", f'client_certificate = {{ ca = "partners", subject = "{subject}" }}')
    async with live_gateway(files.load(), tmp_path / "var", config_dir=files.config) as live:
        yield Venue(files, broker1, broker2, live)


@contextmanager
def without_an_alert() -> Iterator[None]:
    """The connection may break, but by an end and by no word of TLS."""
    said = ""
    try:
        yield
    except (trio.BrokenResourceError, ssl.SSLError) as error:
        said = str(error.__cause__ or error)
    assert "ALERT" not in said.upper()


async def silence(stream: trio.abc.Stream) -> None:
    """Read until the end, before which nothing comes."""
    with trio.fail_after(WITHIN_S), without_an_alert():
        assert await stream.receive_some(1 << 16) == b""


async def logs_on(venue: Venue, comp_id: str, context: ssl.SSLContext) -> None:
    """Log on over TLS, and leave."""
    async with await tls_peer(venue.live, context, comp_id) as peer:
        await peer.log_on(60, [(141, "Y")])
    await venue.live.wait_until_gone(comp_id)


async def is_refused(venue: Venue, comp_id: str, context: ssl.SSLContext, cause: str) -> None:
    """Try to log on over TLS: silence, and the cause in the log."""
    before = len(venue.causes())
    peer = await tls_peer(venue.live, context, comp_id)
    with without_an_alert():
        await peer.send("A", LOGON)
        await silence(peer.stream)
    await trio.aclose_forcefully(peer.stream)
    await wait_until(lambda: len(venue.causes()) > before)
    assert venue.causes()[before:] == [cause]


# ---------------------------------------------------------------- who gets in


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_right_certificates_get_in(venue: Venue, version: ssl.TLSVersion) -> None:
    """By pin and by CA and subject, with 1.2 and 1.3; who needs no certificate may show one."""
    await logs_on(venue, "BROKER1", venue.context(venue.broker1, version=version))
    await logs_on(venue, "BROKER2", venue.context(venue.broker2, version=version))
    await logs_on(venue, "DROPCOPY1", venue.context(venue.broker2, version=version))
    await logs_on(venue, "DROPCOPY1", venue.context(version=version))

    assert venue.causes() == []
    versions = {line["tls"] for line in venue.live.logged.of("session logged on")}
    assert versions == {version.name.replace("_", ".")}


async def test_a_chain_may_be_longer(venue: Venue) -> None:
    """A certificate below an intermediate CA, which the counterparty sends along."""
    below = Authority(venue.files.partners)
    await logs_on(venue, "BROKER2", venue.context(below.client("broker2", "Broker Two")))

    lonely = below.client("broker2", "Broker Two")
    alone = attrs.evolve(lonely, chain=lonely.chain[: lonely.chain.index(b"-----END") + 26])
    await is_refused(venue, "BROKER2", venue.context(alone), "certificate-untrusted")


# ---------------------------------------------------------------- who does not


OTHER = Authority()
#: What the counterparty shows, and the cause.
HANDSHAKES: list[tuple[str, Callable[[Venue], Pair], str]] = [
    (
        "expired",
        lambda venue: venue.files.partners.issue(
            name_of("broker1"), valid_from=timedelta(-9), valid_for=timedelta(1)
        ),
        "certificate-expired",
    ),
    (
        "not yet valid",
        lambda venue: venue.files.partners.issue(name_of("broker1"), valid_from=timedelta(9)),
        "certificate-not-yet-valid",
    ),
    (
        "made for servers",
        lambda venue: venue.files.partners.issue(name_of("broker1"), usage=SERVER),
        "certificate-purpose",
    ),
    ("self-signed", lambda _: self_signed(name_of("broker1")), "certificate-untrusted"),
    ("of an unknown CA", lambda _: OTHER.client(), "certificate-untrusted"),
    ("of our own CA", lambda venue: venue.files.ca.client(), "certificate-untrusted"),
]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("shown", "pair", "cause"), HANDSHAKES, ids=[each[0] for each in HANDSHAKES]
)
async def test_no_chain_no_handshake(
    venue: Venue,
    shown: str,
    pair: Callable[[Venue], Pair],
    cause: str,
    version: ssl.TLSVersion,
) -> None:
    """Also for a session that needs no certificate: whoever shows one shows a good one."""
    del shown
    await is_refused(venue, "DROPCOPY1", venue.context(pair(venue), version=version), cause)
    assert venue.live.gateway.tls is not None
    assert venue.live.gateway.tls.failed == {cause: 1}
    assert venue.live.gateway.tls.succeeded == {}


@pytest.mark.parametrize(
    ("comp_id", "shown", "cause"),
    [
        ("BROKER1", None, "no-certificate"),
        ("BROKER2", None, "no-certificate"),
        ("BROKER1", "broker2", "wrong-certificate"),
        ("BROKER2", "broker1", "wrong-certificate"),
    ],
)
async def test_a_session_has_its_own_certificate(
    venue: Venue, comp_id: str, shown: str | None, cause: str
) -> None:
    """None, or another firm's with its own CompID in the Logon(A)."""
    pair = None if shown is None else getattr(venue, shown)
    await is_refused(venue, comp_id, venue.context(pair), cause)


async def test_the_same_name_is_not_the_same_certificate(venue: Venue) -> None:
    """A pin is one certificate; with CA and subject the CA's next one is as good."""
    again = venue.files.partners.client()
    await is_refused(venue, "BROKER1", venue.context(again), "wrong-certificate")
    await logs_on(
        venue, "BROKER2", venue.context(venue.files.partners.client("broker2", "Broker Two"))
    )
    other = venue.files.partners.client("broker2", "Broker Three")
    await is_refused(venue, "BROKER2", venue.context(other), "wrong-certificate")


async def test_the_subject_of_another_ca(tmp_path: Path) -> None:
    """Two CAs are trusted, and the session names one of them."""
    files, others = TlsFolder(tmp_path / "files"), Authority()
    files.trust("others", others.pem)
    files.logon("BROKER2", 'client_certificate = { ca = "partners", subject = "CN=broker2,O=B" }')
    right, wrong = files.partners.client("broker2", "B"), others.client("broker2", "B")
    async with live_gateway(files.load(), tmp_path / "var", config_dir=files.config) as live:
        venue = Venue(files, right, wrong, live)
        await logs_on(venue, "BROKER2", venue.context(right))
        await is_refused(venue, "BROKER2", venue.context(wrong), "wrong-certificate")


async def test_a_self_signed_certificate_that_is_named(tmp_path: Path) -> None:
    """It is its own CA: with it in [tls.client_ca] a pin is enough."""
    files, pair = TlsFolder(tmp_path / "files"), self_signed(name_of("bot"))
    files.trust("bot", pair.chain)
    files.logon("BROKER1", f'client_certificate = "{pair.pin}"')
    async with live_gateway(files.load(), tmp_path / "var", config_dir=files.config) as live:
        venue = Venue(files, pair, pair, live)
        await logs_on(venue, "BROKER1", venue.context(pair))


async def test_nobody_without_a_certificate(tmp_path: Path) -> None:
    """`require_client_certificate` ends it in the handshake."""
    files = TlsFolder(tmp_path / "files")
    files.add("config/venue.toml", "require_client_certificate = true")
    async with live_gateway(files.load(), tmp_path / "var", config_dir=files.config) as live:
        venue = Venue(files, files.partners.client(), files.partners.client(), live)
        await is_refused(venue, "DROPCOPY1", venue.context(), "certificate-missing")
        await logs_on(venue, "DROPCOPY1", venue.context(venue.broker1))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_that_cannot_be_read(venue: Venue, version: ssl.TLSVersion) -> None:
    """A name that OpenSSL takes and we cannot read is nobody's, and costs nobody anything."""
    context = venue.context(venue.files.partners.unreadable(), version=version)
    await logs_on(venue, "DROPCOPY1", context)
    await is_refused(venue, "BROKER2", context, "wrong-certificate")

    assert venue.live.logged.of("logon refused")[0]["subject"] == "unreadable"
    await logs_on(venue, "BROKER1", venue.context(venue.broker1))


async def test_a_subject_may_hold_anything(venue: Venue) -> None:
    """What it says is shown as printable ASCII, and not at any length."""
    shown = venue.files.partners.issue(name_of("\x1b[2J" + "x" * 60, "\u202e" * 60))
    await is_refused(venue, "BROKER2", venue.context(shown), "wrong-certificate")
    (line,) = venue.live.logged.of("logon refused")
    assert line["subject"].startswith("CN=\\x1b[2Jxx")
    assert line["subject"].isascii()
    assert len(line["subject"]) <= SUBJECT_MAX_CHARACTERS


async def test_a_client_that_does_not_trust_us(venue: Venue) -> None:
    """It says so or closes, and the log says that it did."""
    (venue.files.config / "other.pem").write_bytes(OTHER.pem)
    context = client_context(venue.files.config / "other.pem")

    def connect() -> None:
        with socket.create_connection((HOST, venue.live.tls_port)) as sock:
            context.wrap_socket(sock, server_hostname="localhost")

    with pytest.raises(ssl.SSLCertVerificationError):
        await trio.to_thread.run_sync(connect)
    await wait_until(lambda: venue.causes() == ["tls-peer-refused"])
    assert "ALERT" in venue.live.logged.of("logon refused")[0]["detail"]


@pytest.mark.parametrize(
    ("error", "cause"),
    [(ValueError("odd"), "certificate-broken"), (RuntimeError("ours"), "internal-fault")],
)
async def test_a_certificate_that_only_openssl_can_read(
    venue: Venue, monkeypatch: pytest.MonkeyPatch, error: Exception, cause: str
) -> None:
    """It costs its own logon; so does a fault of ours."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(tls_listener, "described", fail)
    await is_refused(venue, "BROKER1", venue.context(venue.broker1), cause)
    monkeypatch.undo()
    await logs_on(venue, "BROKER1", venue.context(venue.broker1))


# ---------------------------------------------------------------- versions and ciphers


@pytest.mark.parametrize(
    ("version", "ciphers", "cause"),
    [
        (ssl.TLSVersion.TLSv1, "ALL:@SECLEVEL=0", "tls-version"),
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0", "tls-version"),
        (ssl.TLSVersion.TLSv1_2, "ECDHE+AES+SHA256:!AESGCM:@SECLEVEL=0", "tls-cipher"),
        (ssl.TLSVersion.TLSv1_2, "kRSA+AESGCM:@SECLEVEL=0", "tls-cipher"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_versions_and_ciphers(
    venue: Venue, version: ssl.TLSVersion, ciphers: str, cause: str
) -> None:
    """Neither TLS 1.0 nor 1.1, no CBC and no key exchange without forward secrecy."""
    context = venue.context(venue.broker1, version=version)
    context.set_ciphers(ciphers)
    await is_refused(venue, "BROKER1", context, cause)


# ---------------------------------------------------------------- the wrong port, and noise


async def raw(port: int, data: bytes) -> trio.SocketStream:
    """Connect and send bytes."""
    stream = await trio.open_tcp_stream(HOST, port)
    await stream.send_all(data)
    return stream


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"8=FIX.4.4\x019=5\x0135=A\x01", "not-tls"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not-tls"),
        (b"\x00" * 64, "not-tls"),
        (b"\x80\x2e\x01\x00\x02" + b"\x00" * 60, "not-tls"),
        (b"\x16\x03\x01\x00\x40" + b"\xff" * 64, "tls-failed"),
        (b"\x16\x03\x01\x40\x01" + b"\x00" * 20_000, "tls-failed"),
    ],
)
async def test_what_is_no_tls(venue: Venue, data: bytes, cause: str) -> None:
    """Plain FIX, HTTP, zeros, SSL 2 and garbage in the form of a record get no byte back."""
    async with await raw(venue.live.tls_port, data) as stream:
        await silence(stream)
    await wait_until(lambda: venue.causes() == [cause])


async def test_tls_on_the_plain_port(venue: Venue) -> None:
    """A ClientHello there is bytes that are no FIX."""
    async with await trio.open_tcp_stream(HOST, venue.live.port) as stream:
        over_tls = trio.SSLStream(stream, venue.context(), server_hostname="localhost")
        with pytest.raises(trio.BrokenResourceError):
            await over_tls.do_handshake()
    await wait_until(lambda: venue.causes() == ["closed-or-not-fix"])


async def test_a_session_with_a_certificate_on_the_plain_port(venue: Venue) -> None:
    """Its Logon(A) is refused there, whatever it says."""
    async with await venue.live.peer("BROKER1") as peer:
        await peer.send("A", LOGON)
        await silence(peer.stream)
    await wait_until(lambda: venue.causes() == ["tls-required"])


async def test_require_tls_without_a_certificate(tmp_path: Path) -> None:
    """TLS alone is enough for it, and the plain port is not."""
    files = TlsFolder(tmp_path / "files")
    files.logon("BROKER1", "require_tls = true")
    async with live_gateway(files.load(), tmp_path / "var", config_dir=files.config) as live:
        venue = Venue(files, files.partners.client(), files.partners.client(), live)
        await logs_on(venue, "BROKER1", venue.context())
        async with await live.peer("BROKER1") as peer:
            await peer.send("A", LOGON)
            await silence(peer.stream)
        await wait_until(lambda: venue.causes() == ["tls-required"])


async def test_a_proxy_header_before_the_handshake(tmp_path: Path) -> None:
    """The address in it counts, and the handshake begins behind it."""
    proxies = {"proxy_from = []": 'proxy_from = ["127.0.0.1/32"]'}
    files = TlsFolder(tmp_path / "files", proxies)
    async with live_gateway(files.load(), tmp_path / "var", config_dir=files.config) as live:
        header = b"PROXY TCP4 127.0.0.9 127.0.0.1 5000 9946\r\n"
        stream: Any = await raw(live.tls_port, header)
        context = client_context(files.ca_file)
        stream = trio.SSLStream(stream, context, server_hostname="localhost")
        async with LivePeer("BROKER1", stream) as peer:
            await peer.log_on(60)
        await live.wait_until_gone("BROKER1")
        (line,) = live.logged.of("session logged on")
        assert (line["address"], line["balancer"]) == ("127.0.0.9", HOST)

        async with await raw(live.tls_port, b"\x16\x03\x01") as stream:
            await silence(stream)
        assert [each["cause"] for each in live.logged.of("logon refused")] == ["no-proxy-header"]


# ---------------------------------------------------------------- limits


async def test_a_handshake_that_stands_still(tmp_path: Path) -> None:
    """Its time is absolute: bytes one by one do not move the end."""
    files = TlsFolder(tmp_path / "files")
    files.add("config/venue.toml", "handshake_timeout_s = 1")
    async with live_gateway(files.load(), tmp_path / "var", config_dir=files.config) as live:
        venue = Venue(files, files.partners.client(), files.partners.client(), live)
        began = trio.current_time()
        silent = await trio.open_tcp_stream(HOST, live.tls_port)
        slow = await raw(live.tls_port, b"\x16\x03\x01\x40\x00")
        async with silent, slow:
            with pytest.raises(trio.BrokenResourceError):  # noqa: PT012 - a byte at a time
                while True:
                    await slow.send_all(b"\x01")
                    await trio.sleep(0.01)
            await silence(silent)
        assert 1 <= trio.current_time() - began < 2
        assert venue.causes() == ["tls-timeout", "tls-timeout"]


async def test_one_network_and_its_handshakes(tmp_path: Path) -> None:
    """Whoever has one address of an IPv6 network of 64 bits has them all, and is one."""
    files = TlsFolder(tmp_path)
    files.add("config/venue.toml", "handshakes_per_second = 1\nhandshake_burst = 2")
    log = logs.configure(io.StringIO())
    tls = tls_listener.TlsListener(files.config, files.load().venue.tls, log)
    causes = []
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"):
        found = await tls.secure(cast("trio.socket.SocketType", None), b"8=FIX", address)
        assert isinstance(found, tls_listener.TlsRefused)
        causes.append(found.cause.value)
    assert causes == ["not-tls", "not-tls", "tls-rate", "not-tls"]


async def test_one_address_and_its_handshakes(tmp_path: Path) -> None:
    """More than it may begin are closed at once, and it goes on when time has passed."""
    files = TlsFolder(tmp_path / "files")
    files.add("config/venue.toml", "handshakes_per_second = 1\nhandshake_burst = 2")
    async with live_gateway(files.load(), tmp_path / "var", config_dir=files.config) as live:
        venue = Venue(files, files.partners.client(), files.partners.client(), live)
        await logs_on(venue, "BROKER1", venue.context())
        await logs_on(venue, "BROKER2", venue.context())
        await is_refused(venue, "BROKER1", venue.context(), "tls-rate")
