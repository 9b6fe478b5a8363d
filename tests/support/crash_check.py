"""What has to hold of every state that a crash may leave: recovery against the day as it was.

The whole journal of a day, replayed unit by unit, tells the state of the venue behind each of them.
A crash may give any of these states back, but none in which something is missing that a
counterparty has seen, or that a sync had brought to the disk.
"""

import itertools
from collections.abc import Iterable
from pathlib import Path

import attrs

from kk99fix.config.load import Settings
from kk99fix.gateway.assembly import capacity_of
from kk99fix.journal.files import Files
from kk99fix.journal.names import JOURNAL_FOLDER
from kk99fix.journal.reader import read_records, units
from kk99fix.journal.record import DropCopy, Kind
from kk99fix.journal.segment import PAGE_BYTES, list_segments, map_records, segment_name
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.library import crc32c
from kk99fix.state.storage import Storage, open_storage
from kk99fix.venue.recovery import replay
from kk99fix.venue.venue import Venue
from support.disk_planes import Image
from support.fix_peer import decode
from support.scripted_day import Seen
from support.virtual_disk import lay_out

#: What of a venue can influence a later output.
State = tuple[object, ...]


def state_of(venue: Venue) -> State:
    """Return a venue's state, so that two that are equal go on alike."""
    return (
        venue.engine.state_hash(),
        venue.engine.next_lsn,
        venue.registry.ids,
        venue.registry.content,
        venue.halted,
        venue.storage_low,
        venue.live_sessions,
        venue.next_deadline_ns(),
    )


class QuickFiles(Files):
    """The system's files without its syncs, for starts whose disk is not looked at."""

    def fdatasync(self, fd: int) -> None:
        """Wait for nothing."""

    def sync_directory(self, path: Path) -> None:
        """Wait for nothing."""


@attrs.frozen
class Recovered:
    """What a start made of a crash."""

    next_lsn: int
    state: State


def start(settings: Settings, state_dir: Path, files: Files) -> Storage:
    """Open a state directory as a start of the gateway does."""
    return open_storage(
        state_dir,
        capacity_of(settings),
        settings.venue.journal.segment_bytes,
        20261125,
        lambda _: None,
        durable=settings.venue.venue.durability == "durable",
        files=files,
    )


def close(storage: Storage) -> None:
    """Give everything of a start back."""
    storage.writer.close()
    storage.lock.close()
    storage.venue.engine.close()


class Day:
    """A day that has been: its journal, its states, and where each message to somebody stands."""

    def __init__(self, settings: Settings, state_dir: Path) -> None:
        """Read the day's journal and replay it."""
        folder = state_dir / JOURNAL_FOLDER
        listed = list_segments(folder)
        #: Records of each segment, whole or compressed.
        self.segments = {each.header.number: bytes(map_records(each)) for each in listed}
        identity = listed[0].header.identity
        self.states: dict[int, State] = {}
        venue = Venue(Engine(capacity_of(settings), secret=identity.journal_uuid))
        self.states[venue.engine.next_lsn] = state_of(venue)
        for segment in listed:
            records = map_records(segment)
            for unit in units(segment, records):
                start_at = unit[0].offset - PAGE_BYTES
                last = unit[-1]
                end = last.offset - PAGE_BYTES + last.record.header.length
                replay(venue, [records[start_at:end]])
                self.states[venue.engine.next_lsn] = state_of(venue)
        self._names = venue.registry.session_names()
        venue.engine.close()
        #: lsn, and bytes or the checksum of bytes, of each message by session and number.
        self.sent: dict[tuple[str, int], tuple[int, bytes | int]] = {}
        for placed in read_records(listed):
            header = placed.record.header
            if header.kind in {Kind.MESSAGE, Kind.DROP_COPY}:
                key = self._names[header.session], header.msg_seq_num
                assert key not in self.sent, "a number was used twice"
                payload = placed.record.payload
                what = payload if header.kind is Kind.MESSAGE else DropCopy.unpack(payload).crc32c
                self.sent[key] = header.lsn, what

    def lsn_of(self, seen: Seen) -> int:
        """Return where a message that somebody saw stands, which has to be as it was recorded."""
        fields = decode(seen.frame)
        number = int(fields[34])
        if fields.get(43) == "Y":
            return self.sent[seen.session, int(fields[36]) - 1 if fields[35] == "4" else number][0]
        lsn, recorded = self.sent[seen.session, number]
        assert recorded == (seen.frame if isinstance(recorded, bytes) else crc32c(seen.frame))
        return lsn

    def visible(self, seen: Iterable[Seen], steps: int) -> list[int]:
        """Return the highest lsn that anybody had seen after each number of steps."""
        highest = [0] * (steps + 1)
        for each in seen:
            highest[each.step] = max(highest[each.step], self.lsn_of(each))
        return list(itertools.accumulate(highest, max))


class Rig:
    """A folder in which one image after the other is laid out and started."""

    def __init__(self, settings: Settings, root: Path, day: Day) -> None:
        """Take an empty folder."""
        self._settings = settings
        self._root = root
        self._day = day
        self._laid: Image = {}

    def recover(self, image: Image) -> Recovered:
        """Start from an image, hold what comes back against the day, and give it back."""
        self.lay(image)
        storage = start(self._settings, self._root, QuickFiles())
        try:
            return self.held_against_the_day(storage)
        finally:
            close(storage)

    def lay(self, image: Image) -> None:
        """Lay an image out; what a start may have changed is written again."""
        last = max((name for name in self._laid if name.endswith(".kkj")), default="")
        same = {n for n in self._laid if n.endswith((".kkj", ".kks")) and n != last}
        known = {n: c for n, c in self._laid.items() if n in same}
        lay_out(self._root, image, known)
        self._laid = image

    def again(self) -> Recovered:
        """Start from what the last start left."""
        storage = start(self._settings, self._root, QuickFiles())
        try:
            return self.held_against_the_day(storage)
        finally:
            close(storage)

    def held_against_the_day(self, storage: Storage) -> Recovered:
        """Check a start: a state that was, and a journal that is the beginning of the day's."""
        next_lsn = storage.venue.engine.next_lsn
        if not any(name.endswith(".kkj") for name in self._laid):
            assert next_lsn == 1
            return Recovered(1, ())  # another journal has begun, since there was none
        state = state_of(storage.venue)
        assert self._day.states.get(next_lsn) == state, next_lsn
        # All segments before the last one were verified as a whole.
        writer = storage.writer
        content = (writer.directory / segment_name(writer.segment)).read_bytes()[PAGE_BYTES:]
        end = writer.offset - PAGE_BYTES
        assert content[:end] == self._day.segments[writer.segment][:end]
        assert not any(content[end:])
        return Recovered(next_lsn, state)
