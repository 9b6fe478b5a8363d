"""The addresses on which counterparties connect, and what is said when one cannot be had."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import trio
from attrs import frozen


class ListenError(Exception):
    """A listener could not be opened; the text is for the person who runs the gateway."""

    def __init__(
        self, what: str, host: str, port: int, port_from: str, host_from: str, cause: OSError
    ) -> None:
        """Take what would listen, where, what names another port and address, and the error."""
        number = cause.errno or 0
        reason = os.strerror(number) if number > 0 else str(cause)
        super().__init__(
            f"cannot listen for {what} on {host}:{port}: {reason}. "
            f"Stop the program that uses it, or name another port with {port_from} "
            f"or another address with {host_from}."
        )


@frozen
class Place:
    """One address to listen on."""

    #: What is spoken there, and what names another port and address.
    what: str
    host: str
    port: int
    port_from: str
    host_from: str
    handler: Callable[[trio.SocketStream], Awaitable[None]]
    #: Called with the address once it listens.
    ready: Callable[[str, int], None]


@frozen
class Listening:
    """An address that listens; nothing is taken yet."""

    place: Place
    sockets: list[trio.SocketListener]

    def say_ready(self) -> None:
        """Call the place's `ready` with the address that it got."""
        host, port = self.sockets[0].socket.getsockname()[:2]
        self.place.ready(host, port)


async def listen(places: Sequence[Place]) -> list[Listening]:
    """Listen on all addresses; raises `ListenError`."""
    return [Listening(place, await _listen(place)) for place in places]


@asynccontextmanager
async def accepting(listening: Sequence[Listening]) -> AsyncIterator[None]:
    """Take connections in while the block runs."""
    async with trio.open_nursery() as nursery:
        for each in listening:
            nursery.start_soon(trio.serve_listeners, each.place.handler, each.sockets)
        yield
        nursery.cancel_scope.cancel()


async def _listen(place: Place) -> list[trio.SocketListener]:
    try:
        return await trio.open_tcp_listeners(place.port, host=place.host)
    except OSError as error:
        names = place.port_from, place.host_from
        raise ListenError(place.what, place.host, place.port, *names, error) from error
