"""A day of orders, reports and drop copies in a gateway, made in large pieces.

The broker's orders are immediate-or-cancel against an empty book, so each gives two reports, New
and Canceled, two copies, and nothing that stays.
"""

import re
import socket
from collections.abc import Iterator

from support.fix_client import stamp
from support.still_gateway import StillGateway, StillPeer

READ_BYTES = 1 << 20
ORDERS_AT_ONCE = 200
_END = re.compile(rb"\x0110=\d{3}\x01")


def order_frames(peer: StillPeer, count: int) -> bytes:
    """The next `count` orders of a broker."""
    now, frames = stamp(), []
    for number in range(peer.next_out, peer.next_out + count):
        body = (
            f"35=D\x0149={peer.comp_id}\x0156=KK99\x0134={number}\x0152={now}\x01"
            f"11=c{number}\x0155=AAPL\x0154=1\x0160={now}\x0138=100\x0140=2\x0144=190.00\x01"
            "59=3\x01"
        )
        frame = f"8=FIX.4.4\x019={len(body)}\x01{body}".encode()
        frames.append(frame + b"10=%03d\x01" % (sum(frame) % 256))
    peer.next_out += count
    return b"".join(frames)


def trade(still: StillGateway, peer: StillPeer, orders: int) -> list[bytes]:
    """Let the broker send orders; returns the bodies of the reports."""
    bodies: list[bytes] = []
    peer.received()
    while orders:
        count = min(orders, ORDERS_AT_ONCE)
        peer.sock.sendall(order_frames(peer, count))
        while len(peer._frames) < 2 * count:
            still.run_pass()
        bodies += [body_of(frame) for frame in peer.received()]
        orders -= count
    return bodies


def body_of(frame: bytes) -> bytes:
    """What a copy and its source have in common: the body, without the copy's marker."""
    body = frame[frame.index(b"\x0137=") : frame.rindex(b"\x0110=")]
    return body.removesuffix(b"\x01797=Y")


def number_of(frame: bytes) -> int:
    """MsgSeqNum(34)."""
    at = frame.index(b"\x0134=") + 4
    return int(frame[at : frame.index(b"\x01", at)])


class Stream:
    """Frames as they come out of a socket; keeps none."""

    def __init__(self, sock: socket.socket) -> None:
        """Take a non-blocking socket."""
        self._sock = sock
        self._rest = b""

    def frames(self) -> Iterator[bytes]:
        """Yield what is there."""
        try:
            while data := self._sock.recv(READ_BYTES):
                self._rest += data
                start = 0
                for match in _END.finditer(self._rest):
                    yield self._rest[start : match.end()]
                    start = match.end()
                self._rest = self._rest[start:]
        except BlockingIOError:
            return


def held_bytes() -> dict[str, int]:
    """What this process holds: RssAnon, its own memory, and RssFile, pages of files."""
    held = {}
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - no path object
        for line in status:
            name, _, value = line.partition(":")
            if name in {"RssAnon", "RssFile"}:
                held[name] = int(value.split()[0]) * 1024
    return held
