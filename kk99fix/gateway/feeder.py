"""Feeding rings from the journal: resends, and sessions whose ring ran full.

While a session is fed its ring does not follow, so nothing live comes between; the cursor in the
core (next number that the ring does not have) is the only outbox.
A range asked for again goes first, its application messages with PossDupFlag(43)=Y, its
administrative ones as one SequenceReset(4)-GapFill for each run of them.
Then the session catches up from its cursor to the tail, and its ring follows again.
After our Logout(5) only ranges are fed, and the tail up to that Logout: what is sent to the session
later waits for its next connection.

One step feeds one session one chunk, or scans a slice of the journal for where its messages are;
sessions take turns, and steps alternate with the traffic of everybody else.
"""

from collections import deque
from typing import Final

import trio
from attrs import Factory, define, evolve

from kk99fix.fix.framing import msg_type
from kk99fix.gateway.logs import Log
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.journal.messages import SentMessages, SentRecord
from kk99fix.journal.record import DropCopy, Kind
from kk99fix.matcher.engine import crc32c
from kk99fix.venue.outcome import ResendRange

#: About a millisecond's worth.
CHUNK_MESSAGES: Final = 50
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

    def drop_range(self) -> None:
        """Forget the range that is being fed, and the gap that is open in it."""
        self.ranges.popleft()
        self.gap_from = None


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
                feed.drop_range()

    def catch_up(self, session: int) -> None:
        """Feed a session whose ring stopped following and has room again."""
        if session in self._feeds or self._wants_tail(session):
            self._feed(session).waiting = False

    def feeds(self, session: int) -> bool:
        """Whether the session is being fed."""
        return session in self._feeds

    def forget(self, session: int) -> None:
        """Stop feeding: the connection is gone, and the next one asks for what it misses."""
        self._feeds.pop(session, None)

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
        """Feed one session one chunk; they take turns."""
        feed = next((feed for feed in self._feeds.values() if not feed.waiting), None)
        if feed is not None:
            del self._feeds[feed.session]
            if not self._feed_chunk(feed):
                self._feeds[feed.session] = feed

    def _feed_chunk(self, feed: Feed) -> bool:
        """Feed a session if its ring has room; True when there is no more to be fed."""
        engine = self._engine
        if not engine.attached(feed.session) or not engine.cursor(feed.session):
            return True
        if engine.pending(feed.session) > engine.ring_free(feed.session):
            feed.waiting = True
            return False
        if feed.ranges:
            self._feed_range(feed)
        # At once, so that what is sent next goes to the ring and is no resend.
        return not feed.ranges and self._feed_tail(feed)

    def _feed(self, session: int) -> Feed:
        self._wake.set()
        return self._feeds.setdefault(session, Feed(session))

    # ------------------------------------------------------------------ a range once more

    def _feed_range(self, feed: Feed) -> None:
        wanted = feed.ranges[0]
        if self._engine.session(feed.session).epoch != wanted.epoch:
            feed.drop_range()
            return
        begin = wanted.begin
        if not self._sent.prepare(feed.session, wanted.epoch, begin):
            return
        limit = min(CHUNK_MESSAGES, wanted.end - begin + 1)
        records = self._sent.fetch(feed.session, wanted.epoch, begin, limit, CHUNK_BYTES)
        assert records or limit == 0, f"number {begin} of {wanted} is not in the journal"
        for record in records:
            if not self._again(feed, record):
                break
            begin = record.number + 1
        if begin > wanted.end and self._fill_gap(feed, begin):
            feed.drop_range()
            if self._engine.cursor(feed.session) < begin:
                self._engine.advance(feed.session, begin)
        else:
            feed.ranges[0] = evolve(wanted, begin=begin)

    def _again(self, feed: Feed, record: SentRecord) -> bool:
        """Send one record again, or add it to the gap; False when the ring has no room."""
        message = self._message(feed.session, record)
        if msg_type(message) in _ADMINISTRATIVE:
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

    def _wants_tail(self, session: int) -> bool:
        """Whether there is something to send for the first time that the ring does not have."""
        cursor = self._engine.cursor(session) if self._engine.attached(session) else 0
        last = self._sequencer.venue.last_number(session)
        return cursor > 0 and (last is None or cursor <= last)

    def _feed_tail(self, feed: Feed) -> bool:
        """Send what was never sent; True at the tail, where the ring follows again, or the end."""
        session = feed.session
        if not self._wants_tail(session):
            return True
        cursor = self._engine.cursor(session)
        last = self._sequencer.venue.last_number(session)
        limit = CHUNK_MESSAGES if last is None else min(CHUNK_MESSAGES, last - cursor + 1)
        epoch = self._engine.session(session).epoch
        if not self._sent.prepare(session, epoch, cursor):
            return False
        now_ns = self._sequencer.pump.now_ns()
        for record in self._sent.fetch(session, epoch, cursor, limit, CHUNK_BYTES):
            message = self._message(session, record)
            if msg_type(message) not in _ADMINISTRATIVE:
                message = self._engine.render_resend(message, now_ns)
            if not self._engine.push(session, message):
                break
            self._engine.advance(session, record.number + 1)
        return self._engine.follow(session) if last is None else not self._wants_tail(session)

    def _message(self, session: int, record: SentRecord) -> bytes:
        """The bytes of a sent message; a drop copy is rendered from its source."""
        if record.kind is Kind.MESSAGE:
            return record.payload
        copy = DropCopy.unpack(record.payload)
        source = self._sent.by_lsn(copy.source_lsn)
        rendered = self._engine.render_copy(
            session,
            record.number,
            bytes(source.payload),
            time_ns=record.time_ns,
            last_processed=copy.last_processed,
            precision=copy.precision,
            dialect=copy.dialect,
        )
        if crc32c(rendered) != copy.crc32c or len(rendered) != copy.rendered_length:
            raise AssertionError(f"lsn {record.lsn}: the drop copy no longer renders as recorded")
        return rendered
