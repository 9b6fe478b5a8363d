"""The real program, `kk99fix serve`, where it is expected not to start."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def failed_start(
    folder: Path, *options: str, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a gateway over folder/config, folder/sessions and folder/var until it ends.

    `before` runs in the new process, such as to lower a limit.
    """
    return subprocess.run(
        [
            Path(sys.executable).with_name("kk99fix"),
            "serve",
            *("--config", folder / "config"),
            *("--sessions", folder / "sessions"),
            *("--state", folder / "var"),
            *("--port", "0"),
            *options,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=before,
    )


def one_sentence(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one line for a person that a start ended with."""
    assert "Traceback" not in result.stderr, result.stderr
    assert "listening" not in result.stdout
    (line,) = [text for text in result.stderr.splitlines() if text.startswith("kk99fix serve:")]
    return line
