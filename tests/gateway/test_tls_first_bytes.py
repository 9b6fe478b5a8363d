"""What strangers cost on the TLS port before they have said anything whole."""

from typing import Any, cast

import pytest
from support.acceptor_rig import FakeSocket

from kk99fix.gateway.tls_causes import TlsCause
from kk99fix.gateway.tls_channel import Channel
from kk99fix.gateway.tls_first_bytes import (
    LOGON_BYTES_MAX,
    RECEIVE_BYTES,
    SecuredSocket,
    first_record,
)

RECORD = b"\x16\x03\x01\x00\x08" + b"hello..."


def socket_with(*data: bytes) -> Any:  # noqa: ANN401 - stands for a socket
    """A socket that receives this, and then its end."""
    sock = FakeSocket("192.0.2.1")
    for each in (*data, b""):
        sock.put.send_nowait(each)
    return sock


@pytest.mark.parametrize("cut", range(len(RECORD) + 1))
async def test_a_record_is_whole_before_anything_is_computed(cut: int) -> None:
    """However its bytes come, and with what comes behind it."""
    assert await first_record(socket_with(RECORD[cut:] + b"more"), RECORD[:cut]) == (
        RECORD if cut == len(RECORD) else RECORD + b"more"
    )


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ((), TlsCause.CLOSED),
        ((RECORD[:1],), TlsCause.CLOSED),
        ((RECORD[:5], RECORD[5:-1]), TlsCause.CLOSED),
        ((b"8",), TlsCause.NOT_TLS),
        ((RECORD[:3] + b"\x40\x01",), RECORD[:3] + b"\x40\x01"),
    ],
)
async def test_what_is_no_record(data: tuple[bytes, ...], found: TlsCause | bytes) -> None:
    """The end comes too early, it is no TLS, or it says to be longer than any record is."""
    assert await first_record(socket_with(*data), b"") == found


class _HoldsNothing:
    """Stands for a channel whose ciphertext is all talk of the protocol."""

    def __init__(self) -> None:
        self.incoming = self
        self.taken = 0

    def write(self, data: bytes) -> None:
        """Take ciphertext."""
        self.taken += len(data)

    def decrypt(self, _buffer: memoryview) -> tuple[int, bool]:
        """Find nothing in it."""
        return 0, True


async def test_records_that_hold_nothing_come_to_an_end() -> None:
    """Who sends them for ever, such as key updates, is not read for as long as he may log on."""
    channel = _HoldsNothing()
    pieces = [bytes(RECEIVE_BYTES)] * (2 * LOGON_BYTES_MAX // RECEIVE_BYTES)
    secured = SecuredSocket(socket_with(*pieces), cast("Channel", channel))

    assert await secured.recv(RECEIVE_BYTES) == b""
    assert channel.taken == LOGON_BYTES_MAX
