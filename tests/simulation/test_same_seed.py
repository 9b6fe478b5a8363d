"""Equal seeds make equal runs, whatever order Python's hashes have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def digest_of(hash_seed: str, level: str) -> str:
    """Run one simulation in a process of its own; the digest of its wires and its journal."""
    wanted = ["--seed", "4", "--hours", "0.03", "--level", level]
    done = subprocess.run(
        [sys.executable, "-m", "simulation", *wanted],
        env={**os.environ, "PYTHONPATH": str(TESTS), "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("digest ")]
    return line.split(",")[0]


@pytest.mark.slow
@pytest.mark.parametrize("level", ["process", "durable"])
def test_the_same_seed_gives_the_same_bytes(level: str) -> None:
    """Every byte that anybody received, its moment, and every byte of the journal are the same."""
    assert digest_of("1", level) == digest_of("2", level)
