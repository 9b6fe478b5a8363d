from pathlib import Path
from typing import Any

import attrs
import pytest
from support.journal_files import unit, write_journal
from support.live_gateway import LogLines

from kk99fix.gateway.child_reports import ChildReports, KeeperStatistics
from kk99fix.journal.messages import SentMessages
from kk99fix.journal.names import REMOVED_NAME
from kk99fix.journal.segment import PAGE_BYTES, Position

STATUS: dict[str, Any] = {
    "event": "status",
    "sealed_segment": 4,
    "verified_lsn": 900,
    "lag_segments": 2,
    "lag_bytes": 2048,
    "snapshot_lsn": 800,
    "snapshot_time_ns": 5,
}


class SentStub(SentMessages):
    """Takes note of what was replaced."""

    def __init__(self, directory: Path) -> None:
        """Begin over an empty journal."""
        writer = write_journal(directory, [unit(1)])
        super().__init__(directory, lambda: writer.position)
        writer.close()
        self.numbers: list[int] = []

    def replaced(self, number: int) -> None:
        """Take note."""
        self.numbers.append(number)


@attrs.define
class Desk:
    """Where reports arrive."""

    reports: ChildReports
    sent: SentStub
    logged: LogLines


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk without any report yet."""
    logged, sent = LogLines(), SentStub(tmp_path)
    return Desk(ChildReports(logged.log, sent), sent, logged)


def test_a_status_is_the_newest_count(desk: Desk) -> None:
    """Alarms counted before stay counted."""
    desk.reports.of_keeper({"event": "damage", "text": "x"})
    desk.reports.of_keeper(STATUS)

    assert desk.reports.keeper == KeeperStatistics(4, 900, 2, 2048, 800, 5, damages=1)


def test_what_is_replaced_is_let_go(desk: Desk) -> None:
    """The index hears of each compressed and each removed segment."""
    desk.reports.of_keeper({"event": "segment compressed", "segment": 3})
    desk.reports.of_keeper({"event": "segment removed", "segment": 1})

    assert desk.sent.numbers == [3, 1]
    assert (desk.reports.keeper.compressed, desk.reports.keeper.removed) == (1, 1)


def test_a_note_that_cannot_be_read_is_a_warning(tmp_path: Path, desk: Desk) -> None:
    """What the keeper has written beside the segments never ends the gateway."""
    sent = SentMessages(tmp_path, lambda: Position(1, PAGE_BYTES))
    (tmp_path / REMOVED_NAME).write_text("{")
    ChildReports(desk.logged.log, sent).of_keeper({"event": "segment removed", "segment": 1})

    (line,) = desk.logged.of("note of removed segments not read")
    assert REMOVED_NAME in line["error"]


def test_a_mismatch_is_an_alarm(desk: Desk) -> None:
    """An error line says where and what, and it is counted."""
    desk.reports.of_keeper({"event": "mismatch", "segment": 2, "lsn": 77, "text": "recorded: ..."})

    (line,) = desk.logged.of("replay differs from the journal")
    assert (line["level"], line["segment"], line["lsn"]) == ("error", 2, 77)
    assert desk.reports.keeper.mismatches == 1


def test_the_projector_says_how_far_it_is(desk: Desk) -> None:
    """Its newest lsn is kept, and its notes are logged."""
    desk.reports.of_projector({"event": "projected", "lsn": 12, "time_ns": 1, "records": 3})
    desk.reports.of_projector({"event": "note", "text": "building the tables anew"})

    assert desk.reports.projector.lsn == 12
    assert len(desk.logged.of("projector notes")) == 1


@pytest.mark.parametrize(
    "event",
    [
        {"event": "unheard of"},
        {"event": "status"},
        STATUS | {"lag_bytes": "many"},
        {"event": "segment compressed", "segment": True},
        {"event": "mismatch", "segment": 1, "lsn": 2},
    ],
)
def test_what_makes_no_sense_is_refused(desk: Desk, event: dict[str, Any]) -> None:
    """The supervisor is told, and nothing changes."""
    with pytest.raises((KeyError, TypeError)):
        desk.reports.of_keeper(event)

    assert attrs.evolve(desk.reports.keeper, mismatches=0) == KeeperStatistics()
