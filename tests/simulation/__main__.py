"""`PYTHONPATH=tests .venv/bin/python -m simulation --seed 7`: one simulation, and what happened.

Repeats a seed that a test has named; a failure ends it with the name of the invariant.
"""

import argparse
import tempfile
import time
from pathlib import Path

from simulation.report import report
from simulation.world import World


def main() -> None:
    """Run one or more seeds and print what happened in each."""
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds (default: 1)")
    parser.add_argument("--hours", type=float, default=1.25, help="virtual hours (default: 1.25)")
    parser.add_argument("--level", choices=("process", "durable"), default="process")
    wanted = parser.parse_args()
    for seed in range(wanted.seed, wanted.seed + wanted.seeds):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            world = World(Path(folder), seed, durable=wanted.level == "durable")
            try:
                world.run(wanted.hours)
            except BaseException as error:
                error.add_note(f"seed {seed}, virtual time {world.time_line.now_ns}")
                raise
            digest = world.digest()
        print(report(world, wanted.hours))  # noqa: T201 - its output
        print(f"digest {digest}, {time.monotonic() - begun:.1f} s\n")  # noqa: T201


if __name__ == "__main__":
    main()
