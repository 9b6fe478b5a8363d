"""What a counterparty received and has not looked at yet, and waiting for more of it."""

from collections import deque
from collections.abc import Callable

import attrs
import trio

from kk99fix.fix.message import Message


@attrs.define(eq=False)
class Inbox:
    """Messages in the order in which they came."""

    _messages: deque[Message] = attrs.field(factory=deque, init=False)
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)
    #: Messages received so far, taken or not.
    count: int = attrs.field(default=0, init=False)

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._messages)

    def add(self, message: Message) -> None:
        """Take a message in."""
        self._messages.append(message)
        self.count += 1

    def changed(self) -> None:
        """Wake up who waits: something came, or the connection has ended."""
        self._changed.set()
        self._changed = trio.Event()

    def clear(self) -> None:
        """Forget what waits."""
        self._messages.clear()

    def drop(self, msg_type: bytes) -> None:
        """Forget what waits of one type."""
        self._messages = deque(each for each in self._messages if each.msg_type != msg_type)

    def take(self) -> Message | None:
        """Return the next message that is there."""
        return self._messages.popleft() if self._messages else None

    async def wait(self, condition: Callable[[], bool], within_s: float) -> bool:
        """Wait until a condition holds, which is looked at after every change; False if not."""
        with trio.move_on_after(within_s):
            while not condition():
                await self._changed.wait()
            return True
        return condition()
