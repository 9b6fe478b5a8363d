"""Session files that come, change and go beside the load, as an operator's script would have it.

They are written at a steady pace, so that one pass over all of them takes a run.
In the end every one of them has to have been taken over.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from bench.gateway_files import GatewayFiles, session_text
from bench.neighbours import NeighbourFailedError
from kk99fix.child import LEAST_NICE
from kk99fix.commands.operator_client import ask

LIMITS = "\n[limits]\nmax_open_orders = 1000\n"


@attrs.define
class Files:
    """Some session files of one gateway beside those of the load."""

    files: GatewayFiles
    count: int

    @contextmanager
    def at_work(self, seconds: float) -> Iterator[None]:
        """Add, change and remove all of them while the block runs."""
        ended = threading.Event()
        done: list[Path] = []
        steps = list(self._steps(done))
        worker = threading.Thread(target=_carry_out, args=(steps, seconds / len(steps), ended))
        worker.start()
        try:
            yield
        finally:
            ended.set()
            worker.join()
        for path in self.files.sessions.glob("NEW*.toml"):
            path.unlink()
        answer = ask(self.files.state, "reload")
        if answer["refused"] or not done:
            raise NeighbourFailedError(f"session files were refused: {answer['refused'][:3]}")

    def _steps(self, done: list[Path]) -> Iterator[Callable[[], None]]:
        names = [f"NEW{number:04d}" for number in range(self.count)]
        paths = [(name, self.files.sessions / f"{name}.toml") for name in names]
        for more in ("", LIMITS):
            for name, path in paths:
                yield _writer(path, session_text(name) + more, done)
        for _, path in paths:
            yield path.unlink


def _writer(path: Path, text: str, done: list[Path]) -> Callable[[], None]:
    def write() -> None:
        aside = path.with_name(f".{path.name}")
        aside.write_text(text)
        aside.rename(path)
        done.append(path)

    return write


def _carry_out(steps: list[Callable[[], None]], pause_s: float, ended: threading.Event) -> None:
    """Take the steps, giving way: the writer of the files is not what is measured."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LEAST_NICE)
    for step in steps:
        if ended.wait(pause_s):
            return
        step()
        os.sched_yield()
