"""The core is the same function however it is compiled: outputs and state hash are equal."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from support.comparison import Comparison
from support.order_stream import OrderStream
from support.session_stream import SessionStream, play
from support.small_venue import LARGE
from support.venue_desk import VenueDesk, records_of

REPOSITORY = Path(__file__).parents[2]
SETUP = (
    "from setuptools import setup; setup(cffi_modules=['kk99fix/matcher/build_core.py:ffi'],"
    "name='core', packages=[])"
)
REQUESTS = 4000
BUILDS = {
    "-O0": {"KK99_CFLAGS": "-O0"},
    "sanitizers": {"KK99_SANITIZE": "1"},
}


def start_build(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Begin to build the core alone into a folder."""
    command = [sys.executable, "-c", SETUP, "-q", "build_ext", f"--build-lib={folder}"]
    return subprocess.Popen(
        [*command, f"--build-temp={folder / 'objects'}"],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
    )


def runtime(environment: dict[str, str]) -> dict[str, str]:
    """What a process needs to load the build."""
    running = {"PYTHONPATH": str(REPOSITORY / "tests"), "PYTHONHASHSEED": "random"}
    if "KK99_SANITIZE" in environment:
        libraries = [
            subprocess.check_output(["gcc", f"-print-file-name={name}"], text=True).strip()  # noqa: S607
            for name in ("libasan.so", "libubsan.so")
        ]
        running |= {
            "LD_PRELOAD": " ".join(libraries),
            "PYTHONMALLOC": "malloc",
            "ASAN_OPTIONS": "detect_leaks=0",
            "UBSAN_OPTIONS": "halt_on_error=1",
        }
    return {**os.environ, **running}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], str]:
    """Journals of a day of sessions and of thousands of orders, and what the core says of them."""
    desk = play(VenueDesk(capacity=LARGE), SessionStream(20).script(300))
    comparison = Comparison(capacity=LARGE)
    stream = OrderStream(random.Random(20), comparison.reference)  # noqa: S311 - seeded on purpose
    for _ in range(REQUESTS):
        comparison.do(stream.next())
    folder = tmp_path_factory.mktemp("journals")
    paths, lines = [], ""
    for number, recorded in enumerate((desk, comparison.desk)):
        paths.append(folder / f"{number}.records")
        paths[-1].write_bytes(recorded.journal)
        engine, count = recorded.engine, len(records_of(recorded.journal))
        lines += f"{engine.state_hash():016x} {count} {engine.next_lsn}\n"
        recorded.close()
    return paths, lines


@pytest.mark.slow
def test_builds_agree(recordings: tuple[list[Path], str], tmp_path: Path) -> None:
    """Without optimisation, and under ASan and UBSan, a replay gives every byte and the hash."""
    paths, expected = recordings
    builds = {
        name: start_build(tmp_path / name, environment) for name, environment in BUILDS.items()
    }
    for name, build in builds.items():
        _, errors = build.communicate()
        assert build.returncode == 0, errors.decode()
        (core,) = (tmp_path / name).glob("**/_core*.so")
        replayed = subprocess.run(
            [sys.executable, "-m", "support.replay_with", core, *paths],
            cwd=REPOSITORY,
            env=runtime(BUILDS[name]),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (replayed.stdout, replayed.returncode) == (expected, 0), (name, replayed.stderr)


def test_replay_agrees(recordings: tuple[list[Path], str]) -> None:
    """The installed core replays its own recordings to the same hash."""
    paths, expected = recordings
    lines = ""
    for path in paths:
        desk = VenueDesk(begin=False, capacity=LARGE)
        desk.journal += path.read_bytes()
        other, recovered = desk.replayed()
        engine = other.engine
        lines += f"{engine.state_hash():016x} {recovered.messages} {engine.next_lsn}\n"

    assert lines == expected
