"""The FIX session test cases for FIX 4.4, each script without sockets and over loopback."""

from pathlib import Path

import pytest
from acceptance.client_stage import client_stage
from acceptance.desk_stage import DeskStage
from acceptance.live_stage import LiveStage
from acceptance.play import play
from acceptance.script import Script, scripts
from acceptance.settings import settings_of
from acceptance.venue_stage import VenueStage
from support.live_gateway import live_gateway

SCRIPTS = scripts()


def _in(mode: str) -> list[Script]:
    return [script for script in SCRIPTS if mode in script.modes]


@pytest.mark.parametrize("script", _in("sans-io"), ids=lambda script: script.name)
async def test_sans_io(script: Script, tmp_path: Path) -> None:
    """The session layer does what the script says: for the acceptor with the venue behind it."""
    if script.initiator:
        await play(script, DeskStage())
        return
    stage = VenueStage(settings_of(script, tmp_path))
    try:
        await play(script, stage)
    finally:
        stage.desk.close()


@pytest.mark.parametrize("script", _in("live"), ids=lambda script: script.name)
async def test_live(script: Script, tmp_path: Path) -> None:
    """A gateway that serves, and the client of the harness, do the same over a socket."""
    if script.initiator:
        async with client_stage() as client:
            await play(script, client)
        return
    settings = settings_of(script, tmp_path)
    async with live_gateway(settings, tmp_path / "var") as live:
        await play(script, LiveStage(live))
