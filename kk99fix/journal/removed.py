"""How far retention has removed segments: one sheet, replaced before the files go.

It keeps what the rest of the journal needs of them: where it begins now, the chain up to there,
and the last number that each session's newest epoch was sent in them, which is what a resend can
only fill now.
A segment at or below `segment` counts as removed, whether its file is still there or not.
"""

from pathlib import Path
from typing import Any, Final

import attrs

from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.files import Files
from kk99fix.journal.names import REMOVED_NAME
from kk99fix.journal.seals import NO_CHAIN, Seal
from kk99fix.journal.sheets import read_sheet, write_sheet

_REMEDY: Final = "Restore it from a copy: it says which segments were removed by [retention]"


@attrs.frozen
class Removed:
    """What was removed from the start of a journal; nothing yet in a new one."""

    #: The last segment that was removed.
    segment: int = 0
    next_lsn: int = 1
    chain: bytes = NO_CHAIN
    #: Of each session: the newest epoch in the removed segments, and its last number in them.
    sent: dict[int, tuple[int, int]] = attrs.Factory(dict)

    def last_sent(self, session: int, epoch: int) -> int:
        """Return the last number of an epoch that is gone; 0: none is, as far as is known."""
        newest, last = self.sent.get(session, (0, 0))
        return last if newest == epoch else 0

    def beyond(self, seal: Seal) -> "Removed":
        """Return this with one more segment, whose seal is given."""
        assert seal.segment == self.segment + 1, "segments are removed in their order"
        sent = dict(self.sent)
        for (session, epoch), extent in sorted(seal.sent.items()):
            sent[session] = max(sent.get(session, (0, 0)), (epoch, extent.last))
        return Removed(seal.segment, seal.next_lsn, seal.chain, sent)


def write_removed(files: Files, directory: Path, removed: Removed) -> None:
    """Note how far segments are removed, before their files are; OSError."""
    content: dict[str, Any] = {
        "segment": removed.segment,
        "next_lsn": removed.next_lsn,
        "chain": removed.chain.hex(),
        "sent": [[session, *last] for session, last in sorted(removed.sent.items())],
    }
    write_sheet(files, directory / REMOVED_NAME, content)


def read_removed(directory: Path) -> Removed:
    """Return how far segments were removed; JournalDamagedError, JournalReadError."""
    path = directory / REMOVED_NAME
    if not path.exists():
        return Removed()
    content = read_sheet(path, _REMEDY)
    try:
        return Removed(
            segment=content["segment"],
            next_lsn=content["next_lsn"],
            chain=bytes.fromhex(content["chain"]),
            sent={session: (epoch, last) for session, epoch, last in content["sent"]},
        )
    except (KeyError, TypeError, ValueError):
        raise JournalDamagedError(path, 0, "this is not a note of removed segments", _REMEDY) from (
            None
        )
