"""Session files that come, change and go while the gateway runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from support.broken_files import broken_files, put
from support.live_gateway import wait_until
from support.live_peer import LivePeer, order
from support.reloading import Reloading, reloading, session_text, small_files

from kk99fix.config.resolve import resolve
from kk99fix.gateway.files_reader import FilesReaderError

WITHIN_S = 1.0
#: What a look takes beside what it is about, on a machine that does other things too.
PATIENCE_S = 4.0


async def trade(peer: LivePeer, cl_ord_id: str, qty: int = 100, code: str = "") -> None:
    """Send an order: it is accepted, or refused with this code."""
    await peer.send("D", order(cl_ord_id, qty=qty))
    report = await peer.receive("8")
    assert report[150] == ("8" if code else "0"), report
    assert report.get(58, "").partition(";")[0] == code


async def within_a_second(condition: Callable[[], bool]) -> None:
    """Wait until something holds; longer than a second only where the machine is busy."""
    with trio.fail_after(WITHIN_S + PATIENCE_S):
        await wait_until(condition)


def refused(at: Reloading) -> list[str]:
    """Return the log lines about refused files."""
    return [line["error"] for line in at.live.logged.of("session file refused")]


async def test_a_file_that_appears_is_a_session_within_a_second(tmp_path: Path) -> None:
    """It may log on and trade; nothing was restarted, and nobody asked for a look."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        broker = await at.logged_on("BROKER1")
        await at.reload()
        at.files.write("sessions/NEW1.toml", session_text("NEW1"))
        current = at.live.gateway.current
        await within_a_second(lambda: current.session("NEW1") is not None)
        new = await at.logged_on("NEW1")
        await trade(new, "1")
        await trade(broker, "1")


async def test_a_restart_finds_what_a_reload_has_left(tmp_path: Path) -> None:
    """After changes of every kind the configuration in the journal is that of the files."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        at.files.write("sessions/NEW1.toml", session_text("NEW1", firm="Broker One"))
        at.files.write("sessions/NEW2.toml", session_text("NEW2"))
        await at.reload()
        at.files.replace("config/risk.toml", "200_000", "150_000")
        at.files.replace("sessions/NEW1.toml", "role", "enabled = false\nrole")
        (at.files.sessions / "NEW2.toml").unlink()
        answer = await at.reload()
        registry = at.live.gateway.storage.venue.registry

        assert answer["changed"] == ["NEW1", "NEW2"]
        assert answer["risk_changed"]
        assert answer["refused"] == []
        assert registry.unchanged(registry.plan(resolve(at.files.load())))
        assert at.live.gateway.settings == at.files.load()


async def test_new_limits_hold_for_the_next_order(tmp_path: Path) -> None:
    """Those of the session's file, and those of risk.toml."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        broker = await at.logged_on("BROKER1")
        await trade(broker, "1", qty=500)
        at.files.replace("sessions/BROKER1.toml", "[limits]", '[limits]\nmax_order_qty = "400"')
        await at.reload()
        await trade(broker, "2", qty=500, code="MAX_ORDER_QTY")
        at.files.replace("config/risk.toml", "[account.B1-CLIENT]", "[account.B1-HOUSE]")
        at.files.replace("config/risk.toml", '"10000000"', '"100"')
        await at.reload()
        await trade(broker, "3", qty=100, code="MAX_ORDER_NOTIONAL")


async def test_a_limit_below_what_is_open_says_so(tmp_path: Path) -> None:
    """Open orders stay, and new ones are refused; log and answer name limit and exposure."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        broker = await at.logged_on("BROKER1")
        for number in range(3):
            await trade(broker, f"{number}")
        at.files.replace("sessions/BROKER1.toml", "= 100_000", "= 2")
        answer = await at.reload()

        exposure = {"session": "BROKER1", "limit": "max_open_orders", "value": 2, "present": 3}
        assert answer["below_exposure"] == [exposure]
        (line,) = at.live.logged.of("limit below exposure")
        assert exposure.items() <= line.items()
        await trade(broker, "9", code="MAX_OPEN_ORDERS")
        assert at.live.gateway.storage.venue.engine.statistics().live_orders == 3


async def test_a_session_whose_network_was_withdrawn_is_cut(tmp_path: Path) -> None:
    """Within a second, with its cause; one whose password is new stays."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        first, second = await at.logged_on("BROKER1"), await at.logged_on("BROKER2")
        await at.reload()
        at.files.replace("sessions/BROKER1.toml", '["127.0.0.0/8", "::1/128"]', '["10.0.0.0/8"]')
        at.files.replace("sessions/BROKER2.toml", '"::1/128"', '"10.0.0.0/8"')
        await within_a_second(lambda: not at.is_live("BROKER1"))

        await first.until_closed()
        (line,) = at.live.logged.of("session cut")
        assert (line["session"], line["cause"]) == ("BROKER1", "network-withdrawn")
        await trade(second, "1")
        again = await at.peer("BROKER1")
        await again.send("A", [(98, 0), (108, 60)])
        assert await again.until_closed() == []


async def test_a_removed_session_goes_with_its_orders_and_comes_back(tmp_path: Path) -> None:
    """Its desk is told; its numbers go on where they were, and it gets what it has missed."""
    files = small_files(tmp_path)
    files.replace("config/risk.toml", '[firm."Broker Two"]', "[account.B2-HOUSE]")
    files.replace("config/risk.toml", "[account.B2-HOUSE]\n", '[firm."KK99 Compliance"]\n')
    async with reloading(files, tmp_path / "var") as at:
        desk = await at.logged_on("DROPCOPY1")
        broker = await at.logged_on("BROKER2")
        await trade(broker, "1")
        await desk.receive("8")
        kept = (at.files.sessions / "BROKER2.toml").read_text()
        (at.files.sessions / "BROKER2.toml").unlink()
        await within_a_second(lambda: not at.is_live("BROKER2"))

        last = await broker.until_closed()
        assert [(message[35], message.get(58)) for message in last] == [
            ("5", "the session was removed")
        ]
        cancelled = await desk.receive("8")
        assert (cancelled[150], cancelled[58].partition(";")[0]) == ("4", "SESSION_REMOVED")
        assert at.live.gateway.storage.venue.engine.statistics().live_orders == 0
        at.files.write("sessions/BROKER2.toml", kept)
        assert (await at.reload())["changed"] == ["BROKER2"]
        again = await at.logged_on("BROKER2", next_out=3)
        await again.send("2", [(7, 4), (16, 0)])
        assert (await again.receive("8"))[150] == "4"


async def test_a_disabled_session_may_not_log_on(tmp_path: Path) -> None:
    """It is logged out with its orders, refused with a cause of its own, and comes back."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        broker = await at.logged_on("BROKER1")
        await trade(broker, "1")
        at.files.replace("sessions/BROKER1.toml", "role", "enabled = false\nrole")
        await at.reload()
        (logout,) = await broker.until_closed()
        assert (logout[35], logout[58]) == ("5", "the session is disabled")
        again = await at.peer("BROKER1")
        await again.send("A", [(98, 0), (108, 60)])
        assert await again.until_closed() == []
        assert at.live.logged.of("logon refused")[-1]["cause"] == "disabled"
        at.files.replace("sessions/BROKER1.toml", "enabled = false\n", "")
        await at.reload()
        back = await at.logged_on("BROKER1", next_out=3)
        await trade(back, "after")


async def test_a_broken_file_leaves_its_session_and_others_alone(tmp_path: Path) -> None:
    """It is told of once, with file, line and key, and again when it is right."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        broker = await at.logged_on("BROKER1")
        at.files.replace("sessions/BROKER1.toml", "role =", "rolle =")
        at.files.write("sessions/NEW1.toml", session_text("NEW1"))
        answer = await at.reload()
        await at.reload()

        path = at.files.sessions / "BROKER1.toml"
        expected = [
            f'{path}:6: session.rolle: is unknown; did you mean "role"?',
            f"{path}:3: session.role: is missing",
        ]
        assert sorted(refused(at)) == sorted(expected)
        assert answer["changed"] == ["NEW1"]
        assert answer["refused"] == [{"file": str(path), "mistakes": sorted(expected)}]
        await trade(broker, "1")
        at.files.replace("sessions/BROKER1.toml", "rolle =", "role =")
        assert (await at.reload())["refused"] == []
        assert at.live.logged.of("session file right again")[-1]["file"] == str(path)


async def test_files_that_contradict_each_other_are_refused_together(tmp_path: Path) -> None:
    """Each keeps its old state until the contradiction is gone, whoever ends it."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        at.files.write("sessions/AAA.toml", session_text("AAA", account="B1-HOUSE"))
        at.files.write("sessions/NEW1.toml", session_text("NEW1", account="N"))
        at.files.write("sessions/NEW2.toml", session_text("NEW2", account="N"))
        at.files.write("sessions/NEW3.toml", session_text("NEW3"))
        answer = await at.reload()

        assert answer["changed"] == ["NEW3"]
        owner = at.files.sessions / "BROKER1.toml"
        text = f'{at.files.sessions / "AAA.toml"}:6: session.accounts: found "B1-HOUSE", which '
        assert refused(at)[0] == (
            f'{text}belongs to firm "Broker One" in {owner}; one firm per account would be right'
        )
        assert "NEW2.toml:6: session.accounts" in refused(at)[1]
        (at.files.sessions / "NEW2.toml").unlink()
        answer = await at.reload()
        assert answer["changed"] == ["NEW1"]


async def test_what_may_not_change_is_refused_with_its_reason(tmp_path: Path) -> None:
    """Role, firm and the firm of an account that had another one, also after a removal."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        at.files.write("sessions/NEW1.toml", session_text("NEW1"))
        await at.reload()
        at.files.write("sessions/NEW1.toml", session_text("NEW1", firm="Other"))
        await at.reload()
        text = 'NEW1.toml:5: session.firm: found "Other"; "Firm NEW1", which it was'
        assert text in refused(at)[0]
        (at.files.sessions / "NEW1.toml").unlink()
        await at.reload()
        at.files.write("sessions/NEW2.toml", session_text("NEW2", account="NEW1-A"))
        await at.reload()
        assert 'NEW2.toml:6: session.accounts: found "NEW1-A", which belonged to' in refused(at)[-1]


async def test_no_room_for_another_session(tmp_path: Path) -> None:
    """The core has as many places as venue.toml gave it, names of before included."""
    files = small_files(tmp_path, {"sessions = 64": "sessions = 4"})
    async with reloading(files, tmp_path / "var") as at:
        for name in ("NEW1", "NEW2"):
            at.files.write(f"sessions/{name}.toml", session_text(name))
        assert (await at.reload())["changed"] == ["NEW1"]
        assert "no room for more sessions than 4" in refused(at)[0]
        broker = await at.logged_on("BROKER1")
        await trade(broker, "1")


async def test_files_of_editors_are_no_session_files(tmp_path: Path) -> None:
    """Hidden files, backups and what has another name are not looked at."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        for name in (".BROKER1.toml.swp", ".x.toml", "BROKER1.toml~", "NEW.toml.bak", "4913"):
            at.files.write(f"sessions/{name}", "nonsense = [")
        answer = await at.reload()
        assert (answer["changed"], answer["refused"]) == ([], [])


async def test_a_file_in_the_making_is_waited_for(tmp_path: Path) -> None:
    """Truncated and written, written aside and renamed, gone for a moment: one change each."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        broker = await at.logged_on("BROKER1")
        path = at.files.sessions / "BROKER1.toml"
        text = path.read_text()
        await at.reload()
        for number in range(4):
            path.write_text("")
            await trio.sleep(0.02)
            path.write_text(text[: len(text) // 2])
            await trio.sleep(0.02)
            path.unlink()
            await trio.sleep(0.05)
            aside = at.files.sessions / f".new{number}"
            aside.write_text(text.replace("100_000", f"{number + 1}"))
            aside.rename(path)
            await at.reload()
            file = at.live.gateway.current.session("BROKER1")
            assert file is not None
            assert file.limits.max_open_orders == number + 1
        assert refused(at) == []
        assert at.is_live("BROKER1")
        await trade(broker, "1")


async def test_a_link_is_the_file_it_points_to(tmp_path: Path) -> None:
    """As the start reads it; one that points nowhere is refused."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        (tmp_path / "elsewhere").write_text(session_text("NEW1"))
        (at.files.sessions / "NEW1.toml").symlink_to(tmp_path / "elsewhere")
        (at.files.sessions / "NEW2.toml").symlink_to(tmp_path / "nowhere")
        answer = await at.reload()
        assert answer["changed"] == ["NEW1"]
        assert [line.partition("NEW2.toml")[2] for line in refused(at)] == [
            ": there is no such file"
        ]


async def test_a_folder_that_is_gone_takes_nobody_along(tmp_path: Path) -> None:
    """Neither one that was moved away nor one that is empty of a sudden."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        broker = await at.logged_on("BROKER1")
        aside = tmp_path / "aside"
        at.files.sessions.rename(aside)
        answer = await at.reload()
        assert answer["refused"][0]["mistakes"] == [f"{at.files.sessions}: there is no such folder"]
        at.files.sessions.mkdir()
        answer = await at.reload()
        assert "has no session file any more" in answer["refused"][0]["mistakes"][0]
        at.files.sessions.rmdir()
        aside.rename(at.files.sessions)
        assert (await at.reload())["refused"] == []
        await trade(broker, "1")


async def test_other_files_need_a_restart(tmp_path: Path) -> None:
    """Their change is told of once and changes nothing."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        at.files.replace("config/venue.toml", "max_seconds = 10", "max_seconds = 11")
        answer = await at.reload()
        await at.reload()
        path = str(at.files.config / "venue.toml")
        assert answer["restart_needed"] == [path]
        assert [line["file"] for line in at.live.logged.of("restart needed")] == [path]


async def test_the_process_that_reads_may_die(tmp_path: Path) -> None:
    """The next look has another one, which knows what applies; a broken file keeps its state."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        at.files.write("sessions/NEW1.toml", session_text("NEW1"))
        await at.reload()
        at.files.write("sessions/NEW1.toml", "nonsense = [")
        await at.reload()
        reader = at.reloader.reader
        assert reader is not None
        assert reader.process is not None
        reader.process.kill()
        await reader.process.wait()
        await at.reload()
        at.files.write("sessions/NEW2.toml", session_text("NEW2"))
        answer = await at.reload()
        assert answer["changed"] == ["NEW2"]
        assert len(answer["refused"]) == 1
        await trade(await at.logged_on("NEW1"), "1")


async def test_who_asks_is_told_that_nothing_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that failed is not one that found nothing new."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        await at.reload()

        async def ended() -> None:
            raise FilesReaderError("it ended with code -9")

        monkeypatch.setattr(at.reloader.reader, "look", ended)
        answer = await at.reload()
        assert answer["not_read"] == "files not read: it ended with code -9"
        monkeypatch.undo()
        assert not (await at.reload())["not_read"]


async def test_two_who_ask_at_once_are_told_of_refused_files(tmp_path: Path) -> None:
    """What is refused is no news for one of them: it is so until it is right."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        at.files.write("sessions/NEW1.toml", "nonsense = [")
        answers = []

        async def ask() -> None:
            answers.append(await at.reload())

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask)

        assert [len(answer["refused"]) for answer in answers] == [1, 1, 1]


async def test_two_hundred_broken_files_change_nothing(tmp_path: Path) -> None:
    """Each is told of; state and journal are as they were, and who is on goes on trading."""
    async with reloading(small_files(tmp_path), tmp_path / "var") as at:
        broker = await at.logged_on("BROKER1")
        await at.reload()
        await trade(broker, "1")
        venue = at.live.gateway.storage.venue
        before = (venue.engine.state_hash(), venue.engine.next_lsn, venue.saved())
        names = [f"NEW{number:03d}" for number in range(200)]
        paths = [
            str(put(at.files.sessions, name, broken))
            for name, broken in broken_files(names, seed=8)
        ]
        at.files.replace("sessions/BROKER2.toml", "[session]", "[session")
        answer = await at.reload()

        assert (venue.engine.state_hash(), venue.engine.next_lsn, venue.saved()) == before
        broker2 = str(at.files.sessions / "BROKER2.toml")
        assert {each["file"] for each in answer["refused"]} == {*paths, broker2}
        assert at.reloader.statistics().refused == 201
        await trade(broker, "2")
        await trade(await at.logged_on("BROKER2"), "1")
