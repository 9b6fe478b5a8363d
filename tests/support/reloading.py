"""A gateway in the test's own loop that follows its files."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio

from kk99fix.gateway.operator import Caller, Request
from kk99fix.gateway.reloader import Folders, Reloader
from support.config_folder import ConfigFolder
from support.live_gateway import SMALL, Live, live_gateway
from support.live_peer import LivePeer

SESSION = """\
[session]
sender_comp_id = "{comp_id}"
target_comp_id = "KK99"
role = "order-entry"
firm = "{firm}"
accounts = ["{account}"]

[logon]
allow_from = ["127.0.0.0/8"]
reset_seq_num = "allowed"
cancel_on_disconnect = false
"""


def session_text(comp_id: str, *, firm: str = "", account: str = "") -> str:
    """Return a session file, of a firm and an account of its own if nothing else is said."""
    return SESSION.format(
        comp_id=comp_id, firm=firm or f"Firm {comp_id}", account=account or f"{comp_id}-A"
    )


def small_files(root: Path, changes: dict[str, str] | None = None) -> ConfigFolder:
    """Return the shipped files with small pools, further texts of venue.toml replaced."""
    files = ConfigFolder(root)
    for old, new in (SMALL | (changes or {})).items():
        files.replace("config/venue.toml", old, new)
    return files


@attrs.frozen
class Reloading:
    """A gateway that serves, and its files."""

    live: Live
    files: ConfigFolder
    peers: list[LivePeer] = attrs.field(factory=list)

    async def peer(self, comp_id: str) -> LivePeer:
        """Connect a counterparty, which hangs up at the end."""
        self.peers.append(await self.live.peer(comp_id))
        return self.peers[-1]

    async def logged_on(self, comp_id: str, next_out: int = 1) -> LivePeer:
        """Connect a counterparty and log it on."""
        peer = await self.peer(comp_id)
        peer.next_out = next_out
        await peer.log_on()
        return peer

    @property
    def reloader(self) -> Reloader:
        """The task that follows the files."""
        reloader = self.live.gateway.reloader
        assert reloader is not None
        return reloader

    async def reload(self) -> dict[str, Any]:
        """Ask as the operator does; all that was written before is taken over or refused then."""
        return await self.reloader.answer(Request("reload", Caller(0, 0), {}))

    def is_live(self, comp_id: str) -> bool:
        """Whether a session has a connection."""
        venue = self.live.gateway.storage.venue
        session = venue.registry.ids["sessions"].get(comp_id)
        return session is not None and venue.is_live(session)


@asynccontextmanager
async def reloading(files: ConfigFolder, state_dir: Path) -> AsyncIterator[Reloading]:
    """Serve and follow `files` while the block runs."""
    folders = Folders(files.config, files.sessions)
    async with live_gateway(files.load(), state_dir, folders=folders) as live:
        at = Reloading(live, files)
        try:
            yield at
        finally:
            for peer in at.peers:
                await trio.aclose_forcefully(peer.stream)
