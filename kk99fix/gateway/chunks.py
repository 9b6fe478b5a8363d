"""One chunk of what a session is fed: from the place in the journal through the core to the ring.

The index says where the session's next message stands, the core walks on from there, and the index
takes note of how far it came; a chunk may end anywhere and the next one goes on.
Where the file ends the walk goes on in memory (`unwritten`).
A chunk is bounded in messages, bytes and records walked over, so it takes well under a millisecond
however far apart the messages stand.

What was recorded and cannot be sent as it was is a fault of ours or of the disk: a JournalError,
which ends the process, and nothing of it has left.
"""

from typing import Final

from kk99fix.gateway.unwritten import UnwrittenRecords, both, left, rest
from kk99fix.journal.messages import Place, SentMessages
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import Fed, FeedEnd, FeedLimits, FeedOrder

#: What one session is fed before another has its turn.
CHUNK_MESSAGES: Final = 50
CHUNK_BYTES: Final = 64 * 1024
CHUNK_RECORDS: Final = 4096
_LIMITS: Final = FeedLimits(CHUNK_MESSAGES, CHUNK_RECORDS, CHUNK_BYTES)
_WRONG: Final = {
    FeedEnd.MISSING: "number {number} of the session is not where it belongs",
    FeedEnd.DAMAGED: "the record was changed after it was written",
    FeedEnd.SOURCE_DAMAGED: "the source of a drop copy was changed after it was written",
    FeedEnd.UNLIKE: "the drop copy no longer renders as it was recorded",
}


#: How a walk in memory ends when what was recorded is not there.
_NOT_THERE: Final = frozenset({FeedEnd.SEGMENT, FeedEnd.SOURCE, *_WRONG})


class Chunks:
    """Feeds chunks; holds nothing of its own."""

    def __init__(self, engine: Engine, sent: SentMessages, unwritten: UnwrittenRecords) -> None:
        """Take the rings and the journal: its files, and what is on its way to them."""
        self._engine = engine
        self._sent = sent
        self._unwritten = unwritten

    def feed(self, order: FeedOrder) -> Fed | None:
        """Feed one chunk; None when only a slice of the journal was scanned for its place."""
        number = order.next_number
        if number > order.last:
            return self._engine.feed(memoryview(b""), 0, 0, None, order, _LIMITS)
        if self._unwritten.has(order):
            fed = self._unwritten.feed(order, _LIMITS)
            assert fed is not None
            assert fed.end not in _NOT_THERE, fed
            self._sent.went_on(order.session, order.epoch, fed.next_number)
            return fed
        if not self._sent.prepare(order.session, order.epoch, number):
            return None
        return self._feed_written(order)

    def _feed_written(self, order: FeedOrder) -> Fed:
        """Feed from the files, and from memory where they end."""
        place = self._sent.place(order.session, order.epoch, order.next_number)
        fed = self._walk(place, place.offset, place.source, order)
        if fed.end is FeedEnd.SOURCE:
            source = self._sent.source(place, fed.source_lsn)
            fed = self._walk(place, fed.offset, source, order)
        if fed.end is not FeedEnd.SEGMENT or not self._sent.at_end(place):
            self._take_note(place, fed, order)
            return fed
        more = self._unwritten.feed(rest(order, fed), left(_LIMITS, fed))
        if more is None or more.end in _NOT_THERE:
            self._sent.ended(order.session, order.epoch, fed.next_number, place)
        assert more is not None
        self._sent.moved(
            order.session, order.epoch, more.next_number, place, fed.offset, fed.source_offset
        )
        return both(fed, more)

    def gone_until(self, session: int, epoch: int) -> int:
        """Return the last number of an epoch that retention has removed; 0: none."""
        return self._sent.gone_until(session, epoch)

    def _walk(self, place: Place, offset: int, source: int | None, order: FeedOrder) -> Fed:
        return self._engine.feed(place.records, place.crc_seed, offset, source, order, _LIMITS)

    def _take_note(self, place: Place, fed: Fed, order: FeedOrder) -> None:
        if fed.end in _WRONG:
            offset = fed.offset
            if fed.end is FeedEnd.SOURCE_DAMAGED and fed.source_offset is not None:
                offset = fed.source_offset
            found = _WRONG[fed.end].format(number=fed.next_number)
            raise self._sent.damaged(place, offset, found)
        if fed.end is FeedEnd.SEGMENT:
            self._sent.ended(order.session, order.epoch, fed.next_number, place)
        else:
            self._sent.moved(
                order.session, order.epoch, fed.next_number, place, fed.offset, fed.source_offset
            )
