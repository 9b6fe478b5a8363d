"""Session files that change while the gateway is down, or is killed over them: as if it were up."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from support.config_folder import ConfigFolder
from support.fix_client import FixClient
from support.gateway_process import GatewayProcess, copy_files
from support.live_peer import order
from support.reloading import session_text, small_files
from support.still_gateway import StillGateway

from kk99fix.config.resolve import resolve
from kk99fix.state.replaying import replay_journal

KILLS = 4
FILES = 60


def order_of(still: StillGateway, comp_id: str, more: str) -> None:
    """Rest an order of a session, and leave it without a word."""
    peer = still.connect(comp_id)
    peer.send("D", [*order(more), (18, "H")])
    still.run_pass()
    assert [message[150] for message in peer.messages() if message[35] == "8"] == ["0"]


@pytest.mark.parametrize("how", ["removed", "disabled"])
def test_orders_of_who_went_meanwhile_are_cancelled_at_the_start(tmp_path: Path, how: str) -> None:
    """The desk gets the cancel with its cause; back again the session has its numbers."""
    files = small_files(tmp_path)
    files.replace("config/risk.toml", '[firm."Broker Two"]', '[firm."KK99 Compliance"]')
    with StillGateway(files.load(), tmp_path / "var") as still:
        order_of(still, "BROKER2", "1")
        numbers = still.engine.session(still.session("BROKER2")).next_out
    path = files.sessions / "BROKER2.toml"
    kept = path.read_text()
    if how == "removed":
        path.unlink()
    else:
        path.write_text(kept.replace("role", "enabled = false\nrole"))

    with StillGateway(files.load(), tmp_path / "var") as still:
        assert still.engine.statistics().live_orders == 0
        desk = still.connect("DROPCOPY1", logon=[(789, 1)])
        still.feed()
        (cancelled,) = [message for message in desk.messages() if message.get(150) == "4"]
        assert cancelled[58].startswith(f"SESSION_{how.upper()}; ")
    path.write_text(kept)
    with StillGateway(files.load(), tmp_path / "var") as still:
        assert still.engine.session(still.session("BROKER2")).next_out == numbers + 1


def test_a_limit_that_is_below_what_is_open_at_the_start(tmp_path: Path) -> None:
    """The start says so as a reload would, once, and the orders stay."""
    files = small_files(tmp_path)
    with StillGateway(files.load(), tmp_path / "var") as still:
        for number in range(3):
            order_of(still, "BROKER1", f"{number}")
            still.hang_up()
            still.run_pass()
    files.replace("sessions/BROKER1.toml", "= 100_000", "= 2")
    with StillGateway(files.load(), tmp_path / "var") as still:
        (line,) = still.logged.of("limit below exposure")
        assert (line["session"], line["value"], line["present"]) == ("BROKER1", 2, 3)
        assert still.engine.statistics().live_orders == 3
    with StillGateway(files.load(), tmp_path / "var") as still:
        assert still.logged.of("limit below exposure") == []


def scatter(files: ConfigFolder, rng: random.Random) -> None:
    """Add, change and remove some files."""
    for _ in range(FILES // 2):
        name = f"NEW{rng.randrange(FILES):02d}"
        path = files.sessions / f"{name}.toml"
        if path.exists() and rng.random() < 0.4:
            path.unlink()
        else:
            limits = f"\n[limits]\nmax_open_orders = {rng.randrange(1, 99)}\n"
            path.write_text(session_text(name, firm="Load") + limits)


@pytest.mark.slow
def test_killed_over_its_files(tmp_path: Path) -> None:
    """Wherever in a reload it was killed, the next start comes to what the files say.

    An order of a session that was removed is gone, the others' are there, and all of it replays.
    """
    rng = random.Random(3)  # noqa: S311 - repeatable
    copy_files(
        tmp_path, metrics_port=0, segment_bytes=1 << 20, orders=50_000, duplicate_window=50_000
    )
    files = ConfigFolder.at(tmp_path)
    process = GatewayProcess(tmp_path)
    try:
        process.start()
        stays = FixClient("BROKER1", process.port)
        stays.log_on()
        stays.send("D", order("stays"))
        stays.read_until(lambda: bool(stays.received))
        goes = FixClient("GOES", process.port)
        for number in range(KILLS):
            (files.sessions / "GOES.toml").write_text(session_text("GOES", firm="Goes"))
            scatter(files, rng)
            os.kill(process.pid, signal.SIGHUP)
            time.sleep(rng.uniform(0.1, 0.6))
            process.end(signal.SIGKILL)
            process.start()
            goes.log_on()
            accepted = len(goes.received)
            goes.send("D", [*order(f"goes{number}"), (18, "H")])
            goes.read_until(lambda accepted=accepted: len(goes.received) > accepted)  # type: ignore[misc]
            goes.close()
            (files.sessions / "GOES.toml").unlink()
            scatter(files, rng)
            time.sleep(rng.uniform(0.1, 0.6))
            process.end(signal.SIGKILL)
            process.start()
        stays.close()
        assert (stays.complaints, goes.complaints) == ([], [])
        assert process.end(signal.SIGTERM) == 0
    finally:
        process.close()
    replay_journal(tmp_path / "var", lambda _: None)
    settings = files.load()
    with StillGateway(settings, tmp_path / "var") as still:
        registry = still.gateway.storage.venue.registry
        assert registry.unchanged(registry.plan(resolve(settings)))
        assert still.logged.of("configuration taken over") == []
        assert still.engine.statistics().live_orders == 1
        assert still.engine.session(still.session("BROKER1")).open_orders == 1
