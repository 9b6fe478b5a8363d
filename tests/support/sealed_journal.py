"""A small journal whose complete segments are sealed, as the keeper leaves them."""

from itertools import pairwise
from pathlib import Path

from kk99fix.journal.compressed import sha256_of
from kk99fix.journal.files import Files
from kk99fix.journal.scan import Extent, extents
from kk99fix.journal.seals import NO_CHAIN, Seal, next_chain, write_seal
from kk99fix.journal.segment import list_segments, map_records
from support.journal_files import START_NS


def seal_all(directory: Path, *, state_hash: int | None = 0xABC) -> list[Seal]:
    """Seal every segment that another one follows, and return the seals."""
    segments = list_segments(directory)
    seals: list[Seal] = []
    chain = NO_CHAIN
    for segment, following in pairwise(segments):
        records = map_records(segment)
        sha256 = sha256_of(segment.path, compressed=segment.compressed)
        chain = next_chain(chain, sha256)
        found = extents(records, 0, len(records))
        seal = Seal(
            segment=segment.header.number,
            first_lsn=segment.header.first_lsn,
            next_lsn=following.header.first_lsn,
            last_time_ns=START_NS + following.header.first_lsn,
            size_bytes=segment.header.segment_bytes,
            sha256=sha256,
            chain=chain,
            state_hash=state_hash,
            sent={key: Extent(*each) for key, each in found.items()},
        )
        write_seal(Files(), directory, seal)
        seals.append(seal)
    return seals
