"""Limits that are below what is open now: said when files apply, at a start as at a reload.

What is open stays, and new orders are refused; somebody should know.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kk99fix.venue.venue import Venue

#: Of the log.
LIMIT_BELOW_EXPOSURE: Final = "limit below exposure"


def below_exposure(
    venue: Venue, stated: Mapping[str, dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield whose limit is below its open orders, among what a configuration states, by name."""
    registry, engine = venue.registry, venue.engine
    present = {
        "sessions": lambda number: engine.session(number).open_orders,
        "accounts": engine.account_open_orders,
        "firms": engine.firm_open_orders,
    }
    for kind, count in present.items():
        for name, what in sorted(stated[kind].items()):
            limit, value = what["limits"]["max_open_orders"], count(registry.ids[kind][name])
            if 0 < limit < value:
                exposure = {"limit": "max_open_orders", "value": limit, "present": value}
                yield f"{kind} {name}", {kind[:-1]: name, **exposure}
