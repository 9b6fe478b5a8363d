"""The keeper: seals complete segments, saves snapshots, compresses and removes by policy.

It is a process of its own with the lowest priority and reads what the gateway writes; the gateway
knows of it only what it reports. What it does is done in steps of which each may be the last:
a seal, a snapshot and a compressed file appear whole, and doing a step again ends the same.

A replay that gives another output than the recorded one is an alarm, and so is damage. The keeper
reports it and goes no further: what came after is neither sealed nor in any snapshot.
"""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Final

import attrs

from kk99fix.journal.errors import JournalDamagedError, JournalWriteError
from kk99fix.journal.files import Files
from kk99fix.journal.names import JOURNAL_FOLDER
from kk99fix.journal.seals import read_seal
from kk99fix.keeper.segments import Kept, Segments
from kk99fix.state.replica import snapshot_headers
from kk99fix.state.retention import (
    RetentionPolicy,
    allowed,
    compress_segment,
    finish_removal,
    remove_parts,
    remove_segments,
)
from kk99fix.state.snapshot_file import SnapshotHeader
from kk99fix.state.snapshots import SNAPSHOT_FOLDER, save_snapshot
from kk99fix.venue.recovery import DivergenceError

MINUTE_NS: Final = 60 * 1_000_000_000
NS_PER_S: Final = 1_000_000_000
#: What looks damaged may be in the midst of being written where the next segment is brand new.
LOOK_AGAIN_NS: Final = 5 * NS_PER_S

#: Reports an event with its values: (name, values).
Report = Callable[[str, dict[str, object]], None]


class KeeperWriteError(JournalWriteError):
    """A file could not be written or removed; everything is as a killed keeper leaves it."""

    consequence = "The gateway goes on, and the keeper is begun again."
    until = ""


@attrs.frozen
class KeeperPolicy:
    """[snapshots] and [retention] of venue.toml."""

    every_segments: int = 16
    every_minutes: int = 60
    snapshots_kept: int = 3
    retention: RetentionPolicy = attrs.Factory(RetentionPolicy)


class Keeper:
    """Does one thing at a time; for one process per state directory."""

    def __init__(
        self,
        state_dir: Path,
        policy: KeeperPolicy,
        report: Report,
        now_ns: Callable[[], int],
        files: Files | None = None,
    ) -> None:
        """Finish what an earlier keeper had begun; JournalError. `now_ns` is UTC."""
        self._journal = state_dir / JOURNAL_FOLDER
        self._snapshots = state_dir / SNAPSHOT_FOLDER
        self._policy = policy
        self._report = report
        self._now_ns = now_ns
        self._files = files or Files()
        try:
            remove_parts(self._files, self._journal)
            finish_removal(self._files, self._journal)
        except OSError as error:
            raise self._failed(error) from error
        self._segments = Segments(self._journal, self._snapshots, self._files)
        headers = snapshot_headers(self._snapshots)
        newest = list(headers.values())[-1:]
        self._snapshot_lsn = newest[0].lsn if newest else 0
        self._snapshot_ns = list(headers)[-1].stat().st_mtime_ns if newest else 0
        self._looked_ns: int | None = None
        self._unsaved = 0
        self._tidied = False
        #: Whether a difference or damage was found: nothing more is done then.
        self.alarm: DivergenceError | JournalDamagedError | None = None

    def step(self) -> bool:
        """Do the next thing there is to do; False when there is nothing. JournalError."""
        if self.alarm is not None:
            return False
        try:
            return self._step()
        except OSError as error:
            raise self._failed(error) from error

    def _step(self) -> bool:
        try:
            kept = self._segments.step()
        except DivergenceError as error:
            self.alarm = error
            values = {"segment": self._segments.number, "lsn": error.lsn, "text": str(error)}
            self._report("mismatch", values)
            return False
        except JournalDamagedError as error:
            return self._damaged(error)
        self._looked_ns = None
        if kept is not None:
            self._after(kept)
            return True
        if not self._tidied:
            self._tidied = True
            self._tidy()
        return False

    def close(self) -> None:
        """Give the memory of the venue back."""
        if self._segments.replica is not None:
            self._segments.replica.close()

    @property
    def doubts(self) -> bool:
        """Whether something looks damaged that may be whole in a moment."""
        return self._looked_ns is not None and self.alarm is None

    def status(self) -> dict[str, object]:
        """Return how far everything is."""
        lag_segments, lag_bytes = self._segments.lag()
        return {
            "sealed_segment": self._segments.sealed_segment,
            "verified_lsn": self._verified_lsn(),
            "lag_segments": lag_segments,
            "lag_bytes": lag_bytes,
            "snapshot_lsn": self._snapshot_lsn,
            "snapshot_time_ns": self._snapshot_ns,
        }

    def _failed(self, error: OSError) -> KeeperWriteError:
        path = Path(error.filename) if error.filename else self._journal
        return KeeperWriteError(path, 0, "seal and tidy up", error)

    def _verified_lsn(self) -> int:
        replayed = [seal for seal in self._segments.seals if seal.state_hash is not None]
        return replayed[-1].next_lsn - 1 if replayed else 0

    def _damaged(self, error: JournalDamagedError) -> bool:
        """Raise the alarm, unless it may be gone in a moment."""
        now_ns = self._now_ns()
        self._looked_ns = self._looked_ns or now_ns
        if now_ns - self._looked_ns >= LOOK_AGAIN_NS or not self._segments.just_completed:
            self.alarm = error
            self._report("damage", {"text": str(error)})
        return False

    def _after(self, kept: Kept) -> None:
        self._tidied = False
        self._unsaved += 1
        due = self._unsaved >= self._policy.every_segments
        age_ns = self._now_ns() - self._snapshot_ns
        if due or age_ns >= self._policy.every_minutes * MINUTE_NS:
            self._save(kept)

    def _save(self, kept: Kept) -> None:
        """Save a snapshot behind the segment, unless there is a later one, or no venue."""
        replica = self._segments.replica
        if replica is None or not kept.new or replica.next_lsn - 1 <= self._snapshot_lsn:
            return
        begun_ns = self._now_ns()
        number = kept.following.header.number
        identity = kept.segment.header.identity
        save_snapshot(replica.venue, self._snapshots, identity, number, files=self._files)
        self._unsaved = 0
        self._snapshot_lsn, self._snapshot_ns = replica.next_lsn - 1, self._now_ns()
        seconds = round((self._snapshot_ns - begun_ns) / NS_PER_S, 3)
        self._report("snapshot saved", {"lsn": self._snapshot_lsn, "seconds": seconds})

    def _tidy(self) -> None:
        """Do what the policy allows; a segment or seal that was changed since is an alarm."""
        try:
            self._prune_and_retain()
        except JournalDamagedError as error:
            self.alarm = error
            self._report("damage", {"text": str(error)})

    def _prune_and_retain(self) -> None:
        """Remove snapshots, compress and remove segments as far as the policy allows."""
        headers = self._prune_snapshots()
        needed_from = min((header.segment for header in headers.values()), default=0)
        now_ns = self._now_ns()
        found = allowed(self._segments.seals, self._policy.retention, needed_from, now_ns)
        for number in found.compress:
            seal = read_seal(self._journal, number)
            if compress_segment(self._files, self._journal, seal):
                self._report("segment compressed", {"segment": number})
        if found.remove:
            seals = [read_seal(self._journal, number) for number in found.remove]
            remove_segments(self._files, self._journal, seals)
            for number in found.remove:
                self._report("segment removed", {"segment": number})
            self._segments.forget(found.remove[-1])

    def _prune_snapshots(self) -> dict[Path, SnapshotHeader]:
        """Remove the snapshots that are too many; returns those that are left, oldest first."""
        headers = snapshot_headers(self._snapshots)
        paths = list(headers)
        kept = set(paths[-self._policy.snapshots_kept :])
        # The first one of the segment that is written leads a keeper that starts anew into it.
        ways_in = (path for path in paths if headers[path].segment == self._segments.number)
        kept.update(islice(ways_in, 1))
        for path in paths:
            if path not in kept:
                self._files.unlink(path)
                del headers[path]
        return headers
