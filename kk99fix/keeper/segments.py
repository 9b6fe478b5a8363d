"""The keeper's walk along complete segments: each verified, replayed, compared, and sealed.

Rules:

- A segment is complete once a later one exists; its file is synced before anything vouches for it.
- What is sealed already is replayed again only to get a venue to its end, and has to end in the
  state that its seal names.
- Where no program was at hand that could replay a segment its seal has no state hash, and the next
  segment that can be replayed from a snapshot gives one again.
- Behind a difference or damage nothing is sealed: nothing there is to be trusted.
"""

import os
from pathlib import Path

import attrs

from kk99fix.journal.compressed import sha256_of
from kk99fix.journal.ends import check_sealed
from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.files import Files
from kk99fix.journal.names import seal_name
from kk99fix.journal.record import unpack_header
from kk99fix.journal.removed import read_removed
from kk99fix.journal.scan import Extent
from kk99fix.journal.seals import REMEDY, Seal, next_chain, read_seal, write_seal
from kk99fix.journal.segment import Segment, find_segment, map_records, read_segment, read_whole
from kk99fix.scanning import FAST_SCAN
from kk99fix.state.replica import Replica, replays, replica_at, snapshot_headers
from kk99fix.venue.recovery import DivergenceError


@attrs.frozen
class Kept:
    """A segment that was gone through."""

    segment: Segment
    following: Segment
    seal: Seal
    #: Whether the seal was written now.
    new: bool


class Segments:
    """Goes through complete segments one by one; see the top of this module."""

    def __init__(self, journal: Path, snapshots: Path, files: Files) -> None:
        """Take the folders; JournalDamagedError, JournalReadError when seals cannot be read."""
        self._journal = journal
        self._snapshots = snapshots
        self._files = files
        removed = read_removed(journal)
        self._chain = removed.chain
        #: The last segment that is sealed, and the lsn behind it.
        self.sealed_segment, self.sealed_next_lsn = removed.segment, removed.next_lsn
        #: Seals of what is there, in order, without their extents.
        self.seals: list[Seal] = []
        while (journal / seal_name(self.sealed_segment + 1)).exists():
            self._take(read_seal(journal, self.sealed_segment + 1))
        self.replica: Replica | None = None
        self.number = self._first_number()
        self.newest = self.number

    def step(self) -> Kept | None:
        """Go through the next complete segment; None when there is none.

        JournalError, DivergenceError, OSError: the segment is the one that comes next still.
        """
        path, later = self._path(self.number), self._path(self.number + 1)
        if path is None or later is None:
            return None
        segment, following = read_segment(path), read_segment(later)
        records = map_records(segment)
        read_whole(segment, records)
        header = segment.header
        end = FAST_SCAN.whole_units(records, header.crc_seed, header.first_lsn)
        check_sealed(segment, records, end, following, FAST_SCAN)
        state_hash = self._replay(segment, records[:end], following.header.first_lsn)
        new = self.number > self.sealed_segment
        if new:
            seal = self._seal(segment, records[:end], following, state_hash)
            write_seal(self._files, self._journal, seal)
            self._take(seal)
        else:
            seal = read_seal(self._journal, self.number)
            self._check_state(seal, state_hash)
        self.number += 1
        return Kept(segment, following, seal, new)

    def lag(self) -> tuple[int, int]:
        """Complete segments that are not sealed: how many, and their bytes on the disk."""
        self.newest = max(self.newest, self.sealed_segment + 1)
        while self._path(self.newest + 1) is not None:
            self.newest += 1
        waiting = range(self.sealed_segment + 1, self.newest)
        paths = (self._path(number) for number in waiting[:1])
        size = sum(path.stat().st_size for path in paths if path is not None)
        return len(waiting), len(waiting) * size

    @property
    def just_completed(self) -> bool:
        """Whether the segment after the next one to go through is the one that is written."""
        return self._path(self.number + 2) is None

    def forget(self, number: int) -> None:
        """Leave out the seals up to a segment that is removed."""
        self.seals = [seal for seal in self.seals if seal.segment > number]

    # ---------------------------------------------------------------- inside

    def _path(self, number: int) -> Path | None:
        return find_segment(self._journal, number)

    def _take(self, seal: Seal) -> None:
        """Take one more seal in, which has to continue the chain."""
        chain = next_chain(self._chain, seal.sha256)
        if (seal.chain, seal.first_lsn) != (chain, self.sealed_next_lsn):
            path = self._journal / seal_name(seal.segment)
            raise JournalDamagedError(path, 0, "the seal does not continue the one before", REMEDY)
        self._chain = chain
        self.seals.append(attrs.evolve(seal, sent={}))
        self.sealed_segment, self.sealed_next_lsn = seal.segment, seal.next_lsn

    def _first_number(self) -> int:
        """Return where to begin, so that a venue is there for the first unsealed segment."""
        for header in reversed(snapshot_headers(self._snapshots).values()):
            if header.segment <= self.sealed_segment + 1 and self._begins(header.segment):
                return max(header.segment, read_removed(self._journal).segment + 1)
        return 1 if self._begins(1) else self.sealed_segment + 1

    def _begins(self, number: int) -> bool:
        """Whether a segment is there and this program can replay it."""
        path = self._path(number)
        return path is not None and replays(read_segment(path).header.identity)

    def _replay(self, segment: Segment, records: memoryview, next_lsn: int) -> int | None:
        """Replay what the venue has not had yet; its state hash, None where there is no venue."""
        replica = self._replica_for(segment, next_lsn)
        if replica is None:
            return None
        start = FAST_SCAN.find_lsn(records, 0, replica.next_lsn)
        if start < len(records):
            replica.take(records[start:])
        assert replica.next_lsn == next_lsn, "a replica stands behind what it replayed"
        return replica.venue.state_hash()

    def _replica_for(self, segment: Segment, next_lsn: int) -> Replica | None:
        header = segment.header
        held = self.replica
        if held is not None:
            stands_here = header.first_lsn <= held.next_lsn <= next_lsn
            if stands_here and held.follows(header.identity):
                return held
            held.close()
        self.replica = replica_at(self._snapshots, segment, next_lsn)
        return self.replica

    def _seal(
        self, segment: Segment, records: memoryview, following: Segment, state_hash: int | None
    ) -> Seal:
        if not segment.compressed:
            self._sync(segment.path)
        if not following.header.identity.durable:
            # A snapshot names the segment that comes next, whose header page nobody else syncs.
            self._sync(following.path)
        sha256 = sha256_of(segment.path, compressed=segment.compressed)
        found = FAST_SCAN.extents(records, 0, len(records))
        return Seal(
            segment=segment.header.number,
            first_lsn=segment.header.first_lsn,
            next_lsn=following.header.first_lsn,
            last_time_ns=self._last_time_ns(records, following.header.first_lsn - 1),
            size_bytes=segment.header.segment_bytes,
            sha256=sha256,
            chain=next_chain(self._chain, sha256),
            state_hash=state_hash,
            sent={key: Extent(*extent) for key, extent in found.items()},
        )

    def _last_time_ns(self, records: memoryview, last_lsn: int) -> int:
        """Return the time of the last record; a segment without any has that of the one before."""
        at = FAST_SCAN.find_lsn(records, 0, last_lsn)
        if at < len(records):
            return unpack_header(records, at).time_ns
        return self.seals[-1].last_time_ns if self.seals else 0

    def _sync(self, path: Path) -> None:
        fd = self._files.open(path, os.O_RDONLY)
        try:
            self._files.fdatasync(fd)
        finally:
            self._files.close(fd)

    def _check_state(self, seal: Seal, state_hash: int | None) -> None:
        if None not in (seal.state_hash, state_hash) and seal.state_hash != state_hash:
            found = (
                f"the venue has the state {state_hash:016x} behind segment {seal.segment}, "
                f"the seal says {seal.state_hash:016x}"
            )
            raise DivergenceError(found, seal.next_lsn - 1)
