"""What `kk99fix demo` says when it cannot trade."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.config_folder import ConfigFolder
from support.fix_peer import STAMP, encode
from support.gateway_process import free_port

from kk99fix.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    """The shipped files."""
    return ConfigFolder(tmp_path)


def demo(folder: ConfigFolder, port: int) -> Result:
    """Run the command in this process."""
    places = ["--config", str(folder.config), "--sessions", str(folder.sessions)]
    return CliRunner().invoke(main, ["demo", *places, "--port", str(port), "--seconds", "1"])


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Listen, answer the first message of one connection and close it; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_nobody_listens(folder: ConfigFolder) -> None:
    """It says what to start first."""
    port = free_port()
    result = demo(folder, port)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"kk99fix demo: no gateway listens on 127.0.0.1:{port}; "
        "start one with `make run` in another terminal first\n"
    )


def test_closed_without_a_word(folder: ConfigFolder) -> None:
    """The likely cause: the session is on already."""
    with answering(b"") as port:
        result = demo(folder, port)

    assert result.exit_code == 1
    assert result.stderr.startswith(
        "kk99fix demo: the gateway closed the connection of DROPCOPY1 without a word: "
        "most likely DROPCOPY1 is logged on already"
    )
    assert result.stderr.count("\n") == 1


def test_refused_with_a_reason(folder: ConfigFolder) -> None:
    """The gateway's own words are shown."""
    text = "ResetSeqNumFlag(141)=Y is not allowed"
    header = [(35, "5"), (49, "KK99"), (56, "DROPCOPY1"), (34, 1), (52, STAMP)]
    with answering(encode([*header, (58, text)])) as port:
        result = demo(folder, port)

    assert result.exit_code == 1
    assert result.stderr == (f"kk99fix demo: the gateway refused the logon of DROPCOPY1: {text}\n")


def test_a_session_that_is_not_there(folder: ConfigFolder) -> None:
    """Without the shipped sessions there is nobody to be."""
    (folder.sessions / "DROPCOPY1.toml").unlink()
    result = demo(folder, 1)

    assert result.exit_code == 1
    assert "there is no DROPCOPY1 of role drop-copy among the session files" in result.stderr


def test_a_session_with_a_password(folder: ConfigFolder) -> None:
    """The demo knows no passwords."""
    hashed = (
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA"
        "$R2Vub21taGFzaGdlbm9tbWhhc2hnZW5vbW1oYXNoISE"
    )
    folder.replace(
        "sessions/BROKER1.toml",
        "[logon]\n",
        f'[logon]\nusername = "one"\npassword_hash = "{hashed}"\n',
    )
    result = demo(folder, 1)

    assert result.exit_code == 1
    assert (
        result.stderr
        == "kk99fix demo: BROKER1 asks for a password or a signature, and the demo has none\n"
    )


def test_mistakes_in_the_files(folder: ConfigFolder) -> None:
    """They are listed as by every command."""
    folder.replace("config/venue.toml", "port = 9944", "port = -1")
    result = demo(folder, 1)

    assert result.exit_code == 1
    assert "1 mistake found" in result.stderr
