"""The asking end of the operator's socket, and what to say when nobody answers there."""

import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click

from kk99fix.gateway.operator_path import PATH_MAX_BYTES, SOCKET_NAME

#: A reload of many files takes its time.
ANSWER_WITHIN_S: Final = 60.0
READ_BYTES: Final = 1 << 16


class NotRunningError(Exception):
    """No gateway answers; the text says so and what to do."""


class RefusedError(Exception):
    """The gateway answered that it cannot do what was asked; the text is its answer."""


def ask(state_dir: Path, command: str, **arguments: object) -> dict[str, Any]:
    """Give a command to the gateway of a state directory and return its answer.

    Raises `NotRunningError`, `RefusedError`.
    """
    asked = json.dumps({"command": command, **arguments}).encode("ascii") + b"\n"
    answer = json.loads(_exchange(state_dir, asked))
    if not answer.pop("ok"):
        raise RefusedError(answer["error"])
    found: dict[str, Any] = answer
    return found


def ask_or_exit(state_dir: Path, command: str, **arguments: object) -> dict[str, Any]:
    """Do the same; without an answer say why on standard error and exit with 1."""
    try:
        return ask(state_dir, command, **arguments)
    except (NotRunningError, RefusedError) as error:
        click.echo(f"kk99fix: {error}", err=True)
        sys.exit(1)


def _exchange(state_dir: Path, asked: bytes) -> bytes:
    path = state_dir / SOCKET_NAME
    if len(os.fsencode(path)) > PATH_MAX_BYTES:
        raise NotRunningError(
            f"no gateway runs on {state_dir}: the path of a socket has at most {PATH_MAX_BYTES} "
            f"bytes, so none can serve there"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(ANSWER_WITHIN_S)
        try:
            sock.connect(os.fspath(path))
        except OSError as error:
            raise NotRunningError(_not_there(state_dir, error)) from error
        try:
            # Who is turned away may have an answer waiting although nothing was read.
            with suppress(BrokenPipeError):
                sock.sendall(asked)
            return _line(sock)
        except TimeoutError:
            raise NotRunningError(
                f"the gateway of {state_dir} has not answered within {ANSWER_WITHIN_S:.0f} s; "
                f"what was asked may still be done"
            ) from None
        except OSError as error:
            raise NotRunningError(_broken(state_dir)) from error


def _line(sock: socket.socket) -> bytes:
    pieces = [sock.recv(READ_BYTES)]
    while pieces[-1] and not pieces[-1].endswith(b"\n"):
        pieces.append(sock.recv(READ_BYTES))
    if not pieces[-1]:
        raise ConnectionResetError
    return b"".join(pieces)


def _not_there(state_dir: Path, error: OSError) -> str:
    start = f"Start one with `kk99fix serve --state {state_dir}`"
    match error:
        case FileNotFoundError():
            return (
                f"no gateway runs on {state_dir}: there is no {SOCKET_NAME}. "
                f"{start}, or name the directory of another with --state."
            )
        case ConnectionRefusedError():
            return (
                f"no gateway runs on {state_dir}: its {SOCKET_NAME} is left over from one that "
                f"died. {start}."
            )
        case PermissionError():
            return (
                f"{state_dir / SOCKET_NAME}: only the gateway's own user and root may ask. "
                f"Run the command as one of them."
            )
        case _:
            return f"{state_dir / SOCKET_NAME}: {os.strerror(error.errno or 0)}."


def _broken(state_dir: Path) -> str:
    return (
        f"the gateway of {state_dir} ended the connection without an answer. "
        f"`kk99fix ctl status` says whether it still runs; its log may say why."
    )
