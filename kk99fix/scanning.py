"""The loops over a segment's records as the core has them, for whoever reads a journal.

`journal` imports nothing of ours and has them in Python; `matcher` knows no journal.
"""

from typing import Final

from kk99fix.journal.scan import Scan
from kk99fix.matcher import library as core

FAST_SCAN: Final = Scan(
    whole_units=core.verify,
    find_sent=core.scan_session,
    find_lsn=core.scan_lsn,
    extents=core.scan_extents,
    count=core.scan_count,
    watermark=core.scan_watermark,
)
