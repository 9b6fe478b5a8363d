"""The threads in which passwords are verified: few, and behind everything else the machine does.

argon2id fills memory with several threads of its own, and these inherit the priority of the one
that started them.  At the usual one the live loop waits for a core until they have had their turn;
a lower one costs a logon little and orders nothing.
A thread cannot take its priority back, so these do nothing else.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

import trio

P = ParamSpec("P")
T = TypeVar("T")

#: Above the others' 0: a thirtieth of the share of a core when both want it.
NICENESS: Final = 15


class HashThreads:
    """So many threads; one for the process."""

    def __init__(self, count: int) -> None:
        """Start none before it is needed."""
        # What nobody waits for any more goes on in its thread, and counts here until it is done.
        self._limiter = trio.CapacityLimiter(count)
        self._pool = ThreadPoolExecutor(count, "password", initializer=_give_way)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` in one of them; whoever is cancelled does not wait for the end."""
        return await trio.to_thread.run_sync(
            lambda: self._pool.submit(function, *args, **kwargs).result(),
            limiter=self._limiter,
            abandon_on_cancel=True,
        )


def _give_way() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
