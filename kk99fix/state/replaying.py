"""A whole journal replayed beside whoever writes it: what it comes to, and whether it is the same.

Nothing is changed and no lock is taken. Of a journal that is being written everything up to the
last whole unit is replayed; of a durable one up to the last that is known to be on the disk.
Behind a version fence it goes on from the snapshot of the clean stop there.
"""

import time
from collections.abc import Callable
from pathlib import Path

import attrs

from kk99fix.journal.ends import check_sealed
from kk99fix.journal.errors import JournalError
from kk99fix.journal.reader import journal_segments
from kk99fix.journal.segment import Segment, map_records, read_whole
from kk99fix.matcher.values import Statistics
from kk99fix.scanning import FAST_SCAN
from kk99fix.state.replica import Replica, replays, replica_at, restored_replica, snapshot_headers
from kk99fix.state.snapshots import SNAPSHOT_FOLDER


@attrs.define
class Day:
    """What a trading day came to, as far as it was replayed."""

    trading_day: int
    messages_in: int = 0
    messages_out: int = 0
    orders: int = 0
    trades: int = 0
    refusals: int = 0

    def add(self, before: Statistics, after: Statistics) -> None:
        """Take in what was counted between two moments."""
        self.messages_in += _total(after.messages_in) - _total(before.messages_in)
        self.messages_out += _total(after.messages_out) - _total(before.messages_out)
        self.orders += after.orders_accepted - before.orders_accepted
        self.trades += after.trades - before.trades
        self.refusals += _total(after.refusals) - _total(before.refusals)


@attrs.define
class Replay:
    """What a replay came to."""

    #: The first record that was replayed, and the one behind the last.
    first_lsn: int = 1
    next_lsn: int = 1
    segments: int = 0
    #: Records of whole units that were applied or compared.
    records: int = 0
    #: Applying and comparing, without reading and checksums.
    seconds: float = 0.0
    state_hash: int = 0
    days: list[Day] = attrs.Factory(list)

    @property
    def records_per_s(self) -> float:
        """How fast it was."""
        return self.records / self.seconds if self.seconds else 0.0


def replay_journal(
    state_dir: Path, progress: Callable[[str], None], *, from_snapshot: bool = False
) -> Replay:
    """Replay from the start of the journal, or from the newest snapshot.

    JournalError, and DivergenceError at the first output that differs.
    """
    segments, snapshots = journal_segments(state_dir), state_dir / SNAPSHOT_FOLDER
    replica = _newest(segments, snapshots) if from_snapshot else None
    if replica is not None:
        segments = [each for each in segments if each.header.number >= replica[1]]
    run = _Run(snapshots, progress, None if replica is None else replica[0])
    try:
        for segment, following in zip(segments, [*segments[1:], None], strict=True):
            run.segment(segment, following)
        return run.ended()
    finally:
        run.close()


def _newest(segments: list[Segment], snapshots: Path) -> tuple[Replica, int]:
    """Return a replica from the newest snapshot, and the segment where it goes on."""
    identities = {segment.header.number: segment.header.identity for segment in segments}
    for path, header in reversed(snapshot_headers(snapshots).items()):
        identity = identities.get(header.segment)
        if identity is not None and replays(identity):
            return restored_replica(path, identity), header.segment
    raise JournalError(
        f"{snapshots}: there is no snapshot that this program can read. "
        f"Leave --from-snapshot out to replay from the start of the journal."
    )


class _Run:
    """A replay under way."""

    def __init__(
        self, snapshots: Path, progress: Callable[[str], None], replica: Replica | None
    ) -> None:
        self._snapshots = snapshots
        self._progress = progress
        self._replica = replica
        self._came_to = Replay(first_lsn=0 if replica is None else replica.next_lsn)

    def close(self) -> None:
        if self._replica is not None:
            self._replica.close()

    def segment(self, segment: Segment, following: Segment | None) -> None:
        """Verify a segment and replay what the replica has not had."""
        self._progress(f"replaying {segment.path.name}")
        records = map_records(segment)
        read_whole(segment, records)
        header = segment.header
        end = FAST_SCAN.whole_units(records, header.crc_seed, header.first_lsn)
        if following is not None:
            check_sealed(segment, records, end, following, FAST_SCAN)
        elif header.identity.durable:
            end = _durable_end(segment, records, end)
        next_lsn = header.first_lsn + FAST_SCAN.count(records[:end])
        replica = self._replica_for(segment, next_lsn)
        start = FAST_SCAN.find_lsn(records[:end], 0, replica.next_lsn)
        if start < end:
            self._take(replica, records[start:end], header.identity.trading_day)
        self._came_to.segments += 1

    def ended(self) -> Replay:
        """Return what it came to."""
        replica = self._replica
        assert replica is not None, "a journal has a segment"
        self._came_to.next_lsn = replica.next_lsn
        self._came_to.state_hash = replica.venue.state_hash()
        return self._came_to

    def _replica_for(self, segment: Segment, next_lsn: int) -> Replica:
        held = self._replica
        if held is not None and held.follows(segment.header.identity):
            return held
        self.close()
        self._replica = replica_at(self._snapshots, segment, next_lsn)
        if self._replica is None:
            raise _no_way_in(segment)
        self._came_to.first_lsn = self._came_to.first_lsn or self._replica.next_lsn
        return self._replica

    def _take(self, replica: Replica, run: memoryview, trading_day: int) -> None:
        came_to, engine = self._came_to, replica.venue.engine
        if not came_to.days or came_to.days[-1].trading_day != trading_day:
            came_to.days.append(Day(trading_day))
        before, begun = engine.statistics(), time.perf_counter()
        came_to.records += replica.take(run).messages
        came_to.seconds += time.perf_counter() - begun
        came_to.days[-1].add(before, engine.statistics())


def _durable_end(segment: Segment, records: memoryview, end: int) -> int:
    """Return where the units end that are known to be on the disk."""
    floor = segment.header.first_lsn - 1
    watermark = max(floor, FAST_SCAN.watermark(records, end))
    return FAST_SCAN.find_lsn(records[:end], 0, watermark + 1)


def _no_way_in(segment: Segment) -> JournalError:
    core_version = segment.header.identity.core_version
    if replays(segment.header.identity):
        return JournalError(
            f"{segment.path}: what was before it was removed, and no snapshot stands in it. "
            f"Use --from-snapshot to replay from the newest one."
        )
    return JournalError(
        f"{segment.path}: written by core version {core_version} or with another message "
        f"dictionary. Use the program that wrote it, or --from-snapshot."
    )


def _total(counts: dict[str, int] | dict[int, int]) -> int:
    return sum(counts.values())
