"""The acceptor without sockets: the venue on a desk, its configuration from files."""

from collections import defaultdict, deque

from support.venue_desk import VenueDesk, frames_of

from kk99fix.config.load import Settings
from kk99fix.config.resolve import resolve
from kk99fix.gateway.assembly import capacity_of
from kk99fix.venue.session_commands import StopInput

NS_PER_S = 1_000_000_000
#: So many ticks may be due at one moment.
TICKS_MAX = 10


class VenueStage:
    """Bytes of a connection take the way of live traffic behind the authentication."""

    comp_id = "KK99"

    def __init__(self, settings: Settings) -> None:
        """Start a venue."""
        self.desk = VenueDesk(resolve(settings), capacity=capacity_of(settings), feeds=True)
        #: Connections that have not sent anything.
        self._fresh: set[str] = set()
        self._frames: defaultdict[str, deque[bytes]] = defaultdict(deque)
        self._ends: dict[str, str] = {}

    def now_ns(self) -> int:
        """Return venue time."""
        return self.desk.now_ns

    def unread(self) -> list[bytes]:
        """Return frames that were not expected."""
        self._collect()
        return [frame for frames in self._frames.values() for frame in frames]

    async def connect(self, who: str, how: str) -> None:
        """The logon follows."""
        assert not how
        self._fresh.add(who)
        self._ends.pop(who, None)

    async def send(self, who: str, data: bytes) -> None:
        """The first frame of a connection is handed over as an authenticated Logon(A)."""
        if who in self._fresh:
            self._fresh.remove(who)
            self.desk.connect(who, data)
        else:
            assert who not in self._ends, "the connection is closed"
            self.desk.feed(who, data)
        self._note_ends()

    async def frame(self, who: str) -> bytes | None:
        """Everything that happens has happened already."""
        self._collect()
        if self._frames[who]:
            return self._frames[who].popleft()
        assert who in self._ends, "nothing came"
        return None

    async def ended(self, who: str) -> str:
        """Return the venue's cause."""
        return self._ends[who]

    async def drop(self, who: str) -> None:
        """Lose the connection."""
        self.desk.drop(who)
        self._ends[who] = "connection-closed"

    async def wait(self, seconds: float) -> None:
        """Later, and a tick if one is due then."""
        self.desk.now_ns += round(seconds * NS_PER_S)
        for _ in range(TICKS_MAX):
            deadline_ns = self.desk.venue.next_deadline_ns()
            if deadline_ns is None or deadline_ns > self.desk.now_ns:
                return
            self.desk.tick()
            self._note_ends()
        raise AssertionError("a tick is due for ever")

    async def numbers(self, session: str, wanted: tuple[int, int]) -> tuple[int, int]:
        """Return the numbers in the core's session table."""
        del wanted
        view = self.desk.engine.session(self.desk.id(session))
        return view.next_in, view.next_out

    async def log_out(self, session: str, text: str) -> None:
        """Ask the venue."""
        self.desk.apply(StopInput(self.desk.id(session), text))
        self._note_ends()

    async def say(self, msg_type: str, body: str) -> None:
        """The venue says nothing of its own accord."""
        raise NotImplementedError

    async def settle(self) -> None:
        """Nothing is ever under way."""

    def _collect(self) -> None:
        for name, wire in self.desk.wire.items():
            self._frames[name].extend(frames_of(wire))
            wire.clear()

    def _note_ends(self) -> None:
        names = self.desk.venue.registry.session_names()
        for disconnected in self.desk.outcomes[-1].disconnects:
            self._ends[names[disconnected.session]] = disconnected.cause
