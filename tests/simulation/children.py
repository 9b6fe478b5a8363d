"""The gateway's children, keeper and projector, over the simulation's journal and disk.

They die with the gateway, the keeper at any of its own steps on the disk too.
F4 every complete segment replays to what it has, or the keeper raises an alarm; F7 the tables never
have what is not durable, and at the end they are what a rebuild gives.
"""

from collections.abc import Callable
from pathlib import Path

import attrs

from kk99fix.keeper.keeper import Keeper, KeeperPolicy
from kk99fix.projection import database
from kk99fix.projection.audit import audit
from kk99fix.projection.errors import ProjectionError
from kk99fix.projection.position import read_position
from kk99fix.projection.projector import Place, projecting
from kk99fix.state.retention import RetentionPolicy
from simulation.crashes import Disk
from simulation.durability import Durability
from simulation.units import require

#: Often, since a simulation has few segments; resends read compressed ones.
POLICY = KeeperPolicy(every_segments=2, retention=RetentionPolicy(compress_after_segments=2))


@attrs.define
class Children:
    """Keeper and projector of one state directory, over all lives of its gateway."""

    state_dir: Path
    disk: Disk
    now_ns: Callable[[], int]
    durability: Durability
    #: What the keeper has done, by the names of its reports.
    sealed: int = 0
    snapshots: int = 0
    compressed: int = 0
    projected: int = 0
    _keeper: Keeper | None = None

    def keep(self) -> None:
        """Let the keeper do all there is to do."""
        if self._keeper is None:
            self._keeper = Keeper(self.state_dir, POLICY, self._note, self.now_ns, self.disk)
        while self._keeper.step():
            self.sealed += 1
        require(self._keeper.alarm is None, "F4", self._keeper.alarm)

    def project(self) -> None:
        """Let the projector take what is new."""
        with projecting(self._place) as projector:
            while records := projector.step():
                self.projected += records
            durable_lsn = self.durability.next_lsn - 1
            require(projector.stored.lsn <= durable_lsn, "F7", projector.stored, durable_lsn)

    def gone(self) -> None:
        """The gateway has ended, and so have they."""
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None

    def check(self) -> None:
        """The tables have the whole of a settled journal, and are what a rebuild gives."""
        self.project()
        with database.opened_for_reading(self._place.file) as connection:
            stored = read_position(connection)
        require(stored is not None and stored.lsn == self.durability.next_lsn - 1, "F7", stored)
        try:
            audit(self._place)
        except ProjectionError as error:
            require(False, "F7", error)

    @property
    def _place(self) -> Place:
        return Place(self.state_dir, self.state_dir / database.DATABASE_NAME)

    def _note(self, name: str, values: dict[str, object]) -> None:
        require(name not in {"mismatch", "damage"}, "F4", name, values)
        self.snapshots += name == "snapshot saved"
        self.compressed += name == "segment compressed"
