from collections.abc import Iterator
from pathlib import Path

import pytest
from support.kept_state import copy_of, forge, keep, rest
from support.live_gateway import small_settings
from support.live_peer import order
from support.still_gateway import StillGateway

from kk99fix.journal.errors import JournalError
from kk99fix.journal.segment import list_segments, segment_name
from kk99fix.state.replaying import Replay, replay_journal
from kk99fix.state.retention import RetentionPolicy
from kk99fix.venue.recovery import DivergenceError


@pytest.fixture
def still(tmp_path: Path) -> Iterator[StillGateway]:
    """A gateway that has filled some segments, refused an order, and traded."""
    with StillGateway(small_settings(tmp_path), tmp_path / "var") as still:
        peer = still.connect("BROKER1")
        rest(still, peer, 5000)
        other = still.connect("BROKER2")
        other.send("D", order("trade", "2", price="180.00"))
        other.send("D", order("far", "2", price="1.00"))
        still.run_pass()
        yield still


def replay(state: Path, *, from_snapshot: bool = False) -> Replay:
    """Replay without a word."""
    return replay_journal(state, lambda _: None, from_snapshot=from_snapshot)


def test_beside_a_running_gateway_it_comes_to_the_same(still: StillGateway, tmp_path: Path) -> None:
    """State and counts are those of the venue that is live, and no file is touched."""
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "var").rglob("*")}
    came_to = replay(tmp_path / "var")
    counts = still.engine.statistics()

    assert came_to.state_hash == still.engine.state_hash()
    assert (came_to.first_lsn, came_to.next_lsn) == (1, still.engine.next_lsn)
    assert came_to.segments == still.gateway.storage.writer.segment
    (day,) = came_to.days
    assert (day.orders, day.trades) == (counts.orders_accepted, counts.trades) == (5001, 1)
    assert day.refusals == sum(counts.refusals.values()) == 1
    assert day.messages_in == sum(counts.messages_in.values())
    assert came_to.records >= 5000
    assert came_to.records_per_s > 0
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "var").rglob("*")}


def test_from_a_snapshot_it_comes_to_the_same(still: StillGateway, tmp_path: Path) -> None:
    """Only what is behind the newest snapshot is replayed."""
    keep(tmp_path / "var", kept=1)
    whole, rest_of = replay(tmp_path / "var"), replay(tmp_path / "var", from_snapshot=True)

    assert rest_of.state_hash == whole.state_hash == still.engine.state_hash()
    assert rest_of.next_lsn == whole.next_lsn
    assert 1 < rest_of.first_lsn == list_segments(tmp_path / "var/journal")[-1].header.first_lsn
    assert rest_of.segments == 1


def test_compressed_segments_are_replayed(still: StillGateway, tmp_path: Path) -> None:
    """They give what their files gave."""
    keep(tmp_path / "var", RetentionPolicy(compress_after_segments=1), kept=1)

    assert any(segment.compressed for segment in list_segments(tmp_path / "var/journal"))
    assert replay(tmp_path / "var").state_hash == still.engine.state_hash()


def test_what_was_removed_needs_a_snapshot(still: StillGateway, tmp_path: Path) -> None:
    """The start of the journal is gone; the first kept snapshot leads in by itself."""
    keep(tmp_path / "var", RetentionPolicy(keep_days=1), kept=1)
    segments = list_segments(tmp_path / "var/journal")
    assert segments[0].header.number > 1

    came_to = replay(tmp_path / "var")
    assert came_to.first_lsn == segments[0].header.first_lsn
    assert came_to.state_hash == still.engine.state_hash()
    for path in (tmp_path / "var/snapshots").iterdir():
        path.unlink()
    with pytest.raises(JournalError, match="Use --from-snapshot"):
        replay(tmp_path / "var")
    with pytest.raises(JournalError, match="no snapshot that this program can read"):
        replay(tmp_path / "var", from_snapshot=True)


def test_a_difference_is_named(still: StillGateway, tmp_path: Path) -> None:
    """A recorded output that the venue does not give ends it, with the record's lsn."""
    still.gateway.sequencer.commit()
    copy_of(tmp_path / "var", tmp_path / "copy")
    lsn = forge(tmp_path / "copy", 1, b"\x0144=180\x01", b"\x0144=181\x01")

    with pytest.raises(DivergenceError, match=r"recorded: .*\nregenerated: ") as caught:
        replay(tmp_path / "copy")
    assert caught.value.lsn == lsn


def test_damage_is_named(still: StillGateway, tmp_path: Path) -> None:
    """A complete segment that is not whole is no end of the journal."""
    still.gateway.sequencer.commit()
    path = tmp_path / "var/journal" / segment_name(1)
    data = bytearray(path.read_bytes())
    data[100_000] ^= 1
    path.write_bytes(data)

    with pytest.raises(JournalError, match=r"00000001\.kkj, offset \d+: no valid record"):
        replay(tmp_path / "var")
