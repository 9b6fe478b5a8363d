"""A TLS connection of a test that decides itself how its bytes are cut into records and writes.

`key_update` and `renegotiate` reach into CPython's object for the connection that OpenSSL knows:
the standard library has no words for either.
"""

import ctypes
import ssl

import trio

from support.live_gateway import Live
from support.live_peer import LivePeer
from support.tls_files import HOST

RECORD_MAX = 16_384
UPDATE_REQUESTED = 1
#: Of `PySSLSocket`: PyObject_HEAD, the socket, then OpenSSL's SSL.
_SSL_AT = 24


class TlsWire(trio.abc.Stream):
    """One connection to the TLS listener."""

    def __init__(self, stream: trio.SocketStream, context: ssl.SSLContext) -> None:
        """Begin; the handshake comes next."""
        self.stream = stream
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        #: Plaintext of one record, and ciphertext of one write.
        self.record_bytes = RECORD_MAX
        self.write_bytes = 1 << 20

    async def handshake(self) -> None:
        """Carry it to its end."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self.flush()
                self.incoming.write(await self.stream.receive_some())
            else:
                await self.flush()
                return

    async def flush(self) -> None:
        """Send what OpenSSL has made."""
        data = self.outgoing.read()
        for at in range(0, len(data), self.write_bytes):
            await self.stream.send_all(data[at : at + self.write_bytes])

    def seal(self, data: bytes) -> None:
        """Make records."""
        for at in range(0, len(data), self.record_bytes):
            self.tls.write(data[at : at + self.record_bytes])

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes as records of their own."""
        self.seal(bytes(data))
        await self.flush()

    async def wait_send_all_might_not_block(self) -> None:
        """See trio."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what comes next."""
        while True:
            try:
                return self.tls.read(max_bytes or RECORD_MAX)
            except ssl.SSLWantReadError:
                data = await self.stream.receive_some()
                if not data:
                    return b""
                self.incoming.write(data)

    async def aclose(self) -> None:
        """Close the socket without a word."""
        await self.stream.aclose()

    def key_update(self) -> None:
        """Change our key, and have the other side change its own."""
        assert _libssl().SSL_key_update(self._openssl(), UPDATE_REQUESTED) == 1

    def renegotiate(self) -> None:
        """Ask for another handshake, as TLS 1.2 can."""
        assert _libssl().SSL_renegotiate(self._openssl()) == 1

    def _openssl(self) -> ctypes.c_void_p:
        inner = self.tls._sslobj  # type: ignore[attr-defined]
        return ctypes.c_void_p.from_address(id(inner) + _SSL_AT)


def _libssl() -> ctypes.CDLL:
    return ctypes.CDLL("libssl.so.3")


async def wired(live: Live, context: ssl.SSLContext, comp_id: str) -> tuple[LivePeer, TlsWire]:
    """Connect a counterparty, and do its handshake."""
    wire = TlsWire(await trio.open_tcp_stream(HOST, live.tls_port), context)
    await wire.handshake()
    peer = LivePeer(comp_id, wire)  # type: ignore[arg-type]
    return peer, wire
