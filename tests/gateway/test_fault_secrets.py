"""What a fault of ours leaves in the log, when its text shows all that the code had in hand."""

from pathlib import Path
from typing import Any

import pytest
from support.canaries import Canary, found
from support.fix_peer import Fields
from support.live_gateway import Live, live_gateway, small_settings
from support.live_peer import LivePeer

from kk99fix.gateway.authentication import Authenticator
from kk99fix.session.machine import Session

PASSWORD = Canary("password", b"Pa$sw0rd/of~the+canary?7")
NEW_PASSWORD = Canary("new password", b"N3w-passw0rd_of*the#canary")
RAW_DATA = Canary("raw data", b"raw data of the canary in 96")
HASH = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"
ASKS = {"[logon]\n": f'[logon]\nusername = "broker1"\npassword_hash = "{HASH}"\n'}
CREDENTIALS: Fields = [
    *((553, "broker1"), (554, PASSWORD.value.decode()), (925, NEW_PASSWORD.value.decode())),
    *((95, len(RAW_DATA.value)), (96, RAW_DATA.value.decode())),
]


def breaks(patch: pytest.MonkeyPatch, owner: type, name: str) -> None:
    """Let a method fail with the repr of everything that it was given."""

    def fail(*arguments: Any, **named: Any) -> None:  # noqa: ANN401 - whatever it takes
        raise RuntimeError(f"{arguments!r} {named!r}")

    patch.setattr(owner, name, fail)


def leaks(live: Live) -> list[str]:
    """Say which secrets the log shows."""
    return found([PASSWORD, NEW_PASSWORD, RAW_DATA], live.logged.text.getvalue().encode())


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Authenticator, "_session_file"),
        (Authenticator, "_find"),
        (Authenticator, "_may_not_try"),
        (Authenticator, "_check_password"),
        (Authenticator, "_verify_password"),
    ],
)
async def test_a_fault_while_somebody_logs_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    """The traceback says where it was, and shows the message without its secrets."""
    breaks(monkeypatch, owner, name)
    settings = small_settings(tmp_path, broker1=ASKS)
    async with live_gateway(settings, tmp_path / "var") as live:
        async with await live.peer("BROKER1") as peer:
            await peer.send("A", [(98, 0), (108, 30), *CREDENTIALS])
            await peer.until_closed()
        (line,) = live.logged.of("fault ended a logon")
        assert "RuntimeError" in line["exception"]
        assert leaks(live) == []


async def test_a_fault_of_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, once it is logged on."""
    async with (
        live_gateway(small_settings(tmp_path), tmp_path / "var") as live,
        await live.logged_on("BROKER1") as peer,
    ):
        breaks(monkeypatch, Session, "receive")
        await _change_password(peer)
        (line,) = live.logged.of("fault ended a session")
        assert "RuntimeError" in line["traceback"]
        assert "554=***" in line["traceback"] or "(554, b'*" in line["traceback"]
        assert leaks(live) == []


async def _change_password(peer: LivePeer) -> None:
    await peer.send("BE", [(923, "u1"), (924, 3), *CREDENTIALS])
    await peer.until_closed()
