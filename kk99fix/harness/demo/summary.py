"""What came out of a demo: counts, and whether the desk saw every report."""

import attrs

from kk99fix.harness.demo.market import Market


@attrs.frozen
class Summary:
    """The last lines of a demo."""

    lines: tuple[str, ...]
    #: Everything was answered, and the desk saw all of it.
    good: bool


def summarize(market: Market, elapsed_s: float) -> Summary:
    """Say what happened, and everything that should not have."""
    counters = market.counters
    brokers = " and ".join(market.brokers)
    counts = (
        f"after {elapsed_s:.1f} s: orders {counters.orders:,}, changes and cancels "
        f"{counters.changes:,}, trades {counters.trades:,}, refused {counters.refusals:,}"
    )
    faults = list(market.complaints)
    if market.unanswered:
        faults.append(f"{len(market.unanswered):,} requests were not answered")
    if market.missed:
        faults.append(f"{market.missed:,} reports and copies have no counterpart")
    if faults:
        return Summary((counts, *faults), good=False)
    seen = f"the desk saw every one of the {counters.reports:,} reports of {brokers}, unchanged"
    return Summary((counts, seen), good=True)
