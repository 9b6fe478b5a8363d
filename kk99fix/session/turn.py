"""One call into a session: collects its effects and follows the numbers they lead to.

The owner carries the effects out later, so within a call the layer has to know by itself which
MsgSeqNum(34) is expected after the effects so far.
"""

import attrs

from kk99fix.session.effects import (
    Deliver,
    Disconnect,
    Effect,
    Established,
    Resend,
    ResetNumbers,
    Send,
    SetNextIn,
)
from kk99fix.session.rules import Numbers


@attrs.define
class Turn:
    """The numbers as they will be once the effects collected so far are carried out.

    `next_out` leaves out what order entry sends on a `Deliver`: nobody but its owner knows.
    """

    numbers: Numbers
    now_ns: int
    next_in: int = attrs.field(init=False)
    next_out: int = attrs.field(init=False)
    _effects: list[Effect] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        """Start from the owner's numbers."""
        self.next_in = self.numbers.next_in
        self.next_out = self.numbers.next_out

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What the owner has to do, in order."""
        return tuple(self._effects)

    def add(self, effect: Deliver | Disconnect | Established | Resend) -> None:
        """Add an effect that changes no number known here."""
        self._effects.append(effect)

    def send(self, message: Send) -> None:
        """Send `message` under the next number."""
        self._effects.append(message)
        self.next_out += 1

    def expect(self, number: int) -> None:
        """Expect `number` next."""
        assert number > self.next_in, "MsgSeqNum(34) expected next never falls without a reset"
        self._effects.append(SetNextIn(number))
        self.next_in = number

    def consume(self, number: int) -> None:
        """Consume `number` if it is the expected one; any other leaves everything as it is."""
        if number == self.next_in:
            self.expect(number + 1)

    def reset(self) -> None:
        """Begin a new epoch."""
        self._effects.append(ResetNumbers())
        self.next_in = 1
        self.next_out = 1
