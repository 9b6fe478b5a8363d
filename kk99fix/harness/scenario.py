"""A scenario: several counterparties against one FIX 4.4 acceptor, with a transcript.

    async with Scenario("127.0.0.1", 9944) as scenario:
        buyer = scenario.counterparty("BUYER", Identity("BROKER1", "KK99"))
        await buyer.logon(reset=True)
        ...

It is what scripts run on, and the same verbs for tests written in Python.
Behind each connection is a task that reads; all of them end with the block.
`clock_ns` and `open_stream` may be replaced, by a clock that jumps and by streams in memory.
"""

import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import trio

from kk99fix.fix.message import Message
from kk99fix.harness.client import Identity
from kk99fix.harness.counterparty import Counterparty, UnreachableError
from kk99fix.harness.ids import Ids
from kk99fix.harness.transcript import Entry, Kind, Transcript

#: How long a step waits for what it expects.
WITHIN_S = 5.0

StreamOpener = Callable[[str, int], Awaitable[trio.abc.Stream]]


class Scenario:
    """One run; an asynchronous context manager."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        within_s: float = WITHIN_S,
        transcript: Transcript | None = None,
        ids: Ids | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
        open_stream: StreamOpener = trio.open_tcp_stream,
    ) -> None:
        """Take the address of the acceptor; nothing is connected yet."""
        self.host = host
        self.port = port
        self.within_s = within_s
        self.transcript = Transcript() if transcript is None else transcript
        self.ids = Ids.of_now(clock_ns()) if ids is None else ids
        self.counterparties: dict[str, Counterparty] = {}
        self._clock_ns = clock_ns
        self._open_stream = open_stream
        self._nursery_manager = trio.open_nursery()
        self._nursery: trio.Nursery | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        self._nursery = await self._nursery_manager.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Drop what is still connected."""
        assert self._nursery is not None
        with trio.CancelScope(shield=True):
            for each in self.counterparties.values():
                if each.connected:
                    await each.drop()
        self._nursery.cancel_scope.cancel()
        await self._nursery_manager.__aexit__(None, None, None)

    def counterparty(
        self,
        name: str,
        identity: Identity,
        *,
        raw: bool = False,
        address: tuple[str | None, int | None] = (None, None),
    ) -> Counterparty:
        """Add a counterparty; a raw one has no session layer."""
        assert name not in self.counterparties, f"there is a {name} already"
        added = Counterparty(name, identity, self, raw=raw, address=address)
        self.counterparties[name] = added
        return added

    # ------------------------------------------------------------------ for counterparties

    def now_ns(self) -> int:
        """Return UTC in nanoseconds of the Unix epoch."""
        return self._clock_ns()

    async def open(self, host: str | None, port: int | None) -> trio.abc.Stream:
        """Open a connection; raises UnreachableError."""
        host, port = host or self.host, port or self.port
        try:
            return await self._open_stream(host, port)
        except OSError as error:
            raise UnreachableError(f"nobody listens on {host}:{port} ({error})") from error

    def start(self, task: Callable[[], Awaitable[None]]) -> None:
        """Run a task until the end of the scenario."""
        assert self._nursery is not None, "use the scenario in an `async with` block"
        self._nursery.start_soon(task)

    def note(self, kind: Kind, who: str, text: str = "", message: Message | None = None) -> None:
        """Put something into the transcript."""
        self.transcript.add(Entry(self._clock_ns(), kind, who, text, message))
