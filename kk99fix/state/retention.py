"""Old segments compressed and removed, in steps of which each may be the last before a crash.

Compressing writes the new file aside, syncs it, holds what it decompresses to against the seal,
renames it, and removes the old one only then: at every moment one whole file is there.
Removing first notes how far it goes, then removes files: what is noted counts as removed.
Doing either again after a crash ends where the first one would have.

What may go is a policy (`allowed`), a function of seals, time and the oldest snapshot.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from kk99fix.journal.compressed import compress, sha256_of
from kk99fix.journal.errors import JournalDamagedError, JournalError
from kk99fix.journal.files import Files
from kk99fix.journal.names import (
    PART_SUFFIX,
    compressed_name,
    seal_name,
    seal_numbers,
    segment_paths,
)
from kk99fix.journal.removed import Removed, read_removed, write_removed
from kk99fix.journal.seals import Seal
from kk99fix.journal.segment import segment_name

DAY_NS: Final = 24 * 3600 * 1_000_000_000


@attrs.frozen
class RetentionPolicy:
    """[retention] of venue.toml; 0 is never, and for ever."""

    keep_days: int = 0
    compress_after_days: int = 0
    compress_after_segments: int = 0


@attrs.frozen
class Allowed:
    """What may be done now: the segments to be compressed, and those to be removed, in order."""

    compress: list[int]
    remove: list[int]


def allowed(
    sealed: Sequence[Seal], policy: RetentionPolicy, needed_from: int, now_ns: int
) -> Allowed:
    """Return what the policy allows of `sealed`, which is in order.

    A start needs the segments from `needed_from` on: nothing of them is touched.
    """
    old = [seal for seal in sealed if seal.segment < needed_from]
    remove = []
    for seal in old:
        if not policy.keep_days or now_ns - seal.last_time_ns <= policy.keep_days * DAY_NS:
            break
        remove.append(seal.segment)
    recent = len(sealed) - policy.compress_after_segments
    compressible = []
    for index, seal in enumerate(old):
        age_ns = now_ns - seal.last_time_ns
        by_age = policy.compress_after_days and age_ns > policy.compress_after_days * DAY_NS
        by_count = policy.compress_after_segments and index < recent
        if (by_age or by_count) and seal.segment not in remove:
            compressible.append(seal.segment)
    return Allowed(compressible, remove)


def compress_segment(files: Files, directory: Path, seal: Seal) -> bool:
    """Put a compressed file in the place of a sealed segment; False where it is there already.

    JournalDamagedError when the segment is not what was sealed; OSError. It stays as it is then.
    """
    source = directory / segment_name(seal.segment)
    target = directory / compressed_name(seal.segment)
    if not source.exists():
        return False
    if not (target.exists() and _is(target, seal)):
        part = target.with_name(target.name + PART_SUFFIX)
        compress(files, source, part)
        if not _is(part, seal):
            files.unlink(part)
            found = "the bytes are not those that were sealed"
            raise JournalDamagedError(source, 0, found, "Run `kk99fix journal verify`")
        files.rename(part, target)
        files.sync_directory(directory)
    files.unlink(source)
    files.sync_directory(directory)
    return True


def _is(path: Path, seal: Seal) -> bool:
    """Whether a compressed file holds what was sealed."""
    with suppress(JournalError):
        return sha256_of(path, compressed=True) == seal.sha256
    return False


def remove_segments(files: Files, directory: Path, seals: Iterable[Seal]) -> Removed:
    """Remove the oldest segments, whose seals are given in order; JournalError, OSError."""
    removed = read_removed(directory)
    for seal in seals:
        removed = removed.beyond(seal)
    write_removed(files, directory, removed)
    finish_removal(files, directory)
    return removed


def finish_removal(files: Files, directory: Path) -> None:
    """Remove the files of what counts as removed; JournalError, OSError."""
    last = read_removed(directory).segment
    there = list(directory.iterdir())
    # Files without a seal as well: a machine that dies may keep one removal and lose another.
    numbers = {*seal_numbers(there), *segment_paths(there)}
    gone = sorted(number for number in numbers if number <= last)
    for number in gone:
        for name in (segment_name(number), compressed_name(number), seal_name(number)):
            if (directory / name).exists():
                files.unlink(directory / name)
    if gone:
        files.sync_directory(directory)


def remove_parts(files: Files, directory: Path) -> None:
    """Remove what was being written when the process died; OSError."""
    for path in sorted(directory.glob(f"*{PART_SUFFIX}")):
        files.unlink(path)
