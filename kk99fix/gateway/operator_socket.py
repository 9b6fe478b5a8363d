"""The operator's socket: `operator.sock` in the state directory, for its owner and root.

The file can be opened by its owner alone, and who connects is asked of the system once more.
The process that has the lock of the state directory is the one that may serve here, so a socket
that is found there is left over from one that died, and is replaced.
A stop removes it.
"""

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import trio

from kk99fix.gateway.operator import Caller
from kk99fix.gateway.operator_path import PATH_MAX_BYTES, SOCKET_NAME

BACKLOG: Final = 64
_CREDENTIALS: Final = struct.Struct("3i")
ROOT: Final = 0


class OperatorSocketError(Exception):
    """The socket could not be opened; the text is for the person who runs the gateway."""

    def __init__(self, path: Path, reason: str, what: str) -> None:
        """Take the path, why it failed and what to do."""
        super().__init__(f"cannot open the operator's socket {path}: {reason}. {what}.")


@contextmanager
def opened(state_dir: Path) -> Iterator[trio.SocketListener]:
    """Listen while the block runs; the caller has the lock of `state_dir`.

    Raises `OperatorSocketError`.
    """
    path = state_dir / SOCKET_NAME
    length = len(os.fsencode(path))
    if length > PATH_MAX_BYTES:
        reason = f"its path has {length} bytes, and a socket's has at most {PATH_MAX_BYTES}"
        raise OperatorSocketError(path, reason, "Name a shorter directory with --state")
    _remove_left_over(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # On Linux the file gets the mode that the socket has: nobody else can ever open it.
        os.fchmod(sock.fileno(), 0o600)
        sock.bind(os.fspath(path))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise _failed(path, error) from error
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(sock))
    try:
        yield listener
    finally:
        listener.socket.close()
        with suppress(OSError):
            path.unlink()


def caller_of(sock: trio.socket.SocketType) -> Caller:
    """Who has connected."""
    found = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(found)
    return Caller(uid, pid)


def may_ask(caller: Caller) -> bool:
    """Whether it is the gateway's own user or root."""
    return caller.uid in {ROOT, os.geteuid()}


def _remove_left_over(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
        if stat.S_ISSOCK(mode):
            path.unlink()
            return
    except FileNotFoundError:
        return
    except OSError as error:
        raise _failed(path, error) from error
    raise OperatorSocketError(path, "there is something else than a socket", "Move it away")


def _failed(path: Path, error: OSError) -> OperatorSocketError:
    reason = os.strerror(error.errno or 0)
    what = "The gateway's user has to be able to make files in the directory of --state"
    return OperatorSocketError(path, reason, what)
