"""PROXY headers of both versions: whole, in every piece, with a tail, and hostile ones."""

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kk99fix.gateway.proxy_header import (
    BINARY_MAX,
    LINE_MAX,
    SIGNATURE,
    ProxyHeader,
    Unread,
    read,
)

V4 = bytes([192, 0, 2, 7, 10, 0, 0, 1]) + struct.pack(">HH", 40000, 9944)
V6_SOURCE = ipaddress.ip_address("2001:db8::7").packed
V6 = V6_SOURCE + ipaddress.ip_address("::1").packed + struct.pack(">HH", 40000, 9944)
MAPPED = ipaddress.ip_address("::ffff:192.0.2.7").packed + V6[16:]


def binary(command: int, family: int, content: bytes, length: int | None = None) -> bytes:
    """A header of version 2."""
    length = len(content) if length is None else length
    return SIGNATURE + struct.pack(">BBH", command, family, length) + content


HEADERS = [
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 9944\r\n", "192.0.2.7"),
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
    (b"PROXY TCP4 1.2.3.4 0.0.0.0 0 0\r\n", "1.2.3.4"),
    (b"PROXY TCP6 2001:db8::7 ::1 40000 9944\r\n", "2001:db8::7"),
    (b"PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 1 2\r\n", "2001:db8::7"),
    (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", "192.0.2.7"),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN 192.0.2.7 10.0.0.1 40000 9944\r\n", None),
    (b"PROXY UNKNOWN " + b"f" * (LINE_MAX - 16) + b"\r\n", None),
    (binary(0x21, 0x11, V4), "192.0.2.7"),
    (binary(0x21, 0x11, V4 + b"\x04\x00\x01x"), "192.0.2.7"),
    (binary(0x21, 0x21, V6), "2001:db8::7"),
    (binary(0x21, 0x21, MAPPED), "192.0.2.7"),
    (binary(0x21, 0x21, V6 + bytes(BINARY_MAX - 16 - len(V6))), "2001:db8::7"),
    (binary(0x20, 0x00, b""), None),
    (binary(0x20, 0x11, V4), None),
    (binary(0x20, 0xFF, b"\xff" * 5), None),
    (binary(0x21, 0x00, b""), None),
    (binary(0x21, 0x00, b"\x03\x00\x04abcd"), None),
    (binary(0x21, 0x31, bytes(216)), None),
]
BEHIND = b"8=FIX.4.4\x01"


@pytest.mark.parametrize(("header", "address"), HEADERS)
@pytest.mark.parametrize("tail", [b"", BEHIND, b"PROXY ", SIGNATURE])
def test_a_whole_header(header: bytes, address: str | None, tail: bytes) -> None:
    """It has its address and its length, whatever follows."""
    assert read(header + tail) == ProxyHeader(address, len(header))


@pytest.mark.parametrize(("header", "address"), HEADERS)
def test_every_prefix_needs_more(header: bytes, address: str | None) -> None:
    """Byte by byte the answer is the same until the last one is there."""
    assert {read(header[:cut]) for cut in range(len(header))} == {Unread.NEED_MORE}
    assert read(header) == ProxyHeader(address, len(header))


HOSTILE = [
    BEHIND,
    b"GET / HTTP/1.1\r\n",
    b"proxy TCP4 192.0.2.7 10.0.0.1 1 2\r\n",
    b"PROXY\r\n",
    b"PROXY \r\n",
    b"PROXY  TCP4 192.0.2.7 10.0.0.1 1 2\r\n",
    b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2 \r\n",
    b"PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n",
    b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n",
    b"PROXY TCP4 192.0.2.7  10.0.0.1 1 2\r\n",
    b"PROXY TCP4\t192.0.2.7 10.0.0.1 1 2\r\n",
    b"PROXY TCP4 192.0.2.7\r\n",
    b"PROXY TCP4 192.0.2.07 10.0.0.1 1 2\r\n",
    b"PROXY TCP4 192.0.2 10.0.0.1 1 2\r\n",
    b"PROXY TCP4 192.0.2.256 10.0.0.1 1 2\r\n",
    b"PROXY TCP4 ::1 ::1 1 2\r\n",
    b"PROXY TCP4 192.0.2.7 ::1 1 2\r\n",
    b"PROXY TCP6 192.0.2.7 ::1 1 2\r\n",
    b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
    b"PROXY TCP4 192.0.2.7 10.0.0.1 65536 2\r\n",
    b"PROXY TCP4 192.0.2.7 10.0.0.1 1 02\r\n",
    b"PROXY TCP4 192.0.2.7 10.0.0.1 -1 2\r\n",
    b"PROXY TCP4 192.0.2.7 10.0.0.1 +1 2\r\n",
    b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n\r\n",
    b"PROXY TCP4 192.0.2.7 10.0.0.1 1 \xb2\r\n",
    b"PROXY TCP4 \xd9\xa1.0.2.7 10.0.0.1 1 2\r\n",
    b"PROXY TCP5 192.0.2.7 10.0.0.1 1 2\r\n",
    b"PROXY UDP4 192.0.2.7 10.0.0.1 1 2\r\n",
    b"PROXY UNKNOWNS\r\n",
    b"PROXY UNKNOWN " + b"f" * (LINE_MAX - 15) + b"\r\n",
    b"PROXY " + b"x" * LINE_MAX,
    binary(0x11, 0x11, V4),
    binary(0x31, 0x11, V4),
    binary(0x22, 0x11, V4),
    binary(0x21, 0x12, V4),
    binary(0x21, 0x22, V6),
    binary(0x21, 0x32, bytes(216)),
    binary(0x21, 0x41, V6),
    binary(0x21, 0x11, V4[:-1]),
    binary(0x21, 0x21, V6[:-1]),
    binary(0x21, 0x31, bytes(215)),
    binary(0x21, 0x11, b""),
    binary(0x21, 0x11, b"", BINARY_MAX - 15),
    binary(0x21, 0x11, b"", 65_535),
    binary(0x20, 0x00, b"", 65_535),
]


@pytest.mark.parametrize("data", HOSTILE)
def test_hostile(data: bytes) -> None:
    """What is no header is told, at its last byte at the latest, and stays so."""
    assert read(data) is Unread.MALFORMED
    verdicts = [read(data[:cut]) for cut in range(len(data) + 1)]
    first = verdicts.index(Unread.MALFORMED)

    assert set(verdicts[:first]) <= {Unread.NEED_MORE}
    assert set(verdicts[first:]) == {Unread.MALFORMED}


@given(
    start=st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 ", SIGNATURE]),
    rest=st.binary(max_size=300),
)
def test_noise(start: bytes, rest: bytes) -> None:
    """Whatever comes, the answer is one of the three, and never waits beyond the bounds."""
    found = read(start + rest + b"\r\n" + bytes(BINARY_MAX))

    assert found is Unread.MALFORMED or isinstance(found, ProxyHeader)


@given(source=st.ip_addresses(), ports=st.tuples(st.integers(0, 65_535), st.integers(0, 65_535)))
def test_both_versions_agree(
    source: ipaddress.IPv4Address | ipaddress.IPv6Address, ports: tuple[int, int]
) -> None:
    """Any address comes back from either version."""
    word, family = ("TCP4", 0x11) if source.version == 4 else ("TCP6", 0x21)
    line = f"PROXY {word} {source} {source} {ports[0]} {ports[1]}\r\n".encode()
    block = binary(0x21, family, source.packed * 2 + struct.pack(">HH", *ports))
    one, other = read(line), read(block)

    assert isinstance(one, ProxyHeader)
    assert isinstance(other, ProxyHeader)
    assert one.address == other.address
    assert ipaddress.ip_address(str(one.address)) in {source, getattr(source, "ipv4_mapped", None)}
