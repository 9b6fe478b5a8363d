"""Handshakes of new connections: bounded in time, bytes and number, computed beside the trading.

A connection costs an SSL object once it has sent a whole record, and its bytes before.  The
arithmetic runs in worker threads, a few at a time, so that a flood of handshakes delays other
handshakes and no trading; an address that begins too many is closed at once.
What goes wrong is a value with its cause; the counterparty gets no alert, only the close.

A TLS 1.2 session may be resumed as long as the listener has the files with which it began: its
chain was verified then, its dates are looked at again.
"""

import hashlib
import ssl
from collections import Counter, OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import trio
from attrs import frozen
from cryptography import x509

from kk99fix.config.errors import ConfigError, Mistake
from kk99fix.config.venue import Tls
from kk99fix.gateway.addresses import owner_of
from kk99fix.gateway.buckets import Buckets
from kk99fix.gateway.logs import Log
from kk99fix.gateway.peer import ClientCertificate, Peer
from kk99fix.gateway.tls_causes import TlsCause, cause_of
from kk99fix.gateway.tls_channel import Channel, described
from kk99fix.gateway.tls_first_bytes import RECEIVE_BYTES, first_record
from kk99fix.gateway.tls_material import TlsMaterial, load_material

#: Files that have been written are read half a second after that at the latest.
LOOK_EVERY_S: Final = 0.25
#: A counterparty's part of a handshake with a long chain of certificates.
HANDSHAKE_BYTES_MAX: Final = 32_768
HANDSHAKES_WAITING: Final = 256
#: Certificates whose CA is remembered for resumed sessions.
_REMEMBERED_MAX: Final = 4096


@frozen
class TlsRefused:
    """Why a connection does not get through the handshake."""

    cause: TlsCause
    #: OpenSSL's word for it.
    detail: str | None = None


@frozen
class Secured:
    """A connection after its handshake."""

    channel: Channel
    certificate: ClientCertificate | None


class TlsListener:
    """The TLS side of the gateway; one for the process."""

    def __init__(self, config_dir: Path, tls: Tls, log: Log) -> None:
        """Read the files; raises ConfigError with everything that is wrong with them."""
        self._config_dir = config_dir
        self._tls = tls
        self._log = log
        self._taken = self._seen = self._marks()
        self._material = self._load_or_raise()
        self._limiter = trio.CapacityLimiter(tls.handshakes_at_once)
        self._waiting = 0
        self._buckets = Buckets(tls.handshakes_per_second, tls.handshake_burst)
        self._ca_of: OrderedDict[bytes, tuple[str, bytes] | None] = OrderedDict()
        #: Handshakes that succeeded, by version, and failed ones, by cause.
        self.succeeded: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        #: Reads of the files that were taken over, and that were not.
        self.reloads: Counter[str] = Counter()
        #: Called when the files have been exchanged: live connections may have to go.
        self.on_reload: Callable[[], None] = lambda: None

    @property
    def tls(self) -> Tls:
        """What venue.toml said at the start."""
        return self._tls

    @property
    def waiting(self) -> int:
        """Handshakes that are computed or wait for it."""
        return self._waiting

    @property
    def material(self) -> TlsMaterial:
        """What is worked with now."""
        return self._material

    def trusts(self, peer: Peer) -> bool:
        """Whether the CA of a connection's certificate, if it has shown one, is still a CA here."""
        shown = peer.certificate
        if shown is None:
            return True
        known = self._material.ca_names.get(shown.issuer_sha256 or b"")
        return known is not None and known == shown.issuer_name

    def reload(self) -> list[Mistake]:
        """Read the files again; with a mistake in them all stays as it is, and the log says so."""
        self._taken = self._marks()
        found = load_material(self._config_dir, self._tls, datetime.now(UTC))
        if isinstance(found, list):
            self.reloads["refused"] += 1
            mistakes = [str(each) for each in found]
            self._log.error("TLS files not taken over, the old ones stay", mistakes=mistakes)
            return found
        self.reloads["taken"] += 1
        self._material = found
        self._ca_of.clear()
        self._log.info(
            "TLS files taken over",
            subject=found.subject,
            sha256=found.sha256.hex(),
            valid_until=found.not_after.isoformat(),
            client_cas=sorted(set(found.ca_names.values())),
        )
        self.on_reload()
        return []

    def look(self) -> None:
        """Read the files again if they have changed, and stayed so since the look before."""
        marks = self._marks()
        still, self._seen = marks == self._seen, marks
        if still and marks != self._taken:
            self.reload()

    async def follow(self) -> None:
        """Look now and then, for ever."""
        while True:
            await trio.sleep(LOOK_EVERY_S)
            self.look()

    def _marks(self) -> tuple[tuple[int, ...], ...]:
        """What changes when a file is written or exchanged."""
        tls = self._tls
        names = (tls.certificate or "", tls.private_key or "", *tls.client_ca.values())
        return tuple(_mark(self._config_dir / name) for name in names)

    async def secure(
        self, sock: trio.socket.SocketType, data: bytes, address: str
    ) -> Secured | TlsRefused:
        """Do the handshake that `data` begins; the caller has set the deadline."""
        if not self._buckets.take(owner_of(address), trio.current_time()):
            return self._refused(TlsCause.RATE)
        begin = await first_record(sock, data)
        if isinstance(begin, TlsCause):
            return self._refused(begin)
        material = self._material
        channel = Channel(material.context)
        refused = await self._handshake(sock, channel, begin)
        if refused is not None:
            return refused
        try:
            certificate = self._certificate(channel, material)
        except _OutOfDateError as error:
            return self._refused(error.cause)
        except ValueError as error:  # OpenSSL takes certificates that nobody else can read
            return self._refused(TlsCause.CERTIFICATE_BROKEN, str(error))
        self.succeeded[str(channel.ssl_object.version())] += 1
        return Secured(channel, certificate)

    async def _handshake(
        self, sock: trio.socket.SocketType, channel: Channel, data: bytes
    ) -> TlsRefused | None:
        received = 0
        while True:
            received += len(data)
            if received > HANDSHAKE_BYTES_MAX:
                return self._refused(TlsCause.TOO_LONG)
            channel.incoming.write(data)
            if self._waiting >= HANDSHAKES_WAITING:
                return self._refused(TlsCause.BUSY)
            try:
                done = await self._step(channel)
            except ssl.SSLError as error:
                return self._refused(*cause_of(error))
            answer = channel.outgoing.read()
            if answer:
                await send_all(sock, answer)
            if done:
                return None
            data = await sock.recv(RECEIVE_BYTES)
            if not data:
                return self._refused(TlsCause.CLOSED)

    async def _step(self, channel: Channel) -> bool:
        """Compute as far as what has come goes; whether the handshake is over."""
        self._waiting += 1
        try:
            await trio.to_thread.run_sync(channel.ssl_object.do_handshake, limiter=self._limiter)
        except ssl.SSLWantReadError:
            return False
        finally:
            self._waiting -= 1
        return True

    def _certificate(self, channel: Channel, material: TlsMaterial) -> ClientCertificate | None:
        der = channel.certificate()
        if der is None:
            return None
        _check_dates(der)
        names = material.ca_names
        issuers = channel.issuers()
        found = next(((names[each], each) for each in issuers if each in names), None)
        if not issuers:
            return described(der, self._ca_of.get(hashlib.sha256(der).digest()))
        certificate = described(der, found)
        self._ca_of[certificate.sha256] = found
        if len(self._ca_of) > _REMEMBERED_MAX:
            self._ca_of.popitem(last=False)
        return certificate

    def note_timeout(self) -> TlsRefused:
        """Count a handshake that did not come to its end in time."""
        return self._refused(TlsCause.TIMEOUT)

    def _refused(self, cause: TlsCause, detail: str | None = None) -> TlsRefused:
        self.failed[cause] += 1
        return TlsRefused(cause, detail)

    def _load_or_raise(self) -> TlsMaterial:
        found = load_material(self._config_dir, self._tls, datetime.now(UTC))
        if isinstance(found, list):
            raise ConfigError(found)
        return found


def _mark(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size


class _OutOfDateError(Exception):
    """A resumed session's certificate is valid no more."""

    def __init__(self, cause: TlsCause) -> None:
        super().__init__(cause)
        self.cause = cause


def _check_dates(der: bytes) -> None:
    """OpenSSL looks at the dates when it verifies a chain, so not when a session is resumed."""
    parsed = x509.load_der_x509_certificate(der)
    now = datetime.now(UTC)
    if now > parsed.not_valid_after_utc:
        raise _OutOfDateError(TlsCause.CERTIFICATE_EXPIRED)
    if now < parsed.not_valid_before_utc:
        raise _OutOfDateError(TlsCause.CERTIFICATE_NOT_YET_VALID)


async def send_all(sock: trio.socket.SocketType, data: bytes) -> None:
    """Send all of it."""
    view = memoryview(data)
    while view:
        view = view[await sock.send(view) :]
