from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.live_gateway import Live, at_level, live_gateway, small_settings
from trio.testing import MockClock


@pytest.fixture(params=["process", "durable"])
async def live(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Live]:
    """A gateway over the shipped files with small pools, at either level."""
    settings = small_settings(tmp_path, at_level(request.param))
    async with live_gateway(settings, tmp_path / "var") as live:
        yield live


@pytest.fixture
def clock() -> MockClock:
    """A clock that jumps to the next deadline as soon as nobody has anything to do."""
    return MockClock(autojump_threshold=0)
