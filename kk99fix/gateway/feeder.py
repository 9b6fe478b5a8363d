"""Feeding rings from the journal: resends, and sessions whose ring ran full.

While a session is fed its ring does not follow, so nothing live comes between; the cursor in the
core (next number that the ring does not have) is the only outbox.
A range asked for again goes first, its application messages with PossDupFlag(43)=Y, its
administrative ones as one SequenceReset(4)-GapFill for each run of them.
Then the session catches up from its cursor to the tail, and its ring follows again.

One step feeds each session one chunk; steps alternate with the traffic of everybody else.
"""

from collections import deque
from typing import Final

import trio
from attrs import Factory, define

from kk99fix.gateway.logs import Log
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.journal.messages import SentMessages, SentRecord
from kk99fix.journal.record import DropCopy, Kind
from kk99fix.matcher.engine import crc32c
from kk99fix.venue.outcome import ResendRange

CHUNK_MESSAGES: Final = 200
CHUNK_BYTES: Final = 64 * 1024
#: Ranges that may wait for one session; a counterparty that asks for more gets the newest ones.
RANGES_MAX: Final = 8
_ADMINISTRATIVE: Final = frozenset({b"0", b"1", b"2", b"3", b"4", b"5", b"A"})


@define
class Feed:
    """One session that is being fed."""

    session: int
    ranges: deque[ResendRange] = Factory(deque)
    #: First number of an open run of administrative messages, to be gap-filled.
    gap_from: int | None = None
    waiting: bool = False


class Feeder:
    """Feeds sessions chunk by chunk; see the top of this module."""

    def __init__(self, sequencer: Sequencer, sent: SentMessages, log: Log) -> None:
        """Begin with nobody to feed; registers for the venue's resends."""
        self._sequencer = sequencer
        self._engine = sequencer.venue.engine
        self._sent = sent
        self._log = log
        self._feeds: dict[int, Feed] = {}
        self._wake = trio.Event()
        sequencer.on_resend = self.resend

    def __len__(self) -> int:
        """Return the number of sessions being fed."""
        return len(self._feeds)

    def resend(self, wanted: ResendRange) -> None:
        """Send a range again, before anything that is not sent yet."""
        if not self._engine.attached(wanted.session):
            return
        self._engine.unfollow(wanted.session)
        feed = self._feed(wanted.session)
        if wanted not in feed.ranges:
            feed.ranges.append(wanted)
            while len(feed.ranges) > RANGES_MAX:
                feed.ranges.popleft()

    def catch_up(self, session: int) -> None:
        """Feed a session whose ring stopped following and has room again."""
        if self._engine.attached(session) and self._engine.cursor(session):
            self._feed(session).waiting = False

    async def run(self) -> None:
        """Feed whoever has to be fed, for ever."""
        while True:
            if not any(not feed.waiting for feed in self._feeds.values()):
                self._wake = trio.Event()
                await self._wake.wait()
            self.step()
            self._sequencer.commit()
            await trio.lowlevel.checkpoint()

    def step(self) -> None:
        """Feed each session one chunk."""
        for feed in list(self._feeds.values()):
            engine = self._engine
            if not engine.attached(feed.session) or not engine.cursor(feed.session):
                del self._feeds[feed.session]
            elif engine.pending(feed.session) > engine.ring_free(feed.session):
                feed.waiting = True
            elif feed.ranges:
                self._feed_range(feed)
            elif self._feed_tail(feed):
                del self._feeds[feed.session]

    def _feed(self, session: int) -> Feed:
        self._wake.set()
        return self._feeds.setdefault(session, Feed(session))

    # ------------------------------------------------------------------ a range once more

    def _feed_range(self, feed: Feed) -> None:
        wanted = feed.ranges[0]
        begin = wanted.begin
        if self._engine.session(feed.session).epoch != wanted.epoch:
            feed.ranges.popleft()
            return
        limit = min(CHUNK_MESSAGES, wanted.end - begin + 1)
        for record in self._sent.fetch(feed.session, wanted.epoch, begin, limit, CHUNK_BYTES):
            if not self._again(feed, record):
                break
            begin = record.number + 1
        else:
            if begin == wanted.begin:
                raise AssertionError(f"number {begin} of {wanted} is not in the journal")
        if begin > wanted.end:
            self._fill_gap(feed, begin)
            feed.ranges.popleft()
            if self._engine.cursor(feed.session) < begin:
                self._engine.advance(feed.session, begin)
        else:
            feed.ranges[0] = ResendRange(feed.session, wanted.epoch, begin, wanted.end)

    def _again(self, feed: Feed, record: SentRecord) -> bool:
        """Send one record again, or add it to the gap; False when the ring has no room."""
        message = self._message(feed.session, record)
        if _msg_type(message) in _ADMINISTRATIVE:
            if feed.gap_from is None:
                feed.gap_from = record.number
            return True
        now_ns = self._sequencer.pump.now_ns()
        return self._fill_gap(feed, record.number) and self._engine.push(
            feed.session, self._engine.render_resend(message, now_ns)
        )

    def _fill_gap(self, feed: Feed, next_number: int) -> bool:
        if feed.gap_from is None:
            return True
        now_ns = self._sequencer.pump.now_ns()
        filled = self._engine.push(
            feed.session,
            self._engine.render_gap_fill(feed.session, feed.gap_from, next_number, now_ns),
        )
        if filled:
            feed.gap_from = None
        return filled

    # ------------------------------------------------------------------ up to the tail

    def _feed_tail(self, feed: Feed) -> bool:
        """Send what was never sent, up to the tail; True when the ring follows again."""
        session = feed.session
        cursor = self._engine.cursor(session)
        epoch = self._engine.session(session).epoch
        now_ns = self._sequencer.pump.now_ns()
        for record in self._sent.fetch(session, epoch, cursor, CHUNK_MESSAGES, CHUNK_BYTES):
            message = self._message(session, record)
            if _msg_type(message) not in _ADMINISTRATIVE:
                message = self._engine.render_resend(message, now_ns)
            if not self._engine.push(session, message):
                break
            self._engine.advance(session, record.number + 1)
        return self._engine.follow(session)

    def _message(self, session: int, record: SentRecord) -> bytes:
        """The bytes of a sent message; a drop copy is rendered from its source."""
        if record.kind is Kind.MESSAGE:
            return record.payload
        copy = DropCopy.unpack(record.payload)
        source = self._sent.by_lsn(copy.source_lsn)
        rendered = self._engine.render_copy(session, record.number, bytes(source.payload))
        if crc32c(rendered) != copy.crc32c or len(rendered) != copy.rendered_length:
            raise AssertionError(f"lsn {record.lsn}: the drop copy no longer renders as recorded")
        return rendered


def _msg_type(message: bytes) -> bytes:
    start = message.index(b"\x0135=") + 4
    return message[start : message.index(b"\x01", start)]
