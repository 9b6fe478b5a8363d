"""How far the tables are behind the journal, for whoever reads them."""

from pathlib import Path

from kk99fix.journal.errors import JournalError
from kk99fix.journal.reader import journal_segments
from kk99fix.journal.segment import PAGE_BYTES, map_records
from kk99fix.projection.position import StoredPosition
from kk99fix.scanning import FAST_SCAN


def records_behind(state_dir: Path, stored: StoredPosition) -> int | None:
    """Return how many records the journal has that the tables do not; None: it cannot be read."""
    try:
        last = journal_segments(state_dir)[-1]
        records = map_records(last)
    except JournalError:
        return None
    if last.header.identity.journal_uuid.hex() != stored.journal_uuid:
        return None
    here = stored.segment == last.header.number
    start, next_lsn = (
        (stored.offset - PAGE_BYTES, stored.lsn + 1) if here else (0, last.header.first_lsn)
    )
    rest = records[start:]
    end = FAST_SCAN.whole_units(rest, last.header.crc_seed, next_lsn)
    return next_lsn - 1 + FAST_SCAN.count(rest[:end]) - stored.lsn
