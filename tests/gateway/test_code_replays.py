"""Used one-time codes again and again: none is ever accepted a second time (A2).

In parallel, after restarts and kills, and with the clock set back.
"""

import base64
import os
import signal
import time
from collections import Counter
from pathlib import Path

import attrs
import pytest
import trio
from support.authenticators import CHEAP
from support.config_folder import ConfigFolder
from support.fix_peer import Fields
from support.gateway_process import GatewayProcess, copy_files
from support.live_gateway import HOST, SMALL, Live, live_gateway
from support.live_peer import LivePeer
from support.proofs import NS_PER_S, STEP_S, FakeSeeds, code_at
from support.snapshots import without_snapshots

from kk99fix.config.load import Settings
from kk99fix.vault.keys import VARIABLE, keys_from
from kk99fix.vault.sealed_seeds import SealedSeeds
from kk99fix.venue import credentials

SEED = b"a seed of 20 bytes.."
RIGHT = "right"
REPLAYS = 10_000
#: As many as may wait for a password at once, and one whose turn it is.
AT_ONCE = 33
ROOM = {
    "max_connections = 1024": "max_connections = 64",
    "max_connections_per_address = 256": "max_connections_per_address = 64",
}
START_NS = 1_790_000_000 * NS_PER_S
STEPS = 45


def settings_of(folder: Path) -> Settings:
    """BROKER1 asks for a password and codes; the hash is as cheap as one can be."""
    files = ConfigFolder(folder)
    for old, new in (SMALL | ROOM).items():
        files.replace("config/venue.toml", old, new)
    keys = f'username = "b1"\npassword_hash = "{CHEAP.hash(RIGHT)}"\ntotp = "seed1"'
    files.replace("sessions/BROKER1.toml", "[logon]", f"[logon]\n{keys}")
    return files.load()


@attrs.define
class Codes:
    """A live gateway whose UTC a test sets, and who knocks with codes."""

    live: Live
    utc_ns: int

    def __attrs_post_init__(self) -> None:
        """Take the gateway's clock over."""
        authenticator = self.live.gateway.acceptor._authenticator
        authenticator._clocks = attrs.evolve(authenticator._clocks, utc_ns=lambda: self.utc_ns)

    async def log_on(self, step: int) -> bool:
        """Log on with the code of a step; whether that succeeded."""
        async with await self.live.peer("BROKER1") as peer:
            fields: Fields = [(98, 0), (108, 30), (141, "Y"), *given(step)]
            await peer.send("A", fields)
            return await answered(peer)

    async def replay(self, steps: list[int]) -> int:
        """Knock with the codes of all these steps at once; how many were let in."""
        admitted = []

        async def one(step: int) -> None:
            admitted.append(await self.log_on(step))

        async with trio.open_nursery() as nursery:
            for step in steps:
                nursery.start_soon(one, step)
        return sum(admitted)


def given(step: int) -> Fields:
    """User, password and the code of a step."""
    return [(553, "b1"), (554, RIGHT), (95, 11), (96, f"TOTP {code_at(SEED, step)}")]


async def answered(peer: LivePeer) -> bool:
    """Whether a Logon(A) gets any answer before the end."""
    try:
        data = await peer.stream.receive_some(4096)
    except trio.BrokenResourceError:
        return False
    return bool(data)


@pytest.mark.slow
async def test_ten_thousand_replays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over three lives of a gateway, at the right time and with the clock set back by an hour."""
    monkeypatch.setattr(credentials, "GUESSES_A_DAY", 1 << 40)
    monkeypatch.setattr(credentials, "FREE_FAILURES", 1 << 40)
    settings, seeds = settings_of(tmp_path / "files"), FakeSeeds({"seed1": SEED})
    first = START_NS // NS_PER_S // STEP_S
    used: list[int] = []
    causes: Counter[str] = Counter()
    for life in range(3):
        if life == 2:
            without_snapshots(tmp_path / "var")
        async with live_gateway(settings, tmp_path / "var", seeds=seeds) as live:
            codes = Codes(live, START_NS)
            for step in range(first + life * STEPS, first + (life + 1) * STEPS):
                codes.utc_ns = step * STEP_S * NS_PER_S
                assert await codes.log_on(step)
                used.append(step)
                await live.wait_until_gone("BROKER1")
                for back_s in (0, 30, 3600):
                    codes.utc_ns = (step * STEP_S - back_s) * NS_PER_S
                    chosen = [*used[-4:], *used[:: max(1, len(used) // 30)]][:AT_ONCE]
                    assert await codes.replay(chosen) == 0
            causes += live.gateway.acceptor.refusals.counts

    assert causes.total() >= REPLAYS
    assert set(causes) == {"totp", "totp-reused"}


# ---------------------------------------------------------------------------- kills


async def knock(process: GatewayProcess, step: int) -> bool:
    """Log on to the real program with the code of a step; whether that succeeded."""
    stream = await trio.open_tcp_stream(HOST, process.port)
    async with LivePeer("BROKER1", stream) as peer:
        await peer.send("A", [(98, 0), (108, 30), (141, "Y"), *given(step)])
        return await answered(peer)


async def replay(process: GatewayProcess, steps: list[int]) -> int:
    """Knock thirty times at once; how many were let in."""
    admitted = []

    async def one(step: int) -> None:
        admitted.append(await knock(process, step))

    async with trio.open_nursery() as nursery:
        for number in range(30):
            nursery.start_soon(one, steps[number % len(steps)])
    return sum(admitted)


@pytest.mark.parametrize("level", ["durable", "process"])
async def test_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    """A code that was answered once is used up for a gateway that was killed right behind it."""
    monkeypatch.setenv(VARIABLE, base64.b64encode(bytes(32)).decode())
    SealedSeeds(tmp_path / "secrets", keys_from(os.environ.copy(), None)).add("seed1", SEED)
    copy_files(tmp_path, durability=f'"{level}"', failed_logon_delay_s=0, segment_bytes=1 << 20)
    session = tmp_path / "sessions" / "BROKER1.toml"
    keys = f'username = "b1"\npassword_hash = "{CHEAP.hash(RIGHT)}"\ntotp = "seed1"'
    session.write_text(session.read_text().replace("[logon]", f"[logon]\n{keys}", 1))
    process = GatewayProcess(tmp_path)
    used: list[int] = []
    try:
        for new in (True, True, False):
            process.start()
            if new:
                used.append(max([int(time.time()) // STEP_S, *(step + 1 for step in used)]))
                assert await knock(process, used[-1])
                process.end(signal.SIGKILL)
                process.start()
            assert await replay(process, used[-2:]) == 0
            process.end(signal.SIGKILL)
        assert "totp-reused" in process.log()
    finally:
        process.close()
