"""Who may verify a password next: turns, and who gives way when too many wait."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio
from trio.testing import wait_all_tasks_blocked

from kk99fix.gateway.hash_queue import HashQueue


@attrs.define
class Crowd:
    """People who ask for a turn and keep it until they are told to go."""

    queue: HashQueue
    nursery: trio.Nursery
    #: Credentials in the order of their turns, and who gave way.
    served: list[str] = attrs.field(factory=list)
    sent_away: list[str] = attrs.field(factory=list)
    _going: dict[str, trio.Event] = attrs.field(factory=dict)

    async def come(self, address: str, *credentials: str) -> None:
        """Let somebody ask, once for each credential."""
        for credential in credentials:
            self.nursery.start_soon(self._ask, address, credential)
            await wait_all_tasks_blocked()

    async def go(self, credential: str) -> None:
        """Let whoever has its turn go."""
        self._going.pop(credential).set()
        await wait_all_tasks_blocked()

    async def _ask(self, address: str, credential: str) -> None:
        if not await self.queue.enter(address, credential):
            self.sent_away.append(credential)
            return
        self.served.append(credential)
        try:
            going = self._going[credential] = trio.Event()
            await going.wait()
        finally:
            self.queue.leave(credential)


@asynccontextmanager
async def crowd(at_once: int, waiting_max: int) -> AsyncIterator[Crowd]:
    """A queue with nobody in it."""
    async with trio.open_nursery() as nursery:
        yield Crowd(HashQueue(at_once=at_once, waiting_max=waiting_max), nursery)
        nursery.cancel_scope.cancel()


async def test_addresses_take_turns() -> None:
    """Who asks ten times waits behind himself, and whoever comes later is not behind all of it."""
    async with crowd(1, 20) as people:
        await people.come("10.0.0.1", *(f"a{n}" for n in range(6)))
        await people.come("10.0.0.2", "b0")
        await people.come("10.0.0.3", "c0", "c1")
        for _ in range(8):
            await people.go(people.served[-1])

        assert people.served == ["a0", "a1", "b0", "c0", "a2", "c1", "a3", "a4", "a5"]


async def test_one_credential_once_at_a_time() -> None:
    """Others pass what has to wait for its own."""
    async with crowd(2, 20) as people:
        await people.come("10.0.0.1", "a", "a", "a")
        await people.come("10.0.0.1", "b")
        assert people.served == ["a", "b"]

        await people.go("b")
        assert people.served == ["a", "b"]
        await people.go("a")
        assert people.served == ["a", "b", "a"]


async def test_nobody_is_kept_out_by_a_flood_of_another_session() -> None:
    """Who floods gives way: one of the credential, and then of the address, with the most."""
    async with crowd(1, 4) as people:
        await people.come("10.0.0.1", "a", "a", "a", "a", "a")
        await people.come("10.0.0.2", "b")
        await people.come("10.0.0.1", "a")
        assert people.sent_away == ["a", "a"]

        await people.come("10.0.0.3", "c")
        assert people.sent_away == ["a", "a", "a"]
        for _ in range(4):
            await people.go(people.served[-1])
        assert people.served == ["a", "a", "b", "c", "a"]


async def test_nobody_is_kept_out_by_many_addresses_that_guess_at_another_session() -> None:
    """A hundred addresses that guess at one session are as one."""
    async with crowd(1, 8) as people:
        for number in range(100):
            await people.come(f"10.1.0.{number}", "a")
        await people.come("10.0.0.2", "b")
        for _ in range(8):
            await people.go("a" if people.served[-1] == "a" else "b")

        assert people.served == ["a"] * 8 + ["b"]
        assert set(people.sent_away) == {"a"}


async def test_who_gives_up_leaves_no_trace() -> None:
    """Cancelled while waiting, or just as the turn came: the turn goes on to the next."""
    queue = HashQueue(at_once=1, waiting_max=4)
    assert await queue.enter("10.0.0.1", "a")
    with trio.move_on_after(0):
        await queue.enter("10.0.0.1", "b")
    assert queue.waiting == 0

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(queue.enter, "10.0.0.1", "c")
            await wait_all_tasks_blocked()
            scope.cancel()
            queue.leave("a")
    assert await queue.enter("10.0.0.1", "d")
