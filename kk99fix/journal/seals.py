"""Seals: what was found out about a segment once it was complete, one sheet beside each.

A seal names the SHA-256 of the segment's file and chains it to all segments before:

    chain(n) = SHA-256(chain(n - 1) + sha256(n)), 32 zero bytes before segment 1

so that the last seal vouches for the whole journal: whoever keeps a copy of one chain value
elsewhere can show that nothing before it was changed.
It also keeps the extents of what was sent, which a resend needs and a scan finds again.

`state_hash` is that of the venue behind the segment's last record, as its replay gave it; None
where no program was at hand that could replay the segment.
Who replays and writes seals is the keeper; reading them changes nothing.
"""

import hashlib
from pathlib import Path
from typing import Any, Final

import attrs

from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.files import Files
from kk99fix.journal.names import seal_name
from kk99fix.journal.scan import Extent
from kk99fix.journal.sheets import read_sheet, write_sheet

NO_CHAIN: Final = bytes(32)
REMEDY: Final = (
    "Restore it from a copy; or remove it and all later seals, and have `kk99fix keep` "
    "replay their segments and seal them again"
)


@attrs.frozen
class Seal:
    """The seal of one segment."""

    segment: int
    first_lsn: int
    next_lsn: int
    #: Venue time of its last input.
    last_time_ns: int
    #: Of the segment's file, before it is compressed.
    size_bytes: int
    sha256: bytes
    chain: bytes
    state_hash: int | None
    #: What each (session, epoch) was sent.
    sent: dict[tuple[int, int], Extent]


def next_chain(previous: bytes, sha256: bytes) -> bytes:
    """Return the chain value of a segment, from that of the one before it."""
    return hashlib.sha256(previous + sha256).digest()


def write_seal(files: Files, directory: Path, seal: Seal) -> None:
    """Write a seal, whole or not at all; OSError."""
    content: dict[str, Any] = {
        "segment": seal.segment,
        "first_lsn": seal.first_lsn,
        "next_lsn": seal.next_lsn,
        "last_time_ns": seal.last_time_ns,
        "bytes": seal.size_bytes,
        "sha256": seal.sha256.hex(),
        "chain": seal.chain.hex(),
        "state_hash": None if seal.state_hash is None else f"{seal.state_hash:016x}",
        "sent": [
            [*key, extent.first, extent.last, extent.offset]
            for key, extent in sorted(seal.sent.items())
        ],
    }
    write_sheet(files, directory / seal_name(seal.segment), content)


def read_seal(directory: Path, number: int) -> Seal:
    """Return the seal of segment `number`; JournalDamagedError, JournalReadError."""
    path = directory / seal_name(number)
    content = read_sheet(path, REMEDY)
    try:
        seal = _from(content)
    except (KeyError, TypeError, ValueError):
        raise JournalDamagedError(path, 0, "this is not a seal", REMEDY) from None
    if seal.segment != number:
        found = f"the file holds the seal of segment {seal.segment}"
        raise JournalDamagedError(path, 0, found, "Give every file its own name back")
    return seal


def _from(content: dict[str, Any]) -> Seal:
    state_hash = content["state_hash"]
    return Seal(
        segment=content["segment"],
        first_lsn=content["first_lsn"],
        next_lsn=content["next_lsn"],
        last_time_ns=content["last_time_ns"],
        size_bytes=content["bytes"],
        sha256=bytes.fromhex(content["sha256"]),
        chain=bytes.fromhex(content["chain"]),
        state_hash=None if state_hash is None else int(state_hash, 16),
        sent={
            (session, epoch): Extent(first, last, offset)
            for session, epoch, first, last, offset in content["sent"]
        },
    )
