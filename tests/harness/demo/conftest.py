from pathlib import Path

import pytest

from kk99fix.config.load import load
from kk99fix.harness.demo.market import Market

REPOSITORY = Path(__file__).resolve().parents[3]
BROKERS = ("BROKER1", "BROKER2")


@pytest.fixture
def market() -> Market:
    """An empty market of the shipped instruments."""
    settings = load(REPOSITORY / "config", REPOSITORY / "sessions")
    return Market(settings.instruments.instrument, BROKERS)
