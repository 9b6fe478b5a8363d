import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.gateway_process import copy_files
from support.kept_state import copy_of, forge, traded_state

from kk99fix.cli import main
from kk99fix.journal.lock import StateLock
from kk99fix.journal.names import seal_name
from kk99fix.journal.segment import list_segments, segment_name


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with several complete segments."""
    return traded_state(tmp_path_factory.mktemp("traded"))


@pytest.fixture
def state(traded: Path, tmp_path: Path) -> Path:
    """A copy of its journal, beside the shipped configuration."""
    copy_files(tmp_path)
    copy_of(traded, tmp_path)
    for path in (tmp_path / "snapshots").glob("*"):
        path.unlink()
    return tmp_path


def keep(state: Path, *options: str) -> Result:
    """Run `kk99fix keep`."""
    files = ["--config", str(state / "config"), "--sessions", str(state / "sessions")]
    return CliRunner().invoke(main, ["keep", *files, "--state", str(state), *options])


def test_it_seals_what_is_complete_and_ends(state: Path) -> None:
    """A person reads how far it came; run again there is nothing to do."""
    complete = len(list_segments(state / "journal")) - 1
    first, again = keep(state), keep(state)

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert f"sealed up to segment {complete}, verified up to lsn " in first.output
    assert "snapshot saved: lsn " in first.output
    assert again.output == first.output.splitlines(keepends=True)[-1]


def test_its_status_is_json(state: Path) -> None:
    """What the supervisor reads is one event a line."""
    events = [json.loads(line) for line in keep(state, "--json-status").output.splitlines()]

    assert {event["event"] for event in events} == {"snapshot saved", "status"}
    assert events[-1]["lag_segments"] == 0


def test_a_difference_ends_it_with_both_byte_strings(state: Path) -> None:
    """The exit code says which kind of alarm it is."""
    lsn = forge(state, 1, b"\x0144=180\x01", b"\x0144=181\x01")
    result = keep(state)

    assert result.exit_code == 65
    assert f"kk99fix keep: replay differs from the journal at lsn {lsn}: " in result.stderr
    assert "recorded:" in result.stderr
    assert "regenerated:" in result.stderr


def test_a_damaged_seal_ends_it(state: Path) -> None:
    """The file is named, with what to do."""
    keep(state)
    path = state / "journal" / seal_name(1)
    path.write_bytes(path.read_bytes()[:-9])
    result = keep(state)

    assert result.exit_code == 66
    assert f"{path}, offset 0: this is not a JSON object" in result.stderr


def test_with_follow_a_damaged_seal_is_said_and_waited_with(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor hears of it once, as of any damage, and nothing is begun again and again."""
    keep(state)
    path = state / "journal" / seal_name(1)
    path.write_bytes(path.read_bytes()[:-9])

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kk99fix.commands.keep.time.sleep", interrupt)
    result = keep(state, "--follow", "--json-status")

    (event,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert event["event"] == "damage"
    assert f"{path}, offset 0: this is not a JSON object" in event["text"]
    assert result.exit_code == 66


def test_a_missing_segment_ends_it(state: Path) -> None:
    """A hole in the journal is damage."""
    (state / "journal" / segment_name(1)).write_bytes(b"")
    result = keep(state)

    assert result.exit_code == 66
    assert "this is not a segment of a kk99fix journal" in result.stderr


def test_two_keepers_never_work_on_one_state(state: Path) -> None:
    """The second one says who has it."""
    with StateLock(state, "keeper.lock"):
        result = keep(state)

    assert result.exit_code == 75
    assert "keeper.lock: another kk99fix process" in result.stderr


def test_no_journal_is_one_sentence(tmp_path: Path) -> None:
    """A directory without a journal is named."""
    copy_files(tmp_path)
    result = keep(tmp_path)

    assert result.exit_code == 66
    assert (
        f"{tmp_path / 'journal'}: there is no journal here. Start `kk99fix serve` first"
        in result.stderr
    )
