"""The header of the PROXY protocol, versions 1 and 2, sans I/O: who is behind a balancer.

A balancer sends it before anything else: one line of text, or a binary block.
`read` is given what has arrived so far, as often as something arrives, and says what it is.

- The address is that of the source; destination and ports are checked and not used.
- UNKNOWN, LOCAL and a family without network addresses name nobody: the balancer speaks for itself.
- Additions to the binary block (TLVs) are skipped, whatever they say.
- A header is bounded: 107 bytes of text as the protocol has it, 2048 of binary.

Who may send one is not decided here.
"""

import enum
import ipaddress
import re
from typing import Final

from attrs import frozen

LINE_START: Final = b"PROXY "
LINE_MAX: Final = 107
SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
FIXED_BYTES: Final = 16
BINARY_MAX: Final = 2048
_LOCAL, _PROXY = 0x20, 0x21
#: Family and transport -> how long source and destination are together, and the source alone.
_NETWORK: Final = {0x11: (12, 4), 0x21: (36, 16)}
_NAMELESS: Final = {0x00: 0, 0x31: 216}
_PORT: Final = re.compile(rb"0|[1-9][0-9]{0,4}")
_PORT_MAX: Final = 65_535


class Unread(enum.Enum):
    """Why there is no header yet."""

    #: What has arrived may become one.
    NEED_MORE = enum.auto()
    #: It never will.
    MALFORMED = enum.auto()


@frozen
class ProxyHeader:
    """A whole header."""

    #: Where the connection comes from; None when the balancer speaks for itself.
    address: str | None
    #: Bytes of the header; what follows is the connection's own.
    length: int


def read(data: bytes) -> ProxyHeader | Unread:
    """Read the header at the start of `data`."""
    if data.startswith(LINE_START):
        return _read_line(data)
    if data.startswith(SIGNATURE):
        return _read_binary(data)
    may_become = LINE_START.startswith(data) or SIGNATURE.startswith(data)
    return Unread.NEED_MORE if may_become else Unread.MALFORMED


def _read_line(data: bytes) -> ProxyHeader | Unread:
    end = data.find(b"\r\n", 0, LINE_MAX)
    if end < 0:
        return Unread.NEED_MORE if len(data) < LINE_MAX else Unread.MALFORMED
    words = data[:end].split(b" ")
    length = end + len(b"\r\n")
    if words[1] == b"UNKNOWN":
        return ProxyHeader(None, length)
    address = _address_of_line(words[1:])
    return Unread.MALFORMED if address is None else ProxyHeader(address, length)


def _address_of_line(words: list[bytes]) -> str | None:
    """The source of `TCP4 source destination port port`; None when it is none."""
    match words:
        case [b"TCP4", source, destination, *ports]:
            version = 4
        case [b"TCP6", source, destination, *ports]:
            version = 6
        case _:
            return None
    addresses = [_parsed(text, version) for text in (source, destination)]
    if None in addresses or len(ports) != len(addresses):
        return None
    in_range = all(_PORT.fullmatch(port) and int(port) <= _PORT_MAX for port in ports)
    return _plain(addresses[0]) if in_range and addresses[0] is not None else None


def _parsed(text: bytes, version: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        return None
    scoped = isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None
    return None if scoped or address.version != version else address


def _read_binary(data: bytes) -> ProxyHeader | Unread:
    if len(data) < FIXED_BYTES:
        return Unread.NEED_MORE
    command, family = data[12], data[13]
    length = FIXED_BYTES + int.from_bytes(data[14:16], "big")
    if command not in {_LOCAL, _PROXY} or length > BINARY_MAX:
        return Unread.MALFORMED
    if len(data) < length:
        return Unread.NEED_MORE
    if command == _LOCAL:
        return ProxyHeader(None, length)
    addresses = data[FIXED_BYTES:length]
    if family in _NETWORK:
        both, source = _NETWORK[family]
        if len(addresses) >= both:
            return ProxyHeader(_plain(ipaddress.ip_address(addresses[:source])), length)
    elif len(addresses) >= _NAMELESS.get(family, length):
        return ProxyHeader(None, length)
    return Unread.MALFORMED


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """The address as text; an IPv4 address in the clothes of IPv6 is one of IPv4."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(address if mapped is None else mapped)
