"""A planned stop ends with a snapshot, from which the next start begins."""

import errno
import os
from pathlib import Path

import pytest
from support.fix_peer import decode
from support.kept_state import rest
from support.live_gateway import at_level, live_gateway, small_settings
from support.live_peer import cancel, order
from support.still_gateway import StillGateway

from kk99fix.gateway import server
from kk99fix.journal.files import Files
from kk99fix.journal.names import seal_name
from kk99fix.journal.segment import segment_name
from kk99fix.state.snapshot_file import read_header
from kk99fix.state.snapshots import list_snapshots
from kk99fix.venue import venue as venue_module


def snapshots(folder: Path) -> list[Path]:
    """The snapshots that are there, newest first."""
    return list_snapshots(folder / "var" / "snapshots")


@pytest.mark.parametrize("level", ["process", "durable"])
async def test_the_next_start_replays_nothing(tmp_path: Path, level: str) -> None:
    """Orders, ids, numbers and what was sent are there, though no record was replayed."""
    settings = small_settings(tmp_path, at_level(level))
    async with (
        live_gateway(settings, tmp_path / "var") as live,
        await live.logged_on("BROKER1") as peer,
    ):
        for name in "ab":
            await peer.send("D", order(name, price="180.00"))
        await peer.receive_count(2)
    (path,) = snapshots(tmp_path)
    assert read_header(path).clean
    assert live.logged.of("snapshot written")[0]["path"] == str(path)

    async with live_gateway(settings, tmp_path / "var") as again:
        (line,) = again.logged.of("journal replayed")
        assert (line["records"], line["behind_snapshot"]) == (0, int(path.stem))
        async with await again.logged_on("BROKER1", next_out=peer.next_out) as peer:
            await peer.send("D", order("a", price="180.00"))
            await peer.send("F", cancel("c", "b"))
            reports = [decode(frame) for frame in await peer.receive_count(2)]
            assert reports[0][58].startswith("DUPLICATE_CLORDID")
            assert (reports[1][11], reports[1][150]) == ("c", "4")
            await peer.send("2", [(7, 2), (16, 2)])
            resent = await peer.receive("8")
            assert (resent[43], resent[11], resent[150]) == ("Y", "a", "0")


@pytest.mark.parametrize("level", ["process", "durable"])
def test_what_goes_on_in_slices_is_ended_first(
    tmp_path: Path, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A walk that a stop finds on its way is brought to its end before the snapshot."""
    monkeypatch.setattr(venue_module, "WALK_SLICE", 1)
    settings = small_settings(
        tmp_path,
        at_level(level),
        broker1={"cancel_on_disconnect = false": "cancel_on_disconnect = true"},
    )
    still = StillGateway(settings, tmp_path / "var")
    peer = still.connect("BROKER1")
    for number in range(20):
        peer.send("D", order(f"a{number}", price="180.00"))
    still.run_pass()
    still.gateway.sequencer.settle()
    assert still.engine.statistics().live_orders == 20
    peer.sock.close()
    still.run_pass()
    assert still.engine.walk_pending
    server.stop(still.gateway, snapshot=True)

    (path,) = snapshots(tmp_path)
    assert read_header(path).clean
    with StillGateway(settings, tmp_path / "var") as again:
        assert again.gateway.storage.recovered.messages == 0
        assert again.engine.statistics().live_orders == 0


def test_no_room_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot that cannot be written is a warning; the next start replays the journal."""
    settings = small_settings(tmp_path)
    still = StillGateway(settings, tmp_path / "var")
    still.connect("BROKER1").sock.close()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Files, "rename", full)
        server.stop(still.gateway, snapshot=True)

    (line,) = still.logged.of("no snapshot written")
    assert os.strerror(errno.ENOSPC) in line["error"]
    assert "the next start replays" in line["error"]
    assert list((tmp_path / "var" / "snapshots").iterdir()) == []
    with StillGateway(settings, tmp_path / "var") as again:
        assert again.gateway.storage.recovered.messages > 0


class SyncedFiles(Files):
    """The system's, which remembers which files were synced."""

    def __init__(self) -> None:
        """Begin with none."""
        self.synced: list[str] = []

    def fdatasync(self, fd: int) -> None:
        """Note the name that the file has now."""
        super().fdatasync(fd)
        self.synced.append(Path(f"/proc/self/fd/{fd}").readlink().name)


def test_all_of_the_journal_is_on_the_disk_after_it(tmp_path: Path) -> None:
    """At level process nobody has waited for the segments yet; those with a seal are there."""
    files = SyncedFiles()
    settings = small_settings(tmp_path)
    still = StillGateway(settings, tmp_path / "var", files=files)
    rest(still, still.connect("BROKER1"), 5000)
    last = still.gateway.storage.writer.segment
    assert last >= 3
    (tmp_path / "var" / "journal" / seal_name(1)).touch()
    files.synced.clear()
    server.stop(still.gateway, snapshot=True)
    still.hang_up()

    wanted = {segment_name(number) for number in range(2, last + 1)}
    assert {name for name in files.synced if name.endswith(".kkj")} == wanted
    assert files.synced[-1].endswith(".tmp")
