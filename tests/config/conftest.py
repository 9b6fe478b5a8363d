"""Fixtures of the tests of kk99fix.config."""

from pathlib import Path

import pytest
from support.config_folder import ConfigFolder


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    """Return a copy of the shipped files."""
    return ConfigFolder(tmp_path)
