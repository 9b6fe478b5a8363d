import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.projection_day import database_of, project_all, rows_of, trade

from kk99fix.cli import COMMANDS, main
from kk99fix.projection import errors, schema, words

TEXT = (Path(__file__).parents[2] / "docs" / "projection.md").read_text()


def table_under(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading or sentence, without its two first lines."""
    section = TEXT.split(f"\n{heading}\n")[1]
    (text,) = re.findall(r"\A[^|]*?\n((?:\|.*\n)+)", section)
    return [
        [cell.strip(" `") for cell in row.strip("|").split("|")] for row in text.splitlines()[2:]
    ]


@pytest.mark.parametrize("table", schema.TABLES, ids=lambda table: table.name)
def test_every_table_is_described(table: schema.Table) -> None:
    """Each column stands there in order with its type and meaning, and no other."""
    types = {int: "integer", str: "text"}
    expected = [
        [name, types[kind] + (", key" if name in table.key else ""), meaning]
        for name, (kind, meaning) in table.columns.items()
    ]

    assert table_under(f"### {table.name}") == expected
    assert table.meaning in TEXT


def test_no_other_table_is_described() -> None:
    """The headings are the tables of the schema."""
    assert re.findall(r"^### (\w+)$", TEXT, re.MULTILINE) == [t.name for t in schema.TABLES]


def test_every_event_is_described() -> None:
    """The table of events has each word that stands in the column."""
    events = [*words.EVENTS.values(), *words.CANCEL_REJECT_EVENTS.values()]

    assert {row[0] for row in table_under("The events of an order are these:")} == set(events)


def test_every_exit_code_is_described() -> None:
    """The table of exit codes has those of each kind of trouble."""
    kinds = errors.ProjectionError.__subclasses__()
    codes = {kind.exit_code for kind in kinds if kind is not errors.ProjectionMissingError}

    assert {int(row[0]) for row in table_under("Only what is durable at the journal's own level is "
        "shown: at level `durable` what the watermark covers, at level `process` every whole "
        "unit.")} == {0, 66, *codes}  # fmt: skip


def test_examples_run(tmp_path: Path) -> None:
    """Every command and every query of the page works on a state directory."""
    day = trade(4, 60)
    day.write(tmp_path)
    day.comparison.close()
    project_all(tmp_path)
    (commands,) = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in commands.splitlines():
        program, command, *arguments = shlex.split(line)
        arguments = [{"BROKER1:first-1": "ALPHA:A1"}.get(word, word) for word in arguments]
        assert (program, command in COMMANDS) == ("kk99fix", True)
        result = CliRunner().invoke(main, [command, *arguments, "--state", str(tmp_path)])
        assert result.exit_code == 0, result.output
    queries = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
    assert len(queries) == 3
    for query in queries:
        rows_of(database_of(tmp_path), query)
