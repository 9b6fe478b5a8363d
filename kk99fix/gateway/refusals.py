"""Refused logons: a reference each, a log line within a budget, counts by cause, and the newest.

A flood of refusals must not become a flood of lines: above the budget they are only counted and
kept for the operator, and the next line says how many were left out.
"""

import time
from collections import Counter
from collections.abc import Callable

import trio

from kk99fix.config.sessions import SessionFile
from kk99fix.gateway.line_budget import LineBudget
from kk99fix.gateway.logs import Log
from kk99fix.gateway.peer import Peer
from kk99fix.gateway.references import NS_PER_MS, Reference
from kk99fix.gateway.refused_logons import RefusedLogons, refused_logon


class Refusals:
    """Notes refusals; one for the process."""

    def __init__(self, log: Log) -> None:
        """Begin with none."""
        self._log = log
        self._started_ms = time.time_ns() // NS_PER_MS
        self._budget = LineBudget()
        #: How many there were, by cause.
        self.counts: Counter[str] = Counter()
        self.recent = RefusedLogons()
        #: The file of a session by its CompID, as it is now.
        self.file_of: Callable[[str], SessionFile | None] = lambda _: None

    @property
    def newest_reference(self) -> Reference:
        """The last one that was given out; of count 0 before the first."""
        return Reference(self._started_ms, self.counts.total())

    def note(
        self,
        cause: str,
        peer: Peer,
        frame: bytes | None,
        *,
        live_address: str | None = None,
        balancer: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Count a refusal, keep and log it; `live_address` has the session that was asked for.

        `detail` is what OpenSSL says of a handshake that failed.
        """
        self.counts[cause] += 1
        reference = self.newest_reference
        self.recent.add(
            refused_logon(
                reference,
                time.time_ns(),
                cause,
                peer,
                frame,
                balancer=balancer,
                live_address=live_address,
                detail=detail,
                file_of=self.file_of,
            )
        )
        left_out = self._budget.take(trio.current_time())
        if left_out is None:
            return
        known = {
            "detail": detail,
            "frame": frame,
            "live_address": live_address,
            "balancer": balancer,
            **_about(peer),
        }
        self._log.warning(
            "logon refused",
            reference=str(reference),
            cause=cause,
            address=peer.address,
            **{name: value for name, value in known.items() if value is not None},
            **left_out,
        )


def _about(peer: Peer) -> dict[str, object]:
    """What the log says of a counterparty that has shown a certificate."""
    shown = peer.certificate
    return (
        {} if shown is None else {"certificate": shown.sha256.hex(), "subject": shown.shown_subject}
    )
