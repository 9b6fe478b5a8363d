"""Connections from balancers: the address that the PROXY header names counts, and is bounded."""

from ipaddress import ip_network

import attrs
import pytest
import trio
from support.acceptor_rig import LISTEN, LOGON, FakeSocket, Rig
from trio.testing import MockClock

from kk99fix.gateway.authentication import Refusal
from kk99fix.venue.inputs import LogonInput

BALANCER = "10.0.0.5"
CLIENT = "192.0.2.7"
LINE = b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 9944\r\n"
BLOCK = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes([192, 0, 2, 7, 10, 0, 0, 1, 1, 1, 2, 2])
LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
UNKNOWN = b"PROXY UNKNOWN\r\n"


def balanced(clock: MockClock) -> Rig:
    """An acceptor that knows a network of balancers."""
    return Rig(clock, listen=attrs.evolve(LISTEN, proxy_from=(ip_network("10.0.0.0/29"),)))


@pytest.mark.parametrize("header", [LINE, BLOCK])
@pytest.mark.parametrize("cut", [0, 1, 9, 27, 28, 42, 60])
async def test_the_address_that_is_named_counts(clock: MockClock, header: bytes, cut: int) -> None:
    """Networks, the pump and the journal see the client's address, the log the balancer's too."""
    rig = balanced(clock)
    data = header + LOGON + b"behind"
    pieces = [piece for piece in (data[:cut], data[cut:]) if piece]
    sock = await rig.connect(*pieces, address=BALANCER)

    assert rig.asked == [CLIENT, CLIENT]
    given, item = rig.done[:2]
    assert given == (7, 3, CLIENT, b"behind")
    assert isinstance(item, LogonInput)
    assert item.address == CLIENT
    (line,) = rig.logged.of("session logged on")
    assert (line["address"], line["balancer"]) == (CLIENT, BALANCER)
    assert sock.detached
    assert rig.acceptor.pending == 0


@pytest.mark.parametrize("header", [LOCAL, UNKNOWN])
async def test_a_balancer_that_speaks_for_itself(clock: MockClock, header: bytes) -> None:
    """Without a name the balancer's own address counts."""
    rig = balanced(clock)
    await rig.connect(header, LOGON, address=BALANCER)

    assert rig.asked == [BALANCER, BALANCER]
    assert rig.live == {3}


@pytest.mark.parametrize("data", [LOGON, b"GET / HTTP/1.1\r\n", LINE[:-4] + b"x\r\n", LINE[:20]])
async def test_a_balancer_has_to_introduce(clock: MockClock, data: bytes) -> None:
    """Without a whole header the connection is closed as every refused one, at the same moment."""
    rig = balanced(clock)
    began = trio.current_time()
    sock = await rig.connect(data, b"", address=BALANCER)

    assert rig.causes() == ["no-proxy-header"]
    assert rig.logged.of("logon refused")[0]["address"] == BALANCER
    assert sock.closed_at == pytest.approx(began + 2)
    assert rig.asked == []


@pytest.mark.parametrize("header", [LINE, BLOCK, LOCAL])
async def test_nobody_else_may_name_an_address(clock: MockClock, header: bytes) -> None:
    """From anywhere else a header is what is no FIX, and its address means nothing."""
    rig = balanced(clock)
    await rig.connect(header, LOGON, address="10.0.0.8")

    assert rig.causes() == ["closed-or-not-fix"]
    assert rig.asked == ["10.0.0.8"]
    assert rig.done == []


@pytest.mark.parametrize("behind", [b"PROXY TCP4 127.0.0.1 10.0.0.1 1 2\r\n", LOCAL])
async def test_a_second_header_is_no_fix(clock: MockClock, behind: bytes) -> None:
    """What a client sends behind the balancer's header names nobody."""
    rig = balanced(clock)
    await rig.connect(LINE + behind + LOGON, address=BALANCER)

    assert rig.causes() == ["closed-or-not-fix"]
    (line,) = rig.logged.of("logon refused")
    assert (line["address"], line["balancer"]) == (CLIENT, BALANCER)


@pytest.mark.parametrize(
    "data",
    [[b""], [LOCAL, b""], [UNKNOWN, b""], [OSError("reset")], [LOCAL, OSError("reset")]],
)
async def test_a_health_check_is_no_warning(clock: MockClock, data: list[bytes | OSError]) -> None:
    """A balancer that says nothing for anybody is closed at once; only the debug log knows."""
    rig = balanced(clock)
    began = trio.current_time()
    for _ in range(100):
        sock = await rig.connect(*data, address=BALANCER)
        assert sock.closed_at == began

    assert {line["level"] for line in rig.logged.lines} == {"debug"}
    assert rig.acceptor.refusals.counts == {}


@pytest.mark.parametrize("data", [[], [LOCAL]])
async def test_a_silent_health_check_has_its_deadline(clock: MockClock, data: list[bytes]) -> None:
    """It is closed when a logon would have been due, and is no warning either."""
    rig = balanced(clock)
    began = trio.current_time()
    sock = await rig.connect(*data, address=BALANCER)

    assert sock.closed_at == pytest.approx(began + 5)
    assert rig.causes() == []


async def test_header_and_logon_share_one_deadline(clock: MockClock) -> None:
    """A byte a second moves nothing, within the header or behind it."""
    rig = balanced(clock)
    for data in (LINE[:8], LINE + LOGON[:3]):
        sock = FakeSocket(BALANCER)
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.handle, sock)
            for byte in data[:-4]:
                sock.put.send_nowait(bytes([byte]))
            for byte in data[-4:]:
                await trio.sleep(1)
                sock.put.send_nowait(bytes([byte]))
        assert sock.closed_at == pytest.approx(began + 5)

    assert rig.causes() == ["logon-timeout", "logon-timeout"]
    assert [line["address"] for line in rig.logged.of("logon refused")] == [BALANCER, CLIENT]


async def test_a_lost_connection_within_the_header(clock: MockClock) -> None:
    """It is refused as one that was lost."""
    rig = balanced(clock)
    await rig.connect(LINE[:8], OSError("reset"), address=BALANCER)

    assert rig.causes() == ["connection-lost"]


async def test_caps_are_those_of_the_named_address(clock: MockClock) -> None:
    """One client has its cap however many balancers there are; a balancer itself has none."""
    rig = balanced(clock)
    rig.addresses += [CLIENT, CLIENT]
    began = trio.current_time()
    sock = await rig.connect(LINE, address=BALANCER)
    assert sock.closed_at == began
    rig.addresses[:] = [BALANCER, BALANCER]
    await rig.connect(LINE + LOGON, address=BALANCER)
    rig.addresses += [BALANCER, BALANCER]
    sock = await rig.connect(LINE + LOGON, address=BALANCER)
    assert sock.closed_at == began

    assert rig.causes() == ["connection-cap-of-address", "connection-cap"]
    assert rig.live == {3}


async def test_a_waiting_client_counts_under_its_own_address(clock: MockClock) -> None:
    """Connections that have not logged on yet count where the header says they come from."""
    rig = balanced(clock)
    socks = [FakeSocket(BALANCER) for _ in range(3)]
    async with trio.open_nursery() as nursery:
        for sock in socks:
            sock.put.send_nowait(LINE)
            nursery.start_soon(rig.handle, sock)
            await trio.testing.wait_all_tasks_blocked()

        assert rig.acceptor.pending == 2
        nursery.cancel_scope.cancel()

    assert rig.causes() == ["connection-cap-of-address"]


async def test_a_network_of_nobody_is_closed_at_once(clock: MockClock) -> None:
    """As soon as the header has named it."""
    rig = balanced(clock)
    rig.reachable = False
    began = trio.current_time()
    sock = await rig.connect(LINE, address=BALANCER)

    assert sock.closed_at == began
    assert rig.causes() == ["network-of-nobody"]
    assert rig.logged.of("logon refused")[0]["balancer"] == BALANCER


async def test_a_refusal_names_both(clock: MockClock) -> None:
    """The log has the client and the balancer of a refused logon."""
    rig = balanced(clock)
    rig.verdict = Refusal.CREDENTIALS
    await rig.connect(LINE + LOGON, address=BALANCER)

    (line,) = rig.logged.of("logon refused")
    assert (line["cause"], line["address"], line["balancer"]) == ("credentials", CLIENT, BALANCER)
