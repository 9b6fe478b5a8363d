"""The operator's commands over the socket of a gateway that serves."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from support.live_gateway import Live, live_gateway, small_settings
from support.live_peer import order
from support.operator_line import ask, operator_line

from kk99fix.gateway.operator import Caller, CommandRefusedError, Request
from kk99fix.gateway.operator_path import SOCKET_NAME


def state_of(live: Live) -> Path:
    """The state directory of a gateway."""
    return live.gateway.storage.state_dir


async def test_status_says_how_the_gateway_is(live: Live) -> None:
    """Sessions, orders and the journal's position are those of the moment."""
    async with await live.logged_on("BROKER1") as broker:
        await broker.send("D", order("a"))
        await broker.receive("8")

        answer = await ask(state_of(live), "status")

    assert answer["ok"]
    assert answer["pid"] == os.getpid()
    assert answer["sessions"]["live"] == 1
    assert answer["orders"]["live"] == 1
    assert answer["journal"]["lsn"] >= 4
    assert not answer["stopping"]
    assert answer["snapshot"] is None


async def test_each_command_is_logged_with_who_asked(live: Live) -> None:
    """The log has the command, its arguments, the uid and the pid."""
    line = await operator_line(state_of(live))
    async with line.stream:
        assert (await line.ask("status"))["ok"]

    (entry,) = live.logged.of("operator command")
    assert (entry["command"], entry["arguments"]) == ("status", "{}")
    assert (entry["uid"], entry["pid"]) == (os.geteuid(), os.getpid())


async def test_a_query_repeated_on_one_connection_is_logged_once(live: Live) -> None:
    """A listing that refreshes does not fill the log; what changes something is always there."""

    async def nothing(_: Request) -> dict[str, Any]:
        return {}

    live.gateway.operator.add("change", nothing, changes=True)
    line = await operator_line(state_of(live))
    async with line.stream:
        for _ in range(3):
            await line.ask("status")
            await line.ask("change")

    commands = [entry["command"] for entry in live.logged.of("operator command")]
    assert commands == ["status", "change", "change", "change"]


@pytest.mark.parametrize(
    ("command", "arguments", "error"),
    [
        ("dance", {}, "there is no command 'dance'; "),
        ("status", {"all": True}, "'status' has no argument 'all'; it takes none"),
    ],
)
async def test_a_mistake_is_answered_in_words(
    live: Live, command: str, arguments: dict[str, Any], error: str
) -> None:
    """An unknown command or argument is named, and the connection goes on."""
    line = await operator_line(state_of(live))
    async with line.stream:
        answer = await line.ask(command, **arguments)
        assert not answer["ok"]
        assert error in answer["error"]
        assert (await line.ask("status"))["ok"]

    (entry,) = live.logged.of("operator command refused")
    assert entry["error"] == answer["error"]


async def test_a_fault_of_ours_costs_the_answer_alone(live: Live) -> None:
    """The answer says so, the log has the traceback, and trading goes on."""

    async def fail(_: Request) -> dict[str, Any]:
        raise ZeroDivisionError

    live.gateway.operator.add("fail", fail, changes=False)
    async with await live.logged_on("BROKER1") as broker:
        answer = await ask(state_of(live), "fail")
        await broker.send("D", order("a"))
        await broker.receive("8")

    assert not answer["ok"]
    assert "fault ended an operator command" in answer["error"]
    (entry,) = live.logged.of("fault ended an operator command")
    assert "ZeroDivisionError" in entry["exception"]


def test_arguments_have_their_types() -> None:
    """An argument of the wrong type is refused with its name."""
    request = Request("news", Caller(0, 1), {"headline": 1, "lines": [2], "limit": -1})

    for read, name in (
        (lambda: request.text("headline"), "headline"),
        (lambda: request.texts("lines"), "lines"),
        (lambda: request.number("limit", 1), "limit"),
    ):
        with pytest.raises(CommandRefusedError, match=f"\"{name}\" of 'news' has to be"):
            read()
    assert request.text("other", "x") == "x"
    assert request.texts("others") == ()


async def test_a_stop_over_the_socket_is_a_stop(tmp_path: Path) -> None:
    """Everybody is logged out, the state is saved, and the socket is gone."""
    async with (
        live_gateway(small_settings(tmp_path), tmp_path / "var") as live,
        await live.logged_on("BROKER1") as broker,
    ):
        answer = await ask(state_of(live), "stop")
        assert (answer["ok"], answer["sessions"]) == (True, 1)
        await broker.receive("B")
        await broker.receive("5")
        await broker.send("5", [])
        await live.wait_until_stopped()

    assert live.logged.of("snapshot written")
    assert not (tmp_path / "var" / SOCKET_NAME).exists()


async def test_a_second_stop_ends_the_wait(tmp_path: Path) -> None:
    """A counterparty that does not answer the Logout(5) is not waited for any longer."""
    async with (
        live_gateway(small_settings(tmp_path), tmp_path / "var") as live,
        await live.logged_on("BROKER1") as broker,
    ):
        await ask(state_of(live), "stop")
        await broker.receive("B")
        await broker.receive("5")
        assert (await ask(state_of(live), "status"))["stopping"]
        await ask(state_of(live), "stop")
        await live.wait_until_stopped()

    (entry,) = live.logged.of("session cut")
    assert entry["cause"] == "gateway-stopped"


async def test_the_socket_is_for_its_owner(live: Live) -> None:
    """Nobody but the gateway's own user may open it."""
    found = (state_of(live) / SOCKET_NAME).stat()

    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600
