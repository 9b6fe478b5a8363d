"""The acceptor with fakes all around and a clock that jumps: times are exact."""

from typing import Any, cast

import attrs
import pytest
import trio
from support.frames import frame
from support.live_gateway import LogLines
from trio.testing import MockClock

from kk99fix.config.venue import Listen
from kk99fix.fix.message import Message
from kk99fix.gateway.acceptor import Acceptor
from kk99fix.gateway.authentication import Admitted, Refusal
from kk99fix.gateway.line_budget import LINES_PER_S
from kk99fix.venue.inputs import LogonInput
from kk99fix.venue.session_commands import ProbeInput

NOW_NS = 1_790_000_000_000_000_000
LOGON = frame("A", "98=0|108=30|554=secret|")
BROKER1 = Admitted(3, "BROKER1")
LISTEN = Listen(
    logon_timeout_s=5,
    failed_logon_delay_s=2,
    max_connections=4,
    max_connections_per_address=2,
    max_pre_logon_bytes=512,
)


class FakeSocket:
    """A socket that receives what a test puts in."""

    def __init__(self, address: str) -> None:
        """Begin open, with nothing received."""
        self.address = address
        self.put, self._take = trio.open_memory_channel[bytes | OSError](100)
        self.closed_at: float | None = None
        self.detached = False

    def getpeername(self) -> tuple[str, int]:
        """Return the address."""
        if not self.address:
            raise OSError("not connected")
        return self.address, 1234

    async def recv(self, _size: int) -> bytes:
        """Return what a test has put in; an error is raised."""
        data = await self._take.receive()
        if isinstance(data, OSError):
            raise data
        return data

    def setsockopt(self, *_: int) -> None:
        """Take any option."""

    def fileno(self) -> int:
        """Return a number."""
        return 7

    def detach(self) -> None:
        """Give the descriptor away."""
        self.detached = True

    def close(self) -> None:
        """Note when."""
        self.closed_at = trio.current_time()


@attrs.define
class Rig:
    """An acceptor and the fakes around it, which are all this one object."""

    clock: MockClock
    verdict: Admitted | Refusal | Exception = BROKER1
    verdict_after_s: float = 0
    reachable: bool = True
    slot_free: bool = True
    probe_wanted: bool = False
    live: set[int] = attrs.field(factory=set)
    addresses: list[str] = attrs.field(factory=list)
    done: list[object] = attrs.field(factory=list)
    logged: LogLines = attrs.field(factory=LogLines)
    acceptor: Acceptor = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Stand for every part."""
        me = cast("Any", self)
        serve_now = lambda: self.done.append("serve")  # noqa: E731 - as short as it is
        self.acceptor = Acceptor(LISTEN, me, me, me, self.logged.log, serve_now)

    # the authenticator
    def reachable_from(self, _address: str) -> bool:
        """Say what the test wants."""
        return self.reachable

    async def admit(self, _message: Message, _address: str) -> Admitted | Refusal:
        """Say what the test wants, after a while."""
        await trio.sleep(self.verdict_after_s)
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict

    # the sequencer and its venue
    @property
    def venue(self) -> "Rig":
        """The venue is here too."""
        return self

    @property
    def pump(self) -> "Rig":
        """The pump is here too."""
        return self

    def now_ns(self) -> int:
        """Return some time."""
        return NOW_NS

    def is_live(self, session: int) -> bool:
        """Whether a LogonInput was applied, or the test says so."""
        return session in self.live

    def may_probe(self, _session: int, now_ns: int) -> bool:
        """Say what the test wants."""
        assert now_ns == NOW_NS
        return self.probe_wanted

    def apply(self, item: LogonInput | ProbeInput) -> None:
        """Note the input."""
        self.done.append(item)
        self.live.add(item.session)

    def commit(self) -> None:
        """Note that it happened."""
        self.done.append("commit")

    # the connections
    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.addresses)

    def count_from(self, address: str) -> int:
        """Return how many come from there."""
        return self.addresses.count(address)

    def address_of(self, _session: int) -> str:
        """Return some address."""
        return "192.0.2.9"

    def add(self, descriptor: int, session: int, address: str, rest: bytes) -> bool:
        """Take a socket over."""
        if self.slot_free:
            self.done.append((descriptor, session, address, rest))
        return self.slot_free

    async def connect(self, *data: bytes | OSError, address: str = "192.0.2.1") -> FakeSocket:
        """Handle one connection to its end."""
        sock = FakeSocket(address)
        for each in data:
            sock.put.send_nowait(each)
        await self.handle(sock)
        return sock

    async def handle(self, sock: FakeSocket) -> None:
        """Give a socket to the acceptor."""
        stream = attrs.make_class("Stream", ["socket"])(sock)
        await self.acceptor.handle(cast("trio.SocketStream", stream))

    def causes(self) -> list[str]:
        """Causes in the log."""
        return [line["cause"] for line in self.logged.of("logon refused")]


async def test_an_admitted_logon_is_handed_over(clock: MockClock) -> None:
    """The socket goes to the pump with what came behind, then the masked Logon(A) to the venue."""
    rig = Rig(clock)
    sock = await rig.connect(LOGON[:20], LOGON[20:] + b"behind")

    given, item, *then = rig.done
    assert given == (7, 3, "192.0.2.1", b"behind")
    assert isinstance(item, LogonInput)
    assert (item.session, item.address) == (3, "192.0.2.1")
    assert b"554=******" in item.frame
    assert then == ["commit", "serve"]
    assert sock.detached
    assert sock.closed_at is None
    assert [line["session"] for line in rig.logged.of("session logged on")] == ["BROKER1"]
    assert rig.acceptor.pending == 0


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        ([LOGON], "credentials"),
        ([b"noise"], "closed-or-not-fix"),
        ([b""], "closed-or-not-fix"),
        ([b"8=FIX.4.4\x019=600\x01"], "closed-or-not-fix"),
        ([b"8=FIX.4.4\x01", OSError("reset")], "connection-lost"),
    ],
)
async def test_every_refusal_is_closed_at_the_same_moment(
    clock: MockClock, data: list[bytes | OSError], cause: str
) -> None:
    """Two seconds after it came, whatever was wrong and however long that took to find out."""
    rig = Rig(clock)
    rig.verdict, rig.verdict_after_s = Refusal.CREDENTIALS, 0.7
    began = trio.current_time()
    sock = await rig.connect(*data)

    assert sock.closed_at == pytest.approx(began + 2)
    assert rig.causes() == [cause]
    assert rig.done == []
    assert not sock.detached


async def test_the_deadline_is_absolute(clock: MockClock) -> None:
    """A byte a second does not move it."""
    rig = Rig(clock)
    sock = FakeSocket("192.0.2.1")
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.handle, sock)
        for byte in LOGON[:8]:
            await trio.sleep(1)
            sock.put.send_nowait(bytes([byte]))

    assert sock.closed_at == pytest.approx(began + 5)
    assert rig.causes() == ["logon-timeout"]


async def test_a_live_session_is_refused_and_both_addresses_are_noted(clock: MockClock) -> None:
    """The venue sees nothing of it."""
    rig = Rig(clock)
    rig.live.add(3)
    await rig.connect(LOGON)

    (line,) = rig.logged.of("logon refused")
    assert (line["cause"], line["address"]) == ("session-is-live", "192.0.2.1")
    assert line["live_address"] == "192.0.2.9"
    assert "secret" not in line["frame"]
    assert rig.done == []


async def test_a_live_session_is_asked_for_a_sign_of_life(clock: MockClock) -> None:
    """A second logon that could be the session makes the venue ask, if it wants to, once."""
    rig = Rig(clock)
    rig.live.add(3)
    rig.probe_wanted = True
    await rig.connect(LOGON)

    assert rig.done == [ProbeInput(3, 3_000_000_000), "commit"]
    assert rig.causes() == ["session-is-live"]
    (line,) = rig.logged.of("session probed")
    assert (line["session"], line["address"]) == ("BROKER1", "192.0.2.1")
    assert line["live_address"] == "192.0.2.9"

    rig.verdict = Refusal.CREDENTIALS
    await rig.connect(LOGON)
    assert len(rig.done) == 2, "nobody else's logon asks anything"


async def test_no_slot_is_a_refusal(clock: MockClock) -> None:
    """The socket stays the acceptor's, and the venue sees nothing."""
    rig = Rig(clock)
    rig.slot_free = False
    sock = await rig.connect(LOGON)

    assert rig.causes() == ["no-slot-free"]
    assert rig.done == []
    assert sock.closed_at is not None


async def test_a_fault_of_ours_costs_one_logon(clock: MockClock) -> None:
    """It is logged with its traceback, and the next connection is served."""
    rig = Rig(clock)
    rig.verdict = ZeroDivisionError("bug")
    await rig.connect(LOGON)
    rig.verdict = BROKER1
    await rig.connect(LOGON)

    assert rig.causes() == ["internal-fault"]
    assert "ZeroDivisionError" in rig.logged.of("fault ended a logon")[0]["exception"]
    assert rig.live == {3}


async def test_caps_close_at_once(clock: MockClock) -> None:
    """Too many of one address, too many in all, or a network of nobody: closed without waiting."""
    rig = Rig(clock)
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(rig.connect)
        await trio.testing.wait_all_tasks_blocked()
        assert rig.acceptor.pending == 2
        third = await rig.connect()
        rig.addresses += ["192.0.2.2", "192.0.2.3"]
        fifth = await rig.connect(address="192.0.2.4")
        rig.addresses.clear()
        rig.reachable = False
        nobody = await rig.connect(address="192.0.2.4")
        assert [sock.closed_at for sock in (third, fifth, nobody)] == [began] * 3
        nursery.cancel_scope.cancel()

    assert rig.causes() == ["connection-cap-of-address", "connection-cap", "network-of-nobody"]
    assert rig.acceptor.pending == 0


async def test_a_connection_that_is_gone_already(clock: MockClock) -> None:
    """It is closed and nothing else happens."""
    rig = Rig(clock)
    sock = await rig.connect(address="")

    assert sock.closed_at is not None
    assert rig.logged.lines == []


async def test_a_flood_of_refusals_is_no_flood_of_lines(clock: MockClock) -> None:
    """So many lines a second; the next one says how many were left out, all are counted."""
    rig = Rig(clock)
    rig.reachable = False
    for _ in range(100):
        await rig.connect()
    assert len(rig.causes()) == LINES_PER_S
    await trio.sleep(1)
    await rig.connect()

    assert rig.logged.lines[-1]["left_out"] == 100 - LINES_PER_S
    assert rig.logged.lines[-1]["reference"] == 101
    assert rig.acceptor.refusals.counts == {"network-of-nobody": 101}
