"""`kk99fix ctl`: what each command prints, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result
from support.gateway_process import GatewayProcess, copy_files
from support.live_gateway import Live, live_gateway, small_settings, wait_until
from support.live_peer import order

from kk99fix.cli import main
from kk99fix.commands.ctl import ctl
from kk99fix.commands.spans import since, size, span
from kk99fix.gateway.explanation import Step
from kk99fix.gateway.operator_path import SOCKET_NAME
from kk99fix.gateway.peer import Peer
from kk99fix.venue.credentials import GUESSES_A_DAY, CredentialKind
from kk99fix.venue.inputs import LogonFailedInput


def run(*arguments: str, state: Path) -> Result:
    """Run `kk99fix ctl` in this process."""
    return CliRunner().invoke(main, ["ctl", *arguments, "--state", str(state)])


async def ran(live: Live, *arguments: str) -> Result:
    """Run it beside a gateway that serves in this process."""
    state = live.gateway.storage.state_dir
    return await trio.to_thread.run_sync(partial(run, *arguments, state=state))


COMMANDS = sorted(ctl.commands)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str) -> None:
    """--help says what it does and shows it in use."""
    result = CliRunner().invoke(main, ["ctl", name, "--help"])

    assert result.exit_code == 0
    assert f"Examples:\n    kk99fix ctl {name}" in result.output
    assert "--json" in result.output
    assert "--state" in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_without_a_gateway_each_says_so(tmp_path: Path, name: str) -> None:
    """One sentence with what to do, on standard error, and exit code 1."""
    needed = {"why": ["x-1"], "news": ["a", "--line", "b"], "disconnect": ["BROKER1"]}
    needed["unlock"] = ["BROKER1"]
    result = run(name, *needed.get(name, []), state=tmp_path)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"no gateway runs on {tmp_path}: there is no operator.sock" in result.stderr
    assert f"kk99fix serve --state {tmp_path}" in result.stderr


def test_a_socket_that_was_left_over_is_no_gateway(tmp_path: Path) -> None:
    """It is said that the one before died."""
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(tmp_path / SOCKET_NAME))
    result = run("status", state=tmp_path)

    assert result.exit_code == 1
    assert "is left over from one that died. Start one with" in result.stderr


def test_a_path_that_no_socket_can_have_is_said(tmp_path: Path) -> None:
    """It is no traceback of the system's error."""
    result = run("status", state=tmp_path / ("long" * 30))

    assert result.exit_code == 1
    assert "the path of a socket has at most 107 bytes" in result.stderr


async def test_a_gateway_that_hangs_up_is_said(tmp_path: Path) -> None:
    """A connection that ends without an answer has its own sentence."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / SOCKET_NAME))
        listener.listen(1)

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.close()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, hang_up)
            ask = partial(run, "status", state=tmp_path)
            result = await trio.to_thread.run_sync(ask)

    assert result.exit_code == 1
    assert "ended the connection without an answer" in result.stderr


async def test_status_as_lines_and_as_json(live: Live) -> None:
    """Both have the same facts."""
    async with await live.logged_on("BROKER1") as broker:
        await broker.send("D", order("a"))
        await broker.receive("8")
        lines = await ran(live, "status")
        answer = json.loads((await ran(live, "status", "--json")).stdout)

    assert lines.exit_code == 0
    assert f"pid {os.getpid()}, up 0s" in lines.stdout
    assert "1 of 3 are on" in lines.stdout
    assert "1 live of 50000; since the start 1 accepted, 0 trades" in lines.stdout
    assert "none yet" in lines.stdout
    assert "ATTENTION" not in lines.stdout
    assert answer["orders"]["live"] == 1
    assert answer["venue_time"].endswith("Z")


async def test_status_says_what_needs_attention(live: Live) -> None:
    """A disk that is nearly full stands out."""
    live.gateway.storage.venue._storage_low = True
    result = await ran(live, "status")

    assert "ATTENTION    new orders are refused: the disk has little room left" in result.stdout


async def test_a_refused_logon_is_listed_and_explained(live: Live) -> None:
    """From the list to the explanation, by the reference that is in both."""
    nothing = await ran(live, "refusals")
    assert nothing.stdout == "0 of 0 shown; since the start: none\n"

    async with await live.peer("BROKER9") as peer:
        await peer.send("A", [(98, 0), (108, 60), (553, "someone"), (554, "hunter2")])
        await peer.until_closed()
    await wait_until(lambda: bool(live.logged.of("logon refused")))
    reference = live.logged.of("logon refused")[0]["reference"]

    table = await ran(live, "refusals")
    assert reference in table.stdout
    assert "unknown-session  127.0.0.1  BROKER9       someone" in table.stdout
    assert f"`kk99fix ctl why {reference}` explains the newest" in table.stdout
    (row,) = map(json.loads, (await ran(live, "refusals", "--json")).stdout.splitlines())
    assert (row["reference"], row["cause"]) == (reference, "unknown-session")
    assert row["time"].endswith("Z")

    why = await ran(live, "why", reference)
    assert why.exit_code == 0
    for said in (
        f"{Step.SESSION.number} of {len(Step)}",
        "alike are BROKER1, BROKER2",
        "as BROKER9 to KK99, user someone",
    ):
        assert said in why.stdout
    assert "hunter2" not in why.output
    answer = json.loads((await ran(live, "why", "BROKER9", "--json")).stdout)
    assert answer["reference"] == reference


async def test_a_handshake_that_failed_is_explained_in_detail(live: Live) -> None:
    """What OpenSSL says of it is part of the explanation."""
    live.gateway.acceptor.refusals.note(
        "tls-peer-refused", Peer("192.0.2.17"), None, detail="TLSV1_ALERT_UNKNOWN_CA"
    )
    result = await ran(live, "why", "192.0.2.17")

    assert "in detail     TLSV1_ALERT_UNKNOWN_CA\n" in result.stdout


async def test_what_the_gateway_refuses_ends_with_1(live: Live) -> None:
    """The gateway's sentence is on standard error."""
    result = await ran(live, "why", "BROKER1")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("kk99fix: no refused logon of BROKER1 is known since")


async def test_news_and_disconnect(live: Live) -> None:
    """What was done is said in a line, or in JSON."""
    async with await live.logged_on("BROKER1") as broker:
        sent = await ran(live, "news", "Hello", "--line", "one", "--line", "two")
        assert (sent.exit_code, sent.stdout) == (0, "sent to 1 session\n")
        assert (await broker.receive("B"))[148] == "Hello"

        some = await ran(
            live, "news", "Hi", "--line", "x", "--to", "BROKER1", "--to", "BROKER2", "--json"
        )
        assert json.loads(some.stdout) == {"told": ["BROKER1"], "not_online": ["BROKER2"]}
        assert (some.exit_code, some.stderr) == (1, "kk99fix: not logged on: BROKER2\n")
        await broker.receive("B")

        out = await ran(live, "disconnect", "BROKER1", "--text", "bye")
        assert out.stdout == "BROKER1 from 127.0.0.1 is being logged out; 0 open orders stay\n"
        assert (await broker.receive("5"))[58] == "bye"


async def test_locks_and_an_unlock(live: Live) -> None:
    """Who may not try is listed with how long, and may after the unlock."""
    sequencer = live.gateway.sequencer
    session = sequencer.venue.registry.session_id("BROKER1")
    assert session is not None
    failed = LogonFailedInput(session, CredentialKind.PASSWORD, "192.0.2.1", "credentials")
    for _ in range(GUESSES_A_DAY):
        sequencer.apply(failed)
    sequencer.commit()

    table = (await ran(live, "locks")).stdout
    (row,) = [line.split() for line in table.splitlines() if "BROKER1" in line]
    assert row == ["BROKER1", "password", "locked", "23h59m", "50", "50", "0s", "ago"]
    assert table.endswith("1 credential, 1 may not be tried now\n")
    answer = json.loads((await ran(live, "locks", "--json")).stdout)
    assert answer["open_at"].endswith("Z")

    lifted = await ran(live, "unlock", "BROKER1")
    assert lifted.stdout == "BROKER1 may try again: 50 failures forgotten, it was locked\n"
    assert (await ran(live, "locks")).stdout == "0 credentials, 0 may not be tried now\n"
    again = await ran(live, "unlock", "BROKER1", "--json")
    assert (again.exit_code, again.stdout) == (1, "")


async def test_a_stop_may_return_at_once(tmp_path: Path) -> None:
    """With --no-wait it says who stops."""
    async with live_gateway(small_settings(tmp_path), tmp_path / "var") as live:
        result = await ran(live, "stop", "--no-wait")
        assert result.stdout == f"the gateway stops (pid {os.getpid()}, 0 sessions)\n"
        await live.wait_until_stopped()


def test_a_stop_waits_for_the_end(tmp_path: Path) -> None:
    """When it returns the process is gone, its state saved and the socket removed."""
    copy_files(tmp_path, metrics_port=0)
    gateway = GatewayProcess(tmp_path)
    gateway.start()
    try:
        result = run("stop", state=tmp_path / "var")
        assert (result.exit_code, result.stdout) == (0, "stopped\n")
        assert not (tmp_path / "var" / SOCKET_NAME).exists()
        assert gateway.wait() == 0
    finally:
        gateway.close()
    assert list((tmp_path / "var" / "snapshots").glob("*.kks"))


def test_a_state_directory_that_no_socket_fits_into_stops_the_start(tmp_path: Path) -> None:
    """One sentence with what to do, and exit code 1."""
    copy_files(tmp_path, metrics_port=0)
    state = tmp_path / ("long" * 25)
    files = ("--config", tmp_path / "config", "--sessions", tmp_path / "sessions")
    done = subprocess.run(
        [Path(sys.executable).with_name("kk99fix"), "serve", *files, "--state", state],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("kk99fix serve:")]
    assert "cannot open the operator's socket" in said
    assert said.endswith("Name a shorter directory with --state.")


def test_a_killed_gateway_leaves_a_socket_that_the_next_one_replaces(tmp_path: Path) -> None:
    """After SIGKILL the answer says that it died; after the next start it is answered again."""
    copy_files(tmp_path, metrics_port=0)
    gateway = GatewayProcess(tmp_path)
    gateway.start()
    try:
        gateway.end(signal.SIGKILL)
        assert "is left over from one that died" in run("status", state=tmp_path / "var").stderr
        gateway.start()
        assert run("status", state=tmp_path / "var").exit_code == 0
        assert gateway.end(signal.SIGTERM) == 0
    finally:
        gateway.close()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (59.9, "59s"), (185, "3m05s"), (7620, "2h07m"), (4 * 86400 + 10800, "4d03h")],
)
def test_a_span_is_short(seconds: float, text: str) -> None:
    """Two units at most."""
    assert span(seconds) == text
    assert since(None, 5) == ""
    assert since(1_000_000_000, 13_000_000_000) == "12s"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (3300, "3.2 KiB"), (17 << 30, "17 GiB"), (5 << 40, "5.0 TiB")],
)
def test_an_amount_is_short(count: int, text: str) -> None:
    """At most one decimal, and none from ten on."""
    assert size(count) == text
