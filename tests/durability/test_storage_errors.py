"""Each call to the disk, with each error: what docs/recovery.md says becomes of it."""

import errno
import itertools
import os
import random
import re
import time
from collections import Counter
from pathlib import Path

import attrs
import pytest
from support.crash_check import Day
from support.disk_planes import Crash, Image
from support.failing_disk import FailingDisk, Fault, Place
from support.live_gateway import small_settings
from support.scripted_day import ScriptedDay, Seen, tiny
from support.virtual_disk import VirtualDisk

from kk99fix.config.load import Settings
from kk99fix.journal.errors import JournalWriteError
from kk99fix.journal.remedies import remedy
from kk99fix.keeper.keeper import Keeper, KeeperPolicy
from kk99fix.state.retention import DAY_NS, RetentionPolicy

DOCS = Path(__file__).parents[2] / "docs" / "recovery.md"
ERRORS = (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT)
SEGMENT_BYTES = 1 << 15
ACTS = 50
LEVELS = ("process", "durable")
_ROW = re.compile(r"^\| (?:start|run|keeper) \|.*$", re.MULTILINE)


def documented() -> dict[Place, str]:
    """Every place of the table, with what an error does there."""
    section = DOCS.read_text().split("\n## Storage errors\n")[1].split("\n## ")[0]
    found = {}
    for line in _ROW.findall(section):
        when, caller, calls, _, result = (cell.strip() for cell in line.strip("|").split("|"))
        for call in calls.split(", "):
            found[Place(when, caller.strip("`"), call)] = result
    return found


RESULTS = documented()
PLACES = sorted(RESULTS)


@attrs.frozen
class Case:
    """A state directory to start from, and the level to start at."""

    settings: Settings
    image: Image
    #: Whether the keeper is to remove what is old.
    removes: bool = False
    #: How often a day without faults calls the disk at each place.
    places: Counter[Place] = attrs.field(factory=Counter)

    @property
    def level(self) -> str:
        """At which level it starts."""
        return self.settings.venue.venue.durability


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """For each level: nothing, the state of a crash at that level, and one of the other level."""
    folder = tmp_path_factory.mktemp("cases")
    settings = {
        level: tiny(small_settings(folder / level / "config"), SEGMENT_BYTES, level)
        for level in LEVELS
    }
    images = {level: crashed(settings[level], folder / level / "var") for level in LEVELS}
    every = [Case(settings[level], image) for level in LEVELS for image in ({}, *images.values())]
    every += [Case(settings[level], {}, removes=True) for level in LEVELS]
    found = []
    for number, case in enumerate(every):
        play(case, disk := FailingDisk(folder / str(number), case.image), [])
        found.append(attrs.evolve(case, places=disk.places))
    return found


def crashed(settings: Settings, root: Path) -> Image:
    """Make the state of a gateway and a keeper that died in the middle of what they did."""
    day = ScriptedDay(settings, VirtualDisk(root), seed=4)
    day.play(20)
    day.close()
    writer = day.still.gateway.storage.writer
    journal = root / "journal"
    with (journal / f"{writer.segment:08d}.kkj").open("r+b") as file:
        file.seek(writer.offset)
        file.write(b"torn" * 20)
    snapshots = root / "snapshots"
    snapshots.mkdir(exist_ok=True)
    for unfinished in (
        journal / "prepared-00000009.tmp",
        journal / "00000001.seal.part",
        snapshots / "00000000000000000009.tmp",
    ):
        unfinished.write_bytes(b"unfinished")
    return VirtualDisk.over(root).first


def play(case: Case, disk: FailingDisk, seen: list[Seen]) -> list[str]:
    """Start, play, stop, with the keeper in between; what was warned of, or raises what stops."""
    day = ScriptedDay(case.settings, disk, seed=9)
    day.seen = seen
    try:
        if not case.removes:
            day.prepare()
        day.play(ACTS)
        if case.removes:
            day.save()
        keep(case, disk)
        day.save()
    except (OSError, JournalWriteError):
        day.give_up()
        raise
    day.close()
    keep(case, disk)
    assert day.acts == ACTS
    return day.warnings


def keep(case: Case, disk: VirtualDisk) -> None:
    """Let the keeper do all there is to do, a month later where it is to remove segments."""
    later_ns = 30 * DAY_NS if case.removes else 0
    retention = RetentionPolicy(keep_days=1, compress_after_segments=1)
    policy = KeeperPolicy(every_segments=1, snapshots_kept=1, retention=retention)
    keeper = Keeper(
        disk.root, policy, lambda *_: None, lambda: time.time_ns() + later_ns, files=disk
    )
    try:
        while keeper.step():
            pass
        assert keeper.alarm is None
    finally:
        keeper.close()


def go_on(case: Case, disk: FailingDisk, seen: list[Seen]) -> None:
    """Start on what the disk is sure to have, and find in the journal whatever anybody has seen."""
    lost = Crash.LOST if case.level == "durable" else Crash.KEPT
    image = disk.planes().image(lost, random.Random(0))  # noqa: S311 - not asked
    after = VirtualDisk(disk.root.with_name(f"{disk.root.name}-after"), image)
    day = ScriptedDay(case.settings, after, seed=10)
    day.play(5)
    day.close()
    if not case.removes:
        journal = Day(case.settings, after.root)
        assert all(journal.lsn_of(each) for each in seen)
    keep(case, after)


def outcome(case: Case, disk: FailingDisk, seen: list[Seen]) -> tuple[int, list[str]]:
    """Play; the system's error that ended it, 0 when none did, and what was said."""
    try:
        return 0, play(case, disk, seen)
    except (OSError, JournalWriteError) as error:
        return error.errno or 0, [str(error)]


def cases_of(cases: list[Case], place: Place) -> list[Case]:
    """Return the first case of each level that comes to a place."""
    first = {case.level: case for case in reversed(cases) if place in case.places}
    return list(first.values())


def test_every_place_is_documented(cases: list[Case]) -> None:
    """The table has each call that starts, levels, torn tails, a day and its keeper make."""
    assert set().union(*(case.places for case in cases)) == set(RESULTS)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=lambda p: f"{p.when}-{p.caller}-{p.call}")
def test_an_error_has_the_documented_result(
    cases: list[Case], tmp_path: Path, place: Place
) -> None:
    """Outputs stop or go on, the sentence helps, and the next start has whatever was seen."""
    result = RESULTS[place]
    assert (
        result
        in {
            "start": {"refused", "no orders"},
            "run": {"stopped", "warning"},
            "keeper": {"keeper ends"},
        }[place.when]
    )
    faults = enumerate(ERRORS)
    for case, (turn, number) in itertools.product(cases_of(cases, place), faults):
        at = 1 + turn % 2 * case.places[place] // 2  # the first call, or one in the middle
        root = tmp_path / f"{case.level}-{number}"
        disk = FailingDisk(root, case.image, place, Fault(number), at)
        seen: list[Seen] = []

        ended_by, said = outcome(case, disk, seen)

        assert ended_by == (0 if result in {"warning", "no orders"} else number)
        helps = [", offset ", os.strerror(number), remedy(number)]
        wanted = [str(root), *(helps if result != "no orders" else ["ake room on"])]
        assert any(all(part in text for part in wanted) for text in said), said
        go_on(case, disk, seen)


@pytest.mark.parametrize("fault", [Fault(errno.EINTR), Fault(short=True)], ids=["EINTR", "short"])
@pytest.mark.parametrize(
    "place", [place for place in PLACES if place.call == "pwrite"], ids=lambda p: p.caller
)
def test_a_write_is_completed(
    cases: list[Case], tmp_path: Path, place: Place, fault: Fault
) -> None:
    """One that was interrupted, or took a part, leaves the state as it would have been."""
    for case in cases_of(cases, place):
        root = tmp_path / case.level
        disk = FailingDisk(root, case.image, place, fault, case.places[place])
        seen: list[Seen] = []

        assert outcome(case, disk, seen) == (0, [])

        assert seen
        go_on(case, disk, seen)
