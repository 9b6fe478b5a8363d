import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from support.config_folder import ConfigFolder

from kk99fix.cli import COMMANDS, main


def run(*arguments: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, arguments)


def check(folder: ConfigFolder, *arguments: str) -> Result:
    """Run `kk99fix check` on a folder."""
    places = ["--config", str(folder.config), "--sessions", str(folder.sessions)]
    return run("check", *places, *arguments)


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_every_command_has_help_with_examples(name: str | None) -> None:
    """--help says what a command does and shows it in use."""
    result = run(*([name] if name else []), "--help")

    assert result.exit_code == 0
    assert "Examples:\n" in result.output
    assert f"kk99fix {name or ''}" in result.output


def test_the_table_of_commands_leads_to_commands() -> None:
    """Every line of the table can be imported, and goes by the name it has there."""
    context = click.Context(main)

    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        assert command.name == name


def test_an_unknown_command_is_a_usage_error() -> None:
    """A slip of the hand is answered with the usage, not with a traceback."""
    result = run("chekc")

    assert result.exit_code == 2
    assert "No such command 'chekc'" in result.output


def test_check_shows_what_the_files_say(tmp_path: Path) -> None:
    """Venue, instruments and sessions are listed, and what a person should know of each."""
    result = check(ConfigFolder(tmp_path))

    assert result.exit_code == 0
    assert "venue KK99" in result.output
    assert "AAPL-271217C200" in result.output
    assert "BROKER1: accepted without a password, from its networks only" in result.output
    assert "DROPCOPY1: sees the reports of every firm" in result.output
    assert "no mistakes in 8 instruments and 3 sessions" in result.output


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("cancel_on_disconnect = false", " stay "),
        ("", "cancelled at once"),
        ("cancel_grace_s = 30", "cancelled after 30 s"),
        ("cancel_on_logout = true", "cancelled at once, on logout too"),
    ],
)
def test_check_shows_what_becomes_of_orders(tmp_path: Path, rules: str, said: str) -> None:
    """The rules of a session about disconnects are read from its line."""
    folder = ConfigFolder(tmp_path)
    folder.replace("sessions/BROKER1.toml", "cancel_on_disconnect = false", rules)
    (line,) = (line for line in check(folder).output.splitlines() if line.startswith(" BROKER1 "))

    assert said in f"{line} "


@pytest.mark.parametrize(
    ("schedule", "note"),
    [
        (
            'start_day = "sun"\nend_day = "fri"\n',
            "open from sun 17:00 to fri 16:55 UTC; its numbers start over weekly",
        ),
        (
            'days = ["sun", "mon"]\nreset = "never"\n',
            "open from 17:00 to 16:55 UTC, starting on sun mon; its numbers go on for ever",
        ),
    ],
)
def test_check_shows_schedules(tmp_path: Path, schedule: str, note: str) -> None:
    """When a session is open stands among what a person should know of it."""
    folder = ConfigFolder(tmp_path)
    section = f'[schedule]\nstart = "17:00"\nend = "16:55"\nzone = "UTC"\n{schedule}[limits]'
    folder.replace("sessions/BROKER1.toml", "[limits]", section)

    assert f"BROKER1: {note}\n" in check(folder).output


def test_check_shows_names_as_they_are(tmp_path: Path) -> None:
    """A name in brackets is a name, not markup for the terminal."""
    folder = ConfigFolder(tmp_path)
    folder.replace("sessions/DROPCOPY1.toml", "KK99 Compliance", "[red]Desk[/red]")

    assert "[red]Desk[/red]" in check(folder).output


def test_check_lists_all_mistakes_and_fails(tmp_path: Path) -> None:
    """Exit code 1, one line per mistake on standard error, nothing on standard output."""
    folder = ConfigFolder(tmp_path)
    folder.replace("config/venue.toml", "port = 9944", "port = -1")
    folder.replace("sessions/BROKER1.toml", 'dialect = "fix44"', 'dialect = "fix50"')

    result = check(folder)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"{folder.config}/venue.toml:14: listen.port: found -1; "
        "a number from 0 to 65535 would be right",
        f'{folder.sessions}/BROKER1.toml:9: session.dialect: found "fix50"; '
        '"fix44" or "kk99" would be right',
        "2 mistakes found",
    ]


def test_check_as_json(tmp_path: Path) -> None:
    """A program gets the same in one document, right or wrong."""
    folder = ConfigFolder(tmp_path)

    right = check(folder, "--json")
    assert right.exit_code == 0
    assert json.loads(right.stdout)["ok"] is True
    assert set(json.loads(right.stdout)["resolved"]["sessions"]) == {
        "BROKER1",
        "BROKER2",
        "DROPCOPY1",
    }

    folder.replace("config/venue.toml", "port = 9944", "port = -1")

    wrong = check(folder, "--json")
    assert wrong.exit_code == 1
    assert json.loads(wrong.stdout) == {
        "ok": False,
        "mistakes": [
            {
                "file": f"{folder.config}/venue.toml",
                "line": 14,
                "key": "listen.port",
                "text": "found -1; a number from 0 to 65535 would be right",
            }
        ],
    }
