"""How a process that works beside the gateway gives way to it, as a value that its loops call.

    give_way.now()              in Python's own loops, a few times in a hundred microseconds
    with give_way.often():      around a call into C that may take longer than that

`now` costs half a microsecond; under `often` a timer interrupts the call, which costs fifty times
that each time, so it is for the stretches that no loop of ours goes through.
kk_give_way.h says why it is needed, and what must not be done under `often`.

What a person starts keeps on, unless it is told otherwise: `KEEPING_ON` does nothing.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

import attrs

from kk99fix.matcher._io import ffi, lib

#: Between two yields under `often`.
INTERVAL_US: Final = 100


@attrs.frozen
class GiveWay:
    """What a loop calls, and what is put around C code; one `often` does not go into another."""

    now: Callable[[], None]
    often: Callable[[], AbstractContextManager[None]]


KEEPING_ON: Final = GiveWay(now=lambda: None, often=nullcontext)


@contextmanager
def giving_way(interval_us: int = INTERVAL_US) -> Iterator[GiveWay]:
    """Yield what makes this thread, which is to do all of the work, give way; OSError.

    One at a time in a process.
    """
    timer = ffi.new("kk_give_way *")
    _check(lib.kk_give_way_make(timer))

    @contextmanager
    def often() -> Iterator[None]:
        _check(lib.kk_give_way_every(timer, interval_us))
        try:
            yield
        finally:
            _check(lib.kk_give_way_every(timer, 0))

    try:
        yield GiveWay(now=os.sched_yield, often=often)
    finally:
        lib.kk_give_way_end(timer)


def times_interrupted() -> int:
    """Return how often the timer has made this process yield."""
    return int(lib.kk_give_way_count())


def _check(error: int) -> None:
    if error:
        raise OSError(error, os.strerror(error))
