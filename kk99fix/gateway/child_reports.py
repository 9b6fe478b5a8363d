"""What the keeper and the projector report, turned into log lines, counts and deeds of ours.

Each function takes one event; KeyError or TypeError says that it is none (see `children`).
What the keeper has compressed or removed is let go of, so that the disk gets its room back.
"""

from typing import Any

from attrs import define, evolve, frozen

from kk99fix.gateway.logs import Log
from kk99fix.journal.errors import JournalError
from kk99fix.journal.messages import SentMessages

KEEPER = "keeper"
PROJECTOR = "projector"
_STATUS = (
    *("sealed_segment", "verified_lsn", "lag_segments", "lag_bytes"),
    *("snapshot_lsn", "snapshot_time_ns"),
)


@frozen
class KeeperStatistics:
    """What is known of the keeper's work; zeros before its first report."""

    sealed_segment: int = 0
    #: Replay gave every output up to here as it was recorded.
    verified_lsn: int = 0
    #: Complete segments that wait for their seal, and their bytes.
    lag_segments: int = 0
    lag_bytes: int = 0
    snapshot_lsn: int = 0
    #: UTC.
    snapshot_time_ns: int = 0
    mismatches: int = 0
    damages: int = 0
    compressed: int = 0
    removed: int = 0


@frozen
class ProjectorStatistics:
    """How far the tables are."""

    lsn: int = 0


@define
class ChildReports:
    """The newest reports of both."""

    log: Log
    sent: SentMessages
    keeper: KeeperStatistics = KeeperStatistics()
    projector: ProjectorStatistics = ProjectorStatistics()

    def of_keeper(self, event: dict[str, Any]) -> None:
        """Take an event of the keeper."""
        match event["event"]:
            case "status":
                self._status(event)
            case "segment compressed":
                self._let_go(event)
                self.keeper = evolve(self.keeper, compressed=self.keeper.compressed + 1)
            case "segment removed":
                self._let_go(event)
                self.keeper = evolve(self.keeper, removed=self.keeper.removed + 1)
                self.log.info("segment removed", segment=event["segment"])
            case "snapshot saved":
                self.log.info("snapshot saved", lsn=_number(event, "lsn"), seconds=event["seconds"])
            case "mismatch":
                self.keeper = evolve(self.keeper, mismatches=self.keeper.mismatches + 1)
                self.log.error(
                    "replay differs from the journal",
                    segment=_number(event, "segment"),
                    lsn=_number(event, "lsn"),
                    text=event["text"],
                )
            case "damage":
                self.keeper = evolve(self.keeper, damages=self.keeper.damages + 1)
                self.log.error("complete segment damaged", text=event["text"])
            case "note":
                self.log.info("keeper notes", text=event["text"])
            case _:
                raise KeyError(event["event"])

    def of_projector(self, event: dict[str, Any]) -> None:
        """Take an event of the projector."""
        match event["event"]:
            case "projected":
                self.projector = ProjectorStatistics(_number(event, "lsn"))
            case "note":
                self.log.info("projector notes", text=event["text"])
            case _:
                raise KeyError(event["event"])

    def _let_go(self, event: dict[str, Any]) -> None:
        """Let go of a segment; a note that cannot be read is read again when a resend needs it."""
        try:
            self.sent.replaced(_number(event, "segment"))
        except JournalError as error:
            self.log.warning("note of removed segments not read", error=str(error))

    def _status(self, event: dict[str, Any]) -> None:
        self.keeper = evolve(self.keeper, **{name: _number(event, name) for name in _STATUS})


def _number(event: dict[str, Any], name: str) -> int:
    value = event[name]
    if type(value) is not int:
        raise TypeError(name)
    return value
