"""The gateway's end of the process that reads the session files; see `files_process`.

It is started when it is first needed, and again when it has ended: then it is told what applies.
"""

import pickle
import sys
from collections.abc import Callable
from subprocess import PIPE
from types import TracebackType
from typing import Any, Final, Self

import trio

from kk99fix.config.plan import Plan, Step
from kk99fix.gateway.files_process import LENGTH_BYTES, LOOK, Begin, packed

PIECE_BYTES: Final = 65_536
#: How long the process has to end once its standard input is closed.
END_WAIT_S: Final = 2.0


class FilesReaderError(Exception):
    """The process that reads the files has ended; the next look starts another."""


class FilesReader:
    """Asks the process for plans; to be used as an async context manager."""

    def __init__(self, begin: Callable[[], Begin]) -> None:
        """Take what says what applies when a process is started."""
        self._begin = begin
        #: The one that reads now.
        self.process: trio.Process | None = None
        self._buffer = bytearray()

    async def __aenter__(self) -> Self:
        """Return itself; nothing is started yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the process."""
        await self.close()

    async def look(self) -> tuple[Plan, int]:
        """Have it look at the files: a plan, and how many steps `next_step` has for it.

        `FilesReaderError` when it has ended, and OSError when it cannot be started.
        """
        process = self.process or await self._start()
        assert process.stdin is not None
        try:
            await process.stdin.send_all(packed(LOOK))
            plan, steps = await self._receive(process)
        except BaseException as error:
            await self.close()
            if isinstance(error, trio.BrokenResourceError):
                raise FilesReaderError("it ended") from error
            raise
        assert isinstance(plan, Plan)
        return plan, steps

    async def next_step(self) -> Step:
        """Return the next step, after everybody else's turn; `FilesReaderError`."""
        await trio.lowlevel.checkpoint()
        process = self.process
        assert process is not None
        try:
            step = await self._receive(process)
        except BaseException:
            await self.close()
            raise
        assert isinstance(step, Step)
        return step

    async def close(self) -> None:
        """End the process, if there is one; bounded, and not to be cancelled."""
        process, self.process = self.process, None
        self._buffer.clear()
        if process is None:
            return
        with trio.CancelScope(shield=True):
            assert process.stdin is not None
            assert process.stdout is not None
            await process.stdin.aclose()
            with trio.move_on_after(END_WAIT_S):
                await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()
            await process.stdout.aclose()

    async def _start(self) -> trio.Process:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-P", "-m", "kk99fix.gateway.files_process"],
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,
        )
        self.process = process
        assert process.stdin is not None
        try:
            await process.stdin.send_all(packed(self._begin()))
        except BaseException as error:
            await self.close()
            if isinstance(error, trio.BrokenResourceError):
                raise FilesReaderError("it ended at its start") from error
            raise
        return process

    async def _receive(self, process: trio.Process) -> Any:  # noqa: ANN401 - whatever it sends
        try:
            length = int.from_bytes(await self._bytes(process, LENGTH_BYTES), "big")
            data = await self._bytes(process, length)
        except trio.BrokenResourceError as error:
            raise FilesReaderError(str(error)) from error
        return pickle.loads(data)  # noqa: S301 - a process of ours

    async def _bytes(self, process: trio.Process, count: int) -> bytes:
        assert process.stdout is not None
        while len(self._buffer) < count:
            piece = await process.stdout.receive_some(PIECE_BYTES)
            if not piece:
                raise FilesReaderError(f"it ended with code {await process.wait()}")
            self._buffer += piece
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data
