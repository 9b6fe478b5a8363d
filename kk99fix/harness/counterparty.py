"""A counterparty of a scenario: the verbs of a script, as methods.

    buyer = scenario.counterparty("BUYER", Identity("BROKER1", "KK99"))
    await buyer.logon(reset=True)
    await buyer.send("NewOrderSingle", ClOrdID="A1", Symbol="AAPL", Side="BUY", OrderQty=100,
                     OrdType="LIMIT", Price="190.00", TransactTime=buyer.timestamp())
    report = await buyer.expect("ExecutionReport", ExecType="NEW", OrderID="*")

Rules:

- Expectations look at the wire: at every message in the order in which it came, resent ones too.
- A counterparty with a session layer passes over what that layer deals with (Heartbeat(0),
  TestRequest(1), ResendRequest(2), SequenceReset(4), Logon(A)), unless it is what is expected.
  A raw one passes over nothing, answers nothing, and may write every field of a header.
- Whatever is not as expected raises `StepFailedError`, an AssertionError.
- Values are text, numbers or bytes; a word that is a meaning of FIX stands for its value (`BUY`).
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol

import trio

from kk99fix.fix.message import Message, Pair
from kk99fix.fix.values import format_utc_timestamp
from kk99fix.harness.client import Identity, SessionEndedError, Value
from kk99fix.harness.conditions import Condition, Difference, differences, equal
from kk99fix.harness.frames import FRAMING, OPTIONAL_HEADER
from kk99fix.harness.inbox import Inbox
from kk99fix.harness.ledger import Ledger
from kk99fix.harness.links import Link, RawLink, SessionLink
from kk99fix.harness.tap import Tap
from kk99fix.harness.transcript import Kind, fields_text, label, readable
from kk99fix.harness.vocabulary import vocabulary

#: What a session layer deals with by itself.
_ITS_OWN: Final = frozenset({b"0", b"1", b"2", b"4", b"A"})
#: What a session layer writes by itself.
WRITTEN: Final = FRAMING | {34, 49, 52, 56}
#: Any message will do.
ANY: Final = "*"


class StepFailedError(AssertionError):
    """Something else happened than was wanted; `differences` say in which fields."""

    def __init__(
        self, text: str, found: Sequence[Difference] = (), received: Message | None = None
    ) -> None:
        """Take the text for people, and what it is made of."""
        super().__init__("\n".join([text, *(f"  {each.text}" for each in found)]))
        self.differences = tuple(found)
        self.received = received


class UnreachableError(StepFailedError):
    """Nobody listens where a counterparty connects."""


class Stage(Protocol):
    """What a counterparty needs of its scenario."""

    @property
    def within_s(self) -> float:
        """How long a step waits, unless it says so itself."""

    def now_ns(self) -> int:
        """Return UTC."""

    async def open(self, host: str | None, port: int | None) -> trio.abc.Stream:
        """Open a connection; raises UnreachableError."""

    def start(self, task: Callable[[], Awaitable[None]]) -> None:
        """Run a task beside the scenario."""

    def note(self, kind: Kind, who: str, text: str = "", message: Message | None = None) -> None:
        """Put something into the transcript."""


class Counterparty:
    """One counterparty; it may connect again after each end, and its numbers go on."""

    def __init__(
        self,
        name: str,
        identity: Identity,
        stage: Stage,
        *,
        raw: bool = False,
        address: tuple[str | None, int | None] = (None, None),
    ) -> None:
        """Begin without a connection; `address` is another host or port than the scenario's."""
        self.name = name
        self.identity = identity
        self.raw = raw
        self.address = address
        sender, target = identity.sender_comp_id, identity.target_comp_id
        #: The numbers, and what may be asked for again.
        self.ledger = Ledger(sender.encode(), target.encode())
        #: The message that was expected, or found, last.
        self.last: Message | None = None
        self.inbox = Inbox()
        self._stage = stage
        self._link: SessionLink | RawLink | None = None

    # ------------------------------------------------------------------ the tap's listener

    def sent(self, message: Message) -> None:
        """Take note of a message of ours."""
        self._stage.note(Kind.SENT, self.name, message=message)

    def sent_bytes(self, data: bytes) -> None:
        """Take note of bytes of ours."""
        self._stage.note(Kind.SENT_BYTES, self.name, readable(data))

    def received(self, message: Message) -> None:
        """Take a message of the other side in."""
        self._stage.note(Kind.RECEIVED, self.name, message=message)
        self.inbox.add(message)

    def received_garbage(self) -> None:
        """Take note of bytes that are no message."""
        self._stage.note(Kind.RECEIVED_GARBAGE, self.name, "bytes that are no message")

    # ------------------------------------------------------------------ connections

    @property
    def connected(self) -> bool:
        """Whether there is a connection that has not ended."""
        return self._link is not None and not self._link.ended

    @property
    def raw_link(self) -> RawLink:
        """The connection of a raw counterparty."""
        assert isinstance(self._link, RawLink), f"{self.name} is not raw, or not connected"
        return self._link

    def timestamp(self, offset_s: float = 0.0) -> str:
        """Return the time now, or so many seconds from now, as TransactTime(60) has it."""
        return format_utc_timestamp(self._stage.now_ns() + round(offset_s * 1e9)).decode()

    async def connect(self) -> None:
        """Open a connection."""
        if self.connected:
            raise StepFailedError(f"{self.name} is connected already")
        tap = Tap(await self._stage.open(*self.address), self)
        self.inbox.clear()
        kind = RawLink if self.raw else SessionLink
        link = self._link = kind(tap, self.identity, self.ledger, self._stage.now_ns)
        self._stage.note(Kind.CONNECTED, self.name, "connected")

        async def serve() -> None:
            await link.serve(self.inbox.changed)
            self._stage.note(Kind.CLOSED, self.name, link.end_text)

        self._stage.start(serve)

    async def logon(
        self,
        *more: tuple[int | str, Value],
        reset: bool = False,
        next_expected: bool = False,
        within_s: float | None = None,
    ) -> Message:
        """Log on, connect first if that was not done, and return the answer.

        `reset` asks for numbers from 1 (ResetSeqNumFlag(141)=Y), `next_expected` says what is
        expected next (NextExpectedMsgSeqNum(789)); `more` are further fields of the Logon(A).
        """
        if not self.connected:
            await self.connect()
        link = self._connected()
        if link.established:
            raise StepFailedError(f"{self.name} is logged on already; only a raw one logs on twice")
        if self.raw and next_expected:
            raise StepFailedError(
                f"{self.name} is raw: it keeps no account of what it expects next"
            )
        fields = _pairs(more, {})
        await link.ask_logon(reset=reset, next_expected=next_expected, more=tuple(fields))
        answer = await self.expect("Logon", within_s=within_s)
        await self.inbox.wait(
            lambda: link.established is not False or link.ended, self._within(None)
        )
        return answer

    async def logout(self, text: str = "", within_s: float | None = None) -> None:
        """Log out, and wait for the answer and the end."""
        link = self._connected()
        await link.ask_logout(text)
        if self.raw:
            await self.find("Logout", within_s=within_s)
            await link.aclose()
        if not await self.inbox.wait(lambda: link.ended, self._within(within_s)):
            raise StepFailedError(f"{self.name}: the Logout(5) was not answered")
        if "timeout" in link.end_text:
            raise StepFailedError(f"{self.name}: the Logout(5) was not answered: {link.end_text}")
        self.inbox.drop(b"5")

    async def drop(self, *, reset: bool = False) -> None:
        """Close the connection without a word; `reset` by RST."""
        link = self._connected()
        await link.aclose(reset=reset)
        await self.inbox.wait(lambda: link.ended, self._stage.within_s)

    # ------------------------------------------------------------------ sending

    async def send(
        self,
        msg_type: str,
        *fields: tuple[int | str, Value],
        left_out: Iterable[int] = (),
        **named: Value,
    ) -> None:
        """Send a message: fields as pairs or by name, in their order.

        Only a raw counterparty may give fields of the header, or leave them out.
        """
        code = vocabulary().msg_type(msg_type).encode()
        pairs = _pairs(fields, named)
        own = [tag for tag, _ in pairs if tag in WRITTEN] if not self.raw else []
        if own or (left_out and not self.raw):
            what = ", ".join(vocabulary().tag(tag).label for tag in own or left_out)
            raise StepFailedError(f"{self.name}: the session layer writes {what}; make it raw")
        link = self._connected()
        if link.established is False:
            raise StepFailedError(f"{self.name} is not logged on; only a raw one may send before")
        try:
            await link.send(code, pairs, left_out)
        except SessionEndedError as error:
            raise StepFailedError(f"{self.name} has no session any more: {error}") from error

    def frame(
        self,
        msg_type: str,
        *fields: tuple[int | str, Value],
        left_out: Iterable[int] = (),
        **named: Value,
    ) -> bytes:
        """Return the next message of a raw counterparty, which is not sent."""
        code = vocabulary().msg_type(msg_type).encode()
        return self.raw_link.frame(code, _pairs(fields, named), left_out)

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self._connected().send_bytes(data)

    # ------------------------------------------------------------------ expecting

    async def expect(
        self,
        msg_type: str,
        *conditions: Condition,
        within_s: float | None = None,
        **named: Value,
    ) -> Message:
        """Wait for the next message, which must be this one; ANY is any."""
        wanted = [*conditions, *(equal(name, str(value)) for name, value in named.items())]
        code = _code(msg_type)
        message = await self._next(code, within_s, wanted)
        found = differences(wanted, message)
        if code is not None and message.msg_type != code:
            text = f"{self.name}: expected {_name(msg_type)}, received {_described(message)}"
            raise StepFailedError(text, received=message)
        if found:
            text = f"{self.name}: another {label(message)} came than the one expected"
            raise StepFailedError(text, found, message)
        self.last = message
        return message

    async def find(
        self,
        msg_type: str,
        *conditions: Condition,
        within_s: float | None = None,
        **named: Value,
    ) -> Message:
        """Wait for the first message that is this one, and pass over those before it."""
        wanted = [*conditions, *(equal(name, str(value)) for name, value in named.items())]
        code = _code(msg_type)
        limit_s = self._within(within_s)
        with trio.move_on_after(limit_s) as scope:
            while True:
                message = await self._next(code, limit_s + 1, wanted)
                if code in {None, message.msg_type} and not differences(wanted, message):
                    self.last = message
                    return message
        assert scope.cancelled_caught
        raise StepFailedError(self._nothing(code, limit_s, wanted))

    async def expect_nothing(self, within_s: float = 0.5) -> None:
        """Hold that nothing comes for a while, and that the connection stays."""
        came: list[Message] = []

        def disturbed() -> bool:
            message = self._first(None)
            if message is not None:
                came.append(message)
            return bool(came) or not self.connected

        if await self.inbox.wait(disturbed, within_s):
            what = _described(came[0]) if came else f"the end: {self._end_text()}"
            raise StepFailedError(f"{self.name}: expected nothing, received {what}")

    async def expect_closed(self, within_s: float | None = None) -> None:
        """Wait for the end of the connection, before which nothing else comes."""
        limit_s = self._within(within_s)
        ended = await self.inbox.wait(lambda: not self.connected, limit_s)
        message = self._first(None)
        if message is not None:
            raise StepFailedError(
                f"{self.name}: expected the end, received {_described(message)}", (), message
            )
        if not ended:
            raise StepFailedError(f"{self.name}: still connected after {limit_s:g} s")

    # ------------------------------------------------------------------ inside

    def _connected(self) -> Link:
        if self._link is None or self._link.ended:
            raise StepFailedError(f"{self.name} is not connected: {self._end_text()}")
        return self._link

    def _end_text(self) -> str:
        return "never was" if self._link is None else self._link.end_text

    def _within(self, within_s: float | None) -> float:
        return self._stage.within_s if within_s is None else within_s

    def _first(self, wanted: bytes | None) -> Message | None:
        """Take the next message that may be looked at."""
        while (message := self.inbox.take()) is not None:
            if self.raw or message.msg_type == wanted or message.msg_type not in _ITS_OWN:
                return message
        return None

    async def _next(
        self, code: bytes | None, within_s: float | None, wanted: Sequence[Condition]
    ) -> Message:
        limit_s = self._within(within_s)
        came: list[Message] = []

        def there() -> bool:
            message = self._first(code)
            if message is not None:
                came.append(message)
            return bool(came) or not self.connected

        await self.inbox.wait(there, limit_s)
        if came:
            return came[0]
        raise StepFailedError(self._nothing(code, limit_s, wanted))

    def _nothing(self, code: bytes | None, limit_s: float, wanted: Sequence[Condition]) -> str:
        """Say that what was expected did not come."""
        name = "a message" if code is None else vocabulary().message_label(code.decode())
        conditions = " ".join(each.label for each in wanted)
        what = f"{name} {conditions}".rstrip()
        if not self.connected:
            return f"{self.name}: expected {what}, but the connection ended: {self._end_text()}"
        return f"{self.name}: expected {what}, but it did not come within {limit_s:g} s"


def _code(msg_type: str) -> bytes | None:
    return None if msg_type == ANY else vocabulary().msg_type(msg_type).encode()


def _name(msg_type: str) -> str:
    return vocabulary().message_label(vocabulary().msg_type(msg_type))


def _described(message: Message) -> str:
    """Return a message in a few words: its name, its number, and its text if it has one."""
    text = fields_text(message, 58)
    return f"{label(message)} #{fields_text(message, 34)}{f': {text}' if text else ''}"


def _pairs(fields: Iterable[tuple[int | str, Value]], named: dict[str, Value]) -> list[Pair]:
    """Return fields as tags and bytes, those of the header first."""
    words = vocabulary()
    pairs: list[Pair] = []
    for word, value in [*fields, *named.items()]:
        field = words.field(str(word))
        text = value if isinstance(value, bytes) else field.code(str(value)).encode("latin-1")
        pairs.append((field.tag, text))
    return sorted(pairs, key=lambda pair: pair[0] not in OPTIONAL_HEADER)
