"""Logons with codes and signatures through a live gateway, by the FIX client."""

import base64
import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import attrs
import pytest
import trio
from support.authenticators import CHEAP
from support.config_folder import ConfigFolder
from support.live_gateway import HOST, SMALL, Live, live_gateway
from support.proofs import KEY, PUBLIC_KEY, FakeSeeds
from support.snapshots import without_snapshots

from kk99fix.config.load import Settings
from kk99fix.harness.client import Client, Identity, LogonRefusedError, connect
from kk99fix.journal.names import JOURNAL_FOLDER
from kk99fix.journal.reader import read_records
from kk99fix.journal.record import Kind
from kk99fix.journal.segment import list_segments
from kk99fix.venue.credentials import CredentialKind

SEED = b"a seed of 20 bytes.."
RIGHT, CANARY = "right", "canary-before-a-code"
CODES = Identity("BROKER1", "KK99", username="b1", password=RIGHT, totp_seed=SEED)
SIGNS = Identity("BROKER2", "KK99", username="k1", signing_key=KEY.private_bytes_raw())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """BROKER1 asks for a password and codes, BROKER2 for signatures."""
    files = ConfigFolder(tmp_path / "files")
    for old, new in SMALL.items():
        files.replace("config/venue.toml", old, new)
    keys = f'username = "b1"\npassword_hash = "{CHEAP.hash(RIGHT)}"\ntotp = "seed1"'
    files.replace("sessions/BROKER1.toml", "[logon]", f"[logon]\n{keys}")
    keys = f'username = "k1"\npublic_key = "{PUBLIC_KEY}"'
    files.replace("sessions/BROKER2.toml", "[logon]", f"[logon]\n{keys}")
    return files.load()


def gateway(settings: Settings, folder: Path) -> AbstractAsyncContextManager[Live]:
    """A gateway over the same state each time."""
    return live_gateway(settings, folder / "var", seeds=FakeSeeds({"seed1": SEED}))


class Tapped(trio.abc.Stream):
    """A stream that remembers what was sent."""

    def __init__(self, stream: trio.SocketStream) -> None:
        """Take over a connected stream."""
        self._stream = stream
        self.sent = b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, and remember."""
        self.sent += data
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As the stream."""
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """As the stream."""
        await self._stream.aclose()


async def tapped_logon(live: Live, identity: Identity) -> bytes:
    """Log on, drop the connection, and return the Logon(A)."""
    tapped = Tapped(await trio.open_tcp_stream(HOST, live.port))
    async with Client(tapped, identity) as client:
        await client.logon(reset=True)
    await live.wait_until_gone(identity.sender_comp_id)
    return tapped.sent


async def log_on(live: Live, identity: Identity) -> Client:
    """Log on; LogonRefusedError."""
    client = await connect(HOST, live.port, identity)
    await client.logon(reset=True)
    return client


async def refused(live: Live, identity: Identity) -> str:
    """Try to log on in vain; returns the cause."""
    with pytest.raises(LogonRefusedError) as error:
        await log_on(live, identity)
    assert error.value.ending.text == "", "closed without a word"
    cause: str = live.logged.of("logon refused")[-1]["cause"]
    return cause


@pytest.mark.parametrize("identity", [CODES, SIGNS], ids=["code", "signature"])
async def test_logon(settings: Settings, tmp_path: Path, identity: Identity) -> None:
    """The client is let in by what its file asks for, and by nothing less."""
    async with gateway(settings, tmp_path) as live:
        cause = await refused(live, Identity(identity.sender_comp_id, "KK99"))
        assert cause == ("totp" if identity is CODES else "signature")
        async with await log_on(live, identity) as client:
            await client.logout()


async def test_a_code_survives_restarts_as_used(settings: Settings, tmp_path: Path) -> None:
    """From the snapshot of a stop, and from the journal alone."""
    async with gateway(settings, tmp_path) as live:
        await tapped_logon(live, CODES)
        assert await refused(live, CODES) == "totp-reused"
    for from_snapshot in (True, False):
        if not from_snapshot:
            without_snapshots(tmp_path / "var")
        async with gateway(settings, tmp_path) as live:
            assert live.gateway.storage.snapshot_lsn > 0 or not from_snapshot
            assert await refused(live, CODES) == "totp-reused"


async def test_a_captured_logon(settings: Settings, tmp_path: Path) -> None:
    """The bytes of an accepted signed Logon(A) let nobody in a second time, restart or not."""
    async with gateway(settings, tmp_path) as live:
        captured = await tapped_logon(live, SIGNS)
    async with gateway(settings, tmp_path) as live, await live.peer("BROKER2") as peer:
        await peer.send_bytes(captured)
        assert await peer.until_closed() == []
        assert live.logged.of("logon refused")[-1]["cause"] == "signature-time"


async def test_nothing_that_proves_is_kept(settings: Settings, tmp_path: Path) -> None:
    """Neither in any file of the state nor in the log, from logons that fail and that succeed."""
    appended = attrs.evolve(CODES, password=CANARY, code_behind_password=True)
    async with gateway(settings, tmp_path) as live:
        code = await tapped_logon(live, CODES)
        signature = await tapped_logon(live, SIGNS)
        assert await refused(live, appended) == "credentials"
    proofs = [raw.partition(b"\x0196=")[2].partition(b"\x01")[0] for raw in (code, signature)]
    assert proofs[0].startswith(b"TOTP ")
    assert len(base64.b64decode(proofs[1])) == 64

    log = live.logged.text.getvalue().encode()
    written = [path.read_bytes() for path in (tmp_path / "var").rglob("*") if path.is_file()]
    for secret in (*proofs, CANARY.encode(), SEED, base64.b32encode(SEED)):
        assert not any(secret in content for content in [*written, log]), secret


async def test_failures_are_records(settings: Settings, tmp_path: Path) -> None:
    """A wrong password is in the journal and counts in the venue, before and after a restart."""
    wrong = attrs.evolve(CODES, password="wrong")  # noqa: S106 - of a test
    async with gateway(settings, tmp_path) as live:
        assert await refused(live, wrong) == "credentials"
    for _ in range(2):
        without_snapshots(tmp_path / "var")
        async with gateway(settings, tmp_path) as live:
            now_ns = live.gateway.sequencer.pump.now_ns()
            (status,) = live.gateway.storage.venue.credentials.status(now_ns)
            assert (status.kind, status.failures_of_day) == (CredentialKind.PASSWORD, 1)

    segments = list_segments(tmp_path / "var" / JOURNAL_FOLDER)
    records = [placed.record for placed in read_records(segments)]
    (failed,) = [record for record in records if record.header.kind is Kind.LOGON_FAILED]
    assert json.loads(failed.payload)["cause"] == "credentials"
