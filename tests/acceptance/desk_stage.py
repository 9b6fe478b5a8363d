"""Our side as the initiator, without a socket: its session layer on a desk."""

import attrs
from acceptance.initiator import HEART_BT_INT_S, options
from support.session_desk import PEER_RULES, Desk, pairs

from kk99fix.fix.framing import Frame, Framer
from kk99fix.session.effects import Send
from kk99fix.session.rules import NS_PER_S, Role


class DeskStage:
    """The session layer in the initiator role, without a socket."""

    comp_id = "BROKER1"

    def __init__(self) -> None:
        """Begin without a connection."""
        rules = attrs.evolve(
            PEER_RULES, heart_bt_int_min_s=HEART_BT_INT_S, heart_bt_int_max_s=HEART_BT_INT_S
        )
        self._desk = Desk(rules, Role.INITIATOR)
        self._cause = ""

    def now_ns(self) -> int:
        """Return the desk's time."""
        return self._desk.now_ns

    def unread(self) -> list[bytes]:
        """Return frames that were not expected."""
        return self._desk.wire

    async def connect(self, who: str, how: str) -> None:
        """Connect and log on."""
        del who
        desk = self._desk
        desk.connect()
        wanted = options(how)
        effects = desk.session.logon(
            HEART_BT_INT_S,
            desk.numbers,
            desk.now_ns,
            reset="reset" in wanted,
            next_expected="next-expected" in wanted,
        )
        desk.perform(effects)

    async def send(self, who: str, data: bytes) -> None:
        """Hand over what is whole."""
        del who
        framer = Framer()
        framer.feed(data)
        while isinstance(event := framer.next_event(), Frame):
            self._note(self._desk.receive(event.raw))

    async def frame(self, who: str) -> bytes | None:
        """Everything that happens has happened already."""
        del who
        if self._desk.wire:
            return self._desk.wire.pop(0)
        assert self._desk.disconnected, "nothing came"
        return None

    async def ended(self, who: str) -> str:
        """Return the cause of the disconnect."""
        del who
        return self._cause

    async def drop(self, who: str) -> None:
        """Lose the connection."""
        del who
        self._desk.session.connection_lost()

    async def wait(self, seconds: float) -> None:
        """Later, and a tick."""
        self._desk.now_ns += round(seconds * NS_PER_S)
        self._note(self._desk.tick())

    async def numbers(self, session: str, wanted: tuple[int, int]) -> tuple[int, int]:
        """Return the desk's numbers."""
        del session, wanted
        return self._desk.next_in, self._desk.next_out

    async def log_out(self, session: str, text: str) -> None:
        """Ask the session layer."""
        del session
        desk = self._desk
        self._note(desk.perform(desk.session.stop(text.encode(), desk.numbers, desk.now_ns)))

    async def say(self, msg_type: str, body: str) -> None:
        """Send as an application does."""
        self._desk.send(Send(msg_type.encode(), tuple(pairs(body))))

    async def settle(self) -> None:
        """Nothing is ever under way."""

    def _note(self, lines: list[str]) -> None:
        for line in lines:
            if line.startswith("disconnect "):
                self._cause = line.removeprefix("disconnect ")
