"""A venue that is led along the journal by its records alone, beside the one that wrote them.

It has the pools that the segments name, since these decide outputs, and one small ring, since rings
decide none.
The version fence holds here too: a replica follows segments of one core version, dictionary and
capacity; behind the fence another one goes on from the snapshot that stands there.
"""

from contextlib import suppress
from pathlib import Path

import attrs

from kk99fix.journal.errors import JournalError
from kk99fix.journal.segment import Identity, Segment, SegmentCapacity
from kk99fix.matcher import library as core
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import Capacity
from kk99fix.state.fence import is_same
from kk99fix.state.snapshot_file import SnapshotHeader, read_file, read_header
from kk99fix.state.snapshots import list_snapshots, restore
from kk99fix.venue.recovery import Recovered, replay
from kk99fix.venue.venue import Venue

#: Nobody is ever connected to a replica.
_RING_BYTES = 1 << 19


def replica_capacity(capacity: SegmentCapacity) -> Capacity:
    """Return the pools that a segment names, with rings for nobody."""
    return Capacity(**attrs.asdict(capacity), rings=1, ring_bytes=_RING_BYTES)


def replays(identity: Identity) -> bool:
    """Whether this program can replay what was written under this identity."""
    ours = attrs.evolve(
        identity,
        core_version=core.core_version(),
        dictionary_sha256=bytes.fromhex(core.dictionary_digest()),
    )
    return is_same(identity, ours)


@attrs.define
class Replica:
    """A venue, and the identity of the segments that it follows."""

    venue: Venue
    identity: Identity

    @property
    def next_lsn(self) -> int:
        """The record that comes next."""
        return self.venue.engine.next_lsn

    def follows(self, identity: Identity) -> bool:
        """Whether it can take the records of segments of this identity."""
        return is_same(self.identity, identity)

    def take(self, run: memoryview) -> Recovered:
        """Apply a run of whole units and compare every output; DivergenceError."""
        return replay(self.venue, (run,))

    def close(self) -> None:
        """Give the memory of the pools back."""
        self.venue.engine.close()


def empty_replica(identity: Identity) -> Replica:
    """Return a replica before the first record of its journal."""
    engine = Engine(replica_capacity(identity.capacity), secret=identity.journal_uuid)
    return Replica(Venue(engine), identity)


def restored_replica(path: Path, identity: Identity) -> Replica:
    """Return a replica that goes on from a snapshot with segments of `identity`; JournalError."""
    return Replica(restore(read_file(path), replica_capacity(identity.capacity)), identity)


def snapshot_headers(folder: Path) -> dict[Path, SnapshotHeader]:
    """Return the headers of a folder's snapshots, oldest first; damaged ones are left out."""
    return {path: header for path in reversed(list_snapshots(folder)) if (header := _header(path))}


def _header(path: Path) -> SnapshotHeader | None:
    try:
        return read_header(path)
    except JournalError:
        return None


def may_begin(header: SnapshotHeader, identity: Identity) -> bool:
    """Whether segments of `identity` may be replayed from a snapshot."""
    if header.identity.journal_uuid != identity.journal_uuid or not replays(identity):
        return False
    return header.clean or is_same(header.identity, identity)


def replica_at(snapshots: Path, segment: Segment, next_lsn: int) -> Replica | None:
    """Return a replica for a segment that ends before `next_lsn`, None where there is none.

    It begins with the journal, or as early in the segment as there is a snapshot.
    """
    header = segment.header
    if header.first_lsn == 1 and replays(header.identity):
        return empty_replica(header.identity)
    for path, snapshot in snapshot_headers(snapshots).items():
        within = header.first_lsn <= snapshot.lsn + 1 <= next_lsn
        if within and may_begin(snapshot, header.identity):
            with suppress(JournalError):  # another snapshot, or a later one, does as well
                return restored_replica(path, header.identity)
    return None
