"""What a session is fed of the records that are not on the disk yet.

At level `durable` the journal goes on in memory behind the end of its file: the group that is being
written, then what has gathered since.  A session that is fed walks on there, so that it reaches the
tail however fast the journal grows; what it is given leaves no sooner than the records' own group.

Records in memory are whole and our own, so nothing is checked there.
A spot in memory is good until its records are in the file; then the walk goes on in the file, from
where it left that.
"""

from collections.abc import Callable
from typing import Final

import attrs
from attrs import frozen

from kk99fix.matcher.engine import Engine
from kk99fix.matcher.pump import Unwritten
from kk99fix.matcher.values import Fed, FeedEnd, FeedLimits, FeedOrder


@frozen
class _Spot:
    """Where a session's next message comes in memory."""

    epoch: int
    number: int
    filling: int
    offset: int
    source: int | None


class UnwrittenRecords:
    """Feeds from memory; remembers one spot for each session."""

    def __init__(self, engine: Engine, pieces: Callable[[], list[Unwritten]]) -> None:
        """Take the rings, and what says which records are not on the disk (`Pump.unwritten`)."""
        self._engine: Final = engine
        self._pieces: Final = pieces
        self._spots: dict[int, _Spot] = {}

    def has(self, order: FeedOrder) -> bool:
        """Whether the next number is known to come in memory."""
        spot = self._spots.get(order.session)
        if spot is None or (spot.epoch, spot.number) != (order.epoch, order.next_number):
            return False
        return any(
            piece.number == spot.filling and piece.start <= spot.offset for piece in self._pieces()
        )

    def feed(self, order: FeedOrder, limits: FeedLimits) -> Fed | None:
        """Feed from the spot or from the first record in memory; None where there is none."""
        spot = self._spots.pop(order.session) if self.has(order) else None
        fed = None
        for piece in self._pieces():
            if spot is not None and piece.number < spot.filling:
                continue
            wanted = order if fed is None else rest(order, fed)
            share = limits if fed is None else left(limits, fed)
            more = self._walk(piece, spot, wanted, share)
            fed = more if fed is None else both(fed, more)
            spot = None
            if fed.end is not FeedEnd.SEGMENT:
                break
        return fed

    def _walk(
        self, piece: Unwritten, spot: _Spot | None, order: FeedOrder, limits: FeedLimits
    ) -> Fed:
        offset, source = 0, None
        if spot is not None:
            offset = spot.offset - piece.start
            if spot.source is not None and spot.source >= piece.start:
                source = spot.source - piece.start
        fed = self._engine.feed(piece.records, 0, offset, source, order, limits, unsealed=True)
        if fed.end in (FeedEnd.LIMIT, FeedEnd.FULL):
            passed = fed.source_offset
            self._spots[order.session] = _Spot(
                order.epoch,
                fed.next_number,
                piece.number,
                piece.start + fed.offset,
                None if passed is None else piece.start + passed,
            )
        return fed


def rest(order: FeedOrder, fed: Fed) -> FeedOrder:
    """Return what is left of an order."""
    return attrs.evolve(order, next_number=fed.next_number, gap_from=fed.gap_from)


def left(limits: FeedLimits, fed: Fed) -> FeedLimits:
    """Return what is left of the limits of a chunk."""
    return attrs.evolve(
        limits,
        messages=limits.messages - fed.messages,
        size_bytes=limits.size_bytes - fed.size_bytes,
    )


def both(first: Fed, then: Fed) -> Fed:
    """Return what two walks in a row did."""
    return attrs.evolve(
        then,
        messages=first.messages + then.messages,
        size_bytes=first.size_bytes + then.size_bytes,
    )
