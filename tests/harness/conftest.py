from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.live_gateway import Live, live_gateway, small_settings


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    """A gateway over the shipped files with small pools."""
    async with live_gateway(small_settings(tmp_path), tmp_path / "var") as live:
        yield live
