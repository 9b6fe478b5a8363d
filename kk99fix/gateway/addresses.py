"""Addresses of connections: one form for each, and against networks of the files."""

import ipaddress
from collections.abc import Iterable

from kk99fix.config.values import Network


def plain_address(address: str) -> str:
    """The address as networks, caps and logs have it: an IPv4-mapped one is IPv4, zones go."""
    return str(_parsed(address))


def within(address: str, networks: Iterable[Network]) -> bool:
    """Whether the address lies in one of the networks; an IPv4-mapped one counts as IPv4."""
    parsed = _parsed(address)
    return any(parsed in network for network in networks)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return parsed if mapped is None else mapped
