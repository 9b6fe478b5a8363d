"""The folder of snapshots: saving the venue, finding the newest, and a venue that goes on from it.

    var/snapshots/00000000000000001234.kks     the venue behind the record with lsn 1234

A snapshot is never the only copy of anything: what is damaged is passed over with a word, and an
older one and more of the journal, or the whole journal, give the same.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from kk99fix.journal.errors import (
    JournalDamagedError,
    JournalError,
    JournalReadError,
    JournalWriteError,
)
from kk99fix.journal.files import Files
from kk99fix.journal.segment import Identity
from kk99fix.journal.settle import make_folder
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import Capacity, CapacityError, CoreError
from kk99fix.state.snapshot_file import (
    CORE,
    TEMPORARY_SUFFIX,
    VENUE,
    SnapshotFile,
    SnapshotHeader,
    read_file,
    write_file,
)
from kk99fix.venue.venue import Venue

SNAPSHOT_FOLDER: Final = "snapshots"
SUFFIX: Final = ".kks"
_NAME: Final = re.compile(r"\d{20}\.kks")


class SnapshotWriteError(JournalWriteError):
    """A snapshot could not be written; the journal has everything."""

    consequence = "The journal has all of it, and the next start replays more of it."
    until = ""


def snapshot_name(lsn: int) -> str:
    """Return the file name of the snapshot behind the record `lsn`."""
    return f"{lsn:020d}{SUFFIX}"


def is_settled(venue: Venue) -> bool:
    """Whether nobody is logged on and no walk or expiry goes on: what a clean stop ends with."""
    engine = venue.engine
    return not (venue.live_sessions or engine.walk_pending or engine.expire_pending)


def save_snapshot(
    venue: Venue,
    folder: Path,
    identity: Identity,
    segment: int,
    *,
    clean: bool = False,
    files: Files | None = None,
) -> Path:
    """Write what the venue is between two inputs; JournalWriteError, mostly SnapshotWriteError.

    The journal is on the disk up to there, and goes on in `segment`; `identity` is that of the
    segment that ends there.  `clean`: a stop ends with it, and the venue is settled.
    """
    assert not clean or is_settled(venue), "a clean stop leaves nothing pending"
    files = files or Files()
    header = SnapshotHeader(
        lsn=venue.engine.next_lsn - 1,
        time_ns=venue.engine.last_time_ns,
        segment=segment,
        state_hash=venue.state_hash(),
        identity=identity,
        clean=clean,
    )
    path = folder / snapshot_name(header.lsn)
    make_folder(files, folder)
    try:
        write_file(files, path, header, _sections(venue))
    except OSError as error:
        raise SnapshotWriteError(path, 0, "write the snapshot", error) from error
    return path


def _sections(venue: Venue) -> Iterator[tuple[int, bytes]]:
    state = json.dumps(venue.saved(), sort_keys=True, separators=(",", ":"))
    yield VENUE, state.encode("ascii")
    for piece in venue.engine.snapshot():
        yield CORE, piece


def list_snapshots(folder: Path) -> list[Path]:
    """Return the snapshots of a folder, newest first; JournalReadError."""
    try:
        return sorted((p for p in folder.iterdir() if _NAME.fullmatch(p.name)), reverse=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JournalReadError(folder, error) from error


def newest_snapshot(folder: Path, progress: Callable[[str], None]) -> SnapshotFile | None:
    """Return the newest snapshot that is whole, or None; those that are damaged are reported."""
    for path in list_snapshots(folder):
        try:
            return read_file(path)
        except JournalDamagedError as error:
            progress(f"passed over: {error}")
    return None


def remove_unfinished(folder: Path, files: Files) -> None:
    """Remove what a process that died has left half written; JournalWriteError.

    Only for a start that holds the lock, before it has a keeper. One that is at work all the same
    (by hand, or its gateway was just killed) loses its file, ends, and does the same again.
    """
    for path in folder.glob(f"*{TEMPORARY_SUFFIX}"):
        try:
            files.unlink(path)
        except OSError as error:
            raise JournalWriteError(path, 0, "remove an unfinished snapshot", error) from error


def restore(snapshot: SnapshotFile, capacity: Capacity) -> Venue:
    """Return the venue that was saved, in pools of these sizes; JournalError."""
    header = snapshot.header
    venue = Venue(Engine(capacity, secret=header.identity.journal_uuid))
    try:
        _restore(venue, snapshot)
    except CapacityError as error:
        venue.engine.close()
        raise JournalError(
            f"{snapshot.path}: {error}. Give [capacity] {error.name} of venue.toml at least "
            f"{error.needed}, then start again; no file was changed."
        ) from error
    except (CoreError, KeyError, TypeError, ValueError) as error:
        venue.engine.close()
        remedy = "Move it out of the folder, or start the version that wrote it"
        found = f"this program cannot read it: {error}"
        raise JournalDamagedError(snapshot.path, 0, found, remedy) from error
    return venue


def _restore(venue: Venue, snapshot: SnapshotFile) -> None:
    state = b"".join(payload for kind, payload in snapshot.sections if kind == VENUE)
    core = (payload for kind, payload in snapshot.sections if kind == CORE)
    venue.restore(json.loads(state), core)
    header, engine = snapshot.header, venue.engine
    if (engine.next_lsn - 1, venue.state_hash()) != (header.lsn, header.state_hash):
        raise ValueError("what was read is not the state that was saved")
