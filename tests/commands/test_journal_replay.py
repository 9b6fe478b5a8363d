import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.kept_state import copy_of, forge, keep, traded_state

from kk99fix.cli import main
from kk99fix.journal.segment import segment_name


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with several complete segments, and a snapshot."""
    state = traded_state(tmp_path_factory.mktemp("traded"))
    keep(state, kept=1)
    return state


@pytest.fixture
def state(traded: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return copy_of(traded, tmp_path)


def run(state: Path, *arguments: str) -> Result:
    """Run `kk99fix journal` on a state directory."""
    return CliRunner().invoke(main, ["journal", *arguments, "--state", str(state)])


def test_replay_says_what_it_came_to(state: Path) -> None:
    """Speed, state and a row for the day."""
    result = run(state, "replay")
    lines = result.output.splitlines()

    assert result.exit_code == 0
    assert lines[0].startswith("3 segments, lsn 1 to ")
    assert " records compared in " in lines[0]
    assert lines[1].startswith("state hash ")
    assert lines[2].split()[:2] == ["trading", "day"]
    assert lines[3].split()[3] == "5,000"
    assert len(lines) == 4


def test_replay_says_the_same_as_json(state: Path) -> None:
    """From the start and from the newest snapshot the state is one."""
    whole = json.loads(run(state, "replay", "--json").output)
    tail = json.loads(run(state, "replay", "--json", "--from-snapshot").output)

    assert whole["days"][0]["orders"] == 5000
    assert whole["last_lsn"] == tail["last_lsn"]
    assert whole["state_hash"] == tail["state_hash"]
    assert 1 == whole["first_lsn"] < tail["first_lsn"] < tail["last_lsn"]


def test_replay_of_another_output_is_exit_code_65(state: Path) -> None:
    """Position and both byte strings are on standard error."""
    lsn = forge(state, 1, b"\x0144=180\x01", b"\x0144=181\x01")
    result = run(state, "replay")

    assert (result.exit_code, result.stdout) == (65, "")
    assert f"at lsn {lsn}: " in result.stderr
    assert "regenerated: " in result.stderr


@pytest.mark.parametrize("command", ["replay", "verify"])
def test_damage_is_exit_code_1(state: Path, command: str) -> None:
    """The file is named on standard error."""
    (state / "journal" / segment_name(1)).write_bytes(b"no segment")
    result = run(state, command)

    assert result.exit_code == 1
    assert f"{segment_name(1)}, offset 0: this is not a segment" in result.stderr


def test_verify_counts_problems(state: Path) -> None:
    """All are told, one a line, and then how many there were."""
    for path in (state / "snapshots").iterdir():
        path.write_bytes(b"")
    (state / "journal" / segment_name(1)).write_bytes(b"no segment")
    result = run(state, "verify")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == "2 problems found"


def test_verify_says_the_same_as_json(state: Path) -> None:
    """Counts where all is well, file, offset and text where it is not."""
    well = json.loads(run(state, "verify", "--json").output)
    (state / "journal" / segment_name(2)).unlink()
    result = run(state, "verify", "--json")
    (problem, *_) = json.loads(result.output)["problems"]

    assert (well["segments"], well["problems"], well["snapshots"]) == (3, [], 1)
    assert result.exit_code == 1
    assert problem["file"].endswith(segment_name(2))
    assert problem["offset"] == 0
    assert "the file is missing" in problem["text"]
