"""When a session is due for a tick: comparisons of moments, no clock.

A heartbeat follows from the last message sent, a test of the counterparty from the last frame
received; both moments are the owner's, because plain orders pass without this layer seeing them.
Everything else that waits has one moment of its own.
"""

import attrs

from kk99fix.session.rules import Numbers


def silence_of(heart_bt_int_ns: int) -> int:
    """Return how long a counterparty may be silent: HeartBtInt(108) and a fifth for the way."""
    return heart_bt_int_ns + heart_bt_int_ns // 5


@attrs.frozen
class Timers:
    """What a session waits for; None where it waits for nothing of the kind."""

    #: A Heartbeat(0) is due this long after the last message sent.
    heartbeat_ns: int | None = None
    #: A TestRequest(1) is due this long after the last frame received.
    silence_ns: int | None = None
    #: The earliest moment that depends on neither: an answer that must have come by then.
    deadline_ns: int | None = None

    def next_deadline_ns(self, numbers: Numbers) -> int | None:
        """Return when the next tick matters; None for never."""
        moments = []
        if self.heartbeat_ns is not None:
            moments.append(numbers.last_out_ns + self.heartbeat_ns)
        if self.silence_ns is not None:
            moments.append(numbers.last_in_ns + self.silence_ns)
        if self.deadline_ns is not None:
            moments.append(self.deadline_ns)
        return min(moments, default=None)
