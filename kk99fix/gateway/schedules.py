"""The schedules of sessions, carried out: starts and ends become journaled commands.

Zones and dates are resolved here and nowhere below; the venue knows when a session last started
and ended, so that whatever passed while the process was down is made up for, in its order.

- An end logs out who is logged on, after News(B).
- A start at which the numbers begin at 1 waits until the connection of before is gone: it has
  the time of a logout for its answer, and nothing of the new numbers can reach it.
- A session that is about to be logged on is first brought up to the present moment, so that a
  logon never comes between a boundary and its command.

Sessions with equal schedules share what there is to know about the present moment.
"""

import math
from typing import Final

import trio

from kk99fix.config.schedule import End, Position, Schedule, Start, due, next_period, position
from kk99fix.gateway.connections import Connections
from kk99fix.gateway.current import Current
from kk99fix.gateway.logs import Log
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.venue.session_commands import NewsInput, SessionEndInput, SessionStartInput

NS_PER_S: Final = 1_000_000_000
#: Venue time is steered, so a long sleep is taken in pieces.
SLEEP_MAX_S: Final = 60.0
#: How soon to look again while a start waits for a connection to go.
LOOK_AGAIN_S: Final = 0.25
HEADLINE: Final = "The session ends"
ORDERS: Final = {True: "Open orders are cancelled.", False: "Orders stay as they are."}
NUMBERS: Final = {
    True: "Sequence numbers begin at 1 when it starts again.",
    False: "Sequence numbers go on when it starts again.",
}


class _Course:
    """One schedule, and where the present moment stands in it."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self._position: Position | None = None
        self._from_ns = 0

    def position(self, now_ns: int) -> Position:
        """Where `now_ns` stands; time goes on from call to call."""
        if self._position is None or now_ns >= self._position.until_ns:
            self._position = position(self.schedule, now_ns)
        return self._position


class Schedules:
    """Follows the schedules of all sessions that have one; see the top of this module."""

    def __init__(
        self, current: Current, sequencer: Sequencer, connections: Connections, log: Log
    ) -> None:
        """Take the session files, and follow their changes."""
        self._current = current
        self._sequencer = sequencer
        self._connections = connections
        self._log = log
        self._courses: dict[str, _Course] = {}
        self._shared: dict[Schedule, _Course] = {}
        self._changed = trio.Event()
        self._follow(current.comp_ids)
        current.subscribe(self._follow)

    def in_period(self, comp_id: str) -> bool:
        """Whether a period of the session lasts now; nothing is carried out for it."""
        course = self._courses.get(comp_id)
        now_ns = self._sequencer.pump.now_ns()
        return course is None or now_ns < course.position(now_ns).latest.end_ns

    def is_open(self, comp_id: str) -> bool:
        """Whether the session may be logged on now, once what is due for it has been done."""
        course = self._courses.get(comp_id)
        if course is None:
            return True
        self._carry_out(comp_id, self._due(comp_id))
        now_ns = self._sequencer.pump.now_ns()
        latest = course.position(now_ns).latest
        started_ns = self._sequencer.venue.session_times(self._session(comp_id)).started_ns
        return latest.start_ns <= started_ns and now_ns < latest.end_ns

    def catch_up(self) -> None:
        """Bring every session to the present moment."""
        for comp_id in self._courses:
            self._carry_out(comp_id, self._due(comp_id))

    async def run(self) -> None:
        """Bring every session over each of its boundaries, for ever."""
        while True:
            self._changed = trio.Event()
            waiting = False
            for comp_id in tuple(self._courses):
                if comp_id not in self._courses:  # its file has gone since the last turn
                    continue
                boundaries = self._due(comp_id)
                if boundaries:
                    waiting |= not self._carry_out(comp_id, boundaries)
                    # Many sessions may end at once: everybody else's traffic goes on in between.
                    await trio.lowlevel.checkpoint()
            with trio.move_on_after(LOOK_AGAIN_S if waiting else self._pause_s()):
                await self._changed.wait()

    def _follow(self, changed: frozenset[str]) -> None:
        """Take up the schedules of session files that are new or have changed."""
        for comp_id in sorted(changed):
            file = self._current.session(comp_id)
            if file is None or file.schedule is None:
                self._courses.pop(comp_id, None)
            else:
                shared = self._shared.setdefault(file.schedule, _Course(file.schedule))
                self._courses[comp_id] = shared
        used = {course.schedule for course in self._courses.values()}
        self._shared = {schedule: self._shared[schedule] for schedule in used}
        self._changed.set()

    def _cancels(self, comp_id: str) -> bool:
        file = self._current.session(comp_id)
        return file is not None and file.logon.cancel_on_logout

    def _pause_s(self) -> float:
        now_ns = self._sequencer.pump.now_ns()
        moments_ns = [course.position(now_ns).until_ns for course in self._shared.values()]
        if not moments_ns:
            return math.inf
        return min(SLEEP_MAX_S, (min(moments_ns) - now_ns) / NS_PER_S)

    def _due(self, comp_id: str) -> tuple[Start | End, ...]:
        """What the session has missed until now."""
        course = self._courses[comp_id]
        now_ns = self._sequencer.pump.now_ns()
        times = self._sequencer.venue.session_times(self._session(comp_id))
        return due(
            course.schedule,
            course.position(now_ns),
            now_ns,
            started_ns=times.started_ns,
            ended_ns=times.ended_ns,
        )

    def _carry_out(self, comp_id: str, boundaries: tuple[Start | End, ...]) -> bool:
        """Do what is due for one session; False when something has to wait."""
        session = self._session(comp_id)
        for boundary in boundaries:
            if isinstance(boundary, End):
                self._end(comp_id, session, boundary)
            elif boundary.reset and self._connections.address_of(session) is not None:
                return False
            else:
                self._start(comp_id, session, boundary)
        return True

    def _start(self, comp_id: str, session: int, start: Start) -> None:
        self._log.info("session starts", session=comp_id, numbers_reset=start.reset)
        self._sequencer.apply(SessionStartInput(session, start.at_ns, start.reset))
        self._sequencer.commit()

    def _end(self, comp_id: str, session: int, end: End) -> None:
        self._log.info("session ends", session=comp_id)
        schedule = self._courses[comp_id].schedule
        text = f"the session ends at {schedule.end} {schedule.zone}"
        if self._sequencer.venue.is_live(session):
            lines = (
                ORDERS[self._cancels(comp_id)],
                NUMBERS[next_period(schedule, end.at_ns).resets],
            )
            self._sequencer.apply(NewsInput(session, HEADLINE, lines))
        self._sequencer.apply(SessionEndInput(session, end.at_ns, text))
        self._sequencer.commit()

    def _session(self, comp_id: str) -> int:
        session = self._sequencer.venue.registry.session_id(comp_id)
        assert session is not None, "the files are configured before sessions are followed"
        return session
