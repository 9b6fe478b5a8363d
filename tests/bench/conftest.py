import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder with the built load client and echo server."""
    subprocess.run(["make", "-s", "-C", REPOSITORY / "bench" / "load"], check=True)  # noqa: S607
    return REPOSITORY / "build" / "bench"
