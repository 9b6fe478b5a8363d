"""A FIX 4.4 client: our own session layer in the initiator role, on any Trio stream.

    async with await connect("127.0.0.1", 9944, Identity("BROKER1", "KK99")) as client:
        await client.logon(reset=True)
        await client.send("D", [(11, "A1"), (55, "AAPL"), (54, 1), (60, client.timestamp()),
                                (38, 100), (40, 2), (44, "189.95")])
        report = await client.expect("8", ExecType="0", ClOrdID="A1")
        await client.logout()

Rules:

- There is no task behind a client: it reads, and answers heartbeats, test requests and resend
  requests, while somebody waits in `logon`, `receive`, `expect`, `wait_ended` or `logout`.
- One task waits in these at a time; any task may `send` meanwhile, or `ask_logon`, `ask_logout`.
- Nothing has a timeout of its own but what FIX itself lets wait (Logon, Logout, heartbeats); put
  `trio.fail_after` around the rest.
- The numbers live in the client's `ledger`; a later client that is given the same one continues
  the session, and one without logs on with `reset=True`.
- A session that has ended says so by `SessionEndedError` once everything received was taken.
- `receive` gives application messages and Reject(3); other administrative messages stay inside.
- What is missing is asked for without being told; `resend` is for what was received before.
"""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import attrs
import trio

from kk99fix.fix import encode, tables
from kk99fix.fix.framing import LIMIT, Frame, Framer, TooLong
from kk99fix.fix.message import Message, Pair
from kk99fix.fix.names import label
from kk99fix.fix.split import split
from kk99fix.fix.values import format_utc_timestamp
from kk99fix.harness.again import Again
from kk99fix.harness.ledger import Ledger
from kk99fix.harness.proofs import Identity, proof_fields
from kk99fix.session.effects import (
    Deliver,
    Disconnect,
    Effect,
    Established,
    Resend,
    ResetNumbers,
    Send,
    SetNextIn,
)
from kk99fix.session.machine import Session
from kk99fix.session.rules import NS_PER_S, Role, SessionRules

__all__ = [
    "Client",
    "Ending",
    "Identity",
    "LogonRefusedError",
    "ResendRefusedError",
    "SessionEndedError",
    "UnexpectedMessageError",
    "Value",
    "connect",
]

#: A value of a field; text is ASCII.
Value = bytes | str | int

#: What a venue sends to its counterparties.
_FROM_VENUE: Final = frozenset({b"8", b"9", b"B", b"j"})
_TAGS: Final = {
    rule.name: tag for tag, rule in (*tables.FIELDS.items(), *tables.KK99_FIELDS.items())
}
#: The other side closed the stream, or another task of ours did.
_GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)
_EVERYTHING: Final = 1000


@attrs.frozen
class Ending:
    """How a session ended."""

    #: A `DisconnectCause`, or "connection-closed" when the other side said nothing.
    cause: str
    #: Text(58) of the other side's Logout(5); empty if there was none.
    text: str = ""


class SessionEndedError(Exception):
    """There is no session any more: the ending says why."""

    def __init__(self, ending: Ending) -> None:
        """Take how it ended."""
        super().__init__(f"{ending.cause}: {ending.text}" if ending.text else ending.cause)
        self.ending = ending


class LogonRefusedError(SessionEndedError):
    """The other side did not take the logon; without a Text(58) it closed without a word."""


class UnexpectedMessageError(Exception):
    """Another message came than the one expected; the text shows both."""


class ResendRefusedError(Exception):
    """The other side rejected the ResendRequest(2); the text shows its Reject(3)."""


async def connect(
    host: str, port: int, identity: Identity, ledger: Ledger | None = None
) -> "Client":
    """Open a TCP connection for a client; raises OSError if nobody listens there."""
    return Client(await trio.open_tcp_stream(host, port), identity, ledger)


class Client(trio.abc.AsyncResource):
    """One connection of one session; see the top of this module."""

    def __init__(
        self,
        stream: trio.abc.Stream,
        identity: Identity,
        ledger: Ledger | None = None,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Take over a connected stream; `clock_ns` gives UTC in nanoseconds of the Unix epoch."""
        sender, target = identity.sender_comp_id.encode(), identity.target_comp_id.encode()
        self.identity = identity
        self.ledger = Ledger(sender, target) if ledger is None else ledger
        self._stream = stream
        self._clock_ns = clock_ns
        self._session = Session(
            SessionRules(
                sender_comp_id=target,
                target_comp_id=sender,
                application_types=_FROM_VENUE,
                kk99=identity.kk99,
                third_party=True,  # a drop copy is on behalf of its originator
                heart_bt_int_min_s=identity.heart_bt_int_s,
                heart_bt_int_max_s=identity.heart_bt_int_s,
            ),
            Role.INITIATOR,
        )
        self._framer = Framer(LIMIT)
        self._inbox: deque[Message] = deque()
        self._wire = bytearray()
        self._sending = trio.Lock()
        self._logout_text = ""
        #: What `resend` waits for.
        self._again: Again | None = None
        self._ending: Ending | None = None
        #: The session is over and its last bytes are on their way.
        self._leaving: Ending | None = None

    # ------------------------------------------------------------------ what can be asked for

    @property
    def name(self) -> str:
        """SenderCompID(49) of this client."""
        return self.identity.sender_comp_id

    @property
    def established(self) -> bool:
        """Whether the logon is complete and no logout has begun."""
        return self._session.established

    @property
    def ending(self) -> Ending | None:
        """How the session ended; None while it has not."""
        return self._ending

    def timestamp(self) -> bytes:
        """Return the time now as TransactTime(60) has it."""
        return format_utc_timestamp(self._clock_ns())

    async def logon(self, *, reset: bool = False, next_expected: bool = False) -> None:
        """Log on; `reset` asks for both numbers to begin at 1 (ResetSeqNumFlag(141)=Y).

        `next_expected` says what the client expects (NextExpectedMsgSeqNum(789)), so that the
        other side sends what it missed without being asked.
        Raises LogonRefusedError.
        """
        await self.ask_logon(reset=reset, next_expected=next_expected)
        while not self._session.established:
            if self._ending is not None:
                raise LogonRefusedError(self._ending)
            await self.step()

    async def ask_logon(
        self,
        *,
        reset: bool = False,
        next_expected: bool = False,
        more: tuple[Pair, ...] = (),
    ) -> None:
        """Send the Logon(A) and do not wait; `more` are fields behind the credentials."""
        # One moment for all of it: a signature covers the SendingTime(52) that is written.
        now_ns = self._clock_ns()
        number = 1 if reset else self.ledger.next_out
        await self._carry_out(
            self._session.logon(
                self.identity.heart_bt_int_s,
                self.ledger.numbers,
                now_ns,
                reset=reset,
                next_expected=next_expected,
                extra_fields=(*proof_fields(self.identity, number, now_ns), *more),
            ),
            now_ns,
        )

    async def send(self, msg_type: str, fields: Iterable[tuple[int, Value]]) -> None:
        """Send an application message: `fields` is its body, in order.

        That the connection is lost shows at the next `receive`.
        Raises SessionEndedError if that is known already.
        """
        ending = self._ending or self._leaving
        if ending is not None:
            raise SessionEndedError(ending)
        assert self._session.established, "log on first"
        body: tuple[Pair, ...] = tuple((tag, _bytes(value)) for tag, value in fields)
        self._wire += self.ledger.write(Send(msg_type.encode(), body), self._clock_ns())
        await self._flush()

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are, between two messages; the numbers do not move."""
        self._wire += data
        await self._flush()

    def receive_nowait(self) -> Message | None:
        """Take the next message that is here already; None if there is none."""
        return self._inbox.popleft() if self._inbox else None

    async def receive(self) -> Message:
        """Wait for the next message; raises SessionEndedError when there will be none."""
        while (message := self.receive_nowait()) is None:
            if self._ending is not None:
                raise SessionEndedError(self._ending)
            await self.step()
        return message

    async def expect(self, msg_type: str, **fields: Value | None) -> Message:
        """Wait for the next message, which must be of this type and have these values.

        Fields go by their FIX names, `ExecType="0"`; None means that there is no such field.
        Raises UnexpectedMessageError, and SessionEndedError when no message comes.
        """
        message = await self.receive()
        wanted = {_TAGS[name]: value for name, value in fields.items()}
        wanted_bytes = {
            tag: None if value is None else _bytes(value) for tag, value in wanted.items()
        }
        differs = [tag for tag, value in wanted_bytes.items() if message.get(tag) != value]
        if differs or message.msg_type != msg_type.encode():
            names = ", ".join(label(tag).decode() for tag in differs)
            expected = encode.body((tag, value or b"") for tag, value in wanted_bytes.items())
            raise UnexpectedMessageError(
                f"{self.name}: {f'wrong {names}' if names else 'another message'}\n"
                f"expected 35={msg_type}|{_readable(expected)}\n"
                f"received {_readable(message.raw)}"
            )
        return message

    async def resend(self, begin: int, end: int = 0) -> list[Message]:
        """Ask for messages once more and return them, from number `begin` to `end`, both included.

        0 is the last one received.
        They come with PossDupFlag(43)=Y, administrative ones as SequenceReset(4) in mode GapFill;
        what else comes meanwhile is left for `receive`.
        Raises ResendRefusedError, and SessionEndedError when the range stays incomplete.
        """
        last = end or self.ledger.next_in - 1
        if not 1 <= begin <= last < self.ledger.next_in:
            raise ValueError(f"numbers {begin} to {last} of {self.ledger.next_in - 1} received")
        again = self._again = Again(begin, last, request=self.ledger.next_out)
        try:
            await self.send("2", [(7, begin), (16, last)])
            while not again.complete:
                if again.refusal is not None:
                    raise ResendRefusedError(_readable(again.refusal.raw))
                if self._ending is not None:
                    raise SessionEndedError(self._ending)
                await self.step()
        finally:
            self._again = None
        return again.messages

    async def wait_ended(self) -> Ending:
        """Wait until the session has ended; what is received meanwhile can still be taken."""
        while self._ending is None:
            await self.step()
        return self._ending

    async def logout(self, text: str = "") -> Ending:
        """Log out and wait for the end; reports on their way are left for the next logon."""
        await self.ask_logout(text)
        return await self.wait_ended()

    async def ask_logout(self, text: str = "") -> None:
        """Send the Logout(5) and do not wait for the end."""
        effects = self._session.stop(text.encode(), self.ledger.numbers, self._clock_ns())
        await self._carry_out(effects)

    async def step(self) -> None:
        """Read once, or do what is due when the time for it comes first."""
        deadline_ns = self._session.next_deadline_ns(self.ledger.numbers)
        scope = trio.CancelScope()
        if deadline_ns is not None:
            left_s = max(0, deadline_ns - self._clock_ns()) / NS_PER_S
            scope.deadline = trio.current_time() + left_s
        data: bytes | bytearray | None = None
        with scope:
            try:
                data = await self._stream.receive_some()
            except _GONE:
                data = b""
        if data is None:
            now_ns = self._clock_ns()
            await self._carry_out(self._session.tick(self.ledger.numbers, now_ns))
        elif data:
            self._framer.feed(bytes(data))
            await self._read_frames()
        else:
            await self._end("connection-closed")

    async def aclose(self) -> None:
        """Drop the connection as it is."""
        await self._end("closed")

    # ------------------------------------------------------------------ inside

    async def _read_frames(self) -> None:
        """Hand what is complete to the session; what is garbled is not there."""
        while self._ending is None and (event := self._framer.next_event()) is not None:
            if isinstance(event, Frame):
                await self._receive(split(event.raw))
            elif isinstance(event, TooLong):
                await self._end("frame-too-long")

    async def _receive(self, message: Message) -> None:
        if message.msg_type == b"5":
            self._logout_text = encode.echo(message.get(58) or b"", _EVERYTHING).decode()
        elif self._again is not None and self._again.take(message):
            pass
        elif message.msg_type == b"3" and self._session.established:
            self._inbox.append(message)
        now_ns = self._clock_ns()
        effects = self._session.receive(message, self.ledger.numbers, now_ns)
        self.ledger.last_in_ns = now_ns
        await self._carry_out(effects)

    async def _carry_out(self, effects: tuple[Effect, ...], now_ns: int | None = None) -> None:
        """Turn the session's effects into changes of the ledger, bytes and messages."""
        now_ns = self._clock_ns() if now_ns is None else now_ns
        cause = None
        for effect in effects:
            match effect:
                case Send():
                    self._wire += self.ledger.write(effect, now_ns)
                case SetNextIn(number=number):
                    self.ledger.next_in = number
                case ResetNumbers():
                    self.ledger.reset()
                case Resend(begin=begin, end=end):
                    self._wire += self.ledger.write_again(begin, end, now_ns)
                case Deliver(message=message):
                    self._inbox.append(message)
                case Established():
                    self.ledger.last_in_ns = self.ledger.last_out_ns = now_ns
                case Disconnect():
                    cause = effect.cause
        if cause is None:
            await self._flush()
        else:
            await self._leave(cause.value)

    async def _leave(self, cause: str) -> None:
        """Send the last bytes and end; nobody sends anything in between."""
        self._leaving = Ending(cause, self._logout_text)
        await self._flush()
        await self._end(cause)

    async def _flush(self) -> None:
        """Send what was written, in the order in which it was numbered."""
        async with self._sending:
            data, self._wire = self._wire, bytearray()
            if data and self._ending is None:
                # What the other side said before it went is still to be read.
                with contextlib.suppress(*_GONE):
                    await self._stream.send_all(data)

    async def _end(self, cause: str) -> None:
        if self._ending is None:
            self._ending = Ending(cause, self._logout_text)
            self._session.connection_lost()
        await self._stream.aclose()


def _bytes(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    return str(value).encode("ascii")


def _readable(frame: bytes) -> str:
    return encode.printable(frame.replace(b"\x01", b"|"), _EVERYTHING)
