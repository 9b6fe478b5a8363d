"""The gateway's process in virtual time: the real parts, started, stopped and killed.

`assembly.start` puts the parts together as it does in earnest; only the pump, the clock and the
random id of the journal are the simulation's.  The tasks of a live gateway are events here: each
does what the task does between two waits.
"""

import io
import random
import types
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import attrs

from kk99fix.config.load import Settings
from kk99fix.gateway import assembly, logs, server
from kk99fix.gateway.acceptor import Refused
from kk99fix.gateway.arrival import Arrival
from kk99fix.gateway.first_frame import FirstFrame
from kk99fix.gateway.origin import Origin
from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.reloader import Folders
from kk99fix.gateway.timers import LOOK_AGAIN_S, catch_up_day
from kk99fix.state.storage import Storage, open_storage
from kk99fix.venue.inputs import TickInput
from kk99fix.venue.leaving import GATEWAY_STOPPED
from kk99fix.venue.session_commands import NewsInput, StopInput
from simulation.live_files import LiveFiles
from simulation.time_line import NS_PER_MS, NS_PER_S
from simulation.virtual_pump import Surroundings, VirtualPump

WORK_NS = 20_000
FEED_NS = 2 * NS_PER_MS
HOUSEKEEPING_NS = NS_PER_S // 10


@attrs.define
class Socket:
    """What the acceptor wants of a socket."""

    descriptor: int

    def setsockopt(self, *_: object) -> None:
        """Take any option."""

    def fileno(self) -> int:
        """The number of the wire."""
        return self.descriptor

    def detach(self) -> None:
        """Leave the wire to the pump."""


def at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - as the coroutine says
    """Run what never has to wait to its end."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits, and virtual time has nobody to wake it")


class Process:
    """One life of the gateway, from a start to its end."""

    def __init__(
        self,
        settings: Settings,
        state_dir: Path,
        around: Surroundings,
        dice: random.Random,
        on_step: Callable[[], None],
        on_recovered: Callable[[Storage], None],
        folders: Folders,
    ) -> None:
        """Start; `around.wake` is this process's from now on."""
        self._around = around
        self._time_line = around.time_line
        self._on_step = on_step
        self.alive = True
        self._working = self._ticking = self._housekeeping = False
        self.text = io.StringIO()
        around.wake = self.wake
        with _virtual(around, dice, on_recovered):
            self.gateway: Gateway = assembly.start(
                settings, state_dir, logs.configure(self.text, level="warning"), files=around.disk
            )
        self.venue = self.gateway.storage.venue
        self.files = LiveFiles(self.gateway, folders, self._later)
        self._every(NS_PER_S, self._look_at_the_day)
        self._look()

    @property
    def pump(self) -> VirtualPump:
        """The simulation's pump."""
        pump = self.gateway.sequencer.pump
        assert isinstance(pump, VirtualPump)
        return pump

    # ------------------------------------------------------------------ what tasks do

    def wake(self) -> None:
        """Something is ready: make a pass soon."""
        if not self._working and self.alive:
            self._working = True
            self._later(WORK_NS, self._work)

    def _work(self) -> None:
        self._working = False
        self.gateway.loop.run_pass()
        if len(self.gateway.feeder):
            self.gateway.feeder.step()
            self.gateway.loop.run_pass()

    def _tick(self) -> None:
        self._ticking = False
        due_ns = self.venue.next_deadline_ns()
        if due_ns is None or due_ns > self.pump.now_ns():
            return
        self.gateway.sequencer.apply(TickInput())
        self.gateway.sequencer.commit()
        if self.venue.next_deadline_ns() == due_ns:
            self._ticking = True
            self._later(int(LOOK_AGAIN_S * NS_PER_S), self._tick)

    def _look_at_the_day(self) -> None:
        self.roll_day()
        self.gateway.schedules.catch_up()

    def roll_day(self) -> None:
        """Roll to the present trading day."""
        catch_up_day(self.gateway.sequencer, self.gateway.settings.calendar, self.gateway.log)

    def prepare_segment(self) -> None:
        """Do what the thread that prepares segments does."""
        self.gateway.storage.writer.prepare_ahead(1)

    def accept(self, descriptor: int, frame: bytes, rest: bytes) -> bool:
        """Decide on the first frame of a connection as the acceptor does."""
        acceptor = self.gateway.acceptor
        refused: Refused | None = at_once(
            acceptor._decide(
                Arrival.plain(Socket(descriptor), Origin("127.0.0.1")),  # type: ignore[arg-type]
                FirstFrame(frame, rest),
            )
        )
        if refused is None:
            self.gateway.loop.run_pass()
        self._look()
        return refused is None

    # ------------------------------------------------------------------ its end

    def ask_everybody_to_leave(self) -> None:
        """Begin a planned stop."""
        sequencer = self.gateway.sequencer
        for session in self.venue.live_sessions:
            sequencer.apply(NewsInput(session, server.STOP_HEADLINE, server.STOP_LINES))
            sequencer.apply(StopInput(session, server.LOGOUT_TEXT))
        sequencer.commit()
        self._look()

    def stop(self) -> None:
        """End a planned stop: whoever is still there is cut off, and a snapshot is written."""
        self.alive = False
        server.stop(self.gateway, GATEWAY_STOPPED, snapshot=True)

    def abandon(self) -> None:
        """Give back what a dead process would have lost."""
        if self.alive:
            self.alive = False
            self.pump.closed = True
            self.gateway.storage.venue.engine.close()
            self.gateway.storage.lock.close()

    # ------------------------------------------------------------------ events

    def _later(self, wait_ns: int, task: Callable[[], None]) -> None:
        self._time_line.after(wait_ns, lambda: self._run(task))

    def _every(self, wait_ns: int, task: Callable[[], None]) -> None:
        def again() -> None:
            task()
            self._every(wait_ns, task)

        self._later(wait_ns, again)

    def _run(self, task: Callable[[], None]) -> None:
        """Let a task run until it waits; then look at everything, and at what comes next."""
        if self.alive:
            task()
            self._look()

    def _look(self) -> None:
        self._on_step()
        due_ns = self.venue.next_deadline_ns()
        if due_ns is not None and not self._ticking:
            self._ticking = True
            wait_ns = max(0, due_ns - self.pump.now_ns())
            self._later(min(wait_ns, int(LOOK_AGAIN_S * NS_PER_S)), self._tick)
        if self.pump.pending:
            self.wake()
        elif len(self.gateway.feeder) and not self._working:
            self._working = True
            self._later(FEED_NS, self._work)
        if len(self.gateway.connections) and not self._housekeeping and self._has_to_look():
            self._housekeeping = True
            self._later(HOUSEKEEPING_NS, self._keep_house)

    def _has_to_look(self) -> bool:
        connections = self.gateway.connections
        return self.pump.anybody_blocked or bool(connections._closing)

    def _keep_house(self) -> None:
        self._housekeeping = False
        self.gateway.loop.run_pass()


def _quietly(_: str) -> None:
    """Print no progress."""


@contextmanager
def _virtual(
    around: Surroundings, dice: random.Random, on_recovered: Callable[[Storage], None]
) -> Iterator[None]:
    """Give a start the simulation's pump, its time, and ids that come from the seed."""

    def pump(engine: Any, *, disk: object = None, **limits: Any) -> VirtualPump:  # noqa: ANN401
        del disk
        return VirtualPump(engine, around, limits)

    def opened(*args: Any, **more: Any) -> Storage:  # noqa: ANN401
        storage: Storage = open_storage(*args, **{"progress": _quietly, **more})
        on_recovered(storage)
        return storage

    clock = types.SimpleNamespace(time_ns=lambda: around.time_line.now_ns)
    with (
        patch.object(assembly, "Pump", pump),
        patch.object(assembly, "time", clock),
        patch.object(assembly, "open_storage", opened),
        patch.object(uuid, "uuid4", lambda: uuid.UUID(int=dice.getrandbits(128))),
    ):
        yield
