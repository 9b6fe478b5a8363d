"""The scripts themselves: complete, documented, and able to fail."""

import re
from pathlib import Path

import attrs
import pytest
from acceptance import document
from acceptance.play import play
from acceptance.script import CASES, FOLDER, KINDS, Script, read, scripts
from acceptance.settings import settings_of
from acceptance.venue_stage import VenueStage

#: What only a gateway that serves can show.
LIVE_ONLY = {
    "1S_duplicate_identity",
    "1S_first_bytes_garbled",
    "2d_garbled_in_a_row",
    "2m_body_length_absurd",
}


def test_every_case_has_a_script() -> None:
    """The list of the FIX session test cases is covered, and nothing else is there."""
    assert {script.case for script in scripts()} == set(CASES)


@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.name)
def test_head(script: Script) -> None:
    """Each script says which case it is, what that demands, and what we answer."""
    assert script.title.startswith(f"{script.case}: ")
    assert script.one("Demands")
    assert script.one("Answer")
    assert script.one("Role") in {"", "initiator"}
    assert script.one("Only") == "" or ", because " in script.one("Only")
    assert {line.kind for line in script.lines} <= KINDS


def test_nearly_every_script_runs_both_ways() -> None:
    """What cannot be run without sockets is a handful; everything runs with them."""
    assert {script.name for script in scripts() if script.modes == ("live",)} == LIVE_ONLY
    assert all("live" in script.modes for script in scripts())


def test_document() -> None:
    """The table of the cases and the state diagram in docs/session_layer.md are up to date."""
    text = document.DOCUMENT.read_text()
    assert document.renewed(text) == text, "PYTHONPATH=tests python -m acceptance.document"


@pytest.mark.parametrize(
    "text", ["# 2a: x\n# Answr: y\nC\n", "# 2a: x\nK 35=0\n", "# 2a: x\nI35=0\n"]
)
def test_a_script_in_another_form(text: str, tmp_path: Path) -> None:
    """A misspelt key or line is an error, and not passed over."""
    path = tmp_path / "2a.fix"
    path.write_text(text)
    with pytest.raises(AssertionError, match="what is"):
        read(path)


@pytest.mark.parametrize(
    ("name", "line", "instead", "complaint"),
    [
        ("2c_too_low", "E 35=5.*", "E 35=5|34=2|58=other", "received: 35=5"),
        ("2c_too_low", "N 2 3", "N 2 4", "(2, 3)"),
        ("2c_too_low", "D .*", "D comp-id", "msg-seq-num-too-low"),
        ("2a_as_expected", "E 35=0.*", "N 3 3", "not expected"),
        ("2a_as_expected", "N 3 3", "D", "nothing came"),
        ("2a_as_expected", "E 35=0.*", "E 35=0|34=2|112=HELLO|58=*", "expected"),
        ("5_heartbeat", "N 3 2", "E 35=0|...", "nothing came"),
        ("2e_poss_dup_not_received", "E 35=8.*", "E 35=8|39=8|...", "not there: 39=8"),
    ],
)
async def test_a_script_that_does_not_hold(
    name: str, line: str, instead: str, complaint: str, tmp_path: Path
) -> None:
    """Whatever differs ends the run, with the line and what came in its place."""
    path = tmp_path / f"{name}.fix"
    spoilt, count = re.subn(f"(?m)^{line}$", instead, (FOLDER / path.name).read_text())
    assert count
    path.write_text(spoilt)
    stage = VenueStage(settings_of(read(path), tmp_path))
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        await play(read(path), stage)
    stage.desk.close()


async def test_something_more_at_the_end(tmp_path: Path) -> None:
    """A message that nobody expects is an error also behind the last line."""
    script = read(FOLDER / "2a_as_expected.fix")
    shorter = attrs.evolve(script, lines=script.lines[:4])
    stage = VenueStage(settings_of(script, tmp_path))
    with pytest.raises(AssertionError, match="not expected"):
        await play(shorter, stage)
    stage.desk.close()
