"""docs/harness.md is run: its script, its Python, and its lists are complete."""

import re
from pathlib import Path
from typing import Any

from support.config_folder import REPOSITORY
from support.live_gateway import HOST, Live
from support.scenario_rig import script_of

from kk99fix.commands.harness import harness
from kk99fix.harness.misbehaving.catalog import catalog
from kk99fix.harness.script.library import run, shipped
from kk99fix.harness.script.values import GENERATED
from kk99fix.harness.script.verbs import OF_PARTY, OF_SCRIPT

TEXT = (REPOSITORY / "docs/harness.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_every_misbehaviour_is_in_the_table() -> None:
    """Each row is what the scenario says of itself."""
    for each in catalog().values():
        assert f"| `{each.name}` | {each.does} | {each.answer} |\n" in TEXT, each.name


async def test_the_script_runs(live: Live, tmp_path: Path) -> None:
    """The pieces make one script, and it passes against the gateway."""
    outcome = await run(script_of(tmp_path, "".join(blocks("scenario"))), HOST, live.port, {})

    assert outcome.passed, outcome.complaint
    assert outcome.title == "What this script shows: its first comment is its title."


async def test_the_python_runs(live: Live) -> None:
    """The example of a scenario in Python trades."""
    (program,) = (block for block in blocks("python") if "Scenario(" in block)
    names: dict[str, Any] = {"print": lambda _text: None}
    exec(program, names)  # noqa: S102 - it is the documentation's
    report = await names["first_order"](HOST, live.port)

    assert report.get(150) == b"0"


def test_every_verb_has_an_example() -> None:
    """All verbs stand in the script, generators and commands in the text, scripts in the table."""
    script = "".join(blocks("scenario"))

    for verb in OF_SCRIPT:
        assert re.search(rf"^{verb} ", script, re.MULTILINE), verb
    for verb in OF_PARTY:
        assert re.search(rf"^[A-Z]+ {verb}\b", script, re.MULTILINE), verb
    for name in GENERATED:
        assert f"${{{name}}}" in TEXT, name
    for name in harness.commands:
        assert f"kk99fix harness {name}" in TEXT, name
    for each in shipped():
        assert f"| `{each.name}` |" in TEXT, each.name
