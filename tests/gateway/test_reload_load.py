"""Hundreds of session files come, change and go while others trade: nothing is lost."""

import random
from collections import Counter
from pathlib import Path

import pytest
import trio
from support.fix_peer import decode
from support.live_peer import LivePeer, order
from support.reloading import Reloading, reloading, session_text, small_files

from kk99fix.config.resolve import resolve
from kk99fix.state.replaying import replay_journal

FILES = 500
BATCH = 50
ROOM = {"sessions = 64": "sessions = 1024"}


class Trader:
    """A counterparty that goes on trading, one order after the other."""

    def __init__(self, peer: LivePeer) -> None:
        """Take a session that is logged on."""
        self.peer = peer
        self.sent = 0
        self.stopping = False

    async def trade(self) -> None:
        """Send an order and await its report, until told to stop."""
        while not self.stopping:
            side = "1" if self.sent % 2 else "2"
            self.sent += 1
            await self.peer.send("D", order(f"{self.sent}", side, qty=1))
            while (await self.peer.receive())[150] != "0":
                pass

    def check(self) -> None:
        """Every order was accepted once, and the numbers have no gap."""
        messages = [decode(frame) for frame in self.peer.frames]
        numbers = [int(message[34]) for message in messages]
        assert numbers == list(range(1, len(numbers) + 1))
        accepted = Counter(message[11] for message in messages if message.get(150) == "0")
        assert accepted == Counter(f"{number}" for number in range(1, self.sent + 1))


def change(at: Reloading, rng: random.Random, there: set[str]) -> None:
    """Add, change or remove one file."""
    name = f"NEW{rng.randrange(FILES):03d}"
    path = at.files.sessions / f"{name}.toml"
    if name not in there:
        there.add(name)
        path.write_text(session_text(name, firm="Load"))
    elif rng.random() < 0.3:
        there.remove(name)
        path.unlink()
    else:
        limits = f"\n[limits]\nmax_open_orders = {rng.randrange(1, 1000)}\n"
        aside = at.files.sessions / f".{name}"
        aside.write_text(session_text(name, firm="Load") + limits)
        aside.rename(path)


@pytest.mark.slow
async def test_nothing_is_lost_while_hundreds_of_files_change(tmp_path: Path) -> None:
    """All orders are answered once, all files apply in the end, and the journal replays to it."""
    rng = random.Random(5)  # noqa: S311 - repeatable
    async with reloading(small_files(tmp_path, ROOM), tmp_path / "var") as at:
        traders = [Trader(await at.logged_on(name)) for name in ("BROKER1", "BROKER2")]
        there: set[str] = set()
        async with trio.open_nursery() as nursery:
            for trader in traders:
                nursery.start_soon(trader.trade)
            for number in range(FILES):
                (at.files.sessions / f"NEW{number:03d}.toml").write_text(
                    session_text(f"NEW{number:03d}", firm="Load")
                )
                there.add(f"NEW{number:03d}")
                if number % BATCH == 0:
                    await trio.sleep(0.02)
            for number in range(2 * FILES):
                change(at, rng, there)
                if number % BATCH == 0:
                    await trio.sleep(0.02)
            answer = await at.reload()
            assert not answer["refused"]
            for trader in traders:
                trader.stopping = True
        for trader in traders:
            trader.check()
        settings = at.files.load()
        registry = at.live.gateway.storage.venue.registry
        assert at.live.gateway.settings == settings
        assert registry.unchanged(registry.plan(resolve(settings)))
        newest = await at.logged_on(max(there))
        await newest.send("D", order("1", qty=1))
        assert (await newest.receive("8"))[150] == "0"
        await trio.to_thread.run_sync(replay_journal, tmp_path / "var", lambda _: None)
