from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
import trio.testing
from support.acceptor import Acceptor, now_ns
from support.gateway_process import free_port
from support.session_desk import RULES

from kk99fix.fix.message import Message
from kk99fix.harness.client import (
    Client,
    Ending,
    Identity,
    LogonRefusedError,
    ResendRefusedError,
    SessionEndedError,
    UnexpectedMessageError,
    Value,
    connect,
)
from kk99fix.harness.ledger import Ledger
from kk99fix.session.effects import Send
from kk99fix.session.rules import ResetPolicy, SessionRules

IDENTITY = Identity("BROKER1", "KK99")
ORDER: list[tuple[int, Value]] = [
    (11, "A1"),
    (55, "AAPL"),
    (54, 1),
    (60, b"20260921-12:00:00"),
    (38, 100),
    (40, 1),
]
REPORT = (
    (37, b"1"),
    (17, b"1"),
    (150, b"0"),
    (39, b"0"),
    (11, b"A1"),
    (55, b"AAPL"),
    (54, b"1"),
    (38, b"100"),
    (151, b"100"),
    (14, b"0"),
    (6, b"0"),
)


def answer_orders(message: Message) -> list[Send]:
    """Report each order as new."""
    assert message.msg_type == b"D"
    return [Send(b"8", REPORT)]


@asynccontextmanager
async def wired(
    rules: SessionRules = RULES,
    identity: Identity = IDENTITY,
    ledger: Ledger | None = None,
    chunk: int = 1 << 16,
) -> AsyncIterator[tuple[Client, Acceptor]]:
    """Connect a client and an acceptor that answers orders; both end with the block."""
    near, far = trio.testing.memory_stream_pair()
    acceptor = Acceptor(far, rules, chunk)
    acceptor.desk.on_deliver = answer_orders
    async with (
        trio.open_nursery() as nursery,
        Client(near, identity, ledger, clock_ns=now_ns) as client,
    ):
        nursery.start_soon(acceptor.run)
        yield client, acceptor
        nursery.cancel_scope.cancel()


async def test_a_trade_from_logon_to_logout() -> None:
    """An order is answered by its report, and both sides agree on the end and the numbers."""
    async with wired() as (client, acceptor):
        await client.logon(reset=True)
        assert client.established
        await client.send("D", ORDER)
        report = await client.expect("8", ExecType="0", ClOrdID="A1", OrderQty=100, Text=None)
        ending = await client.logout("bye")

        assert report.get(151) == b"100"
        assert ending == Ending("logout")
        assert (client.ledger.next_in, client.ledger.next_out) == (4, 4)
        assert acceptor.received(b"5")[0].get(58) == b"bye"
        assert acceptor.received(b"A")[0].get(141) == b"Y"


async def test_bytes_one_by_one() -> None:
    """How the stream is cut does not matter."""
    async with wired(chunk=1) as (client, _):
        await client.logon()
        await client.send("D", ORDER)
        await client.expect("8", ClOrdID="A1")


async def test_credentials() -> None:
    """Username(553) and Password(554) are sent, and never shown."""
    identity = Identity("BROKER1", "KK99", username="one", password="hush")  # noqa: S106
    async with wired(identity=identity) as (client, acceptor):
        await client.logon()

        logon = acceptor.frames[0]
        assert (logon.get(553), logon.get(554)) == (b"one", b"hush")
        assert "hush" not in repr(identity)


async def test_numbers_continue_with_the_ledger() -> None:
    """A second connection with the same ledger goes on where the first one ended."""
    async with wired() as (first, _):
        await first.logon()
        await first.logout()
    ledger = first.ledger
    async with wired(ledger=ledger) as (second, acceptor):
        acceptor.desk.next_in, acceptor.desk.next_out = ledger.next_out, ledger.next_in
        await second.logon()

        assert acceptor.frames[0].get(34) == b"3"
        assert (ledger.next_in, ledger.next_out) == (4, 4)


async def test_it_stays_alive_while_it_waits(autojump_clock: trio.testing.MockClock) -> None:
    """Heartbeats go both ways for as long as somebody waits for a message."""
    async with wired() as (client, acceptor):
        await client.logon()
        with trio.move_on_after(600) as scope:
            await client.receive()

        assert scope.cancelled_caught
        assert client.established
        assert len(acceptor.received(b"0")) >= 600 // IDENTITY.heart_bt_int_s - 1
        assert autojump_clock.current_time() >= 600


async def test_a_test_request_is_answered() -> None:
    """A Heartbeat(0) with the same TestReqID(112), without anybody asking for it."""
    async with wired() as (client, acceptor):
        await client.logon()
        await acceptor.send(b"1", ((112, b"ARE YOU THERE"),))
        await acceptor.send(b"8", REPORT)
        await client.receive()
        await client.logout()

        assert acceptor.received(b"0")[0].get(112) == b"ARE YOU THERE"


async def test_a_silent_venue_ends_the_session(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A TestRequest(1) without an answer means that nobody is there."""
    near, far = trio.testing.memory_stream_pair()
    acceptor = Acceptor(far)
    async with trio.open_nursery() as nursery:
        client = Client(near, IDENTITY, clock_ns=now_ns)
        nursery.start_soon(acceptor.run)
        await client.logon()
        nursery.cancel_scope.cancel()

    with pytest.raises(SessionEndedError) as caught:
        await client.receive()

    assert caught.value.ending.cause == "heartbeat-timeout"
    assert 60 < autojump_clock.current_time() < 90


async def test_sent_again_when_asked() -> None:
    """An order comes again as PossDup with its first time; the logon before it is filled over."""
    async with wired() as (client, acceptor):
        await client.logon()
        await client.send("D", ORDER)
        await client.receive()
        await acceptor.send(b"2", ((7, b"1"), (16, b"0")))
        await acceptor.send(b"8", REPORT)
        await client.receive()
        await client.logout()

        fill = acceptor.received(b"4")[0]
        assert [fill.get(tag) for tag in (34, 43, 123, 36)] == [b"1", b"Y", b"Y", b"2"]
        first, again = acceptor.received(b"D")
        assert (again.get(34), again.get(43)) == (b"2", b"Y")
        assert again.get(122) == first.get(52)
        assert again.get(11) == b"A1"


async def test_what_was_lost_is_asked_for() -> None:
    """A message that never came is fetched, and both come in their order, each once."""
    async with wired() as (client, acceptor):
        await client.logon()
        acceptor.desk.send(Send(b"8", (*REPORT, (58, b"lost"))))
        acceptor.desk.wire.clear()
        await acceptor.send(b"8", (*REPORT, (58, b"after")))

        assert (await client.receive()).get(58) == b"lost"
        assert (await client.receive()).get(58) == b"after"
        await client.logout()
        assert acceptor.received(b"2")[0].get(7) == b"2"
        assert client.receive_nowait() is None


async def test_a_day_once_more() -> None:
    """What was received comes again in its order, the logon as a gap fill; live reports do not mix.

    A second request for a part of it gets that part alone.
    """
    async with wired() as (client, acceptor):
        await client.logon()
        for _ in range(3):
            await client.send("D", ORDER)
            await client.expect("8")
        await acceptor.send(b"8", (*REPORT, (58, b"live")))

        again = await client.resend(1)
        part = await client.resend(2, 3)

        assert [(m.msg_type, m.get_int(34)) for m in again] == [
            (b"4", 1),
            *((b"8", number) for number in (2, 3, 4)),
        ]
        assert {m.get(43) for m in (*again, *part)} == {b"Y"}
        assert [m.get_int(34) for m in part] == [2, 3]
        await client.expect("8", Text="live")
        assert client.receive_nowait() is None
        await client.logout()


async def test_only_what_was_received_comes_again() -> None:
    """Asking for other numbers is the caller's mistake, and nothing is sent."""
    async with wired() as (client, acceptor):
        await client.logon()
        for begin, end in ((0, 0), (2, 0), (1, 2), (2, 1)):
            with pytest.raises(ValueError, match="of 1 received"):
                await client.resend(begin, end)
        await client.logout()

        assert acceptor.received(b"2") == []


async def test_a_resend_that_is_refused() -> None:
    """A Reject(3) of the request ends the wait, and is not left for anybody else."""
    async with wired() as (client, acceptor):
        await client.logon()
        fields = ((45, b"2"), (372, b"2"), (373, b"99"), (58, b"not today"))
        await acceptor.send(b"3", fields)

        with pytest.raises(ResendRefusedError, match="not today"):
            await client.resend(1)
        assert client.receive_nowait() is None
        assert client.established


async def test_a_resend_that_breaks_off() -> None:
    """A session that ends before the range is complete is an error with its ending."""
    async with wired() as (client, acceptor):
        await client.logon()
        desk = acceptor.desk
        desk.perform(desk.session.stop(b"closing time", desk.numbers, desk.now_ns))
        await acceptor.flush()

        with pytest.raises(SessionEndedError, match="peer-logout: closing time"):
            await client.resend(1)


async def test_a_logon_refused_with_a_reason() -> None:
    """Text(58) of the Logout(5) is what the caller gets to see."""
    async with wired(attrs.evolve(RULES, reset_seq_num=ResetPolicy.REFUSED)) as (client, _):
        with pytest.raises(LogonRefusedError, match="is not allowed") as caught:
            await client.logon(reset=True)

    assert caught.value.ending == Ending("logon-refused", "ResetSeqNumFlag(141)=Y is not allowed")


async def test_a_logon_refused_without_a_word() -> None:
    """A connection that is just closed says so, without a text."""
    async with wired(identity=Identity("NOBODY", "KK99")) as (client, _):
        with pytest.raises(LogonRefusedError) as caught:
            await client.logon()

    assert caught.value.ending == Ending("connection-closed")


async def test_a_logon_without_an_answer(autojump_clock: trio.testing.MockClock) -> None:
    """Who does not answer at all is left after the time that the session layer allows."""
    near, _ = trio.testing.memory_stream_pair()
    client = Client(near, IDENTITY, clock_ns=now_ns)

    with pytest.raises(LogonRefusedError, match="logon-timeout"):
        await client.logon()
    assert autojump_clock.current_time() == pytest.approx(10, abs=0.1)


async def test_expect_shows_both_messages() -> None:
    """A report with another value is shown beside what was expected."""
    async with wired() as (client, _):
        await client.logon()
        await client.send("D", ORDER)

        with pytest.raises(UnexpectedMessageError) as caught:
            await client.expect("8", ExecType="F", ClOrdID="A1")

    title, expected, received = str(caught.value).splitlines()
    assert title == "BROKER1: wrong ExecType(150)"
    assert expected == "expected 35=8|150=F|11=A1|"
    assert received.startswith("received 8=FIX.4.4|9=")


async def test_expect_another_type() -> None:
    """A message of another type is never the one expected."""
    async with wired() as (client, _):
        await client.logon()
        await client.send("D", ORDER)

        with pytest.raises(UnexpectedMessageError, match="another message"):
            await client.expect("9")


async def test_a_reject_can_be_received() -> None:
    """Reject(3) is shown, because it says that the client's own message was wrong."""
    async with wired() as (client, _):
        await client.logon()
        await client.send("D", ORDER[1:])

        await client.expect("3", RefTagID=11, SessionRejectReason=1)


async def test_the_end_comes_after_what_was_received() -> None:
    """Reports that came before a Logout(5) can still be taken; then the ending is an error."""
    async with wired() as (client, acceptor):
        await client.logon()
        await acceptor.send(b"8", REPORT)
        desk = acceptor.desk
        desk.perform(desk.session.stop(b"closing time", desk.numbers, desk.now_ns))
        await acceptor.flush()

        assert await client.wait_ended() == Ending("peer-logout", "closing time")
        await client.expect("8", ClOrdID="A1")
        with pytest.raises(SessionEndedError, match="peer-logout: closing time"):
            await client.receive()
        with pytest.raises(SessionEndedError):
            await client.send("D", ORDER)


async def test_nothing_is_sent_while_a_logout_is_answered() -> None:
    """A task that sends while another one answers a Logout(5) is told that the session ended."""
    async with wired() as (client, acceptor), trio.open_nursery() as nursery:
        await client.logon()
        desk = acceptor.desk
        desk.perform(desk.session.stop(b"closing time", desk.numbers, desk.now_ns))
        await acceptor.flush()
        async with client._sending:
            nursery.start_soon(client.wait_ended)
            await trio.testing.wait_all_tasks_blocked()

            with pytest.raises(SessionEndedError, match="peer-logout: closing time"):
                await client.send("D", ORDER)


async def test_many_tasks_send_in_order() -> None:
    """Whoever sends when: the numbers on the wire have no gap."""
    async with wired() as (client, acceptor):
        await client.logon()

        async def send_some() -> None:
            for _ in range(20):
                await client.send("D", ORDER)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(send_some)
        for _ in range(100):
            await client.expect("8")

        numbers = [int(message.get(34) or b"0") for message in acceptor.received(b"D")]
        assert numbers == list(range(2, 102))


async def test_a_frame_too_long_ends_the_session() -> None:
    """Nothing after it could be trusted."""
    async with wired() as (client, acceptor):
        await client.logon()
        await acceptor.stream.send_all(b"8=FIX.4.4\x019=999999\x0135=8\x01")

        assert await client.wait_ended() == Ending("frame-too-long")


async def test_aclose_ends_the_wait_of_another_task() -> None:
    """Whoever waits for a message learns that the client was closed."""
    async with wired() as (client, _):
        await client.logon()
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                assert await client.wait_ended() == Ending("closed")

            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            await client.aclose()


async def test_connect_where_nobody_listens() -> None:
    """OSError, as from Trio."""
    with pytest.raises(OSError, match=r"127\.0\.0\.1"):
        await connect("127.0.0.1", free_port(), IDENTITY)
