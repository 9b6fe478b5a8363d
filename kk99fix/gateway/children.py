"""Child processes of the gateway: started, listened to, started again, stopped.

Theory of operation
-------------------
A child says on its standard output what it did: a JSON object with an `event` for each line. What
it writes to standard error goes to the log. Its standard input is a pipe that is never written to:
its end tells the child that this process is gone.

A child that ends is started again, after 1 second, then 2, up to a minute; one that ran for a
minute begins at 1 again. At our stop it gets SIGTERM, and SIGKILL where it takes too long.

Order flow never waits for a child, and a child that misbehaves is a warning and a count:

- A little of its output is read at a time, with a rest after each piece, so a flood fills its own
  pipe and stops it.
- Lines that are too long or say nothing are counted, and the log has a budget for them.
- What cannot be started, is not there or dies at once is tried again for ever.
"""

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from subprocess import PIPE
from typing import Any, Final

import trio
from attrs import define, field, frozen

from kk99fix.gateway.line_budget import LineBudget
from kk99fix.gateway.logs import Log

#: Read from a child at a time, and the rest after it.
PIECE_BYTES: Final = 4096
PIECE_REST_S: Final = 0.01
LINE_MAX_BYTES: Final = 65_536
LOGGED_MAX_CHARACTERS: Final = 1000
RESTART_FIRST_S: Final = 1.0
RESTART_MAX_S: Final = 60.0
#: A child that ran for so long begins at the shortest wait again.
LONG_RUN_S: Final = 60.0
#: How long a child has after SIGTERM.
STOP_WAIT_S: Final = 5.0

#: Takes an event of a child; KeyError, TypeError or ValueError says that it is none.
OnEvent = Callable[[dict[str, Any]], None]


@frozen
class ChildCommand:
    """What one child is: its name in log and metrics, and how it is started."""

    name: str
    #: Behind the interpreter.
    arguments: tuple[str, ...]


@frozen
class ChildStatistics:
    """The counts of one child."""

    up: bool
    #: Starts after the first.
    restarts: int
    #: Lines that were no event.
    garbage: int


@define
class _Child:
    """One child."""

    command: ChildCommand
    on_event: OnEvent
    budget: LineBudget = field(factory=LineBudget)
    process: trio.Process | None = None
    starts: int = 0
    garbage: int = 0


class Children:
    """All children of the gateway."""

    def __init__(self, commands: Sequence[ChildCommand], log: Log) -> None:
        """Take what is to run; nothing is started before `run`."""
        self._log = log
        self._children = {each.name: _Child(each, lambda _: None) for each in commands}

    def listen(self, name: str, on_event: OnEvent) -> None:
        """Have the events of a child handed over, if there is one of that name."""
        if name in self._children:
            self._children[name].on_event = on_event

    def statistics(self) -> dict[str, ChildStatistics]:
        """Counts by name."""
        return {
            name: ChildStatistics(each.process is not None, max(0, each.starts - 1), each.garbage)
            for name, each in self._children.items()
        }

    async def run(self) -> None:
        """Keep all of them running, for ever; when cancelled, stop them and wait, within limits."""
        async with trio.open_nursery() as nursery:
            for child in self._children.values():
                nursery.start_soon(self._keep_running, child)

    async def _keep_running(self, child: _Child) -> None:
        wait_s = RESTART_FIRST_S
        while True:
            began_s = trio.current_time()
            child.starts += 1
            try:
                code = await self._run_once(child)
            except OSError as error:
                code = None
                self._say(child, "child not started", error=str(error))
            if trio.current_time() - began_s >= LONG_RUN_S:
                wait_s = RESTART_FIRST_S
            if code is not None:
                self._say(child, "child ended", code=code, again_in_s=wait_s)
            await trio.sleep(wait_s)
            wait_s = min(2 * wait_s, RESTART_MAX_S)

    async def _run_once(self, child: _Child) -> int:
        """Start a child, listen until it ends, and return its exit code; OSError."""
        process = await trio.lowlevel.open_process(
            [sys.executable, "-P", *child.command.arguments],
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
        )
        child.process = process
        try:
            async with trio.open_nursery() as nursery:
                for stream, take in (
                    (process.stdout, self._take_event),
                    (process.stderr, self._take_complaint),
                ):
                    assert stream is not None
                    nursery.start_soon(_each_line, stream, partial(take, child))
                code = await process.wait()
                # What it had written is still read; a grandchild may hold the pipe for ever.
                nursery.cancel_scope.deadline = trio.current_time() + RESTART_FIRST_S
            return code
        finally:
            await _stop(process)
            child.process = None

    def _take_event(self, child: _Child, line: bytes) -> None:
        try:
            child.on_event(_event(line))
        except (KeyError, TypeError, ValueError, RecursionError):
            child.garbage += 1
            self._say(child, "child said no event", line=_shown(line))

    def _take_complaint(self, child: _Child, line: bytes) -> None:
        self._say(child, "child complained", line=_shown(line))

    def _say(self, child: _Child, event: str, **values: object) -> None:
        left_out = child.budget.take(trio.current_time())
        if left_out is not None:
            self._log.warning(event, child=child.command.name, **values, **left_out)


def _event(line: bytes) -> dict[str, Any]:
    """Read an event; TypeError or ValueError where it is none."""
    event = json.loads(line)
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise TypeError("an event is an object with a name")
    return event


def _shown(line: bytes) -> str:
    return line.decode("utf-8", "replace")[:LOGGED_MAX_CHARACTERS]


async def _each_line(stream: trio.abc.ReceiveStream, take: Callable[[bytes], None]) -> None:
    """Hand over line by line until the stream ends; of one that is too long its start."""
    buffer, cut = b"", False
    while piece := await stream.receive_some(PIECE_BYTES):
        *lines, buffer = (buffer + piece).split(b"\n")
        for line in lines:
            if line and not cut:
                take(line)
            cut = False
        if len(buffer) > LINE_MAX_BYTES:
            if not cut:
                take(buffer[:LINE_MAX_BYTES])
            buffer, cut = b"", True
        await trio.sleep(PIECE_REST_S)
    if buffer and not cut:
        take(buffer)


async def _stop(process: trio.Process) -> None:
    """End a child that still runs, and close its pipes; bounded, and not to be cancelled."""
    with trio.CancelScope(shield=True):
        if process.returncode is None:
            process.terminate()
            with trio.move_on_after(STOP_WAIT_S):
                await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            await stream.aclose()
