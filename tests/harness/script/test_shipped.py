from pathlib import Path

import pytest
from support.live_gateway import HOST, Live

from kk99fix.harness.script.library import FOLDER, find, run, shipped
from kk99fix.harness.script.steps import Script
from kk99fix.harness.transcript import Kind

#: What the package has to bring at least.
WANTED = {"first_trade", "cancel", "replace", "partial_fills", "resend", "rejects"}


def test_the_package_brings_what_testers_begin_with() -> None:
    """Each script says what it shows, and needs nothing but an acceptor."""
    scripts = shipped()

    assert {script.name for script in scripts} >= WANTED
    assert all(script.title for script in scripts)
    assert [script.name for script in scripts if script.parameters] == []


def test_scripts_are_found_by_name_and_by_path(tmp_path: Path) -> None:
    """A file of one's own comes before one of the package's."""
    mine = tmp_path / "first_trade"
    mine.write_text("")

    assert find("first_trade") == FOLDER / "first_trade.scenario"
    assert find("parties.inc") == FOLDER / "parties.inc"
    assert find(str(mine)) == mine
    assert find("nothing") == Path("nothing")


@pytest.mark.parametrize("script", shipped(), ids=lambda script: script.name)
async def test_every_script_passes(script: Script, live: Live) -> None:
    """Against the gateway everything comes as the script says, twice in a row."""
    for _ in range(2):
        outcome = await run(script, HOST, live.port, {})
        assert outcome.passed, f"{outcome.complaint}\n{outcome.transcript.text}"
        assert outcome.steps_done == len(script.steps)
        await live.wait_until_gone("BROKER1")
        await live.wait_until_gone("BROKER2")


async def test_another_price_is_another_answer(live: Live) -> None:
    """A script is held against the acceptor: outside the price band it fails, and says why."""
    (script,) = (each for each in shipped() if each.name == "first_trade")
    outcome = await run(script, HOST, live.port, {"price": "999.00"})

    assert not outcome.passed
    assert "expected ExecType(150)=0 NEW, received 8 REJECTED" in outcome.complaint
    assert outcome.transcript.entries[-1].kind in {Kind.FAILED, Kind.CLOSED}
