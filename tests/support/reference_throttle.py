"""The throttle of the reference venue: the times of all that was admitted, counted each time."""

import attrs

from support.reference_values import E8, Refusal

#: A 64th of a second; a window is the one of now and the 64 before it.
BUCKET_NS = 15_625_000

#: What a message is counted in, and the limit of each.
WINDOWS = {
    "D": (("orders", "orders_per_second"), ("messages", "messages_per_second")),
    "G": (("orders", "orders_per_second"), ("messages", "messages_per_second")),
    "F": (("cancels", "messages_per_second"),),
    "H": (("messages", "messages_per_second"),),
    "AF": (("messages", "messages_per_second"),),
}


@attrs.define
class ReferenceThrottle:
    """What one session has been admitted."""

    limits: dict[str, int]
    _admitted: dict[str, list[int]] = attrs.field(
        factory=lambda: {"orders": [], "messages": [], "cancels": []}, init=False
    )

    def refusal(self, kind: str, now_ns: int) -> Refusal | None:
        """Whether a message is too much; if not, it counts."""
        oldest = now_ns // BUCKET_NS - 64
        for window, key in WINDOWS[kind]:
            times = [time for time in self._admitted[window] if time // BUCKET_NS >= oldest]
            self._admitted[window] = times
            limit = self.limits[key]
            if limit and len(times) >= limit:
                return Refusal("THROTTLED", limit * E8, (len(times) + 1) * E8, 0)
        for window, _ in WINDOWS[kind]:
            self._admitted[window].append(now_ns)
        return None
