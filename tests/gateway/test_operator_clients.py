"""Programs that misuse the operator's socket, and what the start makes of its path."""

import json
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

import pytest
import trio
from support.live_gateway import Live, live_gateway, small_settings, wait_until
from support.live_peer import order
from support.operator_line import ask, operator_line

from kk99fix.gateway import operator_clients, operator_socket
from kk99fix.gateway.operator import Caller
from kk99fix.gateway.operator_clients import CLIENTS_MAX, REQUEST_MAX_BYTES
from kk99fix.gateway.operator_lines import ITEMS_AT_ONCE, encode_answer
from kk99fix.gateway.operator_path import SOCKET_NAME
from kk99fix.gateway.operator_socket import OperatorSocketError, opened


def state_of(live: Live) -> Path:
    """The state directory of a gateway."""
    return live.gateway.storage.state_dir


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"hello\n", "a request is one JSON object on one line"),
        (b"\xff\xfe\n", "a request is one JSON object on one line"),
        (b"[" * 50_000 + b"\n", "a request is one JSON object on one line"),
        (b"[]\n", 'a request is an object with a text "command"'),
        (b'{"command": 7}\n', 'a request is an object with a text "command"'),
        (b"x" * (REQUEST_MAX_BYTES + 1), f"a request has at most {REQUEST_MAX_BYTES} bytes"),
        (b"x" * (REQUEST_MAX_BYTES + 1) + b"\n", f"at most {REQUEST_MAX_BYTES} bytes"),
    ],
)
async def test_what_is_no_request_ends_its_own_connection(
    live: Live, sent: bytes, error: str
) -> None:
    """It is told why and closed, whatever follows; the others are served."""
    other = await operator_line(state_of(live))
    line = await operator_line(state_of(live))
    async with line.stream, other.stream:
        await line.send(sent)
        (answer,) = await line.until_closed()

        assert not answer["ok"]
        assert error in answer["error"]
        assert (await other.ask("status"))["ok"]


async def test_a_request_may_come_in_pieces(live: Live) -> None:
    """One byte at a time is a request as well, and two lines at once are two."""
    line = await operator_line(state_of(live))
    async with line.stream:
        for byte in b'{"command": "status"}\n':
            await line.send(bytes([byte]))
        assert (await line.answer())["ok"]
        await line.send(b'{"command": "status"}\n{"command": "dance"}\n')
        assert (await line.answer())["ok"]
        assert not (await line.answer())["ok"]


async def test_silence_is_ended(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not say a whole line in time is told so and closed."""
    monkeypatch.setattr(operator_clients, "REQUEST_WITHIN_S", 0.05)
    line = await operator_line(state_of(live))
    async with line.stream:
        await line.send(b'{"command":')
        (answer,) = await line.until_closed()

    assert "no request within" in answer["error"]


async def test_an_answer_that_nobody_reads_is_given_up(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that asks and reads nothing is closed, and holds up nobody."""
    monkeypatch.setattr(operator_clients, "ANSWER_WITHIN_S", 0.1)
    line = await operator_line(state_of(live))
    async with line.stream:
        with trio.fail_after(10), suppress(trio.BrokenResourceError):
            while True:
                await line.send(b'{"command": "status"}\n' * 100)
                # Another program is served all the while.
                assert (await ask(state_of(live), "status"))["ok"]


async def test_who_leaves_before_the_answer_disturbs_nobody(live: Live) -> None:
    """A connection that is closed or broken in the middle of anything is forgotten."""
    for sent in (b"", b'{"comm', b'{"command": "status"}\n'):
        line = await operator_line(state_of(live))
        line.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await line.send(sent)
        await line.stream.aclose()

    assert (await ask(state_of(live), "status"))["ok"]
    assert not live.logged.of("fault ended an operator command")


async def test_a_hundred_at_once_are_served_or_told_to_wait(live: Live) -> None:
    """At most so many are connected; one more is told so, and trading goes on beside them."""
    answers: list[bool] = []

    async def ask_and_stay(stay: trio.Event) -> None:
        line = await operator_line(state_of(live))
        async with line.stream:
            try:
                answers.append((await line.ask("status"))["ok"])
            except (trio.BrokenResourceError, AssertionError):
                answers.append(False)
            await stay.wait()

    async with await live.logged_on("BROKER1") as broker, trio.open_nursery() as nursery:
        stay = trio.Event()
        for _ in range(100):
            nursery.start_soon(ask_and_stay, stay)
        for number in range(50):
            await broker.send("D", order(f"a{number}"))
            await broker.receive("8")
        await wait_until(lambda: len(answers) == 100)
        stay.set()

    assert answers.count(True) == CLIENTS_MAX
    assert (await ask(state_of(live), "status"))["ok"]


async def test_another_user_is_turned_away(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever the system says is neither the gateway's user nor root gets no answer."""
    stranger = Caller(uid=os.geteuid() + 1000, pid=4711)
    monkeypatch.setattr(operator_clients, "caller_of", lambda _: stranger)
    line = await operator_line(state_of(live))
    async with line.stream:
        (answer,) = await line.until_closed()

    assert "only the gateway's own user and root" in answer["error"]
    (entry,) = live.logged.of("operator turned away")
    assert (entry["uid"], entry["pid"]) == (stranger.uid, stranger.pid)


def test_the_gateways_user_and_root_may_ask() -> None:
    """Nobody else may."""
    me = os.geteuid()

    assert operator_socket.may_ask(Caller(me, 1))
    assert operator_socket.may_ask(Caller(0, 1))
    assert not operator_socket.may_ask(Caller(me + 1000, 1))


async def test_a_socket_that_was_left_over_is_replaced(tmp_path: Path) -> None:
    """A process that was killed leaves its socket; the next one begins with a new one."""
    state = tmp_path / "var"
    state.mkdir()
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(state / SOCKET_NAME))

    async with live_gateway(small_settings(tmp_path), state):
        assert (await ask(state, "status"))["ok"]
    assert not (state / SOCKET_NAME).exists()


async def test_a_file_in_its_place_is_left_alone(tmp_path: Path) -> None:
    """Something else of that name is named in the error, and stays."""
    file = tmp_path / SOCKET_NAME
    file.write_text("notes")

    text = f"{SOCKET_NAME}: there is something else"
    with pytest.raises(OperatorSocketError, match=text), opened(tmp_path):
        pass
    assert file.read_text() == "notes"


async def test_a_path_that_is_too_long_is_said(tmp_path: Path) -> None:
    """The error has the length, the limit and what to do."""
    folder = tmp_path / ("long" * 30)

    with pytest.raises(OperatorSocketError) as caught, opened(folder):
        pass
    assert "a socket's has at most 107. Name a shorter directory with --state." in str(caught.value)


async def test_a_folder_that_takes_no_socket_is_said(tmp_path: Path) -> None:
    """What the system says is part of the error."""
    folder = tmp_path / "nowhere"
    with pytest.raises(OperatorSocketError, match="No such file or directory"), opened(folder):
        pass


def test_a_long_list_is_encoded_as_json_has_it() -> None:
    """An answer with lists and objects is one line that reads back, in pieces of a few items."""
    answer = {"ok": True, "rows": [{"n": n, "text": "ä\n"} for n in range(45)], "none": []}
    pieces = list(encode_answer(answer))
    line = b"".join(pieces)

    assert max(piece.count(b'"n"') for piece in pieces) == ITEMS_AT_ONCE
    assert line.count(b"\n") == 1
    assert json.loads(line) == answer
    assert len(list(encode_answer({"ok": True, "text": "x", "more": {"of": [1]}}))) == 1
