import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from support.disk_planes import Crash
from support.journal_files import FaultyFiles
from support.kept_state import YEARS_LATER_NS, copy_of, forge, traded_state
from support.live_gateway import small_settings
from support.scripted_day import ScriptedDay, tiny
from support.virtual_disk import VirtualDisk

from kk99fix.journal.errors import JournalDamagedError, JournalWriteError
from kk99fix.journal.files import Files
from kk99fix.journal.names import compressed_name, seal_name
from kk99fix.journal.removed import read_removed
from kk99fix.journal.seals import NO_CHAIN, next_chain, read_seal, write_seal
from kk99fix.journal.segment import list_segments, segment_name
from kk99fix.keeper.keeper import LOOK_AGAIN_NS, MINUTE_NS, Keeper, KeeperPolicy
from kk99fix.state.replica import snapshot_headers
from kk99fix.state.retention import DAY_NS, RetentionPolicy
from kk99fix.state.snapshot_file import write_file
from kk99fix.state.snapshots import snapshot_name


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with several complete segments."""
    return traded_state(tmp_path_factory.mktemp("traded"), 9000)


@pytest.fixture
def state(traded: Path, tmp_path: Path) -> Path:
    """A copy of it, without the snapshot of the clean stop."""
    copy_of(traded, tmp_path)
    for path in (tmp_path / "snapshots").glob("*"):
        path.unlink()
    return tmp_path


@attrs.define
class Desk:
    """A keeper, its clock and what it reports."""

    state: Path
    policy: KeeperPolicy = attrs.Factory(lambda: KeeperPolicy(every_segments=1000))
    now_ns: int = YEARS_LATER_NS
    events: list[tuple[str, dict[str, Any]]] = attrs.Factory(list)
    keepers: list[Keeper] = attrs.Factory(list)

    def keeper(self, files: Files | None = None) -> Keeper:
        """A new keeper, as after a restart."""

        def report(name: str, values: dict[str, object]) -> None:
            self.events.append((name, dict(values)))

        self.keepers.append(Keeper(self.state, self.policy, report, lambda: self.now_ns, files))
        return self.keepers[-1]

    def keep(self) -> Keeper:
        """Do all that is to be done."""
        keeper = self.keeper()
        while keeper.step():
            pass
        return keeper

    def of(self, name: str) -> list[dict[str, Any]]:
        """What was reported under a name."""
        return [values for event, values in self.events if event == name]

    @property
    def journal(self) -> Path:
        """The folder of the segments."""
        return self.state / "journal"


@pytest.fixture
def desk(state: Path) -> Iterator[Desk]:
    """A desk over the copy."""
    desk = Desk(state)
    yield desk
    for keeper in desk.keepers:
        keeper.close()


def test_every_complete_segment_is_sealed(desk: Desk) -> None:
    """The seals chain the files' hashes; the segment that is written has none."""
    keeper = desk.keep()
    segments = list_segments(desk.journal)
    chain = NO_CHAIN
    for segment, following in itertools.pairwise(segments):
        seal = read_seal(desk.journal, segment.header.number)
        chain = next_chain(chain, seal.sha256)
        assert seal.chain == chain
        assert (seal.first_lsn, seal.next_lsn) == (
            segment.header.first_lsn,
            following.header.first_lsn,
        )
        assert seal.state_hash is not None

    assert not (desk.journal / seal_name(len(segments))).exists()
    status = keeper.status()
    assert status["sealed_segment"] == len(segments) - 1
    assert status["verified_lsn"] == segments[-1].header.first_lsn - 1
    assert (status["lag_segments"], status["lag_bytes"]) == (0, 0)
    assert keeper.alarm is None


def test_what_waits_is_counted(desk: Desk) -> None:
    """Before the first step everything complete is behind."""
    waiting = len(list_segments(desk.journal)) - 1

    status = desk.keeper().status()
    assert (status["lag_segments"], status["lag_bytes"]) == (waiting, waiting << 20)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_another_keeper_goes_on_where_one_ended(desk: Desk, steps: int) -> None:
    """Killed after any step, the seals are those of an undisturbed run."""
    first = desk.keeper()
    for _ in range(steps):
        first.step()
    desk.keep()
    found = [read_seal(desk.journal, n) for n in range(1, len(list_segments(desk.journal)))]
    for path in desk.journal.glob("*.seal"):
        path.unlink()
    desk.keep()

    assert found == [read_seal(desk.journal, seal.segment) for seal in found]
    assert desk.of("mismatch") == []


def test_a_difference_is_an_alarm_and_ends_the_chain(desk: Desk) -> None:
    """It names the record and both byte strings; the segment gets no seal, nor any later one."""
    lsn = forge(desk.state, 2, b"\x0144=180\x01", b"\x0144=181\x01")
    keeper = desk.keep()
    (event,) = desk.of("mismatch")

    assert (event["segment"], event["lsn"]) == (2, lsn)
    assert "recorded:" in event["text"]
    assert "44=181|" in event["text"]
    assert "44=180|" in event["text"]
    assert (desk.journal / seal_name(1)).exists()
    assert not (desk.journal / seal_name(2)).exists()
    assert not keeper.step()
    assert len(desk.of("mismatch")) == 1
    assert keeper.status()["sealed_segment"] == 1


def damage(path: Path) -> None:
    """Change one bit in the middle of the records."""
    data = bytearray(path.read_bytes())
    data[100_000] ^= 1
    path.write_bytes(data)


def test_damage_is_an_alarm(desk: Desk) -> None:
    """A segment that was complete long ago and is not whole is reported with its place."""
    path = desk.journal / segment_name(1)
    damage(path)
    keeper = desk.keep()

    assert isinstance(keeper.alarm, JournalDamagedError)
    assert f"{path.name}, offset " in desk.of("damage")[0]["text"]
    assert not keeper.doubts


def test_what_has_just_ended_is_looked_at_again(desk: Desk) -> None:
    """Damage right before the segment that is written is an alarm only once it stays."""
    damage(desk.journal / segment_name(len(list_segments(desk.journal)) - 1))
    keeper = desk.keep()
    assert keeper.doubts
    assert desk.of("damage") == []
    desk.now_ns += LOOK_AGAIN_NS
    assert not keeper.step()
    assert len(desk.of("damage")) == 1
    assert not keeper.doubts


def test_what_was_being_written_is_sealed_a_moment_later(desk: Desk) -> None:
    """Doubt ends when the bytes are there."""
    number = len(list_segments(desk.journal)) - 1
    path = desk.journal / segment_name(number)
    whole = path.read_bytes()
    path.write_bytes(whole[:500_000] + bytes(len(whole) - 500_000))
    keeper = desk.keep()
    assert keeper.doubts
    path.write_bytes(whole)
    desk.now_ns += LOOK_AGAIN_NS

    assert keeper.step()
    assert (keeper.doubts, keeper.alarm) == (False, None)
    assert keeper.status()["sealed_segment"] == number


def test_a_state_that_a_seal_denies_is_an_alarm(desk: Desk) -> None:
    """Replaying what is sealed has to end in the state that was sealed."""
    desk.keep()
    seal = read_seal(desk.journal, 1)
    assert seal.state_hash is not None
    write_seal(Files(), desk.journal, attrs.evolve(seal, state_hash=seal.state_hash ^ 1))
    (desk.journal / seal_name(2)).unlink()
    for path in snapshot_headers(desk.state / "snapshots"):
        path.unlink()
    desk.keep()

    assert [event["segment"] for event in desk.of("mismatch")] == [1]


def test_a_seal_of_another_journal_is_damage(desk: Desk) -> None:
    """A seal that does not continue the chain is named before anything is done."""
    desk.keep()
    seal = read_seal(desk.journal, 2)
    write_seal(Files(), desk.journal, attrs.evolve(seal, sha256=bytes(32)))

    with pytest.raises(JournalDamagedError, match="the seal does not continue the one before"):
        desk.keeper()


def test_snapshots_are_saved_by_count(desk: Desk) -> None:
    """One after each so many segments, the first one at once, and only the newest are kept."""
    desk.policy = KeeperPolicy(every_segments=1, snapshots_kept=2)
    desk.keep()
    saved = [event["lsn"] for event in desk.of("snapshot saved")]
    kept = [header.lsn for header in snapshot_headers(desk.state / "snapshots").values()]

    assert len(saved) == len(list_segments(desk.journal)) - 1
    assert kept == saved[-2:]


def test_snapshots_are_saved_by_time(desk: Desk) -> None:
    """Where few segments fill, one after so many minutes."""
    desk.policy = KeeperPolicy(every_segments=1000, every_minutes=10)
    keeper = desk.keeper()
    keeper.step()
    keeper.step()
    assert len(desk.of("snapshot saved")) == 1
    desk.now_ns += 10 * MINUTE_NS
    keeper.step()
    assert len(desk.of("snapshot saved")) == 2


def test_stops_in_one_segment_leave_a_way_into_it(desk: Desk) -> None:
    """Of many snapshots in the segment that is written the first is kept beside the newest."""
    desk.policy = KeeperPolicy(every_segments=1, snapshots_kept=2)
    desk.keep()
    folder = desk.state / "snapshots"
    way_in = list(snapshot_headers(folder).values())[-1]
    assert way_in.segment == len(list_segments(desk.journal))
    for lsn in range(way_in.lsn + 1, way_in.lsn + 6):
        header = attrs.evolve(way_in, lsn=lsn)
        write_file(Files(), folder / snapshot_name(lsn), header, [])
    desk.keep()

    kept = [header.lsn - way_in.lsn for header in snapshot_headers(folder).values()]
    assert kept == [0, 4, 5]


def test_a_start_replays_from_the_newest_snapshot(desk: Desk) -> None:
    """Behind a snapshot nothing is replayed twice; the seals are the same."""
    desk.policy = KeeperPolicy(every_segments=1)
    first = desk.keeper()
    first.step()
    first.step()
    last = read_seal(desk.journal, 2)
    (desk.journal / seal_name(2)).unlink()
    (desk.journal / segment_name(1)).write_bytes(b"not looked at")
    keeper = desk.keeper()
    keeper.step()

    assert read_seal(desk.journal, 2) == last


def test_segments_before_a_snapshot_of_another_version_are_sealed_unreplayed(desk: Desk) -> None:
    """Without a program that can replay them, the chain goes on and says so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kk99fix.state.replica.replays", lambda _: False)
        keeper = desk.keep()
    seals = [read_seal(desk.journal, n) for n in range(1, len(list_segments(desk.journal)))]

    assert {seal.state_hash for seal in seals} == {None}
    assert keeper.status()["verified_lsn"] == 0
    assert keeper.status()["sealed_segment"] == len(seals)


def test_retention_does_what_the_policy_says(desk: Desk) -> None:
    """Old segments are compressed, older ones removed, and what a start needs is not touched."""
    desk.policy = KeeperPolicy(
        every_segments=1,
        snapshots_kept=2,
        retention=RetentionPolicy(compress_after_segments=1, keep_days=0),
    )
    desk.keep()
    count = len(list_segments(desk.journal))
    needed_from = min(h.segment for h in snapshot_headers(desk.state / "snapshots").values())
    compressed = [
        segment.header.number for segment in list_segments(desk.journal) if segment.compressed
    ]
    assert compressed == list(range(1, needed_from))
    assert [event["segment"] for event in desk.of("segment compressed")] == compressed

    desk.policy = attrs.evolve(desk.policy, retention=RetentionPolicy(keep_days=30))
    desk.now_ns += 31 * DAY_NS
    keeper = desk.keep()
    assert [segment.header.number for segment in list_segments(desk.journal)] == list(
        range(needed_from, count + 1)
    )
    assert read_removed(desk.journal).segment == needed_from - 1
    assert not (desk.journal / compressed_name(1)).exists()
    assert keeper.status()["sealed_segment"] == count - 1
    assert desk.keep().alarm is None


def test_a_segment_that_was_changed_since_it_was_sealed_is_an_alarm(desk: Desk) -> None:
    """Where it is to be compressed, what differs from its seal is reported and left as it is."""
    desk.policy = KeeperPolicy(every_segments=1, snapshots_kept=1)
    desk.keep()
    path = desk.journal / segment_name(1)
    damage(path)
    retention = RetentionPolicy(compress_after_segments=1)
    desk.policy = attrs.evolve(desk.policy, retention=retention)
    keeper = desk.keep()

    assert isinstance(keeper.alarm, JournalDamagedError)
    assert f"{path.name}, offset " in desk.of("damage")[0]["text"]
    assert not keeper.step()
    assert len(desk.of("damage")) == 1
    assert not (desk.journal / compressed_name(1)).exists()


def test_at_level_process_a_snapshot_outlives_the_machine(tmp_path: Path) -> None:
    """The segment that a snapshot names is there, whatever else was not on the disk yet."""
    settings = tiny(small_settings(tmp_path / "config"), 1 << 15, "process")
    disk = VirtualDisk(tmp_path / "var")
    day = ScriptedDay(settings, disk, seed=3)
    day.prepare()
    day.play(60)
    day.keep()
    lost = disk.planes().image(Crash.LOST, random.Random(0))  # noqa: S311 - not asked
    day.close()

    after = ScriptedDay(settings, VirtualDisk(tmp_path / "after", lost), seed=4)
    assert after.still.gateway.storage.snapshot_lsn > 0
    after.close()


@pytest.mark.parametrize("call", ["open", "pwrite", "fdatasync", "rename"])
def test_a_disk_that_refuses_ends_the_step(desk: Desk, call: str) -> None:
    """The error goes to whoever runs the keeper; the next one does the same step."""
    keeper = desk.keeper(FaultyFiles(call, code=28))
    with pytest.raises(JournalWriteError, match=r"No space left.*ake room on it") as caught:
        keeper.step()
    assert caught.value.errno == 28

    assert desk.keep().status()["lag_segments"] == 0


def test_parts_of_an_earlier_keeper_are_removed(desk: Desk) -> None:
    """What was being written when it died is not left lying about."""
    (desk.journal / "00000001.seal.part").write_bytes(b"{")
    desk.keep()

    assert list(desk.journal.glob("*.part")) == []
