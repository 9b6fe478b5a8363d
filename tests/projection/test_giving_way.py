import sqlite3
from pathlib import Path

import attrs
import pytest
from support.projection_day import Day, database_of, dump, place_of, project_all, take_all, trade
from support.watched_give_way import WatchedGiveWay

from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.follow import Follower
from kk99fix.journal.segment import list_segments
from kk99fix.matcher.giving_way import KEEPING_ON, giving_way, times_interrupted
from kk99fix.projection import projector
from kk99fix.projection.projector import Place, projecting


@pytest.fixture(scope="module")
def day() -> Day:
    """A day of random orders."""
    day = trade(11, 700)
    day.comparison.close()
    return day


def test_a_projector_at_work_yields_often(day: Day, tmp_path: Path) -> None:
    """It yields while it folds and while SQLite works, and is interrupted where neither is seen."""
    day.write(tmp_path)
    watched = WatchedGiveWay()
    with projecting(attrs.evolve(place_of(tmp_path), give_way=watched.give_way)) as followed:
        opening = watched.stretches
        before = watched.yields
        records = followed.step()
        assert watched.stretches == opening + 1
        # At one in eight records, and as often as SQLite takes five hundred steps for their rows.
        assert watched.yields - before > records // 8 + records // 60
        before = watched.yields
        assert followed.step() == 0
        assert (watched.yields, watched.stretches) == (before, opening + 1)

    assert records > 1000
    assert not watched.within


def test_pages_reach_the_disk_within_a_stretch(day: Day, tmp_path: Path) -> None:
    """Whatever ends a transaction or carries its pages over may take long, and is interrupted."""
    day.write(tmp_path)
    watched = WatchedGiveWay()
    place = attrs.evolve(place_of(tmp_path), give_way=watched.give_way)
    with projecting(place) as followed:
        seen: list[tuple[str, bool]] = []
        followed._connection.set_trace_callback(lambda text: seen.append((text, watched.within)))
        take_all(followed)

    ends = [within for text, within in seen if text == "COMMIT"]
    assert ends == [True] * len(ends) != []
    # SQLite waits for a lock by sleeping, which the timer would cut short.
    assert not any(within for text, within in seen if text.startswith("BEGIN"))


def test_what_is_interrupted_all_the_time_loses_nothing(
    day: Day, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables that were written under the shortest of intervals are those of a rebuild."""
    day.write(tmp_path / "calm")
    day.write(tmp_path / "interrupted")
    project_all(tmp_path / "calm")
    monkeypatch.setattr(projector, "STEP_BYTES", 20_000)
    before = times_interrupted()
    with giving_way(50) as give_way:
        place = Place(tmp_path / "interrupted", database_of(tmp_path / "interrupted"))
        with projecting(attrs.evolve(place, give_way=give_way)) as followed, give_way.often():
            # Every call of SQLite, not its commits alone; nobody else has a lock here.
            followed._give_way = KEEPING_ON
            take_all(followed)

    assert times_interrupted() - before > 10
    assert dump(database_of(tmp_path / "interrupted")) == dump(database_of(tmp_path / "calm"))
    with sqlite3.connect(database_of(tmp_path / "interrupted")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_what_stands_before_damage_counts(day: Day, tmp_path: Path) -> None:
    """A step ends at damage that it comes upon on its way; the next one fails at once."""
    day.write(tmp_path)
    first = list_segments(tmp_path / "journal")[0]
    with first.path.open("r+b") as file:
        file.seek(first.header.segment_bytes // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))
    with projecting(place_of(tmp_path)) as followed:
        assert isinstance(followed._follower, Follower)
        assert followed.step() > 100
        stored = followed.stored
        with pytest.raises(JournalDamagedError, match="goes on with lsn"):
            followed.step()

    assert stored.lsn > 100
    assert followed.stored == stored
