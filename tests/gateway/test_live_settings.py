"""What a session file says about speed and headers, on real sockets and over a restart."""

from pathlib import Path

from support.fix_peer import decode
from support.live_gateway import live_gateway, small_settings
from support.live_peer import order

from kk99fix.config.load import Settings, load
from kk99fix.gateway.counts import Snapshots

COUNT = 120
DESK = ("DROPCOPY1", 'role = "drop-copy"')


def settings_of(folder: Path, name: str, line: str, *more: str) -> Settings:
    """The small files with lines added behind one of a session's."""
    small_settings(folder)
    path = folder / "sessions" / f"{name}.toml"
    text = path.read_text()
    assert text.count(f"{line}\n") == 1
    path.write_text(text.replace(f"{line}\n", "\n".join([line, *more, ""])))
    return load(folder / "config", folder / "sessions")


async def test_a_day_of_copies_over_a_restart(tmp_path: Path) -> None:
    """A desk gets its copies as they were recorded, whatever it has been configured to since."""
    told = "last_msg_seq_num_processed = true"
    before = settings_of(tmp_path / "a", *DESK, 'timestamp_precision = "microseconds"', told)
    after = settings_of(tmp_path / "b", *DESK, 'timestamp_precision = "seconds"')
    async with (
        live_gateway(before, tmp_path / "var") as live,
        await live.logged_on("BROKER1") as peer,
    ):
        for number in range(COUNT):
            await peer.send("D", order(f"o{number}", price="180.00"))
        reports = [decode(frame) for frame in await peer.receive_count(COUNT)]
        next_out = peer.next_out
    async with (
        live_gateway(after, tmp_path / "var") as live,
        await live.logged_on("BROKER1", next_out) as peer,
        await live.peer("DROPCOPY1") as desk,
    ):
        await peer.send("D", order("last", price="180.00"))
        report = await peer.receive("8")
        await desk.log_on()
        await desk.send("2", [(7, 1), (16, 0)])
        copies = [decode(frame) for frame in await desk.receive_count(COUNT + 1)]

    assert [copy[11] for copy in copies] == [*(f"o{n}" for n in range(COUNT)), "last"]
    for copy, source in zip(copies, [*reports, report], strict=True):
        assert len(copy[52]) == len("YYYYMMDD-HH:MM:SS") + 7 * (copy[11] != "last")
        assert len(copy[122]) == len(copy[60]) == len(copy[52])
        assert (copy[60][:17], copy.get(369)) == (
            source[60][:17],
            None if copy[11] == "last" else "0",
        )


async def test_a_bot_that_runs_wild(tmp_path: Path) -> None:
    """It is told, then logged out with its cause; log and metrics say so, and it may come back."""
    limits = "orders_per_second = 10", "throttle_logout_after = 5"
    settings = settings_of(tmp_path, "BROKER2", "max_open_orders = 100_000", *limits)
    async with live_gateway(settings, tmp_path / "var") as live:
        async with await live.logged_on("BROKER2") as bot:
            for number in range(40):
                await bot.send("D", order(f"o{number}", price="180.00"))
            answers = [await bot.receive() for _ in range(16)]
            await bot.send("5", [], number=17)
            assert await bot.until_closed() == []
            next_out = 18

        told = [f"{each[35]} {each.get(58, '').partition(';')[0]}".strip() for each in answers]
        assert told == ["8"] * 10 + ["8 THROTTLED"] * 5 + ["5 THROTTLED"]
        await live.wait_until_gone("BROKER2")
        (ended,) = live.logged.of("session ended")
        assert (ended["session"], ended["cause"]) == ("BROKER2", "throttled")
        newest = Snapshots(live.gateway).newest
        assert newest.disconnects["throttled"] == 1
        assert newest.core.refusals == {31: 5}
        async with await live.logged_on("BROKER2", next_out):
            pass
