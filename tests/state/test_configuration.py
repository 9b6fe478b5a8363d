from pathlib import Path

from support.journal_files import IDENTITY
from support.venue_desk import VenueDesk

from kk99fix.state.configuration import last_configuration
from kk99fix.state.snapshots import SNAPSHOT_FOLDER, save_snapshot


def test_the_newest_snapshot_knows_the_configuration(tmp_path: Path) -> None:
    """Names and ids are there without a record of the journal; without a snapshot there is none."""
    assert last_configuration(tmp_path) is None
    desk = VenueDesk()
    save_snapshot(desk.venue, tmp_path / SNAPSHOT_FOLDER, IDENTITY, 1)

    assert last_configuration(tmp_path) == desk.venue.registry.content
    desk.close()
