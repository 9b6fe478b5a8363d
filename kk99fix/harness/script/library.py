"""The scripts that come with the package, by name, and how any script is found and run."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import trio

from kk99fix.harness.scenario import WITHIN_S, Scenario
from kk99fix.harness.script.outcome import Outcome
from kk99fix.harness.script.parse import read
from kk99fix.harness.script.play import play
from kk99fix.harness.script.steps import Script
from kk99fix.harness.transcript import Transcript

#: How a file with a script ends.
SUFFIX: Final = ".scenario"
FOLDER: Final = Path(__file__).parent / "shipped"


def shipped() -> list[Script]:
    """Return all scripts of the package, by name."""
    return [read(path) for path in sorted(FOLDER.glob(f"*{SUFFIX}"))]


def find(name: str) -> Path:
    """Return the file of a script: a path, or the name of one of the package's."""
    path = Path(name)
    mine = [FOLDER / f"{name}{SUFFIX}", FOLDER / name]
    return path if path.exists() else next((each for each in mine if each.exists()), path)


async def run(
    script: Script,
    host: str,
    port: int,
    variables: Mapping[str, str],
    *,
    within_s: float = WITHIN_S,
    show: Callable[[str], None] | None = None,
) -> Outcome:
    """Run a script against an acceptor; `show` gets the lines of the transcript as they come."""
    transcript = Transcript(show=show)
    return await play(
        script, Scenario(host, port, within_s=within_s, transcript=transcript), variables
    )


def run_file(
    path: str | Path,
    host: str = "127.0.0.1",
    port: int = 9944,
    variables: Mapping[str, str] | None = None,
    *,
    within_s: float = WITHIN_S,
) -> Outcome:
    """Read a script and run it, for tests without Trio; raises ScriptError.

    `assert outcome.passed, outcome.complaint` is all that a test needs.
    """
    script = read(find(str(path)))
    return trio.run(lambda: run(script, host, port, variables or {}, within_s=within_s))
