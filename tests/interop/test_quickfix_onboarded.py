import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import quickfix_engine
from support.gateway_process import GatewayProcess, copy_files
from support.quickfix_engine import HandedOutEngine, QuickFixEngine

pytestmark = pytest.mark.interop

BROKER9 = (
    *("BROKER9", "--role", "order-entry", "--firm", "Broker Nine", "--account", "B9"),
    *("--from", "127.0.0.0/8"),
)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    """Return a gateway over the shipped files that serves already."""
    quickfix_engine.require()
    copy_files(tmp_path, metrics_port=0, orders=10_000, duplicate_window=10_000)
    gateway = GatewayProcess(tmp_path)
    gateway.start()
    yield gateway
    gateway.close()


def onboard(gateway: GatewayProcess, *arguments: str) -> dict[str, Any]:
    """Take a counterparty on, what is sent to it in the folder `sent`; wait until it applies."""
    program, folder = Path(sys.executable).with_name("kk99fix"), gateway.folder
    options = ["--json", f"--config={folder}/config", f"--sessions={folder}/sessions"]
    command = [str(program), "onboard", *arguments, *options, f"--out={folder}/sent"]
    done = subprocess.run([*command, "--port", str(gateway.port)], capture_output=True, check=True)
    subprocess.run([program, "ctl", "reload", "--state", folder / "var"], check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_quickfix_connects_with_what_it_was_sent(gateway: GatewayProcess) -> None:
    """Settings and dictionary as they are, user name and password added: it logs on and trades."""
    said = onboard(gateway, *BROKER9)
    proof = {553: said["send"]["username"], 554: said["send_separately"]["password"]}
    settings = gateway.folder / "sent" / "BROKER9.cfg"
    with (
        contextlib.closing(HandedOutEngine("BROKER9", settings, proof)) as buyer,
        contextlib.closing(QuickFixEngine(gateway.folder, "BROKER2", gateway.port)) as seller,
    ):
        buyer.wait("logon")
        seller.wait("logon")
        order = {55: "AAPL", 38: 100, 40: 2, 44: "190.00"}
        buyer.send("D", {11: "b1", 54: 1, **order})
        buyer.wait("in", {35: 8, 150: 0, 11: "b1"})
        seller.send("D", {11: "s1", 54: 2, **order})
        buyer.wait("in", {35: 8, 150: "F", 11: "b1", 32: 100})
        buyer.wait("accepted")

        buyer.say("logout")
        buyer.wait("logout")
        buyer.say("logon")
        buyer.wait("logon")
    assert buyer.received("3", "j") == []


def test_quickfix_with_another_password_is_refused(gateway: GatewayProcess) -> None:
    """Nothing comes back, not even a Logout(5)."""
    said = onboard(gateway, *BROKER9)
    settings = gateway.folder / "sent" / "BROKER9.cfg"
    proof = {553: said["send"]["username"], 554: "guessed"}
    with contextlib.closing(HandedOutEngine("BROKER9", settings, proof)) as engine:
        engine.wait("logout")

    assert [event for event in engine.events if event.kind == "in"] == []
    assert "logon refused" in gateway.log()
