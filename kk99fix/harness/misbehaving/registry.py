"""How a scenario of the misbehaving peer gets its name, and what it says of itself."""

from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from kk99fix.harness.misbehaving.setting import Setting

Play = Callable[[Setting], Awaitable[None]]


@attrs.frozen
class Misbehaviour:
    """One scenario; `answer` is what has to come of it."""

    name: str
    does: str
    answer: str
    play: Play


REGISTERED: Final[dict[str, Misbehaviour]] = {}


def misbehaviour(answer: str) -> Callable[[Play], Play]:
    """Register a function under its name, as `one-byte-a-second`; its docstring is what it does."""

    def register(play: Play) -> Play:
        name = play.__name__.replace("_", "-")
        does = play.__doc__
        assert does is not None
        assert name not in REGISTERED, name
        REGISTERED[name] = Misbehaviour(name, " ".join(does.split()), answer, play)
        return play

    return register
