import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.journal_files import unit, write_journal

from kk99fix.cli import main
from kk99fix.journal.segment import segment_name


def run(state: Path, *arguments: str) -> Result:
    """Run `kk99fix journal` on a state directory."""
    return CliRunner().invoke(main, ["journal", *arguments, "--state", str(state)])


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory with a journal of two segments, six records."""
    (tmp_path / "journal").mkdir()
    large = unit(1, (b"x" * 3900,))
    write_journal(tmp_path / "journal", [large, unit(3), unit(5)]).close()
    return tmp_path


def test_show_prints_one_line_per_record(state: Path) -> None:
    """All records come in order, and the range options are passed on."""
    everything = run(state, "show")
    some = run(state, "show", "--from", "2", "--to", "5", "--kind", "message")

    assert (everything.exit_code, len(everything.output.splitlines())) == (0, 6)
    assert [text.split()[0] for text in some.output.splitlines()] == ["2", "4"]


def test_show_prints_json_lines(state: Path) -> None:
    """--json gives one object per line."""
    result = run(state, "show", "--json", "--messages", "--session", "7")

    assert [json.loads(text)["lsn"] for text in result.output.splitlines()] == [1, 2, 3, 4, 5, 6]


def test_show_of_an_unknown_kind_lists_the_kinds(state: Path) -> None:
    """A slip in --kind is a usage error that names what there is."""
    result = run(state, "show", "--kind", "mesage")

    assert result.exit_code == 2
    assert "DROP_COPY" in result.output.upper()


@pytest.mark.parametrize("command", ["show", "verify"])
@pytest.mark.parametrize("made", [True, False], ids=["empty", "missing"])
def test_no_journal_is_one_sentence(tmp_path: Path, command: str, made: bool) -> None:
    """A directory without a journal, or none at all, is named; the exit code is 1."""
    if made:
        (tmp_path / "journal").mkdir()

    result = run(tmp_path, command)

    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        f"{tmp_path / 'journal'}: there is no journal here. Start `kk99fix serve` first"
        in result.stderr
    )


@pytest.mark.parametrize("command", ["show", "verify"])
def test_damage_is_one_sentence(state: Path, command: str) -> None:
    """A changed byte in a sealed segment is reported with file and offset, and exit code 1."""
    path = state / "journal" / segment_name(1)
    data = bytearray(path.read_bytes())
    data[4096 + 50] ^= 1
    path.write_bytes(data)

    result = run(state, command)

    assert result.exit_code == 1
    assert f"{path}, offset 4096: no valid record with lsn 1 stands here" in result.stderr
    assert "Traceback" not in result.output


def test_verify_counts_the_records(state: Path) -> None:
    """A whole journal is said to be so, with the number of its segments and records."""
    result = run(state, "verify")

    assert result.output == "2 segments, 6 records from lsn 1 on, all valid\n"


def test_verify_tells_of_an_unfinished_unit(state: Path) -> None:
    """A torn tail is told with its place and size, and is not an error."""
    path = state / "journal" / segment_name(2)
    data = bytearray(path.read_bytes())
    last = data.rindex(b"8=FIX.4.4\x01report\x01")
    data[last] ^= 1
    path.write_bytes(data)

    result = run(state, "verify")

    assert result.exit_code == 0
    assert "all valid" in result.output
    assert "bytes of an unfinished unit" in result.output
