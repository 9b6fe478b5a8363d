from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.live_gateway import Live, live_gateway, small_settings
from trio.testing import MockClock


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    """A gateway over the shipped files with small pools."""
    async with live_gateway(small_settings(tmp_path), tmp_path / "var") as live:
        yield live


@pytest.fixture
def clock() -> MockClock:
    """A clock that jumps to the next deadline as soon as nobody has anything to do."""
    return MockClock(autojump_threshold=0)
