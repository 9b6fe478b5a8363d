"""What strangers send before a logon changes nothing, and tells them nothing.

The real gateway, its authenticator and its acceptor; the sockets are fakes and the clock jumps.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
import trio
from support.acceptor_rig import FakeSocket
from support.authenticators import CHEAP, SEED
from support.config_folder import ConfigFolder
from support.fix_peer import Fields, encode
from support.live_gateway import SMALL
from support.proofs import NS_PER_S, PUBLIC_KEY, STEP_S, FakeSeeds, code_at
from support.state_folder import state_of
from support.still_gateway import StillGateway
from trio.testing import MockClock

from kk99fix.fix.values import format_utc_timestamp
from kk99fix.venue import credentials
from kk99fix.venue.credentials import GUESSES_A_DAY, CredentialKind, Proof
from kk99fix.venue.session_commands import UnlockInput

SEQUENCES = 10_000
HERE, ELSEWHERE = "192.0.2.7", "198.51.100.1"
NOW_NS = 1_790_000_000 * NS_PER_S
RIGHT = "right"


@contextmanager
def gateway(folder: Path, networks: dict[str, str], delay_s: int = 1) -> Iterator[StillGateway]:
    """BROKER1 has a password and codes, BROKER2 a password, DROPCOPY1 signs; each its network."""
    files = ConfigFolder(folder)
    for old, new in SMALL.items():
        files.replace("config/venue.toml", old, new)
    files.replace(
        "config/venue.toml", "failed_logon_delay_s = 0", f"failed_logon_delay_s = {delay_s}"
    )
    password = f'username = "u1"\npassword_hash = "{CHEAP.hash(RIGHT)}"'
    keys = {
        "BROKER1": f'{password}\ntotp = "seed1"',
        "BROKER2": password,
        "DROPCOPY1": f'username = "k1"\npublic_key = "{PUBLIC_KEY}"',
    }
    for name, lines in keys.items():
        path = f"sessions/{name}.toml"
        files.replace(path, "[logon]", f"[logon]\n{lines}")
        files.replace(path, '["127.0.0.0/8", "::1/128"]', f'["{networks[name]}"]')
    with StillGateway(files.load(), folder / "var", seeds=FakeSeeds({"seed1": SEED})) as still:
        authenticator = still.gateway.acceptor._authenticator
        authenticator._clocks = attrs.evolve(authenticator._clocks, utc_ns=lambda: NOW_NS)
        yield still


async def knock(still: StillGateway, *data: bytes, address: str = HERE) -> FakeSocket:
    """Connect, send all of it, close our side, and wait for the end."""
    sock = FakeSocket(address)
    for each in (*data, b""):
        sock.put.send_nowait(each)
    stream = attrs.make_class("Stream", ["socket"])(sock)
    await still.gateway.acceptor.handle(stream)
    return sock


def durable(folder: Path, still: StillGateway) -> tuple[object, ...]:
    """Everything that is kept: the venue, and each byte of each file."""
    venue = still.gateway.storage.venue
    files = {p: p.read_bytes() for p in sorted((folder / "var").rglob("*")) if p.is_file()}
    return state_of(venue), venue.state_hash(), files


# ---------------------------------------------------------------------------- hostile sequences


@attrs.define
class Stranger:
    """Makes up what somebody sends who is no session: seeded, so each run sends the same."""

    chance: random.Random

    def sequence(self) -> list[bytes]:
        """The bytes of one connection, in pieces."""
        parts = [self._part() for _ in range(self.chance.choice([1, 1, 1, 2, 3]))]
        data = b"".join(parts)
        if self.chance.random() < 0.2:
            data = self._spoil(data)
        cut = self.chance.randrange(len(data) + 1)
        return [piece for piece in (data[:cut], data[cut:]) if piece]

    def _part(self) -> bytes:
        kind = self.chance.randrange(10)
        if kind == 0:
            return self.chance.randbytes(self.chance.randrange(1, 300))
        if kind == 1:
            return self._message(self.chance.choice("05124DFGVQ"), [])
        return self._message("A", self._logon())

    def _logon(self) -> Fields:
        chance = self.chance
        fields: Fields = [(98, chance.choice([0, 0, 0, 1])), (108, chance.choice([30, 0, -1]))]
        if chance.random() < 0.7:
            fields.append((141, "Y"))
        if chance.random() < 0.2:
            fields.append((789, chance.choice([0, 1, 10**18])))
        if chance.random() < 0.8:
            fields += [(553, chance.choice(["u1", "k1", "x"])), (554, chance.choice(["", "x"]))]
        if chance.random() < 0.5:
            data = chance.choice(["TOTP 123456", "TOTP", "A" * 88, "\x01\x01"])
            fields += [(95, len(data) + chance.choice([0, 0, 0, 1, -1])), (96, data)]
        return fields

    def _message(self, msg_type: str, fields: Fields) -> bytes:
        chance = self.chance
        names = ["BROKER1", "BROKER2", "DROPCOPY1", "NOBODY", "", "../BROKER1", "KK99"]
        return encode(
            [
                (35, msg_type),
                (49, chance.choice(names)),
                (56, chance.choice(["KK99", "KK99", "KK99", "OTHER"])),
                (34, chance.choice([1, 1, 1, 0, 2, 10**18, 2**64])),
                (52, format_utc_timestamp(NOW_NS + chance.choice([0, 0, -(10**13)])).decode()),
                *([(43, "Y")] if chance.random() < 0.1 else []),
                *fields,
            ]
        )

    def _spoil(self, data: bytes) -> bytes:
        spoilt = bytearray(data)
        for _ in range(self.chance.choice([1, 1, 5])):
            spoilt[self.chance.randrange(len(spoilt))] = self.chance.randrange(256)
        return bytes(spoilt[: self.chance.choice([len(spoilt), len(spoilt) // 2 + 1])])


@pytest.mark.slow
async def test_strangers_change_nothing(clock: MockClock, tmp_path: Path) -> None:
    """Ten thousand hostile connections leave venue and files as they were, bit for bit (N8).

    From the networks of some session, but not of those that are asked for by a password.
    """
    networks = {"BROKER1": "10.0.0.0/8", "BROKER2": "10.0.0.0/8", "DROPCOPY1": f"{HERE}/32"}
    assert clock.autojump_threshold == 0
    stranger = Stranger(random.Random(20261125))  # noqa: S311 - seeded
    with gateway(tmp_path, networks) as still:
        before = durable(tmp_path, still)
        async with trio.open_nursery() as nursery:
            for _ in range(SEQUENCES):
                nursery.start_soon(knock, still, *stranger.sequence())
                if len(nursery.child_tasks) >= 30:
                    await trio.sleep(1)
        assert durable(tmp_path, still) == before
        counts = still.gateway.acceptor.refusals.counts

    assert counts.total() == SEQUENCES
    wanted = {"closed-or-not-fix", "not-a-logon", "malformed", "unknown-session", "network"}
    assert wanted | {"signature", "signature-time"} <= set(counts)
    assert "internal-fault" not in counts
    assert not still.logged.of("session logged on")


@pytest.mark.slow
async def test_guessers_change_a_count_alone(
    clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a session's own network there are fifty failures for each password and nothing more."""
    networks = dict.fromkeys(("BROKER1", "BROKER2", "DROPCOPY1"), f"{HERE}/32")
    assert clock.autojump_threshold == 0
    stranger = Stranger(random.Random(20261126))  # noqa: S311 - seeded
    monkeypatch.setattr(credentials, "LONGEST_WAIT_NS", 0)
    monkeypatch.setattr(trio.to_thread, "run_sync", at_once)
    with gateway(tmp_path, networks) as still:
        venue = still.gateway.storage.venue
        sessions = [venue.engine.session(still.session(name)) for name in networks]
        lsn = venue.engine.next_lsn
        for _ in range(SEQUENCES // 10):
            await knock(still, *stranger.sequence())
            name = stranger.chance.choice(["BROKER1", "BROKER2"])
            guess: Fields = [(141, "Y"), *proved(str(stranger.chance.random()), "123456")]
            await knock(still, logon(name, guess))
        statuses = venue.credentials.status(still.gateway.sequencer.pump.now_ns())
        assert {status.failures_of_day for status in statuses} == {GUESSES_A_DAY}
        assert len(statuses) == 2
        assert venue.engine.next_lsn - lsn == 2 * GUESSES_A_DAY
        assert [venue.engine.session(still.session(name)) for name in networks] == sessions
        counts = still.gateway.acceptor.refusals.counts

    assert counts["locked"] > 100
    assert counts["credentials"] + counts["totp"] >= 2 * GUESSES_A_DAY


async def at_once(function: object, *args: object, **_: object) -> object:
    """Stands for a worker thread: the clock of a test would not wait for one."""
    await trio.sleep(0.07)
    assert callable(function)
    return function(*args)


# ---------------------------------------------------------------------------- what a clock tells


def logon(name: str, more: Fields, **header: str) -> bytes:
    """A Logon(A) of now."""
    stamp = format_utc_timestamp(NOW_NS).decode()
    head: Fields = [(35, "A"), (49, name), (56, header.get("target", "KK99")), (34, 1), (52, stamp)]
    return encode([*head, (98, 0), (108, 30), *more])


def proved(password: str, code: str = "") -> Fields:
    """User, password and code."""
    data = f"TOTP {code}"
    more: Fields = [(95, len(data)), (96, data)] if code else []
    return [(553, "u1"), (554, password), *more]


USED = code_at(SEED, NOW_NS // NS_PER_S // STEP_S)
#: Cause, and what is sent for it.
FAILURES: dict[str, bytes] = {
    "unknown-session": logon("NOBODY", proved(RIGHT)),
    "network": logon("DROPCOPY1", []),
    "credentials": logon("BROKER2", proved("wrong")),
    "totp": logon("BROKER1", proved(RIGHT, "000000")),
    "totp-reused": logon("BROKER1", proved(RIGHT, USED)),
    "locked": logon("BROKER2", proved(RIGHT)),
}


@pytest.mark.parametrize("cause", FAILURES)
async def test_every_failure_looks_the_same(
    clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    """Two hundred of each cause: no byte, and closed a second after the Logon(A), to the tick."""
    assert clock.autojump_threshold == 0
    monkeypatch.setattr(trio.to_thread, "run_sync", at_once)
    networks = {"BROKER1": f"{HERE}/32", "BROKER2": f"{HERE}/32", "DROPCOPY1": "10.0.0.0/8"}
    with gateway(tmp_path, networks) as still:
        venue = still.gateway.storage.venue
        used = Proof(CredentialKind.PASSWORD, totp_step=NOW_NS // NS_PER_S // STEP_S)
        venue.credentials.succeeded(still.session("BROKER1"), used, 0)
        took: set[float] = set()
        for _ in range(200):
            _prepare(still, cause)
            began = trio.current_time()
            sock = await knock(still, FAILURES[cause])
            assert sock.closed_at is not None
            took.add(round(sock.closed_at - began, 6))
        causes = still.gateway.acceptor.refusals.counts

    assert took == {1.0}
    assert causes == {cause: 200}


def _prepare(still: StillGateway, cause: str) -> None:
    """Locked or not, as the cause has it."""
    sequencer, session = still.gateway.sequencer, still.session("BROKER2")
    if cause == "locked":
        now_ns = sequencer.pump.now_ns()
        for _ in range(GUESSES_A_DAY):
            sequencer.venue.credentials.failed(session, CredentialKind.PASSWORD, now_ns)
    else:
        for name in ("BROKER1", "BROKER2"):
            sequencer.apply(UnlockInput(still.session(name)))
        sequencer.commit()
