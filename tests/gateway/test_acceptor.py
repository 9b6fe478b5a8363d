"""The acceptor with fakes all around and a clock that jumps: times are exact."""

import attrs
import pytest
import trio
from support.acceptor_rig import BROKER1, LISTEN, LOGON, FakeSocket, Rig
from trio.testing import MockClock

from kk99fix.gateway.authentication import Admitted, Refusal
from kk99fix.gateway.line_budget import LINES_PER_S
from kk99fix.venue.credentials import CredentialKind, Proof
from kk99fix.venue.inputs import LogonInput
from kk99fix.venue.session_commands import ProbeInput


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


async def test_an_ipv4_address_is_itself_in_the_clothes_of_ipv6(clock: MockClock) -> None:
    """Networks, caps, log and journal all have the plain form, as behind a balancer."""
    rig = Rig(clock)
    await rig.connect(LOGON, address="::ffff:192.0.2.1")

    assert set(rig.asked) == {"192.0.2.1"}
    assert rig.done[0] == (7, 3, "192.0.2.1", b"")


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


@pytest.mark.parametrize("after_s", [0, 1.5, 4.9])
async def test_a_refusal_is_told_by_no_clock(clock: MockClock, after_s: float) -> None:
    """It comes two seconds behind the Logon(A), however long that was in coming."""
    rig = Rig(clock)
    rig.verdict, rig.verdict_after_s = Refusal.CREDENTIALS, 0.7
    sock = FakeSocket("192.0.2.1")
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.handle, sock)
        await trio.sleep(after_s)
        sock.put.send_nowait(LOGON)

    assert sock.closed_at == pytest.approx(began + after_s + 2)
    assert rig.causes() == ["credentials"]


async def test_a_verdict_that_takes_longer_is_none(clock: MockClock) -> None:
    """At two seconds the connection is closed, also one that would have been admitted."""
    rig = Rig(clock)
    rig.verdict_after_s = 2.1
    began = trio.current_time()
    sock = await rig.connect(LOGON)

    assert sock.closed_at == pytest.approx(began + 2)
    assert rig.causes() == ["too-many-logons"]
    assert rig.done == []
    assert not sock.detached


async def test_what_proved_a_logon_goes_to_the_venue(clock: MockClock) -> None:
    """The input carries it."""
    rig = Rig(clock)
    rig.verdict = Admitted(3, "BROKER1", Proof(CredentialKind.PASSWORD, totp_step=7))
    await rig.connect(LOGON)

    (item,) = [each for each in rig.done if isinstance(each, LogonInput)]
    assert item.proof == Proof(CredentialKind.PASSWORD, totp_step=7)


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
        rig.addresses += ["192.0.2.2", "192.0.2.3", "192.0.2.2", "192.0.2.3"]
        fifth = await rig.connect(address="192.0.2.4")
        rig.addresses.clear()
        rig.reachable = False
        nobody = await rig.connect(address="192.0.2.4")
        assert [sock.closed_at for sock in (third, fifth, nobody)] == [began] * 3
        assert rig.acceptor.pending == 2
        nursery.cancel_scope.cancel()

    assert rig.causes() == ["connection-cap-of-address", "connection-cap", "network-of-nobody"]
    assert rig.acceptor.pending == 0


async def test_nobody_is_kept_out_by_half_open_connections(clock: MockClock) -> None:
    """With all room used up by who says nothing, the oldest of the most gives way, at once."""
    rig = Rig(clock, listen=attrs.evolve(LISTEN, max_connections_per_address=9))
    socks = [FakeSocket("192.0.2.1") for _ in range(4)]
    async with trio.open_nursery() as nursery:
        for sock in socks:
            nursery.start_soon(rig.handle, sock)
            await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        came = await rig.connect(LOGON, address="192.0.2.2")

        assert came.detached
        assert [sock.closed_at for sock in socks] == [began, None, None, None]
        assert rig.causes() == ["gave-way"]
        rig.reachable = False
        await rig.connect(address="203.0.113.1")
        assert rig.acceptor.pending == 3, "nobody gives way to a stranger"
        nursery.cancel_scope.cancel()


async def test_who_was_refused_already_gives_way_in_silence(clock: MockClock) -> None:
    """A refusal that waits for its moment is counted once, and closed before that."""
    rig = Rig(clock, verdict=Refusal.CREDENTIALS, listen=attrs.evolve(LISTEN, max_connections=1))
    sock = FakeSocket("192.0.2.1")
    sock.put.send_nowait(LOGON)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.handle, sock)
        await trio.testing.wait_all_tasks_blocked()
        rig.verdict = BROKER1
        began = trio.current_time()
        assert (await rig.connect(LOGON, address="192.0.2.2")).detached

    assert sock.closed_at == began
    assert rig.causes() == ["credentials"]


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
    assert rig.logged.lines[-1]["reference"].endswith("-101")
    assert rig.acceptor.refusals.counts == {"network-of-nobody": 101}
