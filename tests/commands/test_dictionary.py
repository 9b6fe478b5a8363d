from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.config_folder import REPOSITORY

from kk99fix.cli import main
from kk99fix.fix.render_quickfix import DIALECTS, file_name


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, ("dictionary", *arguments))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_dictionary_is_the_one_of_the_repository(dialect: str, tmp_path: Path) -> None:
    """On standard output, into a file and into a folder: what docs/fix has for the dialect."""
    expected = (REPOSITORY / "docs/fix" / file_name(dialect)).read_text()

    shown = run("--dialect", dialect)
    named = run("--dialect", dialect, "--out", str(tmp_path / "named.xml"))
    folder = run("--dialect", dialect, "--out", str(tmp_path))

    assert (shown.exit_code, named.exit_code, folder.exit_code) == (0, 0, 0)
    assert shown.output == expected
    assert (tmp_path / "named.xml").read_text() == expected
    assert (tmp_path / file_name(dialect)).read_text() == expected


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """The path and what to do, in one sentence."""
    result = run("--out", str(tmp_path / "absent" / "file.xml"))

    assert result.exit_code == 1
    assert "absent/file.xml cannot be written: No such file or directory" in result.output
    assert "--out" in result.output
