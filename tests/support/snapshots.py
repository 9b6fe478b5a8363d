"""Snapshots of venues in memory: the whole state as bytes, and a venue that goes on from there."""

import json
import shutil
from pathlib import Path

import attrs

from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import Capacity
from kk99fix.state.snapshots import SNAPSHOT_FOLDER
from kk99fix.venue.venue import Venue


@attrs.frozen
class Taken:
    """A snapshot: what Python remembers, as canonical JSON, and the core's bytes."""

    state: bytes
    core: bytes


def taken(venue: Venue) -> Taken:
    """Take a snapshot of a venue between two inputs."""
    state = json.dumps(venue.saved(), sort_keys=True, separators=(",", ":")).encode("ascii")
    return Taken(state, b"".join(venue.engine.snapshot()))


def restored(snapshot: Taken, capacity: Capacity, piece: int = 5000) -> Venue:
    """A venue that has only read the snapshot, so many bytes at a time."""
    venue = Venue(Engine(capacity))
    core = snapshot.core
    pieces = (core[at : at + piece] for at in range(0, len(core), piece))
    venue.restore(json.loads(snapshot.state), pieces)
    return venue


def without_snapshots(state_dir: Path) -> Path:
    """The same state directory, from which a start replays the whole journal."""
    shutil.rmtree(state_dir / SNAPSHOT_FOLDER, ignore_errors=True)
    return state_dir
