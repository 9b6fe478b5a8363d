"""A session's schedule over real sockets: refused outside, logged out at the end, back with 1."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.config_folder import ConfigFolder
from support.fix_peer import decode
from support.live_gateway import SMALL, Live, live_gateway
from support.live_peer import order

from kk99fix.config.calendar import WEEKDAYS
from kk99fix.config.load import Settings

S = 1_000_000_000
H = 3600


def settings(folder: Path, schedule: str) -> Settings:
    """The usual settings, with a schedule for BROKER1 and an open mind about times."""
    files = ConfigFolder(folder)
    for old, new in SMALL.items():
        files.replace("config/venue.toml", old, new)
    times = "sending_time_tolerance_s = 120", "sending_time_tolerance_s = 86400"
    files.replace("config/venue.toml", *times)
    files.replace("sessions/BROKER1.toml", "[limits]", f"[schedule]\n{schedule}[limits]")
    return files.load()


def pass_time(live: Live, seconds: int) -> None:
    """Let the gateway's clock be so much later; its task would notice within a minute."""
    clock = live.gateway.clock
    clock.offset_ns += seconds * S
    live.gateway.sequencer.pump.set_clock(clock.offset_ns, 0)
    live.gateway.schedules.catch_up()


async def test_outside_its_schedule_a_session_is_refused(tmp_path: Path) -> None:
    """It is closed without a word, and the cause is in the log; others log on."""
    later = WEEKDAYS[(datetime.now(UTC) + timedelta(days=3)).weekday()]
    schedule = f'start = "00:00"\nend = "00:01"\nzone = "UTC"\ndays = ["{later}"]\n'
    async with live_gateway(settings(tmp_path, schedule), tmp_path / "var") as live:
        before = live.gateway.storage.venue.engine.next_lsn
        async with await live.peer("BROKER1") as peer:
            await peer.send("A", [(98, 0), (108, 30)])
            assert await peer.until_closed() == []
        assert live.gateway.storage.venue.engine.next_lsn == before
        async with await live.logged_on("BROKER2"):
            (line,) = live.logged.of("logon refused")

        assert line["cause"] == "outside-schedule"


async def test_the_end_and_the_next_start(tmp_path: Path) -> None:
    """News(B), Logout(5), refused; then a logon under MsgSeqNum(34)=1."""
    now = datetime.now(UTC)
    start, end = (f"{now + timedelta(hours=hours):%H}:00" for hours in (-1, 3))
    schedule = f'start = "{start}"\nend = "{end}"\nzone = "UTC"\nreset = "daily"\n'
    async with live_gateway(settings(tmp_path, schedule), tmp_path / "var") as live:
        async with await live.logged_on("BROKER1", heart_bt_int=60) as peer:
            await peer.send("D", order("a"))
            await peer.receive("8")
            pass_time(live, 4 * H)
            kinds = [(await peer.receive())[35]]
            while kinds[-1] != "5":
                kinds.append((await peer.receive())[35])
            assert "B" in kinds
            await peer.send("5", [])
            await peer.until_closed()
        await live.wait_until_gone("BROKER1")
        async with await live.peer("BROKER1") as refused:
            await refused.send("A", [(98, 0), (108, 30)], number=9)
            assert await refused.until_closed() == []
        pass_time(live, 19 * H)
        async with await live.logged_on("BROKER1") as back:
            assert decode(back.frames[0])[34] == "1"
            await back.send("D", order("b"))
            assert (await back.receive("8"))[34] == "2"

        causes = [line["cause"] for line in live.logged.of("logon refused")]
        assert causes == ["outside-schedule"]
        assert [line["numbers_reset"] for line in live.logged.of("session starts")] == [False, True]
