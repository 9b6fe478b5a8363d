"""Two machines wired back to back, and one machine against noise."""

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from support.session_desk import PEER_RULES, RULES, Desk, frame, inbound

from kk99fix.fix.message import Pair
from kk99fix.fix.values import format_utc_timestamp
from kk99fix.session.effects import Send
from kk99fix.session.rules import NS_PER_S, Role
from kk99fix.session.states import State

SETTLING_ROUNDS = 50


@attrs.define
class Link:
    """Two desks and what each of them sent; frames in flight are lost when it breaks."""

    acceptor: Desk = attrs.field(factory=lambda: Desk(RULES))
    initiator: Desk = attrs.field(factory=lambda: Desk(PEER_RULES, Role.INITIATOR))
    sent: dict[int, list[bytes]] = attrs.field(factory=lambda: {0: [], 1: []})
    #: Whether the initiator says what it expects in its Logon(A).
    next_expected: bool = False

    @property
    def desks(self) -> tuple[Desk, Desk]:
        """The acceptor and the initiator."""
        return self.acceptor, self.initiator

    def reconnect(self) -> None:
        """Break the connection, make a new one and ask for a logon."""
        for desk in self.desks:
            desk.session.connection_lost()
            desk.connect()
        peer = self.initiator
        logon = peer.session.logon(30, peer.numbers, peer.now_ns, next_expected=self.next_expected)
        peer.perform(logon)

    def order(self, side: int) -> None:
        """Let one side send an order; it leaves later if the session is not up."""
        cl_ord_id = b"%d-%d" % (side, len(self.sent[side]))
        self.sent[side].append(cl_ord_id)
        desk = self.desks[side]
        fields = ((11, cl_ord_id), (54, b"1"), (60, format_utc_timestamp(desk.now_ns)))
        desk.send(Send(b"D", (*fields, (40, b"1"), (55, b"AAPL"), (38, b"1"))))
        if not desk.session.established:
            desk.wire.pop()

    def carry(self, side: int) -> None:
        """Carry one frame from `side` to the other."""
        if self.desks[side].wire:
            self.desks[1 - side].receive(self.desks[side].wire.pop(0))

    def wait(self, seconds: int) -> None:
        """Let time pass on both sides."""
        for desk in self.desks:
            desk.now_ns += seconds * NS_PER_S
            desk.tick()

    def stop(self, side: int) -> None:
        """Let one side log out."""
        desk = self.desks[side]
        desk.perform(desk.session.stop(b"", desk.numbers, desk.now_ns))

    def settle(self) -> None:
        """Bring everything to rest: reconnect while a side is closed, carry what is in flight."""
        one, other = self.desks
        for _ in range(SETTLING_ROUNDS):
            while one.wire or other.wire:
                self.carry(0)
                self.carry(1)
            logged_on = all(desk.session.state is State.LOGGED_ON for desk in self.desks)
            if logged_on and (one.next_in, one.next_out) == (other.next_out, other.next_in):
                return
            self.wait(3)
            if any(not desk.session.established for desk in self.desks):
                self.reconnect()
        raise AssertionError([desk.session.state for desk in self.desks])

    def received(self, side: int) -> list[bytes]:
        """What arrived from `side` at the other."""
        return [message.get(11) or b"" for message in self.desks[1 - side].delivered]


SIDES = st.integers(0, 1)
STEPS = st.one_of(
    st.tuples(st.just("order"), SIDES),
    st.tuples(st.just("order"), SIDES),
    st.tuples(st.just("carry"), SIDES),
    st.tuples(st.just("carry"), SIDES),
    st.tuples(st.just("carry"), SIDES),
    st.tuples(st.just("wait"), st.sampled_from([1, 10, 31, 40])),
    st.tuples(st.just("stop"), SIDES),
    st.tuples(st.just("reconnect"), st.none()),
)


@given(st.lists(STEPS, max_size=60), st.integers(1, 3), st.booleans())
@settings(max_examples=300, deadline=None)
def test_nothing_is_lost(
    steps: list[tuple[str, int | None]], queue: int, next_expected: bool
) -> None:
    """Whatever breaks, each side gets everything the other sent, once and in order."""
    link = Link(Desk(attrs.evolve(RULES, early_messages_max=queue)), next_expected=next_expected)
    link.reconnect()
    for name, argument in steps:
        method = getattr(link, name)
        method() if argument is None else method(argument)
    link.settle()
    for desk in link.desks:
        assert desk.session.plain

    assert link.received(0) == link.sent[0]
    assert link.received(1) == link.sent[1]


MSG_TYPES = st.sampled_from([*b"0123455AADFGH8j!", 0]).map(lambda byte: bytes([byte]))
NUMBERS = st.one_of(
    st.integers(0, 12),
    st.sampled_from([2**31, 2**63, 2**64 - 1, 2**64, 10**30]),
).map(lambda number: b"%d" % number)
VALUES = st.one_of(
    NUMBERS,
    st.sampled_from([b"Y", b"N", b"", b"x", b"-1", b"20260922-12:00:00", b"\xff\x00"]),
    st.binary(max_size=8).filter(lambda value: b"\x01" not in value),
)
TAGS = st.sampled_from([7, 16, 36, 43, 97, 98, 108, 112, 122, 123, 141, 45, 11, 9999, 95, 96])
NOISE = st.lists(st.tuples(TAGS, VALUES), max_size=6)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Frames with a right length and sum that are more or less sensible inside."""
    now = format_utc_timestamp(Desk().now_ns)
    head: list[Pair] = [
        (35, draw(MSG_TYPES)),
        (49, draw(st.sampled_from([b"BROKER1"] * 20 + [b"OTHER"]))),
        (56, b"KK99"),
        (34, draw(NUMBERS)),
        (52, draw(st.sampled_from([now] * 10 + [b"20200101-00:00:00", b"soon"]))),
    ]
    left_out = draw(st.sampled_from([0] * 20 + [34, 49, 52]))
    return frame([pair for pair in head if pair[0] != left_out] + draw(NOISE))


STEPS_OF_NOISE = st.lists(
    st.one_of(frames(), st.binary(max_size=40), st.integers(0, 40)), max_size=40
)


@given(STEPS_OF_NOISE, st.sampled_from(Role), st.booleans())
@settings(max_examples=500, deadline=None)
def test_noise(steps: list[bytes | int], role: Role, logged_on: bool) -> None:
    """Whatever comes, the answer is effects: never an exception, never a number that falls."""
    desk = Desk(role=role)
    if role is Role.INITIATOR:
        desk.perform(desk.session.logon(30, desk.numbers, desk.now_ns))
    if logged_on:
        desk.receive(inbound("35=A|34=1|98=0|108=30", desk))
        assert desk.session.plain
    for step in steps:
        if isinstance(step, bytes):
            desk.receive(step)
        else:
            desk.now_ns += step * NS_PER_S
            desk.tick()
        deadline_ns = desk.session.next_deadline_ns(desk.numbers)
        assert deadline_ns is None or deadline_ns > desk.now_ns
