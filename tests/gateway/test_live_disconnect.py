"""Cancel on disconnect over real sockets: who hears of it, and when."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from support.fix_peer import decode
from support.live_gateway import Live, LogLines, live_gateway, small_settings, wait_until
from support.live_peer import order

from kk99fix.config.load import Settings
from kk99fix.gateway.counts import Snapshots
from kk99fix.gateway.metrics import GatewayCollector

KEPT = "cancel_on_disconnect = false"


def settings(folder: Path, rules: str) -> Settings:
    """The shipped files with small pools, and other rules for BROKER1."""
    return small_settings(folder, broker1={KEPT: rules})


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    """A gateway where BROKER1's orders go with its connection."""
    async with live_gateway(settings(tmp_path, ""), tmp_path / "var") as live:
        yield live


def rejects(live: Live) -> dict[str, float]:
    """`kk99_rejects` by code."""
    (family,) = (
        family
        for family in GatewayCollector(Snapshots(live.gateway)).collect()
        if family.name == "kk99_rejects"
    )
    return {s.labels["code"]: s.value for s in family.samples if s.name.endswith("_total")}


async def test_told_to_the_desk_at_once_and_to_the_broker_on_return(live: Live) -> None:
    """A broken connection cancels what stood; the broker asks for the reports when it is back."""
    async with await live.logged_on("DROPCOPY1") as desk:
        async with await live.logged_on("BROKER1") as peer:
            await peer.send("D", order("goes", price="180.00"))
            await peer.send("D", [*order("stays", price="180.00"), (18, "H")])
            await peer.receive_count(2)
        copies = [decode(frame) for frame in await desk.receive_count(3)]
        assert [(copy[11], copy[150]) for copy in copies] == [
            ("goes", "0"),
            ("stays", "0"),
            ("goes", "4"),
        ]
        assert copies[2][58].startswith("CANCEL_ON_DISCONNECT; ")
        assert rejects(live) == {"CANCEL_ON_DISCONNECT": 1}
        await live.wait_until_gone("BROKER1")

        async with await live.logged_on("BROKER1", next_out=4) as peer:
            await peer.send("2", [(7, 4), (16, 4)])
            again = await peer.receive("8")
            assert (again[43], again[11], again[150]) == ("Y", "goes", "4")


async def test_a_return_in_time(tmp_path: Path) -> None:
    """Within its grace a broker finds its orders where they were."""
    files = settings(tmp_path, "cancel_grace_s = 3600")
    async with live_gateway(files, tmp_path / "var") as live:
        async with await live.logged_on("BROKER1") as peer:
            await peer.send("D", order("a", price="180.00"))
            await peer.receive("8")
        await live.wait_until_gone("BROKER1")
        async with await live.logged_on("BROKER1", next_out=3) as peer:
            await peer.send("H", [(11, "a"), (55, "AAPL"), (54, 1)])
            assert (await peer.receive("8"))[39] == "0"


async def test_a_planned_stop_keeps_the_orders(tmp_path: Path, live: Live) -> None:
    """Orders outlive a stop and a start, without a grace."""
    async with await live.logged_on("BROKER1") as peer:
        await peer.send("D", order("a", price="180.00"))
        await peer.receive("8")
        live.stop()
        await peer.receive("B")
        await peer.receive("5")
        await peer.send("5", [])
        await peer.until_closed()
    await live.wait_until_stopped()

    async with live_gateway(live.gateway.settings, tmp_path / "var") as again:
        async with await again.logged_on("BROKER1", next_out=4) as peer:
            await peer.send("H", [(11, "a"), (55, "AAPL"), (54, 1)])
            assert (await peer.receive("8"))[39] == "0"
        await again.wait_until_gone("BROKER1")
        await wait_until(lambda: again.gateway.storage.venue.engine.statistics().live_orders == 0)


async def test_a_failure_is_no_planned_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a task takes the process along, connections end for that, and the orders go."""
    failing = trio.Event()
    lines: list[LogLines] = []

    async def fail(_: Snapshots) -> None:
        await failing.wait()
        raise ZeroDivisionError

    async def trade_until_it_fails() -> None:
        async with live_gateway(settings(tmp_path, ""), tmp_path / "var") as live:
            lines.append(live.logged)
            async with await live.logged_on("BROKER1") as peer:
                await peer.send("D", order("a", price="180.00"))
                await peer.receive("8")
                failing.set()
                await trio.sleep_forever()

    with monkeypatch.context() as patch:
        patch.setattr(Snapshots, "run", fail)
        with pytest.raises(BaseExceptionGroup) as caught:
            await trade_until_it_fails()
    assert caught.group_contains(ZeroDivisionError)
    assert [line["cause"] for line in lines[0].of("session cut")] == ["gateway-failed"]

    async with live_gateway(small_settings(tmp_path / "again"), tmp_path / "var") as again:
        assert again.gateway.storage.venue.engine.statistics().live_orders == 0
