from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from kk99fix.gateway.waiting_room import Place, WaitingRoom


@contextmanager
def room(*addresses: str) -> Iterator[tuple[WaitingRoom, list[Place]]]:
    """A room with connections from these addresses."""
    waiting = WaitingRoom()
    with ExitStack() as stack:
        yield waiting, [stack.enter_context(waiting.place(address)) for address in addresses]
    assert len(waiting) == 0


@pytest.mark.parametrize(
    ("addresses", "gone"),
    [
        (["10.0.0.1"], [0]),
        (["10.0.0.1", "10.0.0.2", "10.0.0.3"], [0, 1, 2]),
        (["10.0.0.2", "10.0.0.1", "10.0.0.1", "10.0.0.1"], [1, 2, 0, 3]),
        (["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.2"], [0, 2, 1, 3]),
        (["10.0.0.9", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"], [1, 0, 2, 3]),
    ],
)
async def test_who_gives_way(addresses: list[str], gone: list[int]) -> None:
    """The oldest of the address with the most; among equals the oldest of all."""
    order: list[int] = []
    with room(*addresses) as (waiting, places):
        for left in range(len(addresses), 0, -1):
            assert len(waiting) == left
            before = {place.number for place in places if place.scope.cancel_called}
            assert waiting.make_room()
            after = {place.number for place in places if place.scope.cancel_called}
            order += after - before
        assert not waiting.make_room()

    assert order == gone


async def test_counts() -> None:
    """By the very address, and a place that gave way or was left counts no more."""
    with room("10.0.0.1", "10.0.0.1", "2001:db8::1", "2001:db8::2") as (waiting, _):
        with waiting.place("10.0.0.1"):
            assert (len(waiting), waiting.count_from("10.0.0.1")) == (5, 3)
            waiting.make_room()
            assert (len(waiting), waiting.count_from("10.0.0.1")) == (4, 2)

        assert (len(waiting), waiting.count_from("10.0.0.1")) == (3, 1)
        assert waiting.count_from("2001:db8::2") == 1
        assert waiting.count_from("10.0.0.7") == 0


async def test_leaving_after_giving_way() -> None:
    """Whoever gave way leaves once."""
    waiting = WaitingRoom()
    with waiting.place("10.0.0.1") as first:
        with waiting.place("10.0.0.1"):
            waiting.make_room()
        assert first.scope.cancel_called
    assert len(waiting) == 0
