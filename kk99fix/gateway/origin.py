"""Where a connection comes from: its peer, or whom a balancer of ours names.

A connection from a network of `proxy_from` begins with a PROXY header, and the address in it is
the one that counts from then on, for networks and caps as for the log.
From anywhere else such a header is nothing but bytes that are no FIX.

A balancer also looks whether we are alive: it connects and says nothing, or speaks for itself and
says nothing more.  That is no logon at all, and no reason for a warning.
"""

import trio
from attrs import frozen

from kk99fix.gateway import proxy_header
from kk99fix.gateway.proxy_header import ProxyHeader, Unread


@frozen
class Origin:
    """Where a connection comes from."""

    #: The address that counts.
    address: str
    #: The balancer in between.
    balancer: str | None = None
    #: What has been read behind the PROXY header.
    data: bytes = b""


class Introduction:
    """The begin of one connection from a balancer, read step by step.

    It may be cut short at any time: `silent` says whether anything worth a log line was heard.
    """

    def __init__(self, balancer: str) -> None:
        """Begin with nothing read."""
        self._balancer = balancer
        self._data = b""
        self._header: ProxyHeader | None = None

    @property
    def silent(self) -> bool:
        """Whether nothing was said so far but that the balancer is itself."""
        header = self._header
        if header is None:
            return not self._data
        return header.address is None and len(self._data) == header.length

    async def read(self, sock: trio.socket.SocketType) -> Origin | None:
        """Read until it is known where the connection comes from; None when that is not said."""
        while self._header is None or self.silent:
            data = await sock.recv(proxy_header.BINARY_MAX)
            if not data:
                return None
            self._data += data
            if self._header is None:
                found = proxy_header.read(self._data)
                if found is Unread.MALFORMED:
                    return None
                self._header = found if isinstance(found, ProxyHeader) else None
        address = self._header.address or self._balancer
        return Origin(address, self._balancer, self._data[self._header.length :])
