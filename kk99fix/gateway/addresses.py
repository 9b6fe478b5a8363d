"""Addresses of connections: one form for each, whose it is, and against networks of the files."""

import ipaddress
from collections.abc import Iterable
from typing import Final

from kk99fix.config.values import Network

#: Whoever has one IPv6 address has all that begin with the same so many bits.
_IPV6_PREFIX_BITS: Final = 64


def plain_address(address: str) -> str:
    """The address as networks, caps and logs have it: an IPv4-mapped one is IPv4, zones go."""
    return str(_parsed(address))


def within(address: str, networks: Iterable[Network]) -> bool:
    """Whether the address lies in one of the networks; an IPv4-mapped one counts as IPv4."""
    parsed = _parsed(address)
    return any(parsed in network for network in networks)


def owner_of(address: str) -> str:
    """Return what stands for everybody who has this address."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    network = ipaddress.ip_network((int(parsed), _IPV6_PREFIX_BITS), strict=False)
    return str(network.network_address)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return parsed if mapped is None else mapped
