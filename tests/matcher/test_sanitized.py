import importlib
import os
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["_core", "_io"])
def test_make_asan_tests_the_instrumented_extensions(name: str) -> None:
    """The extensions in use are instrumented exactly where KK99_SANITIZE says so."""
    path = importlib.import_module(f"kk99fix.matcher.{name}").__file__
    assert path is not None
    instrumented = b"__asan_init" in Path(path).read_bytes()

    assert instrumented == (os.environ.get("KK99_SANITIZE") == "1")
