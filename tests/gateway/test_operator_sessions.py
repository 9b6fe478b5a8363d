"""The operator's list of sessions, and what the operator sends to them."""

from pathlib import Path
from typing import Any

import pytest
import trio
from support.config_folder import ConfigFolder
from support.live_gateway import SMALL, Live, live_gateway, small_settings
from support.live_peer import order
from support.operator_line import ask
from support.still_gateway import StillGateway
from trio.abc import Instrument

from kk99fix.gateway.operator import Caller, Request
from kk99fix.gateway.operator_sessions import FILES_AT_ONCE, SessionList

FACTS = {
    *(
        "session",
        "role",
        "firm",
        "enabled",
        "state",
        "address",
        "tls",
        "since_ns",
        "next_in",
        "next_out",
    ),
    *("last_in_ns", "last_out_ns", "epoch", "open_orders", "waiting_bytes", "behind"),
    *("left_to_feed", "cancels_at_ns", "in_period", "schedule", "locked", "certification"),
}


async def listed(live: Live, **wanted: object) -> dict[str, dict[str, Any]]:
    """The list of sessions, by name."""
    answer = await ask(live.gateway.storage.state_dir, "sessions", **wanted)
    assert answer["ok"], answer
    assert answer["now_ns"] > 0
    return {row["session"]: row for row in answer["sessions"]}


async def test_every_session_has_a_row(live: Live) -> None:
    """Who is on has an address, a moment and numbers; who is not has numbers too."""
    async with await live.logged_on("BROKER1") as broker:
        await broker.send("D", order("a"))
        await broker.receive("8")
        rows = await listed(live)

    assert set(rows) == {"BROKER1", "BROKER2", "DROPCOPY1"}
    row = rows["BROKER1"]
    assert set(row) >= FACTS
    assert (row["state"], row["address"], row["role"]) == ("online", "127.0.0.1", "order-entry")
    assert (row["next_in"], row["next_out"], row["open_orders"]) == (3, 3, 1)
    assert 0 < row["since_ns"] <= row["last_in_ns"] <= row["last_out_ns"]
    assert (row["waiting_bytes"], row["behind"], row["left_to_feed"]) == (0, 0, 0)
    assert (row["in_period"], row["schedule"], row["cancels_at_ns"]) == (True, None, None)
    offline = rows["BROKER2"]
    assert (offline["state"], offline["address"], offline["since_ns"]) == ("offline", None, None)
    assert (offline["next_in"], offline["last_in_ns"]) == (1, None)


async def test_the_list_can_be_narrowed(live: Live) -> None:
    """By names with wildcards, and to those that have a connection."""
    async with await live.logged_on("BROKER2"):
        assert set(await listed(live, names=["BROKER?"])) == {"BROKER1", "BROKER2"}
        assert set(await listed(live, names=["DROPCOPY1", "BROKER1"])) == {"BROKER1", "DROPCOPY1"}
        assert set(await listed(live, online=True)) == {"BROKER2"}
        assert set(await listed(live, names=["DROP*"], online=True)) == set()

    state = live.gateway.storage.state_dir
    answer = await ask(state, "sessions", names=["BROKER9"])
    assert answer["error"] == "no session is called BROKER9; `kk99fix sessions` lists all"
    answer = await ask(state, "sessions", online="yes")
    assert answer["error"] == "\"online\" of 'sessions' has to be true or false"


class Steps(Instrument):
    """Counts the steps of one task."""

    def __init__(self, task: trio.lowlevel.Task) -> None:
        """Begin now."""
        self.task, self.count = task, 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count a step."""
        self.count += task is self.task


async def test_a_long_list_lets_the_others_in(tmp_path: Path) -> None:
    """The rows are made a few at a time: as many steps as there are slices."""
    folder = ConfigFolder(tmp_path)
    for old, new in SMALL.items():
        folder.replace("config/venue.toml", old, new)
    text = (folder.sessions / "BROKER2.toml").read_text()
    for number in range(50):
        own = text.replace("BROKER2", f"BOT{number}").replace("B2-", f"BOT{number}-")
        folder.write(f"sessions/BOT{number}.toml", own)
    with StillGateway(folder.load(), tmp_path / "var") as still:
        steps = Steps(trio.lowlevel.current_task())
        trio.lowlevel.add_instrument(steps)
        answer = await SessionList(still.gateway).rows(Request("sessions", Caller(0, 1), {}))
        trio.lowlevel.remove_instrument(steps)

    assert len(answer["sessions"]) == 53
    assert steps.count == 53 // FILES_AT_ONCE


async def test_a_grace_that_runs_is_shown(tmp_path: Path) -> None:
    """A session that is gone and may return in time says until when."""
    settings = small_settings(tmp_path, broker1={"[logon]": "[logon]\ncancel_grace_s = 600"})
    async with live_gateway(settings, tmp_path / "var") as live:
        async with await live.logged_on("BROKER1") as broker:
            await broker.send("D", order("a"))
            await broker.receive("8")
        await live.wait_until_gone("BROKER1")
        row = (await listed(live))["BROKER1"]

    assert (row["state"], row["open_orders"]) == ("offline", 1)
    assert row["cancels_at_ns"] - row["last_in_ns"] >= 600 * 10**9


async def test_what_a_session_is_certified_for_is_shown(tmp_path: Path) -> None:
    """How many of the functions that its file names it has passed, and whether a run is on."""
    asked = {"[logon]": '[certification]\nfunctions = ["limit", "cancel"]\n\n[logon]'}
    settings = small_settings(tmp_path, broker1=asked)
    async with live_gateway(settings, tmp_path / "var") as live:
        state = live.gateway.storage.state_dir
        await ask(state, "certify", session="BROKER1", step="passed", functions=["cancel"])
        await ask(state, "certify", session="BROKER1", step="begin", seconds=60)
        rows = await listed(live)

    known = rows["BROKER1"]["certification"]
    assert known.pop("run_until_ns") > 0
    assert known == {"required": False, "passed": 1, "functions": 2}
    assert rows["BROKER2"]["certification"] is None


async def test_a_reader_that_is_behind_is_shown(tmp_path: Path) -> None:
    """Bytes that wait, and messages that have to come from the journal, have their numbers."""
    with StillGateway(small_settings(tmp_path), tmp_path / "var") as still:
        desk = still.connect("DROPCOPY1")
        broker = still.connect("BROKER1")
        still.run_pass()
        desk.reads = False
        rows = SessionList(still.gateway)
        request = Request("sessions", Caller(0, 1), {"names": ["DROPCOPY1"]})
        row: dict[str, Any] = {"behind": 0}
        while not row["behind"]:
            for _ in range(100):
                broker.send("D", order(f"a{broker.next_out}"))
            still.run_pass()
            (row,) = (await rows.rows(request))["sessions"]
        assert row["waiting_bytes"] > 100_000
        assert row["behind"] == row["next_out"] - still.engine.cursor(desk.session)

        broker.send("2", [(7, 1), (16, 0)])
        still.run_pass()
        request = Request("sessions", Caller(0, 1), {"names": ["BROKER1"]})
        (row,) = (await rows.rows(request))["sessions"]
        assert row["left_to_feed"] == row["next_out"] - 1


async def test_a_session_that_is_asked_to_leave_is_closing(live: Live) -> None:
    """Between our Logout(5) and the end its state says so."""
    async with await live.logged_on("BROKER1") as broker:
        answer = await ask(live.gateway.storage.state_dir, "disconnect", session="BROKER1")
        assert answer == {
            "ok": True,
            "session": "BROKER1",
            "address": "127.0.0.1",
            "open_orders": 0,
        }
        assert (await broker.receive("5"))[58] == "logged out by the operator"
        await broker.send("5", [])
        await broker.until_closed()
    await live.wait_until_gone("BROKER1")

    (entry,) = live.logged.of("session ended")
    assert entry["cause"] == "logout"
    async with await live.logged_on("BROKER1", next_out=3):
        pass


async def test_a_disconnect_keeps_orders(live: Live) -> None:
    """The orders of a session that the operator logs out stay, and others trade with them."""
    async with await live.logged_on("BROKER1") as broker, await live.logged_on("BROKER2") as other:
        await broker.send("D", order("a"))
        await broker.receive("8")
        await ask(live.gateway.storage.state_dir, "disconnect", session="BROKER1", text="bye")
        assert (await broker.receive("5"))[58] == "bye"
        await broker.send("5", [])
        await broker.until_closed()
        await live.wait_until_gone("BROKER1")
        await other.send("D", order("b", side="2"))
        assert (await other.receive("8"))[150] == "0"
        assert (await other.receive("8"))[150] == "F"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"session": "BROKER9"}, "no session is called BROKER9; `kk99fix sessions` lists all"),
        ({"session": "BROKER2"}, "BROKER2 has no connection; `kk99fix sessions` says who has"),
        ({"session": "BROKER2", "text": "\x01"}, "cannot be sent: 1 to 200 printable ASCII"),
        ({}, "\"session\" of 'disconnect' has to be text"),
    ],
)
async def test_a_disconnect_of_nobody_is_refused(
    live: Live, arguments: dict[str, Any], error: str
) -> None:
    """Nothing reaches the journal for it."""
    lsn = live.gateway.storage.venue.engine.next_lsn
    answer = await ask(live.gateway.storage.state_dir, "disconnect", **arguments)

    assert error in answer["error"]
    assert live.gateway.storage.venue.engine.next_lsn == lsn


async def test_news_reaches_everybody_who_is_on(live: Live) -> None:
    """Headline and lines arrive, and who is named and not on is said."""
    state = live.gateway.storage.state_dir
    async with await live.logged_on("BROKER1") as one, await live.logged_on("BROKER2") as two:
        answer = await ask(state, "news", headline="Maintenance", lines=["at 18:00", "for 1 h"])
        assert answer == {"ok": True, "told": ["BROKER1", "BROKER2"], "not_online": []}
        for peer in (one, two):
            news = await peer.receive("B")
            assert (news[148], news[33]) == ("Maintenance", "2")

        wanted = ["BROKER2", "DROPCOPY1"]
        answer = await ask(state, "news", headline="You", lines=["only"], sessions=wanted)
        assert answer == {"ok": True, "told": ["BROKER2"], "not_online": ["DROPCOPY1"]}
        assert (await two.receive("B"))[148] == "You"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"headline": "x", "lines": []}, "a news has 1 to 20 lines, and this 0"),
        ({"headline": "x", "lines": ["ä"]}, "cannot be sent: 1 to 200 printable ASCII"),
        ({"headline": "x" * 201, "lines": ["a"]}, "cannot be sent"),
        ({"headline": "x", "lines": ["a"], "sessions": ["BROKER9"]}, "no session is called BROK"),
        ({"headline": "x", "lines": "a"}, "\"lines\" of 'news' has to be a list of texts"),
    ],
)
async def test_news_that_cannot_be_sent_is_refused(
    live: Live, arguments: dict[str, Any], error: str
) -> None:
    """Nobody gets any of it."""
    async with await live.logged_on("BROKER1") as broker:
        answer = await ask(live.gateway.storage.state_dir, "news", **arguments)
        assert error in answer["error"]
        await broker.silent_for(0.02)
