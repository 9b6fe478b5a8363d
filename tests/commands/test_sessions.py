"""`kk99fix sessions`: what it lists, with a gateway and without."""

import json
import time
from functools import partial
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result
from support.config_folder import ConfigFolder
from support.live_gateway import Live
from support.live_peer import order

from kk99fix.cli import main
from kk99fix.commands.sessions import _notes

UNCERTIFIED = {"required": True, "passed": 2, "functions": 5, "run_until_ns": None}


def run(*arguments: str, state: Path, folder: ConfigFolder | None = None) -> Result:
    """Run `kk99fix sessions` in this process."""
    places = ["--state", str(state)]
    if folder is not None:
        places += ["--config", str(folder.config), "--sessions", str(folder.sessions)]
    return CliRunner().invoke(main, ["sessions", *arguments, *places])


async def ran(live: Live, *arguments: str) -> Result:
    """Run it beside a gateway that serves in this process."""
    state = live.gateway.storage.state_dir
    return await trio.to_thread.run_sync(partial(run, *arguments, state=state))


async def test_who_is_on_stands_in_the_table(live: Live) -> None:
    """State, address, numbers and orders; the others are there as well."""
    async with await live.logged_on("BROKER1") as broker:
        await broker.send("D", order("a"))
        await broker.receive("8")
        result = await ran(live)

    assert result.exit_code == 0
    (row,) = [line.split() for line in result.stdout.splitlines() if "BROKER1" in line]
    assert row[:3] == ["BROKER1", "order-entry", "Broker"]
    assert row[4:6] == ["online", "127.0.0.1"]
    assert row[-3:] == ["3", "3", "1"]
    assert "DROPCOPY1" in result.stdout
    assert result.stdout.endswith("3 sessions, 1 with a connection\n")


async def test_the_same_as_json(live: Live) -> None:
    """One object a line, times as text."""
    async with await live.logged_on("BROKER1"):
        result = await ran(live, "--json", "--online")

    (row,) = map(json.loads, result.stdout.splitlines())
    assert (row["session"], row["state"], row["next_in"]) == ("BROKER1", "online", 2)
    assert row["since"].endswith("Z")
    assert row["last_in"].endswith("Z")


async def test_names_narrow_it(live: Live) -> None:
    """Wildcards are understood, and a name of nobody is an error."""
    result = await ran(live, "BROKER*")
    assert result.stdout.endswith("2 sessions, 0 with a connection\n")

    result = await ran(live, "NOBODY")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no session is called NOBODY" in result.stderr


def test_without_a_gateway_the_files_are_listed(tmp_path: Path) -> None:
    """Each has the state `gateway not running`; standard error says what to do."""
    folder = ConfigFolder(tmp_path)
    result = run(state=tmp_path, folder=folder)

    assert result.exit_code == 0
    assert result.stdout.count("gateway not running") == 3
    assert "no gateway runs on" in result.stderr
    rows = run("BROKER*", "--json", state=tmp_path, folder=folder).stdout.splitlines()
    assert [json.loads(row)["session"] for row in rows] == ["BROKER1", "BROKER2"]
    assert run("--online", "--json", state=tmp_path, folder=folder).stdout == ""


def test_watching_lists_again_until_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends it with 0."""
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", wait)
    folder = ConfigFolder(tmp_path)
    result = run("--watch", "--every", "0.5", state=tmp_path, folder=folder)

    assert result.exit_code == 0
    assert waits == [0.5] * 3
    assert result.stdout.count("3 sessions") == 3


@pytest.mark.parametrize(
    ("known", "note"),
    [
        ({"enabled": False}, "disabled"),
        ({"locked": "locked"}, "its logon is locked"),
        ({"certification": UNCERTIFIED}, "certified for 2 of 5, no orders yet"),
        ({"certification": UNCERTIFIED | {"required": False}}, "certified for 2 of 5"),
        ({"certification": UNCERTIFIED | {"run_until_ns": 1}}, "it is being certified"),
        ({"left_to_feed": 5}, "5 messages to be sent from the journal"),
        ({"behind": 7}, "7 messages behind"),
        ({"cancels_at_ns": 31_000_000_000}, "its orders go in 30 s"),
        ({"in_period": False}, "outside its schedule"),
    ],
)
def test_what_is_not_as_usual_is_noted(known: dict[str, object], note: str) -> None:
    """Each stands in the last column."""
    usual: dict[str, object] = {
        "enabled": True,
        "locked": None,
        "certification": UNCERTIFIED | {"passed": 5},
        "left_to_feed": 0,
        "behind": 0,
        "cancels_at_ns": None,
        "in_period": True,
    }

    assert _notes(usual, 1_000_000_000) == []
    assert _notes(usual | known, 1_000_000_000) == [note]
