import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support.live_gateway import LogLines, wait_until

from kk99fix.gateway import children
from kk99fix.gateway.children import ChildCommand, Children


@attrs.define
class Family:
    """Supervised scripts, what they said, and the log."""

    children: Children
    logged: LogLines
    events: list[dict[str, Any]] = attrs.Factory(list)

    def of(self, event: str) -> list[dict[str, Any]]:
        """The log lines about an event."""
        return self.logged.of(event)


@asynccontextmanager
async def family(*scripts: str) -> AsyncIterator[Family]:
    """Supervise scripts, named a, b, ..., while the block runs."""
    commands = [ChildCommand("abc"[n], ("-c", text)) for n, text in enumerate(scripts)]
    logged = LogLines()
    found = Family(Children(commands, logged.log), logged)

    def take(event: dict[str, Any]) -> None:
        if "bad" in event:
            raise KeyError("bad")
        found.events.append(event)

    for command in commands:
        found.children.listen(command.name, take)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(found.children.run)
        yield found
        nursery.cancel_scope.cancel()


def alive(pid: int) -> bool:
    """Whether a process is there."""
    return Path(f"/proc/{pid}").exists()


LIVES = 'import sys, os; print(\'{"event": "up", "pid": %d}\' % os.getpid(), flush=True); '
WAITS = LIVES + "sys.stdin.read()"


async def test_events_are_handed_over_and_a_stop_ends_it() -> None:
    """What a child says arrives, and none is left behind, in a session of its own."""
    async with family(WAITS, WAITS) as running:
        await wait_until(lambda: len(running.events) == 2)
        pids = [event["pid"] for event in running.events]
        assert all(child.up for child in running.children.statistics().values())
        assert all(os.getsid(pid) == pid for pid in pids)

    assert not any(alive(pid) for pid in pids)
    assert running.of("child ended") == []
    assert not any(child.up for child in running.children.statistics().values())


async def test_one_that_dies_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time after a longer wait, up to the longest; the log names its code."""
    monkeypatch.setattr(children, "RESTART_FIRST_S", 0.01)
    monkeypatch.setattr(children, "RESTART_MAX_S", 0.04)
    async with family("raise SystemExit(3)", WAITS) as running:
        await wait_until(lambda: len(running.of("child ended")) >= 5)
        ended = running.of("child ended")
        assert running.children.statistics()["a"].restarts >= 4
        assert running.children.statistics()["b"].restarts == 0

    assert [line["again_in_s"] for line in ended[:5]] == [0.01, 0.02, 0.04, 0.04, 0.04]
    assert {(line["child"], line["code"], line["level"]) for line in ended} == {("a", 3, "warning")}


async def test_one_that_is_killed_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal is the negative code of it, and another one takes its place."""
    monkeypatch.setattr(children, "RESTART_FIRST_S", 0.01)
    async with family(WAITS) as running:
        await wait_until(lambda: len(running.events) == 1)
        os.kill(running.events[0]["pid"], signal.SIGKILL)
        await wait_until(lambda: len(running.events) == 2)

    (line,) = running.of("child ended")
    assert line["code"] == -signal.SIGKILL


async def test_one_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop waits so long and no longer."""
    monkeypatch.setattr(children, "STOP_WAIT_S", 0.05)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + LIVES
    async with family(deaf + "import time; time.sleep(1000)") as running:
        await wait_until(lambda: len(running.events) == 1)
        pid = running.events[0]["pid"]

    assert not alive(pid)


async def test_garbage_is_counted_and_stops_nothing() -> None:
    """What is no object with an event is a warning, and what comes after it is heard."""
    script = (
        "print('Traceback'); print('[1]'); print('{\"event\": 1}'); print('{}'); "
        'print(\'{"event": "x", "bad": 1}\'); '
        "sys.stdout.buffer.write(b'\\xff\\xfe\\n'); print('[' * 60000); "
    )
    async with family("import sys; " + script + WAITS) as running:
        await wait_until(lambda: len(running.events) == 1)
        assert running.children.statistics()["a"].garbage == 7

    lines = running.of("child said no event")
    assert lines[0]["line"] == "Traceback"
    assert max(len(line["line"]) for line in lines) <= children.LOGGED_MAX_CHARACTERS


async def test_a_line_without_an_end_is_cut() -> None:
    """Of a line that is too long one piece is looked at, and the next line is heard."""
    script = "print('y' * 300_000); "
    async with family(script + WAITS) as running:
        await wait_until(lambda: len(running.events) == 1)

        assert running.children.statistics()["a"].garbage == 1


async def test_a_flood_holds_up_nobody() -> None:
    """One that floods both streams gets a few pieces a second; others and the loop go on."""
    flood = "import sys\nwhile True: print('flood ' * 100); sys.stderr.write('flood\\n' * 100)"
    async with family(flood, WAITS) as running:
        await wait_until(lambda: len(running.events) == 1)
        longest_s = 0.0
        for _ in range(50):
            before_s = trio.current_time()
            await trio.sleep(0.005)
            longest_s = max(longest_s, trio.current_time() - before_s)
        lines = [*running.of("child said no event"), *running.of("child complained")]

    assert running.events
    assert len(lines) <= 3 * 20
    assert longest_s < 2.0


async def test_what_it_complains_of_is_logged() -> None:
    """Standard error goes to the log, a line each."""
    async with family("import sys; sys.stderr.write('one\\ntwo\\n'); " + WAITS) as running:
        await wait_until(lambda: len(running.of("child complained")) == 2)

    assert [line["line"] for line in running.of("child complained")] == ["one", "two"]


async def test_what_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that refuses a process is a warning, and the next try may succeed."""
    monkeypatch.setattr(children, "RESTART_FIRST_S", 0.01)
    interpreter = sys.executable
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    async with family(WAITS) as running:
        await wait_until(lambda: len(running.of("child not started")) >= 2)
        monkeypatch.setattr(sys, "executable", interpreter)
        await wait_until(lambda: len(running.events) == 1)


async def test_a_child_ends_with_its_parent() -> None:
    """Whatever kills the parent, a command that runs as a child is gone with it."""
    parent = (
        "import subprocess, sys, os; p = subprocess.Popen([sys.executable, '-c', "
        "'from kk99fix import child; import time, os; child.end_with_parent(); "
        "child.give_way(idle=True); print(os.nice(0), os.sched_getscheduler(0), flush=True); "
        "time.sleep(1000)'], stdin=subprocess.PIPE, stdout=subprocess.PIPE); "
        "text = p.stdout.readline().decode().strip(); "
        'print(\'{"event": "%s", "pid": %d}\' % (text, p.pid), flush=True); sys.stdin.read()'
    )
    async with family(parent) as running:
        await wait_until(lambda: len(running.events) == 1)
        pid = running.events[0]["pid"]
        (sid,) = {os.getsid(pid)}
        os.kill(sid, signal.SIGKILL)
        await wait_until(lambda: not alive(pid) or "Z" in status_of(pid))

    assert running.events[0]["event"] == f"19 {os.SCHED_IDLE}"


def status_of(pid: int) -> str:
    """The state of a process, Z for one that nobody waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2]
    except FileNotFoundError:
        return "Z"
