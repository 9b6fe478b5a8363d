import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.projection_day import begin_journal, project_all, units_of
from support.venue_desk import VenueDesk

from kk99fix.cli import main
from kk99fix.commands import tables
from kk99fix.projection.database import writer_lock


def order(cl_ord_id: str, side: str, qty: int, price: str) -> dict[int, str]:
    """Return the body of a limit order in AAPL."""
    fields = {11: cl_ord_id, 55: "AAPL", 54: side, 38: str(qty), 40: "2", 44: price}
    return {**fields, 60: "20260921-14:13:20"}


@pytest.fixture
def units() -> list[bytes]:
    """A journal of a few orders: a replace, a trade, a refused cancel, one that stays live."""
    desk = VenueDesk()
    for name in ("ALPHA", "BETA"):
        desk.log_on(name)
    desk.now_ns += 1_234_000
    desk.send("ALPHA", "D", order("a1", "1", 10, "100"))
    desk.now_ns += 1000
    desk.send("ALPHA", "G", {**order("a2", "1", 12, "100.01"), 41: "a1"})
    desk.now_ns += 1000
    desk.send("BETA", "D", order("b1", "2", 12, "100.01"))
    desk.now_ns += 1000
    desk.send("ALPHA", "F", {11: "a3", 41: "a2", 55: "AAPL", 54: "1", 60: "20260921-14:13:20"})
    desk.send("ALPHA", "D", {**order("a4", "1", 5, "99.98"), 1: "A2", 58: "seen"})
    desk.close()
    return list(units_of(bytes(desk.journal)))


@pytest.fixture
def state(tmp_path: Path, units: list[bytes]) -> Path:
    """A state directory with that journal and its projection."""
    writer = begin_journal(tmp_path)
    for unit in units:
        writer.append(unit)
    writer.close()
    project_all(tmp_path)
    return tmp_path


def run(state: Path, *arguments: str) -> Result:
    """Run a command on a state directory."""
    return CliRunner().invoke(main, [*arguments, "--state", str(state)])


def lines(result: Result) -> list[list[str]]:
    """Return the words of each line of a table."""
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines() if line.strip()]


def objects(result: Result) -> list[dict[str, object]]:
    """Return what --json printed."""
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_orders_are_listed(state: Path) -> None:
    """A table has one line for each order and says how many there are."""
    shown = lines(run(state, "orders"))

    assert shown[0] == ["entered", "UTC"]
    assert shown[1][:3] == ["order", "2026-09-21", "session"]
    assert " ".join(shown[3]) == (
        "1 14:13:20.001 ALPHA a2 A1 AAPL buy 12 100.01 day 12 100.01 filled"
    )
    assert shown[-1] == ["3", "orders"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--status", "live"], [3]),
        (["--status", "closed"], [1, 2]),
        (["--status", "filled", "--session", "BETA"], [2]),
        (["--account", "A2"], [3]),
        (["--symbol", "COIN"], []),
        (["--since", "2026-09-21T14:13:20.001236"], [2, 3]),
        (["--since", "2026-09-21T16:13:20.001236+02:00"], [2, 3]),
        (["--since", "1s"], []),
        (["--limit", "2"], [2, 3]),
    ],
)
def test_orders_are_filtered(state: Path, arguments: list[str], expected: list[int]) -> None:
    """Each filter leaves what it names, and they add up."""
    rows = objects(run(state, "orders", "--json", *arguments))

    assert [row["order_id"] for row in rows] == expected


def test_a_limit_says_that_there_are_more(state: Path) -> None:
    """What the limit left out is not left out silently."""
    assert "older ones are left out, --limit 20" in run(state, "orders", "--limit", "2").stdout


def test_json_has_decimals_and_times_as_text(state: Path) -> None:
    """Programs get exact decimals and moments to the microsecond."""
    row = objects(run(state, "orders", "--json"))[0]

    assert row["price"] == row["avg_px"] == "100.01"
    assert row["entered"] == "2026-09-21T14:13:20.001234Z"
    assert row["closed"] == "2026-09-21T14:13:20.001236Z"


def test_trades_are_listed_with_both_sides(state: Path) -> None:
    """A trade names buyer, seller and who took."""
    shown = lines(run(state, "trades", "--account", "B1"))

    assert " ".join(shown[3]) == "1 14:13:20.001 AAPL 12 100.01 sell ALPHA A1 1 BETA B1 2"
    assert objects(run(state, "trades", "--json"))[0]["qty"] == "12"
    assert objects(run(state, "trades", "--json", "--session", "GAMMA")) == []


@pytest.mark.parametrize("name", ["1", "ALPHA:a1", "ALPHA:a2"])
def test_a_timeline_goes_through_replaces(state: Path, name: str) -> None:
    """By OrderID or any of its ClOrdIDs, an order's events come with their times."""
    result = run(state, "timeline", name)
    shown = lines(result)

    assert "order 1: ALPHA buys 12 AAPL at 100.01, limit day, account A1: filled" in result.stdout
    assert [tuple(row[:3]) for row in shown[4:]] == [
        ("14:13:20.001234", "new", "a1"),
        ("14:13:20.001235", "replaced", "a2"),
        ("14:13:20.001236", "trade", "a2"),
        ("14:13:20.001237", "cancel-rejected", "a3"),
    ]
    assert shown[-1][-1] == "TOO_LATE"
    events = objects(run(state, "timeline", name, "--json"))
    assert [event.get("event") for event in events] == [None, *(row[1] for row in shown[4:])]


@pytest.mark.parametrize("name", ["99", "ALPHA:zz", "a1", "9" * 30])
def test_an_unknown_order_says_what_to_name(state: Path, name: str) -> None:
    """A name that leads nowhere is one sentence with what would be right."""
    result = run(state, "timeline", name)

    assert result.exit_code == 1
    assert "SESSION:ClOrdID" in result.stderr


@pytest.mark.parametrize("columns", [70, 80, 160])
@pytest.mark.parametrize("command", [["orders"], ["trades"], ["timeline", "1"]])
def test_tables_fit_the_terminal(
    state: Path, monkeypatch: pytest.MonkeyPatch, columns: int, command: list[str]
) -> None:
    """What has no room is left out and named; ids and times stay in one piece."""
    monkeypatch.setattr(tables, "_PIPE_WIDTH", columns)
    result = run(state, *command)
    shown = result.stdout.splitlines()

    assert max(map(len, (line.rstrip() for line in shown if "order 1:" not in line))) <= columns
    assert any("14:13:20.001" in line for line in shown)
    assert ("left out for want of width" in result.stdout) == (columns < 160)


def test_no_text_reaches_a_terminal_unescaped(state: Path) -> None:
    """Whatever stands in the tables, control characters are shown and not carried out."""
    connection = sqlite3.connect(state / "projection.db")
    with connection:
        connection.execute("UPDATE executions SET text = char(27) || '[2J' || char(8364)")
        connection.execute("UPDATE orders SET cl_ord_id = char(155) || 'x'")
    connection.close()
    shown = run(state, "timeline", "ALPHA:a4").stdout + run(state, "orders").stdout

    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert r"\x1b[2J" in shown
    assert r"\x9bx" in shown


@pytest.mark.parametrize("command", [["orders"], ["trades"], ["timeline", "1"]])
def test_without_a_projection_the_command_is_named(tmp_path: Path, command: list[str]) -> None:
    """Who asks before there is anything is told what to run, with the same folder."""
    result = run(tmp_path, *command)

    assert result.exit_code == 1
    assert f"Run `kk99fix project --state {tmp_path}`" in result.stderr


def test_what_is_behind_is_said(tmp_path: Path, units: list[bytes]) -> None:
    """After the tables were left behind, standard error says how far; `project` catches up."""
    journal = begin_journal(tmp_path)
    for unit in units[:-1]:
        journal.append(unit)
    project_all(tmp_path)
    journal.append(units[-1])

    assert "the tables are 4 records behind the journal" in run(tmp_path, "orders").stderr
    assert "4 records were new" in run(tmp_path, "project").stdout
    assert run(tmp_path, "orders").stderr == ""
    assert objects(run(tmp_path, "project", "--json-status"))[-1]["records"] == 0
    assert run(tmp_path, "project", "--rebuild").exit_code == 0


@pytest.mark.parametrize(
    ("damage", "code", "said"),
    [
        ("journal", 66, "there is no journal here"),
        ("database", 65, "kk99fix project --rebuild"),
        ("locked", 75, "another `kk99fix project`"),
    ],
)
def test_trouble_is_a_sentence_and_an_exit_code(
    state: Path, damage: str, code: int, said: str
) -> None:
    """What is wrong comes with what to do and the code that supervisors know."""
    file = state / "projection.db"
    if damage == "journal":
        next((state / "journal").glob("*.kkj")).unlink()
    if damage == "database":
        file.resolve().write_bytes(b"no database" * 1000)
    if damage == "locked":
        with writer_lock(file):
            result = run(state, "project")
    else:
        result = run(state, "project")

    assert result.exit_code == code
    assert said in result.stderr
    assert result.stderr.startswith("kk99fix project: ")
