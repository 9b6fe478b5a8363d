"""The task that follows config/ and sessions/: it watches, has them read, and carries plans out.

It looks when the system says that a file has changed, on SIGHUP, when the operator asks, and every
few seconds anyway: a folder that is mounted over, or a system that tells nothing, costs no more
than that delay.
A file that is being written is looked at again until it is still; see `kk99fix.config.looking`.
"""

import time
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

import trio
from attrs import define, field, frozen
from watchfiles import awatch

from kk99fix.config.identity import FIXED, Identities
from kk99fix.config.plan import Plan
from kk99fix.gateway.connections import Connections
from kk99fix.gateway.current import Current
from kk99fix.gateway.files_process import Begin
from kk99fix.gateway.files_reader import FilesReader, FilesReaderError
from kk99fix.gateway.logs import Log
from kk99fix.gateway.operator import Request
from kk99fix.gateway.reload import Reload, Report
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.venue.registry import ConfigRefusedError, Registry

#: What the watcher gathers before it tells of it, and how often it looks whether there is more.
GATHER_MS: Final = 100
GATHER_STEP_MS: Final = 25
LOOK_AGAIN_S: Final = 0.05
LOOK_ANYWAY_S: Final = 5.0
#: Log lines between two turns of everybody else.
LINES_AT_ONCE: Final = 10
#: Longest wait of an operator for files that are being written all the time.
ANSWER_WITHIN_S: Final = 8.0


@frozen
class Folders:
    """Where the files are."""

    config_dir: Path
    sessions_dir: Path


@frozen
class ReloadStatistics:
    """Counts and states for the metrics."""

    #: Looks that changed something.
    reloads: int
    #: Files that are refused now.
    refused: int
    #: Files that need a restart.
    restart: int
    #: When the files of now began to apply, UTC.
    changed_ns: int


@define(eq=False)
class _Asked:
    """Somebody who waits until what was written before applies."""

    answered: trio.Event = field(factory=trio.Event)


@define
class Reloader:
    """Follows the files of a gateway."""

    folders: Folders
    current: Current
    registry: Registry
    reload: Reload
    log: Log
    #: Kind -> how many names of it the core has room for.
    room: dict[str, int]
    reader: FilesReader | None = field(init=False, default=None)
    _reloads: int = field(init=False, default=0)
    _last: Plan = field(init=False, factory=Plan)
    _changed_ns: int = field(init=False, factory=time.time_ns)
    _wake: trio.Event = field(init=False, factory=trio.Event)
    _asked: list[_Asked] = field(init=False, factory=list)
    #: What has come of the files since somebody was last told.
    _since: Report = field(init=False, factory=Report)

    def statistics(self) -> ReloadStatistics:
        """Return the present counts."""
        last = self._last
        return ReloadStatistics(
            self._reloads, len(last.refused_all), len(last.restart), self._changed_ns
        )

    def request(self) -> None:
        """Have the files looked at now."""
        self._wake.set()

    async def answer(self, _: Request) -> dict[str, Any]:
        """Have the files looked at now, and say what came of it: the operator's `reload`."""
        asked = _Asked()
        self._asked.append(asked)
        self.request()
        with trio.move_on_after(ANSWER_WITHIN_S) as scope:
            await asked.answered.wait()
        # What is refused, and what needs a restart, holds for whoever asks next as well.
        report = self._since
        self._since = Report(
            refused=report.refused, restart=report.restart, not_read=report.not_read
        )
        return report.answer() | {"still_changing": scope.cancelled_caught}

    async def run(self) -> None:
        """Follow the files, for ever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            async with FilesReader(self._begin) as reader:
                self.reader = reader
                while True:
                    await self._once(reader)
                    with trio.move_on_after(LOOK_ANYWAY_S):
                        await self._wake.wait()

    async def _once(self, reader: FilesReader) -> None:
        """Look until everything is still, and answer whoever has asked before."""
        self._wake = trio.Event()
        before = tuple(self._asked)
        writing = True
        while writing:
            writing = await self._look(reader)
            await trio.sleep(LOOK_AGAIN_S if writing else 0)
        for asked in before:
            asked.answered.set()
            self._asked.remove(asked)

    async def _look(self, reader: FilesReader) -> bool:
        """Look once and carry out what has changed; True where something is being written."""
        try:
            plan, steps = await reader.look()
            for _ in range(steps):
                exposures = self.reload.carry_out(await reader.next_step())
                self._since.exposures.update(exposures)
        except (FilesReaderError, OSError) as error:
            self._not_read("files not read", str(error))
            return False
        except ConfigRefusedError as error:
            # What the process knows of names is not what the venue knows: it begins anew.
            self._not_read("files not taken over", str(error))
            await reader.close()
            return False
        if plan.risk is not None:
            self.current.update_risk(plan.risk)
        self._since.add(plan)
        await self._tell(plan)
        if steps:
            self._reloads += 1
            self._changed_ns = time.time_ns()
        self._last = plan
        return plan.unsettled

    def _not_read(self, event: str, error: str) -> None:
        self.log.warning(event, error=error)
        self._since.not_read = f"{event}: {error}"

    async def _tell(self, plan: Plan) -> None:
        """Log what a plan says, a few lines at a time."""
        if plan.risk_changed:
            self.log.info("risk limits taken over")
        lines = [
            ("session file refused", text) for texts in plan.refused.values() for text in texts
        ]
        for number, (event, text) in enumerate(lines):
            self.log.warning(event, error=text)
            if number % LINES_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        for file in plan.mended:
            self.log.info("session file right again", file=file)
        for file in plan.restart_news:
            self.log.warning("restart needed", file=file)

    def _begin(self) -> Begin:
        """What applies, for a process that knows nothing."""
        known = self.registry.known
        identities = Identities(
            {name: {key: what[key] for key in FIXED} for name, what in known("sessions").items()},
            {name: what["firm"] for name, what in known("accounts").items()},
            set(known("firms")),
            self.room,
        )
        folders = self.folders
        return Begin(
            folders.config_dir,
            folders.sessions_dir,
            self.current.settings,
            identities,
            self.registry.content,
        )

    async def _watch(self) -> None:
        """Have the files looked at whenever the system says that something has changed."""
        while True:
            stopping = trio.Event()
            try:
                async with trio.open_nursery() as nursery:
                    # The watcher's thread ends by this event alone.
                    nursery.start_soon(_set_when_cancelled, stopping)
                    await self._watch_until(stopping)
            except* (OSError, RuntimeError) as group:
                self.log.debug("folders not watched", error=str(group.exceptions[0]))
            await trio.sleep(LOOK_ANYWAY_S)

    async def _watch_until(self, stopping: trio.Event) -> None:
        folders = {self.folders.config_dir, self.folders.sessions_dir}
        changes = awatch(
            *sorted(folders),
            watch_filter=None,
            debounce=GATHER_MS,
            step=GATHER_STEP_MS,
            stop_event=stopping,
            recursive=False,
        )
        async with aclosing(changes):
            async for _ in changes:
                self.request()


def follow(
    folders: Folders,
    current: Current,
    sequencer: Sequencer,
    connections: Connections,
    log: Log,
) -> Reloader:
    """Return the task that follows the files of a gateway."""
    venue = sequencer.venue
    return Reloader(
        folders,
        current,
        venue.registry,
        Reload(current, sequencer, connections, log),
        log,
        {kind: getattr(venue.engine.capacity, kind) for kind in ("sessions", "firms", "accounts")},
    )


async def _set_when_cancelled(event: trio.Event) -> None:
    try:
        await trio.sleep_forever()
    finally:
        event.set()
