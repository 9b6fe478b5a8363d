"""Secrets never get out: planted ones are searched for in every byte that a gateway leaves."""

import base64
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import pytest
import trio
from argon2 import PasswordHasher
from support.canaries import Canary, found, found_in_files
from support.fix_client import stamp
from support.fix_peer import Fields
from support.frames import framed, soh
from support.gateway_process import GatewayProcess, copy_files, free_port
from support.live_peer import LivePeer, order
from support.proofs import KEY as SIGNING_KEY
from support.proofs import PUBLIC_KEY, STEP_S, code_at, signature
from support.tls_client import client_context
from support.tls_files import Authority

from kk99fix.vault.keys import VARIABLE, Key, Keys
from kk99fix.vault.sealed_seeds import SealedSeeds

PASSWORD = Canary("password", b"Pa$sw0rd/of~the+canary?7")
WRONG = Canary("wrong password", b"Wr0ng%pass:of&the canary")
NEW_PASSWORD = Canary("new password", b"N3w-passw0rd_of*the#canary")
RAW_DATA = Canary("raw data", b"raw data of the canary in 96")
KEY = Canary("key", bytes(range(200, 232)))
SEED = Canary("seed", bytes(range(150, 170)))
#: Made cheap, so that a logon costs little.
HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD.value).encode()
#: What a session file holds and nothing else may.
HASHES = [Canary("password hash", HASH), Canary("end of it", HASH.rpartition(b"$")[2])]
SECRETS = [
    *(PASSWORD, WRONG, NEW_PASSWORD, RAW_DATA, KEY, SEED),
    Canary("seed in base32", base64.b32encode(SEED.value)),
    Canary("key in base64", base64.b64encode(KEY.value)),
    Canary("private key", SIGNING_KEY.private_bytes_raw()),
]
COMMANDS = (
    *(("check",), ("check", "--json"), ("secrets", "list")),
    *(("ctl", "status", "--json"), ("ctl", "refusals", "--json"), ("ctl", "why", "BROKER1")),
    *(("sessions",), ("sessions", "--json"), ("journal", "show"), ("journal", "show", "--json")),
    *(("orders",), ("trades", "--json")),
)


@pytest.mark.parametrize(
    "leak",
    [
        PASSWORD.value,
        PASSWORD.value.hex().encode(),
        PASSWORD.value.hex().upper().encode(),
        quote(PASSWORD.value, safe="").encode(),
        *(base64.b64encode(b"x" * before + PASSWORD.value + b"yz") for before in range(4)),
        base64.urlsafe_b64encode(PASSWORD.value),
        PASSWORD.value.decode().encode("utf-16-le"),
    ],
)
def test_a_leak_would_be_found(tmp_path: Path, leak: bytes) -> None:
    """The search finds what it looks for in each form, at any depth of folders and of a file."""
    assert found([PASSWORD, KEY], b"before " + leak + b" behind")
    assert not found([KEY], b"before " + leak + b" behind")
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"\0" * 5000 + leak)
    assert found_in_files([PASSWORD], tmp_path)


@attrs.define
class Venue:
    """A gateway with canaries for credentials, and all that it has said."""

    gateway: GatewayProcess
    metrics_port: int
    tls_port: int
    context: ssl.SSLContext
    #: Secrets that came up on the way: codes and signatures.
    spent: list[Canary] = attrs.field(factory=list)
    heard: list[bytes] = attrs.field(factory=list)

    @asynccontextmanager
    async def connected(self, comp_id: str, *, tls: bool = False) -> AsyncIterator[LivePeer]:
        """Connect, and keep every byte that comes."""
        port = self.tls_port if tls else self.gateway.port
        stream: Any = await trio.open_tcp_stream("127.0.0.1", port)
        if tls:
            stream = trio.SSLStream(
                stream, self.context, server_hostname="localhost", https_compatible=True
            )
        async with LivePeer(comp_id, stream) as peer:
            yield peer
            self.heard += peer.frames

    async def say_and_lose(self, data: bytes, *, tls: bool = False) -> None:
        """Send first bytes that are not answered; over TLS they have to end by themselves."""
        async with self.connected("BROKER1", tls=tls) as peer:
            await peer.send_bytes(data)
            if not tls:
                with suppress(trio.BrokenResourceError):  # it may have closed at once
                    await peer.stream.send_eof()
            assert await peer.until_closed() == []

    def code(self, steps_on: int = 0) -> bytes:
        """Return RawData(96) with a code of BROKER1."""
        code = code_at(SEED.value, int(time.time()) // STEP_S + steps_on)
        return self._spend(f"TOTP {code}")

    def signed(self, number: int, sending_time: str) -> bytes:
        """Return RawData(96) with a signature of BROKER2."""
        return self._spend(signature(("A", "BROKER2", "KK99", str(number), sending_time)))

    def look(self) -> list[str]:
        """Say what got out: in any file, any output, any message."""
        secrets = [*SECRETS, *self.spent]
        told = found_in_files(secrets, self.gateway.folder)
        for path in self.gateway.folder.rglob("*"):
            if path.is_file() and path.parent.name != "sessions":
                told += [f"{path}: {what}" for what in found(HASHES, path.read_bytes())]
        heard = b"".join(self.heard)
        return told + [f"a counterparty: {what}" for what in found([*secrets, *HASHES], heard)]

    def ask(self) -> None:
        """Keep what the commands and the metrics say, in files beside the others."""
        folder = self.gateway.folder
        for number, command in enumerate(COMMANDS):
            places = _files(folder) if command[0] in {"check", "secrets"} else _state(folder)
            done = subprocess.run(
                [Path(sys.executable).with_name("kk99fix"), *command, *places],
                capture_output=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            (folder / f"said-{number}").write_bytes(done.stdout + done.stderr)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}") as answer:
            (folder / "metrics").write_bytes(answer.read())

    def keep(self) -> None:
        """Seal the complete segments, as the keeper does in its own time."""
        folder = self.gateway.folder
        places = [*_files(folder)[:4], *_state(folder)]
        program = Path(sys.executable).with_name("kk99fix")
        subprocess.run([program, "keep", *places], timeout=60, check=True)

    def _spend(self, text: str) -> bytes:
        self.spent.append(Canary("proof", text.encode()))
        return text.encode()


def _files(folder: Path) -> list[str | Path]:
    where: list[str | Path] = ["--config", folder / "config", "--sessions", folder / "sessions"]
    return [*where, "--secrets", folder / "secrets"]


def _state(folder: Path) -> list[str | Path]:
    return ["--state", folder / "var"]


@pytest.fixture
def venue(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Venue:
    """Return a gateway whose BROKER1 asks for password and code, and BROKER2 for a signature."""
    key = Key(KEY.value, "test")
    monkeypatch.setenv(VARIABLE, key.encoded().decode())
    metrics_port = free_port()
    copy_files(
        tmp_path,
        metrics_port=metrics_port,
        keeper="true",
        projector="true",
        failed_logon_delay_s=0,
        segment_bytes=1_048_576,
        every_segments=1,
        compress_after_segments=1,
    )
    _logon(tmp_path, "BROKER1", username="broker1", password_hash=HASH.decode(), totp="BROKER1")
    _logon(tmp_path, "BROKER2", username="key-2", public_key=PUBLIC_KEY)
    SealedSeeds(tmp_path / "secrets", Keys(key, None)).add("BROKER1", SEED.value)
    authority, folder = Authority(), tmp_path_factory.mktemp("tls")
    server, tls_port = authority.server(), free_port()
    server.write(folder, "server")
    (folder / "server.key").chmod(0o600)
    (folder / "ca.pem").write_bytes(authority.pem)
    path = tmp_path / "config" / "venue.toml"
    files = f'certificate = "{folder}/server.pem"\nprivate_key = "{folder}/server.key"\n'
    path.write_text(path.read_text() + f"\n[tls]\nport = {tls_port}\n{files}")
    gateway = GatewayProcess(tmp_path, log_level="debug")
    venue = Venue(gateway, metrics_port, tls_port, client_context(folder / "ca.pem"))
    venue.spent.append(Canary("TLS key", server.key.splitlines()[2]))
    return venue


def _logon(folder: Path, comp_id: str, **keys: str) -> None:
    path = folder / "sessions" / f"{comp_id}.toml"
    lines = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    path.write_text(path.read_text().replace("[logon]\n", f"[logon]\n{lines}"))


def credentials(password: Canary, raw_data: bytes) -> Fields:
    """Return the fields of a Logon(A) that prove something."""
    return [
        *((553, "broker1"), (554, password.value.decode())),
        *((95, len(raw_data)), (96, raw_data.decode())),
    ]


def first_messages(venue: Venue) -> list[bytes]:
    """Return what strangers send: each holds canaries, and none is let in."""
    secret = f"553=broker1|554={PASSWORD.value.decode()}|95=28|96={RAW_DATA.value.decode()}|"
    secret += f"925={NEW_PASSWORD.value.decode()}|"
    header = f"49=BROKER1|56=KK99|34=1|52={stamp()}|"
    whole = framed(soh(f"35=A|{header}98=0|108=30|{secret}"))
    wrong = credentials(WRONG, venue.code())
    return [
        whole,
        whole[:-5] + b"999\x01",
        whole[:-40],
        framed(soh(f"35=A|{header}98=0|108=30|95=99|{secret}")),
        framed(soh(f"35=A|{header}=x|98|0=1|{secret}")),
        framed(soh(f"35=BE|{header}923=1|924=1|{secret}")),
        framed(soh(f"35=D|{header}{secret}")),
        framed(soh(f"35=A|{header}98=0|108=30|58={'x' * 5000}|{secret}")),
        framed(soh(f"35=A|49=NOBODY|56=KK99|34=1|52={stamp()}|98=0|108=30|{secret}")),
        b"GET /?password=" + PASSWORD.value + b"&" + quote(NEW_PASSWORD.value).encode() + b"\r\n",
        PASSWORD.value * 3,
        LivePeer("BROKER1", None).frame("A", [(98, 0), (108, 30), *wrong]),  # type: ignore[arg-type]
    ]


async def talk(peer: LivePeer) -> None:
    """Say secrets on a session that is logged on, where they are understood and where not."""
    password, new = PASSWORD.value.decode(), NEW_PASSWORD.value.decode()
    proof = [(95, len(RAW_DATA.value)), (96, RAW_DATA.value.decode())]
    change = [(923, "u1"), (924, 3), (553, "broker1"), (554, password), (925, new)]
    await peer.send("BE", [*change, *proof])
    await peer.receive("j")
    await peer.send("BE", [*change, (0, 1)])
    await peer.receive("3")
    await peer.send("D", [*order("with-a-password"), (554, password), (925, new)])
    await peer.receive("3")
    await peer.send("D", [*order("malformed"), (554, password), (925, new), (0, 1)])
    await peer.receive("3")
    await peer.send("A", [(98, 0), (108, 30), (554, password), (925, new), *proof])
    await peer.send("1", [(112, "still there")])
    while (await peer.receive())[35] != "0":
        pass
    # A number too high: it waits behind the gap, in what a snapshot would hold.
    await peer.send("BE", [*change, *proof], number=peer.next_out + 5)
    await peer.receive("2")


@pytest.mark.slow
async def test_no_secret_is_in_any_byte_that_is_left(venue: Venue) -> None:
    """Logons of every kind, a kill, a crash, a stop: the search finds nothing anywhere."""
    state = venue.gateway.folder / "var"
    venue.gateway.start()
    try:
        assert _core_limit(venue.gateway.pid) == ["0", "0"]
        async with venue.connected("BROKER1") as one, venue.connected("BROKER2") as two:
            await one.log_on(more=credentials(PASSWORD, venue.code()))
            time_ = stamp()
            proof = venue.signed(1, time_)
            fields = [(98, 0), (108, 60), (553, "key-2"), (95, len(proof)), (96, proof.decode())]
            await two.send("A", fields, time=time_)
            await two.receive("A")
            await talk(one)
            await two.send_bytes(b"".join(two.frame("D", order(f"o{n}", "2")) for n in range(2500)))
            await two.receive_count(2500)
            for data in first_messages(venue):
                await venue.say_and_lose(data)
            venue.ask()
            venue.gateway.end(signal.SIGKILL)
        assert venue.look() == []

        venue.gateway.start()
        for data in first_messages(venue):
            await venue.say_and_lose(data)
        await venue.say_and_lose(first_messages(venue)[0], tls=True)
        assert venue.gateway.end(signal.SIGSEGV) == -signal.SIGSEGV
        assert list(venue.gateway.folder.rglob("core*")) == []

        venue.gateway.start()
        await venue.say_and_lose(first_messages(venue)[0])
        venue.ask()
        assert venue.gateway.end(signal.SIGTERM) == 0
        venue.keep()
    finally:
        venue.gateway.close()
    assert list(state.glob("snapshots/*"))
    assert list(state.glob("journal/*.seal"))
    assert venue.look() == []


def _core_limit(pid: int) -> list[str]:
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
        if line.startswith("Max core file size")
    )
    return line.split()[4:6]
