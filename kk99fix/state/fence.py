"""The version fence: who may go on with a journal.

Core version, message dictionary and the capacities that decide outputs stand in each segment and
each snapshot.  Records are replayed only by a program that has the same; any other may go on from
the snapshot of a clean stop that ends where the journal ends, in a segment of its own.
"""

from pathlib import Path

import attrs

from kk99fix.journal.errors import JournalError
from kk99fix.journal.segment import Identity


class VersionFenceError(JournalError):
    """The journal needs the version, or the capacities, that wrote it."""


def is_same(theirs: Identity, ours: Identity) -> bool:
    """Whether records of one are replayed by the other."""
    return _decisive(theirs) == _decisive(ours)


def _decisive(identity: Identity) -> tuple[object, ...]:
    return (identity.core_version, identity.dictionary_sha256, identity.capacity)


def check_fence(path: Path, theirs: Identity, ours: Identity) -> None:
    """Raise VersionFenceError unless what stands in `path` was written by a program like this."""
    if theirs.core_version != ours.core_version:
        _refuse(path, "core version", theirs.core_version, ours.core_version)
    if theirs.dictionary_sha256 != ours.dictionary_sha256:
        _refuse(
            path, "message dictionary", theirs.dictionary_sha256.hex(), ours.dictionary_sha256.hex()
        )
    changed = [
        f"{name} = {was} and is now {now}"
        for name, was in attrs.asdict(theirs.capacity).items()
        if (now := getattr(ours.capacity, name)) != was
    ]
    if changed:
        raise VersionFenceError(
            f"{path}: written with [capacity] {', '.join(changed)}, and no clean stop came after "
            f"it. Restore the old value in venue.toml, start, stop with Ctrl-C or SIGTERM, and "
            f"change it then; no file was changed."
        )


def _refuse(path: Path, what: str, theirs: str, ours: str) -> None:
    raise VersionFenceError(
        f"{path}: written with {what} {theirs}, this program has {ours}, and no clean stop came "
        f"after it. Start the version that wrote it, stop it with Ctrl-C or SIGTERM, and start "
        f"this one again; no file was changed."
    )
