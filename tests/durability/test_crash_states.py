"""Every state that a crash may leave on the disk, for a whole day: what recovery makes of it."""

import random
from pathlib import Path

from support.crash_check import Day, Rig
from support.disk_planes import Crash, DiskPlanes, Wrote
from support.live_gateway import small_settings
from support.scripted_day import ScriptedDay, tiny
from support.virtual_disk import VirtualDisk

SEGMENT_BYTES = 1 << 15
ACTS = 500


def test_every_kill_gives_a_state_that_was(tmp_path: Path) -> None:
    """At level `process` a process may die at any step and in the middle of any write (F1, F2)."""
    settings = tiny(small_settings(tmp_path / "config"), SEGMENT_BYTES)
    disk = VirtualDisk(tmp_path / "var")
    played = ScriptedDay(settings, disk, seed=1)
    played.play(ACTS)
    played.close()
    day = Day(settings, disk.root)
    visible = day.visible(played.seen, len(disk.steps))
    rig = Rig(settings, tmp_path / "rig", day)
    planes, dice, states = DiskPlanes(disk.first), random.Random(2), 0  # noqa: S311

    for number, step in enumerate(disk.steps, 1):
        planes.make(step)
        for crash in (Crash.KEPT, Crash.TORN) if isinstance(step, Wrote) else (Crash.KEPT,):
            found = rig.recover(planes.image(crash, dice))
            seen = visible[number if crash is Crash.KEPT else number - 1]
            assert found.next_lsn > seen, (number, crash)
            states += 1
    assert states > 1000
