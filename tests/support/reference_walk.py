"""The walk round the order slots, naively: who waits for it, and what becomes of each order.

A session that waits has been once round when the walk is back where it stood at the beginning.
`ReferenceVenue` owns one and gives it the slots.
"""

import attrs

from support.reference_values import Order

#: Slots that an order counts for about which something is reported.
REPORT_WEIGHT = 10


@attrs.frozen
class Gone:
    """A session that left its orders behind: those with lower numbers than `below` are pulled."""

    below: int
    end: tuple[int, int]


@attrs.define
class Walk:
    """Where the walk stands, and who waits."""

    place: tuple[int, int] = (0, 0)
    gone: dict[str, Gone] = attrs.field(factory=dict)

    @property
    def pending(self) -> bool:
        """Whether anybody waits."""
        return bool(self.gone)

    def pull(self, session: str, below: int) -> None:
        """The session has left."""
        self.gone.pop(session, None)
        self.rest()
        lap, slot = self.place
        self.gone[session] = Gone(below, (lap + 1, slot))

    def rest(self) -> None:
        """Stand at the first slot while nobody waits."""
        if not self.pending:
            self.place = (0, 0)

    def next(self, slots: list[Order]) -> Order | None:
        """Go on: the order in the next slot; None where somebody is let go or a lap ends."""
        lap, slot = self.place
        over = [session for session, gone in self.gone.items() if gone.end <= self.place]
        if over:
            for session in over:
                del self.gone[session]
            self.rest()
            return None
        if slot == len(slots):
            self.place = (lap + 1, 0)
            return None
        self.place = (lap, slot + 1)
        return slots[slot]
