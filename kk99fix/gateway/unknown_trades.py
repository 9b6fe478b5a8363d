"""Trades that counterparties do not know: DontKnowTrade(Q) becomes an alarm for people.

The venue records the message and answers nothing: what a trade is worth is settled by people.
"""

from typing import Final

from kk99fix.gateway.line_budget import LineBudget
from kk99fix.gateway.logs import Log
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.venue.outcome import UnknownTrade

NS_PER_S: Final = 1_000_000_000


class UnknownTrades:
    """Counts and logs them; one for the process."""

    def __init__(self, sequencer: Sequencer, log: Log) -> None:
        """Begin without any; registers for the venue's unknown trades."""
        self._sequencer = sequencer
        self._log = log
        self._budget = LineBudget()
        self.count = 0
        sequencer.on_unknown_trade = self.note

    def note(self, unknown: UnknownTrade) -> None:
        """Take note of one; a flood of them is counted, not logged."""
        self.count += 1
        left_out = self._budget.take(self._sequencer.pump.now_ns() / NS_PER_S)
        if left_out is None:
            return
        self._log.warning(
            "trade not known by counterparty",
            session=self._sequencer.venue.registry.session_names()[unknown.session],
            exec_id=unknown.exec_id,
            order_id=unknown.order_id,
            reason=unknown.reason,
            text=unknown.text,
            **left_out,
        )
