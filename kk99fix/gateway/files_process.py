"""The process that reads the session files for the gateway.

Reading and checking hundreds of files takes a second of Python.  In a thread of the gateway it
would hold up every order for as long as the interpreter's lock changes hands, so it is done here.

On standard input come pickles of the gateway, each behind its length: first `Begin`, then `LOOK`s.
The answer to a `LOOK` is a `Plan` without its steps, its number of steps, then one pickle for each,
so that the gateway unpacks a little at a time.
It keeps nothing that the gateway could not tell another one, ends with its standard input, and
gives way to trading.
"""

import os
import pickle
import signal
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO, Final

from attrs import evolve, field, frozen

from kk99fix.config.identity import Identities
from kk99fix.config.load import Settings
from kk99fix.config.session_files import SessionFiles
from kk99fix.gateway.core_files import forbid_core_files
from kk99fix.matcher.giving_way import giving_way

LOOK: Final = "look"
LENGTH_BYTES: Final = 8
LEAST_NICE: Final = 19


@frozen
class Begin:
    """What applies already."""

    config_dir: Path
    sessions_dir: Path
    settings: Settings = field(repr=False)
    identities: Identities
    #: What the venue has been told, by kind and name.
    resolved: dict[str, Any] = field(repr=False)


def packed(value: object) -> bytes:
    """Return a value behind its length."""
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def _read(stream: BinaryIO) -> Any:  # noqa: ANN401 - whatever the gateway sends
    length = stream.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        sys.exit(0)
    return pickle.loads(stream.read(int.from_bytes(length, "big")))  # noqa: S301 - the gateway's


def _write(data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(1, left) :]


def main() -> None:
    """Answer the gateway until it is gone."""
    forbid_core_files()
    # A Ctrl-C of the terminal is the gateway's to act upon.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(LEAST_NICE)
    # A gateway that is kept on one core shares it with nobody who could work elsewhere.
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    begin = _read(sys.stdin.buffer)
    files = SessionFiles(
        begin.config_dir, begin.sessions_dir, begin.settings, begin.identities, begin.resolved
    )
    with giving_way() as give_way:
        while _read(sys.stdin.buffer) == LOOK:
            with give_way.often():
                answer = _answer(files)
            try:
                _write(answer)
            except BrokenPipeError:
                return


def _answer(files: SessionFiles) -> bytes:
    plan = files.look(time.monotonic())
    parts = [packed((evolve(plan, steps=()), len(plan.steps)))]
    return b"".join([*parts, *(packed(step) for step in plan.steps)])


if __name__ == "__main__":
    main()
