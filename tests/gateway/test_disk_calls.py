from pathlib import Path

import pytest
from support.live_gateway import small_settings
from support.live_peer import order
from support.scripted_disk import INTERRUPTED, ScriptedDisk
from support.still_gateway import StillGateway

from kk99fix.journal.errors import JournalWriteError
from kk99fix.journal.reader import read_records
from kk99fix.journal.segment import list_segments
from kk99fix.matcher.disk_calls import DiskCalls


def test_a_short_and_an_interrupted_write_are_completed(tmp_path: Path) -> None:
    """What the disk takes in pieces, or is interrupted at, stands whole in the journal."""
    disk = ScriptedDisk()
    with StillGateway(small_settings(tmp_path), tmp_path / "var", disk=DiskCalls(disk)) as still:
        peer = still.connect("BROKER1")
        disk.calls.clear()
        disk.writes.extend([10, INTERRUPTED, 1])
        peer.send("D", order("one"))
        still.run_pass()
        assert disk.calls == ["pwrite"] * 4
        assert peer.types() == "A8"
        next_lsn = still.engine.next_lsn
        placed = list(read_records(list_segments(tmp_path / "var" / "journal")))
    assert placed[-1].record.header.lsn == next_lsn - 1


@pytest.mark.parametrize("answer", [-28, -5, 0])
def test_a_write_that_the_disk_refuses_lets_nothing_go(tmp_path: Path, answer: int) -> None:
    """No space, an error, a disk that takes nothing: no report leaves, now or later."""
    disk = ScriptedDisk()
    with StillGateway(small_settings(tmp_path), tmp_path / "var", disk=DiskCalls(disk)) as still:
        peer = still.connect("BROKER1")
        still.run_pass()
        assert peer.types() == "A"
        disk.writes.append(answer)
        peer.send("D", order("one"))
        with pytest.raises(JournalWriteError) as failed:
            still.run_pass()
        assert failed.value.errno == (-answer or 5)
        with pytest.raises(JournalWriteError):
            still.run_pass()
        peer.drain()
        assert peer.types() == ""
