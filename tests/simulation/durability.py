"""F: what was recorded is there again after every crash, and nothing else.

F1 is looked at where bytes leave (`sessions.Tap`).  F2 the recovered state is that of its last
record, and what anybody was shown is in it; F3 and F5 records are dense and come once, also over
crashes; F6 a second recovery finds what the first one found.
"""

from collections.abc import Iterable

import attrs

from kk99fix.matcher.engine import Engine
from simulation.units import Unit, require


@attrs.define
class Durability:
    """The course of the journal."""

    #: Of the next record that is to be seen.
    next_lsn: int = 1
    last_time_ns: int = 0
    #: State behind a record: lsn of the next one -> hash.
    _hashes: dict[int, int] = attrs.field(factory=dict)
    compared: int = 0

    def see(self, unit: Unit) -> None:
        """Take one unit in."""
        header = unit.input.header
        require(header.lsn == self.next_lsn, "F5", f"lsn {header.lsn}, {self.next_lsn} is next")
        require(unit.time_ns >= self.last_time_ns, "F5", "time goes back", header)
        assert unit.end is not None
        self.last_time_ns = unit.time_ns
        self.next_lsn = unit.end.header.lsn + 1
        for sent in unit.sent:
            require(sent.record.header.time_ns == unit.time_ns, "F5", sent.record.header)

    def note(self, engine: Engine) -> None:
        """Remember the state behind the newest record, be it on the disk or not."""
        self._hashes[engine.next_lsn] = engine.state_hash()

    def recovered(self, next_lsn: int, state_hash: int) -> None:
        """Hold a recovery against what was seen before it, whose records came first."""
        require(
            next_lsn == self.next_lsn, "F2", f"recovered up to {next_lsn}, seen {self.next_lsn}"
        )
        known = self._hashes.get(next_lsn)
        if known is not None:
            self.compared += 1
            require(known == state_hash, "F2", f"another state behind lsn {next_lsn - 1}")
        self._hashes[next_lsn] = state_hash

    @staticmethod
    def same(states: Iterable[tuple[int, int]]) -> None:
        """Hold several recoveries of the same files against each other."""
        found = set(states)
        require(len(found) == 1, "F6", found)
