"""Every state that a crash may leave on the disk, for a whole day: what recovery makes of it."""

import random
from collections import Counter
from pathlib import Path

import attrs
import pytest
from support.crash_check import Day, Rig
from support.disk_planes import Crash, DiskPlanes, Image, NamesSynced, Step, Synced, Wrote
from support.live_gateway import small_settings
from support.scripted_day import ScriptedDay, Seen, tiny
from support.virtual_disk import VirtualDisk

from kk99fix.config.load import Settings
from kk99fix.journal.record import unpack_header
from kk99fix.journal.scan import offsets
from kk99fix.journal.segment import SUFFIX

SEGMENT_BYTES = 1 << 15
ACTS = 500
#: Every so many states are started twice.
TWICE_EVERY = 10


@attrs.frozen
class Life:
    """What one process did: its disk, what was seen by its end, and where to try starts."""

    disk: VirtualDisk
    seen: list[Seen]
    #: By number of steps, the highest lsn that a counterparty had seen.
    visible: list[int]
    rig: Rig


def settings_of(folder: Path, durability: str) -> Settings:
    """Small settings at a level."""
    return tiny(small_settings(folder / "config"), SEGMENT_BYTES, durability)


def live(
    settings: Settings, folder: Path, acts: int, seed: int, image: Image, before: list[Seen]
) -> Life:
    """Start on an image, play some acts, and hold all that was ever seen against the journal."""
    disk = VirtualDisk(folder / "var", image)
    played = ScriptedDay(settings, disk, seed, keeps=4)
    played.play(acts)
    played.close()
    day = Day(settings, disk.root)
    earlier = [attrs.evolve(each, step=0) for each in before]
    visible = day.visible([*earlier, *played.seen], len(disk.steps))
    return Life(disk, [*earlier, *played.seen], visible, Rig(settings, folder / "rig", day))


class DurableLsn:
    """The last lsn that the disk has for certain, by the steps alone."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._written: dict[str, int] = {}
        self._synced: dict[str, int] = {}
        self.value = 0

    def note(self, step: Step, planes: DiskPlanes) -> None:
        """Take note of a step that the planes have made."""
        match step:
            case Wrote(name, _, data) if name.endswith(SUFFIX):
                for offset in offsets(data, 0, len(data)):
                    header = unpack_header(data, offset)
                    self._written[name] = header.lsn - header.kind.is_bookkeeping
            case Synced(name):
                self._synced[name] = self._written.get(name, 0)
        if isinstance(step, Synced | NamesSynced):
            named = [lsn for name, lsn in self._synced.items() if planes.is_named(name)]
            self.value = max([self.value, *named])


def test_every_kill_gives_a_state_that_was(tmp_path: Path) -> None:
    """At level `process` a process may die at any step and in the middle of any write (F1, F2)."""
    life = live(settings_of(tmp_path, "process"), tmp_path, ACTS, 1, {}, [])
    planes, dice, states = DiskPlanes(life.disk.first), random.Random(2), 0  # noqa: S311

    for number, step in enumerate(life.disk.steps, 1):
        planes.make(step)
        for crash in (Crash.KEPT, Crash.TORN) if isinstance(step, Wrote) else (Crash.KEPT,):
            found = life.rig.recover(planes.image(crash, dice))
            seen = life.visible[number if crash is Crash.KEPT else number - 1]
            assert found.next_lsn > seen, (number, crash)
            states += 1
    assert states > 1000


@pytest.mark.slow
def test_every_crash_of_the_machine_gives_a_state_that_was(tmp_path: Path) -> None:
    """At level `durable` it may die at any step, and the disk keep what it likes (F1, F2, F6)."""
    life = live(settings_of(tmp_path, "durable"), tmp_path, ACTS, 1, {}, [])
    planes, dice = DiskPlanes(life.disk.first), random.Random(3)  # noqa: S311
    durable, states = DurableLsn(), Counter[Crash]()

    for number, step in enumerate(life.disk.steps, 1):
        planes.make(step)
        durable.note(step, planes)
        assert life.visible[number] <= durable.value, number
        for crash in Crash:
            found = life.rig.recover(planes.image(crash, dice))
            assert found.next_lsn > durable.value, (number, crash)
            assert found.next_lsn == durable.value + 1 or crash is not Crash.LOST, number
            states[crash] += 1
            if states.total() % TWICE_EVERY == 0:
                assert life.rig.again() == found
    assert min(states.values()) == len(life.disk.steps)
    assert states.total() > 5000


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_crash_after_crash_after_crash(tmp_path: Path, seed: int) -> None:
    """Three lives, each begun on what a crash of the one before left, in its start or later (F6).

    Numbers go on without a gap, and whatever was seen in any life is there in every later one.
    """
    settings, dice = settings_of(tmp_path, "durable"), random.Random(seed)  # noqa: S311
    image: Image = {}
    seen: list[Seen] = []
    for depth, acts in enumerate((60, 40, 40)):
        life = live(settings, tmp_path / str(depth), acts, seed + depth, image, seen)
        steps = life.disk.steps
        # Crashes fall into the start, anywhere, and where a new name is not on the disk yet.
        ends = dice.sample(range(min(12, len(steps))), 3) + dice.sample(range(len(steps)), 3)
        ends += [number for number, step in enumerate(steps) if isinstance(step, NamesSynced)]
        planes, images = DiskPlanes(life.disk.first), list[tuple[int, Image]]()
        for number, step in enumerate(steps):
            if number in ends:
                images += [(number, planes.image(crash, dice)) for crash in Crash]
            planes.make(step)
        for number, crashed in images:
            assert life.rig.recover(crashed).next_lsn > life.visible[number], (depth, number)
        number, image = dice.choice(images)
        seen = [each for each in life.seen if each.step <= number]
