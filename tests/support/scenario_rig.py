"""Scripts and scenarios against an acceptor in this process: memory streams, and Trio's time."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trio
import trio.testing

from kk99fix.fix.message import Message
from kk99fix.harness.ids import Ids
from kk99fix.harness.scenario import Scenario
from kk99fix.harness.script.outcome import Outcome
from kk99fix.harness.script.parse import read
from kk99fix.harness.script.play import play
from kk99fix.harness.script.steps import Script
from kk99fix.harness.transcript import Transcript
from kk99fix.session.effects import Send
from support.acceptor import Acceptor, now_ns

#: Two lines that most scripts begin with.
HEAD = "party A sender=BROKER1 target=KK99\nA logon reset\n"


def echo_order(message: Message) -> list[Send]:
    """Report an order as new, with the id and the text that it has."""
    body = [(11, message.get(11) or b""), (55, b"AAPL"), (54, b"1"), (38, b"100"), (44, b"190.5")]
    more = [(58, text)] if (text := message.get(58)) is not None else []
    head = [(37, b"O1"), (17, b"E1"), (150, b"0"), (39, b"0")]
    return [Send(b"8", (*head, *body, *more, (151, b"100"), (14, b"0"), (6, b"0")))]


class Rig:
    """Acceptors behind `open_stream`, one a connection."""

    def __init__(self, nursery: trio.Nursery) -> None:
        """Begin without any."""
        self._nursery = nursery
        self.acceptors: list[Acceptor] = []
        self.answer: Callable[[Message], list[Send]] = echo_order

    async def open_stream(self, host: str, _port: int) -> trio.abc.Stream:
        """Connect; nobody listens on the host `nowhere`."""
        if host == "nowhere":
            raise ConnectionRefusedError(111, "Connection refused")
        near, far = trio.testing.memory_stream_pair()
        acceptor = Acceptor(far)
        acceptor.desk.on_deliver = self.answer
        self.acceptors.append(acceptor)
        self._nursery.start_soon(_serve, acceptor)
        return near

    def scenario(self, transcript: Transcript | None = None, host: str = "here") -> Scenario:
        """Return a scenario whose ids begin with `id`."""
        return Scenario(
            host,
            1,
            transcript=transcript,
            ids=Ids("id"),
            clock_ns=now_ns,
            open_stream=self.open_stream,
        )

    async def play(
        self, script: Script, variables: Mapping[str, str] | None = None, host: str = "here"
    ) -> Outcome:
        """Play a script."""
        return await play(script, self.scenario(host=host), variables or {})


async def _serve(acceptor: Acceptor) -> None:
    with suppress(trio.BrokenResourceError):  # the script has gone
        await acceptor.run()


@asynccontextmanager
async def rigged() -> AsyncIterator[Rig]:
    """Serve while the block runs."""
    async with trio.open_nursery() as nursery:
        yield Rig(nursery)
        nursery.cancel_scope.cancel()


def script_of(folder: Path, text: str, name: str = "test") -> Script:
    """Read a script from its text."""
    path = folder / f"{name}.scenario"
    path.write_text(text)
    return read(path)
