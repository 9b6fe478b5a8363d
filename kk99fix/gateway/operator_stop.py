"""A stop that the operator asks for: as a signal does, and a second one as a second signal."""

from collections.abc import Awaitable, Callable

import trio


class StopRequests:
    """Requests to stop, by whichever way they come."""

    def __init__(self) -> None:
        """Begin without one."""
        self._asked = trio.Event()
        #: How often it was asked for over the socket.
        self.count = 0

    def ask(self) -> None:
        """Ask for a stop, or once more for an end of its wait."""
        self.count += 1
        self._asked.set()

    async def wait_beside(self, wait_for_signal: Callable[[], Awaitable[None]]) -> None:
        """Return at the next signal or the next request that nobody has waited for."""
        async with trio.open_nursery() as nursery:

            async def wait_for_it() -> None:
                await wait_for_signal()
                nursery.cancel_scope.cancel()

            nursery.start_soon(wait_for_it)
            await self._asked.wait()
            self._asked = trio.Event()
            nursery.cancel_scope.cancel()
