"""Plays an acceptance script on a stage: whatever stands between a counterparty and our session."""

from typing import Protocol

from acceptance.notation import difference, plain_text, sent_bytes
from acceptance.script import Line, Script
from support.frames import soh
from support.venue_desk import fields_of


class Stage(Protocol):
    """One side of ours, and the connections of its counterparties by name."""

    #: SenderCompID(49) of whoever our side is.
    comp_id: str

    def now_ns(self) -> int:
        """Return our time."""

    def unread(self) -> list[bytes]:
        """Return frames of ours that came and were not expected."""

    async def connect(self, who: str, how: str) -> None:
        """Open a connection."""

    async def send(self, who: str, data: bytes) -> None:
        """Let the counterparty send bytes."""

    async def frame(self, who: str) -> bytes | None:
        """Wait for our next frame; None when the connection is closed."""

    async def ended(self, who: str) -> str:
        """Return why we closed the connection that has just been closed."""

    async def drop(self, who: str) -> None:
        """Let the counterparty close the connection."""

    async def wait(self, seconds: float) -> None:
        """Let time pass."""

    async def numbers(self, session: str, wanted: tuple[int, int]) -> tuple[int, int]:
        """Return what our side expects next and sends next; `wanted` if it becomes that."""

    async def log_out(self, session: str, text: str) -> None:
        """Ask our side to log out."""

    async def say(self, msg_type: str, body: str) -> None:
        """Let our side send an application message."""

    async def settle(self) -> None:
        """Wait until nothing is under way any more."""


async def play(script: Script, stage: Stage) -> None:
    """Play a script; AssertionError with its line where something else happens."""
    player = _Player(stage, initiator=script.initiator)
    for line in script.lines:
        try:
            await player.take(line)
        except AssertionError as error:
            place = f"{script.path.name}:{line.number}: {line.kind} {line.text}"
            raise AssertionError(f"{place}\n{error}") from error
    await stage.settle()
    _nothing_unread(stage)


def _nothing_unread(stage: Stage) -> None:
    unread = stage.unread()
    assert not unread, f"sent, but not expected: {unread}"


class _Player:
    """What has to be remembered from one line to the next."""

    def __init__(self, stage: Stage, *, initiator: bool) -> None:
        self._stage = stage
        self._initiator = initiator
        self._last: dict[int, str] = {}

    async def take(self, line: Line) -> None:
        """Let one line happen."""
        stage = self._stage
        if line.kind not in "ED":
            _nothing_unread(stage)
        match line.kind:
            case "C":
                await stage.connect(line.who, line.text)
            case "X":
                await stage.drop(line.who)
            case "E":
                await self._expect(line)
            case "D":
                await self._expect_end(line)
            case "N":
                await self._expect_numbers(line)
            case "T":
                await stage.wait(float(line.text))
            case "Q":
                await stage.log_out(line.session, line.text)
            case _:
                await self._send(line)

    async def _send(self, line: Line) -> None:
        """Let the counterparty send a message or bytes, or our side a message."""
        stage, text, now_ns = self._stage, line.text, self._stage.now_ns()
        if line.kind == "I":
            theirs = self._comp_ids(line.session)
            await stage.send(line.who, sent_bytes(text, now_ns, self._last, theirs))
        elif line.kind == "B":
            await stage.send(line.who, soh(plain_text(text, now_ns, self._last)))
        else:
            msg_type, _, body = text.removeprefix("35=").partition("|")
            await stage.say(msg_type, plain_text(body, now_ns, self._last))

    async def _expect_numbers(self, line: Line) -> None:
        next_in, next_out = map(int, line.text.split())
        found = await self._stage.numbers(line.session, (next_in, next_out))
        assert found == (next_in, next_out), f"the numbers are {found}"

    def _comp_ids(self, session: str) -> tuple[str, str]:
        """Return SenderCompID(49) and TargetCompID(56) of what the counterparty sends."""
        return ("KK99", session) if self._initiator else (session, "KK99")

    async def _expect(self, line: Line) -> None:
        frame = await self._stage.frame(line.who)
        assert frame is not None, "the connection is closed"
        self._last = fields_of(frame)
        theirs = self._comp_ids(line.session)
        differs = difference(line.text, frame, self._stage.now_ns(), theirs[::-1])
        assert not differs, differs

    async def _expect_end(self, line: Line) -> None:
        frame = await self._stage.frame(line.who)
        assert frame is None, f"not closed, but: {frame!r}"
        cause = await self._stage.ended(line.who)
        assert not line.text or cause in line.text.split("/"), f"the cause is {cause}"
