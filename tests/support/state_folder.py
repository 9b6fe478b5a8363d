"""State directories in which a random day lies, as a gateway would have left it."""

import json
from collections.abc import Iterator
from pathlib import Path

import attrs

from kk99fix.journal.names import JOURNAL_FOLDER
from kk99fix.journal.segment import Identity
from kk99fix.journal.writer import JournalWriter
from kk99fix.matcher import library as core
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import Capacity
from kk99fix.state.snapshots import SNAPSHOT_FOLDER, save_snapshot
from kk99fix.state.storage import Storage, open_storage, segment_capacity
from kk99fix.venue.recovery import replay, unit_length
from kk99fix.venue.venue import Venue
from support.small_venue import FIRST_DAY

SEGMENT_BYTES = 1 << 16


def units_of(journal: bytes) -> Iterator[memoryview]:
    """The units of a journal, one by one."""
    view, position = memoryview(journal), 0
    while position < len(view):
        length = unit_length(view, position)
        yield view[position : position + length]
        position += length


def identity_of(capacity: Capacity) -> Identity:
    """The identity of a desk's journal, whose ids have no secret."""
    digest = bytes.fromhex(core.dictionary_digest())
    own = segment_capacity(capacity)
    return Identity(bytes(16), int(FIRST_DAY), digest, core.core_version(), own)


@attrs.define
class StateFolder:
    """A state directory and what was said while it was opened."""

    path: Path
    capacity: Capacity
    said: list[str] = attrs.field(factory=list)

    @property
    def snapshots(self) -> Path:
        """The folder of snapshots."""
        return self.path / SNAPSHOT_FOLDER

    @property
    def journal(self) -> Path:
        """The folder of segments."""
        return self.path / JOURNAL_FOLDER

    def fill(
        self, journal: bytes, *, snapshot_every: int = 0, identity: Identity | None = None
    ) -> None:
        """Write a day's units, and a snapshot behind every so many of them."""
        identity = identity or identity_of(self.capacity)
        self.journal.mkdir(parents=True)
        writer = JournalWriter(self.journal, identity, segment_bytes=SEGMENT_BYTES)
        writer.create()
        venue = Venue(Engine(self.capacity))
        for count, unit in enumerate(units_of(journal), 1):
            writer.append(unit)
            replay(venue, [unit])
            if snapshot_every and count % snapshot_every == 0:
                save_snapshot(venue, self.snapshots, identity, writer.segment)
        writer.close()
        venue.engine.close()

    def open(self, capacity: Capacity | None = None) -> Storage:
        """Open it as a start does."""
        storage = open_storage(
            self.path, capacity or self.capacity, SEGMENT_BYTES, int(FIRST_DAY), self.said.append
        )
        storage.writer.close()
        storage.lock.close()
        return storage

    def save(self, storage: Storage, *, clean: bool) -> Path:
        """Save a snapshot of what was opened, as a stop does."""
        writer = storage.writer
        return save_snapshot(
            storage.venue, self.snapshots, writer.identity, writer.segment, clean=clean
        )

    def files(self) -> dict[str, bytes]:
        """Every file but the lock."""
        return {
            str(path.relative_to(self.path)): path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and path.name != "lock"
        }


def state_of(venue: Venue) -> tuple[object, ...]:
    """Everything that a venue is."""
    saved = json.dumps(venue.saved(), sort_keys=True)
    return saved, b"".join(venue.engine.snapshot()), venue.engine.state_hash()
