"""Addresses of connections against networks of the files."""

import ipaddress
from collections.abc import Iterable

from kk99fix.config.values import Network


def within(address: str, networks: Iterable[Network]) -> bool:
    """Whether the address lies in one of the networks; an IPv4-mapped one counts as IPv4."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)
