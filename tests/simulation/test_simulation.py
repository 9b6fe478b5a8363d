"""The whole venue in virtual time: all invariants hold after every step, whatever happens.

`KK99_HOURS=5` lets each seed live longer, `KK99_SEED=7` begins with another one and
`KK99_SEEDS=100` takes more of them; `python -m simulation` repeats one, see docs/testing.md.
"""

import os
from pathlib import Path

import pytest

from simulation.report import figures, report
from simulation.world import World

FIRST_SEED = int(os.environ.get("KK99_SEED", "1"))
SEEDS = int(os.environ.get("KK99_SEEDS", "2"))
#: Of virtual time for each seed and level; four runs of 24 sessions are 21 session-hours.
HOURS = float(os.environ.get("KK99_HOURS", "0.22"))


def lived(folder: Path, seed: int, hours: float, level: str) -> World:
    """Run one simulation; a failure says how to repeat it."""
    world = World(folder, seed, durable=level == "durable")
    try:
        world.run(hours)
    except BaseException as error:
        again = f"python -m simulation --seed {seed} --hours {hours} --level {level}"
        error.add_note(f"PYTHONPATH=tests .venv/bin/{again}")
        raise
    print(report(world, hours))  # noqa: T201 - shown with a failure, and with -s
    return world


@pytest.mark.slow
@pytest.mark.parametrize("level", ["process", "durable"])
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_a_simulated_venue(tmp_path: Path, seed: int, level: str) -> None:
    """Counterparties of every temper, a bad network and crashes leave every invariant whole."""
    found = figures(lived(tmp_path, seed, HOURS, level))

    assert found["orders accepted"] > 1000
    assert found["trades"] > 300
    assert found["ranges sent again"] > 50
    assert found["orders pulled on disconnect"] > 20
    assert found["orders of sessions withdrawn"] > 5
    assert found["reloads"] > 20
    assert found["states compared after a crash or stop"] > found["starts"] // 2
    assert found["starts from a snapshot"] + found["crashes of the process"] > 3


def test_a_few_minutes(tmp_path: Path) -> None:
    """What the others are, in a time that a sanitized build has."""
    assert figures(lived(tmp_path, FIRST_SEED + 1, 0.02, "durable"))["orders accepted"] > 50
