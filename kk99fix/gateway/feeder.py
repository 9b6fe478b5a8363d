"""Feeding rings from the journal: resends, and sessions whose ring ran full.

While a session is fed its ring does not follow, so nothing live comes between; the cursor in the
core (next number that the ring does not have) is the only outbox.
Ranges asked for again go first (`ranges`), within the session's quota of bytes (`quota`); then the
session catches up from its cursor to the tail, and its ring follows again.
What is sent for the first time is no resend and takes nothing of the quota.
What retention has removed is filled, and neither sent nor waited for.
After our Logout(5) only ranges are fed, and the tail up to that Logout: what is sent to the session
later waits for its next connection.

One step feeds one session one chunk (`chunks`), or scans a slice of the journal for its place;
sessions take turns, and steps alternate with the traffic of everybody else.
A request costs two numbers, however many messages it asks for.
"""

from collections.abc import Callable

import trio
from attrs import frozen

from kk99fix.gateway.chunks import Chunks
from kk99fix.gateway.quota import Quota
from kk99fix.gateway.ranges import UnderWay
from kk99fix.gateway.resend_log import ResendLog
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.gateway.turns import Feed, State, Turns
from kk99fix.matcher.values import Fed, FeedEnd, FeedOrder
from kk99fix.venue.outcome import ResendRange


@frozen
class FeedStatistics:
    """A snapshot of the feeder's counters."""

    sessions: int
    #: Numbers that are left to be fed, ranges and tails.
    backlog: int
    ranges_asked: int
    ranges_merged: int
    resent_messages: int
    resent_bytes: int
    quota_waits: int


class Feeder:
    """Feeds sessions chunk by chunk; see the top of this module."""

    def __init__(
        self, sequencer: Sequencer, chunks: Chunks, quota: Quota, resend_log: ResendLog
    ) -> None:
        """Begin with nobody to feed; registers for the venue's resends."""
        self._sequencer = sequencer
        self._engine = sequencer.venue.engine
        self._chunks = chunks
        self._quota = quota
        self._log = resend_log
        self._feeds: dict[int, Feed] = {}
        self._turns = Turns(sequencer.pump.now_ns)
        self._ranges_asked = self._ranges_merged = 0
        self._resent_messages = self._resent_bytes = 0
        sequencer.on_resend = self.resend

    def __len__(self) -> int:
        """Return the number of sessions being fed."""
        return len(self._feeds)

    def resend(self, wanted: ResendRange) -> None:
        """Send a range again, before anything that is not sent yet: the venue holds that back."""
        if not self._engine.attached(wanted.session):
            return
        feed = self._feed(wanted.session)
        feed.begin_epoch(wanted.epoch)
        self._ranges_asked += 1
        self._ranges_merged += feed.ranges.add(wanted.begin, wanted.end)
        # A reset may have ended the wait for room without anybody being told.
        if feed.state is State.ROOM:
            self._turns.give(feed)

    def catch_up(self, session: int) -> None:
        """Feed a session whose ring stopped following and has room again."""
        if session in self._feeds or self._wants_tail(session):
            feed = self._feed(session)
            if feed.state is State.ROOM:
                self._turns.give(feed)

    def feeds(self, session: int) -> bool:
        """Whether the session is being fed."""
        return session in self._feeds

    def left_to_feed(self, session: int) -> int:
        """How many numbers the session has still to get from the journal."""
        feed = self._feeds.get(session)
        return 0 if feed is None else feed.ranges.left + self._tail_left(session)

    def forget(self, session: int) -> None:
        """Stop feeding: the connection is gone, and the next one asks for what it misses."""
        feed = self._feeds.pop(session, None)
        if feed is not None:
            feed.state = State.ENDED
            if feed.ranges.under_way is not None:
                self._log.ended(session, feed.ranges.under_way, self._sequencer.pump.now_ns())

    def statistics(self) -> FeedStatistics:
        """Counters since the start, and what is left to be fed."""
        return FeedStatistics(
            len(self._feeds),
            sum(self.left_to_feed(session) for session in self._feeds),
            self._ranges_asked,
            self._ranges_merged,
            self._resent_messages,
            self._resent_bytes,
            self._turns.rests_taken,
        )

    async def run(self, serve: Callable[[], None]) -> None:
        """Feed whoever has to be fed, for ever.

        `serve` is a pass of the live loop, which writes and sends: made around each step, so that
        an order waits for a step or for Trio's round of tasks, and never for both.
        """
        while True:
            await self._turns.wait()
            serve()
            self.step()
            serve()
            await trio.lowlevel.checkpoint()

    def step(self) -> None:
        """Feed one session one chunk; they take turns."""
        feed = self._turns.take()
        if feed is None:
            return
        feed.state = self._feed_chunk(feed)
        if feed.state is State.TURN:
            self._turns.give(feed)
        elif feed.state is State.ENDED:
            del self._feeds[feed.session]

    def _feed(self, session: int) -> Feed:
        feed = self._feeds.get(session)
        if feed is None:
            feed = self._feeds[session] = Feed(session, self._engine.session(session).epoch)
            self._turns.give(feed)
        return feed

    # ------------------------------------------------------------------ chunks

    def _feed_chunk(self, feed: Feed) -> State:
        """Feed a session if its ring has room and its quota allows it; what it waits for then."""
        engine, session = self._engine, feed.session
        if not engine.attached(session) or not engine.cursor(session):
            return State.ENDED
        if engine.pending(session) > engine.ring_free(session):
            return State.ROOM
        feed.begin_epoch(engine.session(session).epoch)
        wanted = feed.ranges.current()
        if wanted is not None:
            if self._rests_for_quota(feed):
                return State.QUOTA
            self._feed_range(feed, wanted)
        # At once, so that what is sent next goes to the ring and is no resend.
        if not feed.ranges and self._feed_tail(feed):
            return State.ENDED
        return State.TURN

    def _rests_for_quota(self, feed: Feed) -> bool:
        now_ns = self._sequencer.pump.now_ns()
        due_ns = self._quota.due_ns(feed.session, now_ns)
        if due_ns <= now_ns:
            return False
        self._turns.rest(feed, due_ns)
        return True

    def _feed_range(self, feed: Feed, wanted: UnderWay) -> None:
        """Send a chunk of the range that is under way."""
        now_ns = self._sequencer.pump.now_ns()
        if not wanted.began_ns:
            wanted.began_ns = now_ns
            self._log.began(feed.session, wanted)
        self._fill_removed(feed, wanted)
        fed = self._chunk(feed, wanted.next_number, wanted.last, again=True)
        if fed is None:
            return
        feed.gap_from = fed.gap_from
        wanted.next_number = fed.next_number
        self._resent_messages += fed.messages
        self._resent_bytes += fed.size_bytes
        self._quota.take(feed.session, fed.size_bytes, now_ns)
        if fed.end is FeedEnd.DONE:
            self._log.ended(feed.session, wanted, now_ns)
            feed.ranges.end()
            # What was held back meanwhile may have been asked for as well.
            if wanted.first <= self._engine.cursor(feed.session) <= wanted.last:
                self._engine.advance(feed.session, wanted.last + 1)

    def _fill_removed(self, feed: Feed, wanted: UnderWay) -> None:
        """Take what is gone into the gap fill before what is still there."""
        gone = min(self._chunks.gone_until(feed.session, feed.epoch), wanted.last)
        if wanted.next_number <= gone:
            now_ns = self._sequencer.pump.now_ns()
            self._log.removed(feed.session, wanted.next_number, gone, now_ns)
            feed.gap_from = feed.gap_from or wanted.next_number
            wanted.next_number = gone + 1

    def _feed_tail(self, feed: Feed) -> bool:
        """Send what was never sent; True at the tail, where the ring follows again, or the end."""
        session = feed.session
        if not self._wants_tail(session):
            return True
        gone = self._chunks.gone_until(session, feed.epoch)
        if self._engine.cursor(session) <= gone:
            feed.ranges.add(self._engine.cursor(session), gone)
            return False
        last = self._sequencer.venue.last_number(session)
        newest = self._engine.session(session).next_out - 1
        fed = None
        if self._engine.cursor(session) <= newest:
            wanted = newest if last is None else last
            fed = self._chunk(feed, self._engine.cursor(session), wanted, again=False)
            if fed is None or fed.end is not FeedEnd.DONE:
                return False
        return self._engine.follow(session) if last is None else True

    def _chunk(self, feed: Feed, first: int, last: int, *, again: bool) -> Fed | None:
        now_ns, gap_from = self._sequencer.pump.now_ns(), feed.gap_from if again else 0
        return self._chunks.feed(
            FeedOrder(feed.session, feed.epoch, first, last, gap_from, again, now_ns)
        )

    def _wants_tail(self, session: int) -> bool:
        """Whether there is something to send for the first time that the ring does not have."""
        cursor = self._engine.cursor(session) if self._engine.attached(session) else 0
        last = self._sequencer.venue.last_number(session)
        return cursor > 0 and (last is None or cursor <= last)

    def _tail_left(self, session: int) -> int:
        if not self._wants_tail(session):
            return 0
        last = self._sequencer.venue.last_number(session)
        end = self._engine.session(session).next_out - 1 if last is None else last
        return end - self._engine.cursor(session) + 1
