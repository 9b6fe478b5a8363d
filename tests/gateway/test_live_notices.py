"""What is for people: News(B) before a stop, and a DontKnowTrade(Q) as an alarm."""

from pathlib import Path

import pytest
from support.fix_peer import Fields, decode
from support.live_gateway import Live
from support.live_peer import LivePeer, order

from kk99fix.fix.split import split
from kk99fix.fix.validate import validate
from kk99fix.gateway.counts import Snapshots
from kk99fix.gateway.line_budget import LINES_PER_S
from kk99fix.gateway.metrics import GatewayCollector

DONT_KNOW: Fields = [(37, "7"), (17, "9"), (127, "D"), (55, "AAPL"), (54, 1), (38, 100)]


async def test_news_comes_before_the_logout_of_a_stop(live: Live) -> None:
    """Every session is told that orders stay and numbers go on, in a message that is valid."""
    names = ("BROKER1", "BROKER2", "DROPCOPY1")
    peers = [await live.logged_on(name) for name in names]
    live.stop()
    for peer in peers:
        frame = await peer.receive_frame()
        assert validate(split(frame)) is None
        news = decode(frame)
        assert (news[35], news[34], news[148]) == ("B", "2", "The gateway stops")
        assert (news[33], news[61]) == ("1", "1")
        assert news[58] == "Orders stay as they are, and sequence numbers go on."
        assert (await peer.receive("5"))[34] == "3"
        await peer.send("5", [])
        assert await peer.until_closed() == []
        await peer.stream.aclose()
    await live.wait_until_stopped()


async def test_news_is_sent_again_when_asked_for(live: Live) -> None:
    """It is an application message: a resend after our Logout(5) has it, with PossDupFlag(43)=Y."""
    async with await live.logged_on("BROKER1") as peer:
        live.stop()
        await peer.receive("B")
        await peer.receive("5")
        await peer.send("2", [(7, 2), (16, 0)])
        again = await peer.receive("B")
        assert (again[34], again[43], again[148]) == ("2", "Y", "The gateway stops")
        assert (await peer.receive("4"))[36] == "4"
        await peer.send("5", [])
        assert await peer.until_closed() == []


@pytest.mark.parametrize("comp_id", ["BROKER1", "DROPCOPY1"])
async def test_an_unknown_trade_is_an_alarm(live: Live, comp_id: str) -> None:
    """It is logged with what it says, counted and not answered; the session goes on."""
    async with await live.logged_on(comp_id) as peer:
        text = "no such \\order" + "!" * 600
        await peer.send("Q", [*DONT_KNOW, (58, text)])
        await peer.send("1", [(112, "next")])
        assert (await peer.receive("0"))[112] == "next"

        (line,) = live.logged.of("trade not known by counterparty")
        assert line["level"] == "warning"
        assert (line["session"], line["reason"]) == (comp_id, "D")
        assert (line["order_id"], line["exec_id"]) == ("7", "9")
        assert line["text"].startswith("no such \\x5corder!!!")
        assert len(line["text"]) == 512
        families = GatewayCollector(Snapshots(live.gateway)).collect()
        (counter,) = [family for family in families if family.name == "kk99_unknown_trades"]
        assert counter.samples[0].value == 1


async def test_a_flood_of_unknown_trades_is_no_flood_of_lines(live: Live) -> None:
    """All are counted; the lines of a second are bounded."""
    async with await live.logged_on("BROKER1") as peer:
        await peer.send_bytes(b"".join(peer.frame("Q", DONT_KNOW) for _ in range(200)))
        await _answered(peer)

        assert live.gateway.unknown_trades.count == 200
        assert len(live.logged.of("trade not known by counterparty")) <= 2 * LINES_PER_S


async def test_an_unknown_trade_is_in_the_journal(live: Live, tmp_path: Path) -> None:
    """The frame stands there as it came; an invalid one is refused and alarms nobody."""
    async with await live.logged_on("BROKER1") as peer:
        frame = await peer.send("Q", DONT_KNOW)
        await peer.send("Q", DONT_KNOW[1:])
        refused = await peer.receive("3")
        await _answered(peer)

        assert (refused[45], refused[371], refused[372]) == ("3", "37", "Q")
        assert len(live.logged.of("trade not known by counterparty")) == 1
        journal = b"".join(path.read_bytes() for path in (tmp_path / "var/journal").glob("*.kkj"))
        assert journal.count(frame) == 1


async def test_a_trade_is_not_touched(live: Live) -> None:
    """Whoever does not know a trade still has it: the order stays filled."""
    async with await live.logged_on("BROKER1") as buyer, await live.logged_on("BROKER2") as seller:
        await buyer.send("D", order("a"))
        await buyer.receive("8")
        await seller.send("D", order("b", "2"))
        fill = await buyer.receive("8")
        told: Fields = [
            (37, fill[37]),
            (17, fill[17]),
            (127, "B"),
            (55, "AAPL"),
            (54, 1),
            (38, 100),
        ]
        await buyer.send("Q", told)
        await buyer.send("H", [(11, "a"), (55, "AAPL"), (54, 1)])
        status = await buyer.receive("8")

        assert (status[150], status[39], status[14]) == ("I", "2", "100")


async def _answered(peer: LivePeer) -> None:
    """Wait until everything that was sent has been handled."""
    await peer.send("1", [(112, "end")])
    while (await peer.receive()).get(112) != "end":
        pass
