import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.projection_day import (
    Day,
    begin_journal,
    database_of,
    dump,
    place_of,
    project_all,
    take_all,
    trade,
)

from kk99fix.projection import database, fold, projector
from kk99fix.projection.projector import Place, projecting, rebuild

KILLS = int(os.environ.get("KK99_PROJECTION_KILLS", "20"))


@pytest.fixture(scope="module")
def day() -> Day:
    """A day of random orders, with a unit at least for each kill."""
    day = trade(5, max(700, KILLS))
    day.comparison.close()
    return day


def rebuilt(state_dir: Path) -> dict[str, Any]:
    """Return the tables as they are when they are built anew from the whole journal."""
    file = state_dir / "anew.db"
    rebuild(Place(state_dir, file))
    tables = dump(file)
    file.unlink()
    return tables


@pytest.mark.parametrize("seed", range(4))
def test_following_in_pieces_gives_what_a_rebuild_gives(
    day: Day, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the projector is stopped and the journal goes on, the tables end the same (F7)."""
    chance = random.Random(seed)  # noqa: S311 - seeded on purpose
    writer = begin_journal(tmp_path)
    written = 0
    while written < len(day.units):
        count = chance.choice([1, 2, 5, 50, 300])
        for unit in day.units[written : written + count]:
            writer.append(unit)
        written += count
        monkeypatch.setattr(projector, "STEP_BYTES", chance.choice([1, 2000, 1 << 16, 1 << 22]))
        project_all(tmp_path)
        if chance.random() < 0.1:
            assert dump(database_of(tmp_path)) == rebuilt(tmp_path)

    assert dump(database_of(tmp_path)) == rebuilt(tmp_path)


def test_a_projector_that_is_behind_does_not_wait(
    day: Day, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts as caught up once a step found less than half of what it may take."""
    monkeypatch.setattr(projector, "STEP_BYTES", 40_000)
    day.write(tmp_path)
    with projecting(place_of(tmp_path)) as followed:
        states = []
        while followed.step():
            states.append(followed.caught_up)

    assert states.count(False) > 5
    assert followed.caught_up


class InjectedError(Exception):
    """What the test makes a step fail with."""


@pytest.mark.parametrize("place", ["fold", "rows", "position", "commit"])
def test_a_step_that_fails_leaves_nothing_behind(
    day: Day, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a step fails, the next projector goes on as if that step had never begun."""
    chance = random.Random(place)  # noqa: S311 - seeded on purpose
    day.write(tmp_path)
    expected = rebuilt(tmp_path)
    monkeypatch.setattr(projector, "STEP_BYTES", 4000)
    failing: dict[str, tuple[Any, str]] = {
        "fold": (fold.Fold, "take"),
        "rows": (fold.Fold, "write"),
        "position": (projector, "write_position"),
        "commit": (database, "transaction"),
    }
    owner, name = failing[place]
    original = getattr(owner, name)
    failures = 0
    for _ in range(1000):
        calls = iter(range(chance.randrange(1, 9)))

        def sometimes(*arguments: Any) -> Any:  # noqa: ANN401 - stands for several functions
            result = original(*arguments)
            if next(calls, None) is None:  # noqa: B023 - used within this round
                raise InjectedError
            return result

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, sometimes)
            try:
                project_all(tmp_path)
            except InjectedError:
                failures += 1
                continue
        break

    assert failures > 10
    assert dump(database_of(tmp_path)) == expected


@pytest.mark.slow
def test_a_kill_inside_the_transaction_loses_only_that(day: Day, tmp_path: Path) -> None:
    """A projecting process is killed at random moments; the tables end as a rebuild has them."""
    chance = random.Random(7)  # noqa: S311 - seeded on purpose
    writer = begin_journal(tmp_path)
    code = (
        "import sys; from pathlib import Path; from kk99fix.projection import database, projector\n"
        "projector.STEP_BYTES = 2000\n"
        "state = Path(sys.argv[1]); file = state / 'projection.db'\n"
        "place = projector.Place(state, file)\n"
        "with database.writer_lock(file), projector.projecting(place) as p:\n"
        "    print('begun', flush=True)\n"
        "    while True: print(p.step(), flush=True)\n"
    )
    written = killed = 0
    for kill in range(1, KILLS + 1):
        end = len(day.units) * kill // KILLS
        for unit in day.units[written:end]:
            writer.append(unit)
        written = end
        with subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(chance.randrange(1, 4)):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            killed += 1
    project_all(tmp_path)

    assert killed >= KILLS
    assert dump(database_of(tmp_path)) == rebuilt(tmp_path)


def test_who_reads_keeps_one_state_while_the_tables_are_built_anew(
    day: Day, tmp_path: Path
) -> None:
    """A reader sees the old tables until it ends, the next one the new ones."""
    day.write(tmp_path)
    file = database_of(tmp_path)
    with projecting(place_of(tmp_path)) as first:
        first.step()
    before = dump(file)
    with database.opened_for_reading(file) as reader:
        count = reader.execute("SELECT count(*) FROM executions").fetchone()[0]
        with projecting(place_of(tmp_path)) as second:
            take_all(second)
        rebuild(place_of(tmp_path))
        assert reader.execute("SELECT count(*) FROM executions").fetchone()[0] == count

    assert count == len(before["executions"])
    assert dump(file) == rebuilt(tmp_path)
    assert list(tmp_path.glob("projection-?.db")) == [file.resolve()]
    assert file.stat().st_mode & 0o777 == 0o640
