"""What a connection of the TLS listener sends first: its first record, and later its Logon(A).

Nobody is known yet, so both are bounded, and nothing is computed or kept for bytes that may still
become nothing.
"""

import ssl
from typing import Final

import trio

from kk99fix.gateway.tls_causes import TlsCause
from kk99fix.gateway.tls_channel import Channel

RECEIVE_BYTES: Final = 4096
#: Ciphertext up to the end of a Logon(A): one of 4 KiB in records of a byte each.
LOGON_BYTES_MAX: Final = 131_072
#: What one read and the longest part of a record that was left from before give at most; used
#: between two waits and never across one.
_PLAIN: Final = memoryview(bytearray(RECEIVE_BYTES + 16_384 + 1024))
#: First byte of a TLS handshake, and where the length of a record stands.
_HANDSHAKE_RECORD: Final = 0x16
_LENGTH_AT: Final = slice(3, 5)
_HEADER_BYTES: Final = 5
#: As far as a record may go; what says more is left to OpenSSL to refuse.
_RECORD_BYTES_MAX: Final = 16_384


async def first_record(sock: trio.socket.SocketType, data: bytes) -> bytes | TlsCause:
    """Read on until the first record is whole: OpenSSL takes 46 KiB for whoever has begun one."""
    found = bytearray(data)
    while True:
        if found and found[0] != _HANDSHAKE_RECORD:
            return TlsCause.NOT_TLS
        if len(found) >= _HEADER_BYTES:
            length = int.from_bytes(found[_LENGTH_AT], "big")
            if length > _RECORD_BYTES_MAX or len(found) >= _HEADER_BYTES + length:
                return bytes(found)
        more = await sock.recv(RECEIVE_BYTES)
        if not more:
            return TlsCause.CLOSED
        found += more


class SecuredSocket:
    """The plaintext of a connection that has not logged on yet, for whoever reads a socket."""

    def __init__(self, sock: trio.socket.SocketType, channel: Channel) -> None:
        """Read `sock` through `channel`."""
        self._sock = sock
        self._channel = channel
        self._received = 0

    async def recv(self, _size: int) -> bytes:
        """Return what comes next; nothing when the connection is over or its bytes are wrong.

        Nor when there are too many: those that hold nothing would cost for as long as they come.
        """
        while True:
            try:
                used, goes_on = self._channel.decrypt(_PLAIN)
            except ssl.SSLError:
                return b""
            if used or not goes_on:
                return bytes(_PLAIN[:used])
            data = await self._sock.recv(RECEIVE_BYTES)
            self._received += len(data)
            if not data or self._received > LOGON_BYTES_MAX:
                return b""
            self._channel.incoming.write(data)
