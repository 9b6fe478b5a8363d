"""The owner of a session in tests: number store, message store and a script reader.

A `Desk` carries out effects as the venue does: it assigns MsgSeqNum(34) and SendingTime(52), keeps
what was sent, and answers a `Resend` from it.
It also asserts what holds for every call, whatever the counterparty does.

A script is a session log, one line per event, `|` for SOH:

    I 35=A|34=1|98=0|108=30     the counterparty sends; 49, 56, 52, 9 and 10 are added
    E 35=A|34=1|98=0|108=30     the session sends; 49, 56 and 52 are left out
    E deliver 35=D|34=2         another effect
    T 36                        36 seconds pass, then a tick
    N 2 2                       next in, next out
    S LOGGED_ON                 the state

What `I` and `T` cause has to be exactly the `E` lines that follow.
"""

from collections.abc import Callable, Iterable

import attrs

from kk99fix.fix.encode import body
from kk99fix.fix.framing import checksum
from kk99fix.fix.message import Message, Pair
from kk99fix.fix.values import format_utc_timestamp
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
from kk99fix.session.rules import NS_PER_S, Numbers, Role, SessionRules

START_NS = 1_790_000_000 * NS_PER_S
RULES = SessionRules(sender_comp_id=b"BROKER1", target_comp_id=b"KK99")
#: The same session seen by its counterparty.
PEER_RULES = SessionRules(sender_comp_id=b"KK99", target_comp_id=b"BROKER1")

#: A logon of the counterparty, as it is before most scripts.
LOGON = """
    I 35=A|34=1|98=0|108=30
    E 35=A|34=1|98=0|108=30
    E established 30
"""
#: The body of an order.
ORDER = "11=A1|54=1|60=20260921-12:00:00|40=2|55=AAPL|38=10|44=190"

ADMIN_TYPES = frozenset({b"0", b"1", b"2", b"4", b"5", b"A"})


def frame(fields: Iterable[Pair], begin_string: bytes = b"FIX.4.4") -> bytes:
    """Build a frame around `fields`, which start with MsgType(35)."""
    content = body(fields)
    head = b"8=%s\x019=%d\x01%s" % (begin_string, len(content), content)
    return head + b"10=%03d\x01" % checksum(head)


def pairs(line: str) -> list[Pair]:
    """Read `35=D|34=2` as fields."""
    fields = (field.partition("=") for field in line.split("|"))
    return [(int(tag), value.encode("latin-1")) for tag, _, value in fields]


def text(fields: Iterable[Pair]) -> str:
    """Write fields as `35=D|34=2`."""
    return "|".join(f"{tag}={value.decode('latin-1')}" for tag, value in fields)


@attrs.define
class Desk:
    """One side of a session: the machine, its numbers, its clock and what it sent."""

    rules: SessionRules = RULES
    role: Role = Role.ACCEPTOR
    now_ns: int = START_NS
    next_in: int = 1
    next_out: int = 1
    last_in_ns: int = 0
    last_out_ns: int = 0
    session: Session = attrs.field(init=False)
    #: Frames on their way to the counterparty.
    wire: list[bytes] = attrs.field(factory=list, init=False)
    #: What was sent in this epoch, by MsgSeqNum(34).
    store: dict[int, tuple[int, Send]] = attrs.field(factory=dict, init=False)
    delivered: list[Message] = attrs.field(factory=list, init=False)
    disconnected: bool = attrs.field(default=False, init=False)
    #: Called for each Deliver, as order entry would be.
    on_deliver: Callable[[Message], Iterable[Send]] = attrs.field(default=lambda _: (), init=False)

    def __attrs_post_init__(self) -> None:
        """Open the first connection."""
        self.connect()

    @property
    def numbers(self) -> Numbers:
        """What the session is told in each call."""
        return Numbers(self.next_in, self.next_out, self.last_in_ns, self.last_out_ns)

    def connect(self) -> None:
        """Begin a connection; numbers and store go on."""
        self.session = Session(self.rules, self.role)
        self.wire.clear()
        self.disconnected = False

    def receive(self, raw: bytes) -> list[str]:
        """Hand one frame to the session and carry out what it says."""
        effects = self.session.receive(raw, self.numbers, self.now_ns)
        self.last_in_ns = self.now_ns
        return self.perform(effects)

    def tick(self) -> list[str]:
        """Hand the present moment to the session."""
        return self.perform(self.session.tick(self.numbers, self.now_ns))

    def send(self, message: Send) -> str:
        """Send a message of the application's or the session's; returns it as text."""
        number, self.next_out = self.next_out, self.next_out + 1
        self.store[number] = (self.now_ns, message)
        self.last_out_ns = self.now_ns
        self._transmit(message, number)
        fields = [(35, message.msg_type), (34, b"%d" % number), *message.fields]
        return text(fields)

    def perform(self, effects: tuple[Effect, ...]) -> list[str]:
        """Carry out effects in order; returns all but SetNextIn as text."""
        lines: list[str] = []
        for position, effect in enumerate(effects):
            match effect:
                case Send():
                    lines.append(self.send(effect))
                case SetNextIn(number):
                    assert number > self.next_in, "next_in falls"
                    self.next_in = number
                case ResetNumbers():
                    self.next_in = self.next_out = 1
                    self.store.clear()
                    lines.append("reset")
                case Resend(begin, end):
                    assert 1 <= begin <= end < self.next_out, "not sent before"
                    self._resend(begin, end)
                    lines.append(f"resend {begin} {end}")
                case Deliver(message):
                    self.delivered.append(message)
                    fields = [pair for pair in message.fields if pair[0] not in _FRAMING]
                    lines.append(f"deliver {text(fields)}")
                    lines += [self.send(answer) for answer in self.on_deliver(message)]
                case Established(heart_bt_int_ns):
                    self.last_in_ns = self.last_out_ns = self.now_ns
                    lines.append(f"established {heart_bt_int_ns // NS_PER_S}")
                case Disconnect(cause):
                    assert position == len(effects) - 1, "something follows a Disconnect"
                    self.disconnected = True
                    lines.append(f"disconnect {cause}")
        return lines

    def _transmit(self, message: Send, number: int, extra: tuple[Pair, ...] = ()) -> None:
        header = (
            (35, message.msg_type),
            (49, self.rules.target_comp_id),
            (56, self.rules.sender_comp_id),
            (34, b"%d" % number),
            (52, format_utc_timestamp(self.now_ns)),
        )
        self.wire.append(frame((*header, *extra, *message.fields)))

    def _resend(self, begin: int, end: int) -> None:
        """Originals with PossDupFlag(43)=Y, administrative messages gap-filled."""
        number = begin
        while number <= end:
            sent_ns, message = self.store[number]
            sent = format_utc_timestamp(sent_ns)
            extra = ((43, b"Y"), (122, sent))
            following = number + 1
            if message.msg_type in ADMIN_TYPES:
                while following <= end and self.store[following][1].msg_type in ADMIN_TYPES:
                    following += 1
                fill = Send(b"4", ((123, b"Y"), (36, b"%d" % following)))
                self._transmit(fill, number, extra)
            else:
                self._transmit(message, number, extra)
            number = following


_FRAMING = frozenset({8, 9, 10, 49, 56, 52, 122})


def inbound(line: str, desk: Desk) -> bytes:
    """Build the counterparty's frame of an `I` line; a tag given as `49=` is left out."""
    given = dict(pairs(line))
    header: dict[int, bytes] = {
        35: given.pop(35),
        49: desk.rules.sender_comp_id,
        56: desk.rules.target_comp_id,
        52: format_utc_timestamp(desk.now_ns),
    }
    begin_string = given.pop(8, b"FIX.4.4")
    fields = header | given
    return frame([pair for pair in fields.items() if pair[1]], begin_string)


def run(script: str, desk: Desk) -> None:
    """Play a script against `desk`; fails at the first line that does not hold."""
    got: list[str] = []
    lines = [line.strip() for line in script.strip().splitlines()]
    for line in [line for line in lines if line and not line.startswith("#")]:
        kind, _, rest = line.partition(" ")
        if kind == "E":
            assert got, f"nothing came, expected: {rest}"
            assert got.pop(0) == rest
            continue
        assert got == [], f"before: {line}"
        match kind:
            case "I":
                got = desk.receive(inbound(rest, desk))
            case "T":
                desk.now_ns += round(float(rest) * NS_PER_S)
                got = desk.tick()
            case "N":
                assert f"{desk.next_in} {desk.next_out}" == rest
            case "S":
                assert desk.session.state.name == rest
            case _:
                raise AssertionError(f"what is {line!r}?")
    assert got == []
