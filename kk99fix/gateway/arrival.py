"""A connection that has not logged on yet: its socket, where it comes from, and its keys if any."""

import trio
from attrs import define

from kk99fix.gateway.origin import Origin
from kk99fix.gateway.peer import Peer
from kk99fix.gateway.tls_channel import Channel
from kk99fix.gateway.tls_first_bytes import SecuredSocket
from kk99fix.gateway.tls_listener import Secured

#: What a first message is read from.
Receiver = trio.socket.SocketType | SecuredSocket


@define
class Arrival:
    """One new connection."""

    sock: trio.socket.SocketType
    origin: Origin
    peer: Peer
    channel: Channel | None = None

    @classmethod
    def plain(cls, sock: trio.socket.SocketType, origin: Origin) -> "Arrival":
        """Begin with nothing known but where it comes from."""
        return cls(sock, origin, Peer(origin.address))

    def secured(self, secured: Secured) -> None:
        """Note the outcome of its handshake."""
        self.channel = secured.channel
        self.peer = Peer(self.origin.address, tls=True, certificate=secured.certificate)

    @property
    def receiver(self) -> Receiver:
        """What its Logon(A) is read from."""
        return self.sock if self.channel is None else SecuredSocket(self.sock, self.channel)

    @property
    def data(self) -> bytes:
        """What of its Logon(A) has been read already."""
        return self.origin.data if self.channel is None else b""
