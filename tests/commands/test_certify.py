"""`kk99fix certify` beside a gateway, with bots that play the counterparty."""

import json
from pathlib import Path
from unittest.mock import ANY

import pytest
import trio
from click.testing import CliRunner
from support.certified_bot import CertifiedBot, Twist, asked, drive
from support.config_folder import ConfigFolder
from support.live_gateway import live_gateway, small_settings
from support.operator_line import ask
from support.reloading import reloading

from kk99fix.cli import main
from kk99fix.commands.certify import NOT_PASSED, conduct, planned
from kk99fix.commands.certify_watch import seen
from kk99fix.config.certification import FUNCTIONS
from kk99fix.config.load import Settings, load
from kk99fix.harness.certification.examination import FunctionResult, Patience
from kk99fix.harness.client import Client

PATIENCE = Patience(step_s=20, answer_s=5, mistakes_max=2)
ALL = ", ".join(f'"{name}"' for name in FUNCTIONS["order-entry"])


def settings_of(folder: Path, functions: str) -> Settings:
    """The shipped files, with BROKER1 to be certified in AAPL."""
    needs = f"[certification]\nfunctions = [{functions}]\nrequire_certification = true\n[limits]"
    small_settings(folder)
    instruments = folder / "config" / "instruments.toml"
    text = instruments.read_text()
    instruments.write_text(text.replace('symbol = "AAPL"', 'symbol = "AAPL"\ncertification = true'))
    session = folder / "sessions" / "BROKER1.toml"
    session.write_text(session.read_text().replace("[limits]", needs))
    return load(folder / "config", folder / "sessions")


async def certified(
    state_dir: Path, bot: CertifiedBot, only: tuple[str, ...] = ()
) -> tuple[list[FunctionResult], list[str]]:
    """Hold a run in a thread while the bot obeys; returns results and all that was said."""
    standing = await ask(state_dir, "certification", session=bot.comp_id)
    plan = planned(standing, only, None, PATIENCE)
    said: list[str] = []
    results: list[FunctionResult] = []
    prompts, asks = trio.open_memory_channel[str](1000)

    def say(line: str) -> None:
        said.append(line)
        trio.from_thread.run_sync(prompts.send_nowait, line)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(drive, bot, asks)
        with trio.fail_after(60):
            results += await trio.to_thread.run_sync(conduct, state_dir, plan, say)
        nursery.cancel_scope.cancel()
    return results, said


async def order(client: Client, cl_ord_id: str, symbol: str, price: str) -> tuple[bytes, bytes]:
    """Send an order; returns ExecType(150) and the code in Text(58) of its report."""
    when = client.timestamp().decode()
    fields = {11: cl_ord_id, 55: symbol, 54: "1", 60: when, 38: "100", 40: "2", 44: price}
    await client.send("D", fields.items())
    while (report := await client.receive()).get(11) != cl_ord_id.encode():
        pass
    text = report.get(58) or b""
    return report.get(150) or b"", text.partition(b";")[0]


async def test_a_counterparty_passes_every_function_and_may_trade(tmp_path: Path) -> None:
    """Orders are refused before and taken after, also by a gateway that has started again."""
    settings, state = settings_of(tmp_path, ALL), tmp_path / "var"
    async with live_gateway(settings, state) as live:
        bot = CertifiedBot("BROKER1", live.port)
        await bot.log_on()
        assert bot.client is not None
        assert await order(bot.client, "before", "AAPL", "190") == (b"8", b"NOT_CERTIFIED")
        results, said = await certified(state, bot)

        assert [result.name for result in results if not result.passed] == []
        assert [result.name for result in results] == [*FUNCTIONS["order-entry"]]
        assert said[-1] == "BROKER1 passed: all 12 functions"
        assert (await order(bot.client, "after", "BTC-USD", "60000"))[0] == b"0"
        standing = await ask(state, "certification", session="BROKER1")
        assert standing["complete"]
        assert standing["run_until_ns"] is None
        await bot.client.logout()
    async with live_gateway(settings, state) as live:
        assert bot.client is not None
        bot.port = live.port
        await bot.log_on()
        assert (await order(bot.client, "again", "AAPL", "189.50"))[0] == b"0"
        await bot.hang_up()

    for suffix in (".md", ".html"):
        (report,) = (state / "certification").glob(f"BROKER1-*{suffix}")
        assert "passed: all 12 functions" in report.read_text()


def wrong_quantity(fields: dict[int, str]) -> dict[int, str]:
    """Always one too few."""
    return fields | {38: "99"}


@pytest.mark.parametrize(
    ("functions", "twist", "reason"),
    [
        ('"limit"', wrong_quantity, "OrderQty(38) is 99, asked for was 100"),
        ('"fok"', lambda f: f | {59: "3"}, "TimeInForce(59) is 3, asked for was 4"),
        ('"limit"', lambda f: f | {55: "ETH-USD"}, "Symbol(55) is ETH-USD, asked for was AAPL"),
    ],
)
async def test_one_that_misbehaves_is_told_how(
    tmp_path: Path, functions: str, twist: Twist, reason: str
) -> None:
    """The report says what was wrong, and the session stays out of order entry."""
    state = tmp_path / "var"
    async with live_gateway(settings_of(tmp_path, functions), state) as live:
        bot = CertifiedBot("BROKER1", live.port, twist)
        await bot.log_on()
        (result,), said = await certified(state, bot)

        assert (result.passed, result.reason) == (False, reason)
        assert said[-1] == "BROKER1 NOT passed: 0 of 1 functions"
        assert bot.client is not None
        assert (await order(bot.client, "x", "AAPL", "190"))[1] == b"NOT_CERTIFIED"
        await bot.hang_up()
    (report,) = (state / "certification").glob("*.md")
    assert f"mistake: {reason}" in report.read_text()


async def test_a_drop_copy_desk_is_certified_too(tmp_path: Path) -> None:
    """It gets a copy of what somebody else enters, and goes on."""
    settings_of(tmp_path, '"limit"')
    desk_file = tmp_path / "sessions" / "DROPCOPY1.toml"
    desk_file.write_text(
        desk_file.read_text() + '\n[certification]\nfunctions = ["drop-copy", "logout"]\n'
    )
    settings, state = load(tmp_path / "config", tmp_path / "sessions"), tmp_path / "var"
    async with live_gateway(settings, state) as live:
        broker = CertifiedBot("BROKER2", live.port)
        await broker.log_on()

        class Desk(CertifiedBot):
            async def obey(self, ask: str) -> None:
                if ask.startswith("Let one of the sessions"):
                    assert broker.client is not None
                    await order(broker.client, "copied", "AAPL", "189")
                else:
                    await super().obey(ask)

        desk = Desk("DROPCOPY1", live.port)
        await desk.log_on()
        results, _ = await certified(state, desk)
        assert [result.reason for result in results] == ["", ""]
        await desk.hang_up()
        await broker.hang_up()


async def test_the_operator_sees_and_takes_back(tmp_path: Path) -> None:
    """--show lists functions, and --revoke forgets them; what cannot be done is said."""
    state = tmp_path / "var"
    async with live_gateway(settings_of(tmp_path, '"limit", "cancel"'), state):
        run = CliRunner().invoke

        async def shell(*words: str, command: str = "certify") -> tuple[int, str]:
            arguments = [command, *words, "--state", str(state)]
            result = await trio.to_thread.run_sync(run, main, arguments)
            return result.exit_code, result.output

        await ask(state, "certify", session="BROKER1", step="passed", functions=["limit"])
        code, shown = await shell("BROKER1", "--show")
        assert code == 0
        assert "BROKER1: certification is required, not complete" in shown
        assert "limit        passed 2" in shown
        assert "cancel       not passed" in shown
        rows = json.loads((await shell("BROKER1", "--show", "--json"))[1])
        assert (rows["required"], rows["complete"]) == (True, False)
        assert rows["functions"] == {"limit": ANY, "cancel": None}
        assert (await shell("BROKER1", "--json"))[0] == 2
        assert "certified for 1 of 2" in (await shell("BROKER1", command="sessions"))[1]
        assert (await shell("BROKER1", "--revoke"))[0] == 0
        assert "limit        not passed" in (await shell("BROKER1", "--show"))[1]

        code, text = await shell("BROKER1", "--function", "market")
        assert (code, text) == (
            1, "kk99fix: BROKER1 has no function 'market'; cancel, limit are\n"
        )  # fmt: skip
        code, text = await shell("BROKER1", "--symbol", "ETH-USD")
        assert (code, text) == (1, "kk99fix: ETH-USD may not be used; AAPL may\n")
        code, text = await shell("BROKER2")
        assert code == 1
        assert "the file of BROKER2 names no functions" in text
        code, text = await shell("NOBODY")
        assert (code, text) == (
            1, "kk99fix: no session is called NOBODY; `kk99fix sessions` lists all\n"
        )  # fmt: skip
        for step, text in [
            ("passed", "'market' is no function that the file of BROKER1 names"),
            ("bless", "'bless' is no step of a certification"),
            ("begin", '"seconds" of a run has to be from 1 to 86400'),
        ]:
            answer = await ask(state, "certify", session="BROKER1", step=step, functions=["market"])
            assert not answer["ok"]
            assert text in answer["error"]


async def test_a_run_goes_on_over_a_restart_of_the_gateway(tmp_path: Path) -> None:
    """The journal goes on, and so does the run, which the venue knows as before."""
    settings, state = settings_of(tmp_path, '"cancel", "status"'), tmp_path / "var"
    lines, said = trio.open_memory_channel[str](1000)
    results: list[FunctionResult] = []

    def say(line: str) -> None:
        trio.from_thread.run_sync(lines.send_nowait, line)

    async def obey_until(bot: CertifiedBot, end: str) -> None:
        with trio.fail_after(30):
            while (line := await said.receive()) != end:
                if asked(line):
                    await bot.obey(asked(line))

    async with trio.open_nursery() as nursery:
        async with live_gateway(settings, state) as live:
            bot = CertifiedBot("BROKER1", live.port)
            await bot.log_on()
            plan = planned(await ask(state, "certification", session="BROKER1"), (), None, PATIENCE)

            async def hold() -> None:
                results.extend(await trio.to_thread.run_sync(conduct, state, plan, say))

            nursery.start_soon(hold)
            await obey_until(bot, "cancel: passed")
            assert bot.client is not None
            await bot.client.logout()
        async with live_gateway(settings, state) as live:
            bot.port = live.port
            await bot.log_on()
            await obey_until(bot, "BROKER1 passed: all 2 functions")
            assert (await ask(state, "certification", session="BROKER1"))["complete"]
            await bot.hang_up()
    assert [result.passed for result in results] == [True, True]


async def test_an_operator_may_end_a_run(tmp_path: Path) -> None:
    """What was passed until then counts, the report says the rest, and no run is left."""
    state = tmp_path / "var"
    async with live_gateway(settings_of(tmp_path, '"cancel", "status"'), state) as live:
        bot = CertifiedBot("BROKER1", live.port)
        await bot.log_on()
        plan = planned(await ask(state, "certification", session="BROKER1"), (), None, PATIENCE)

        def say(line: str) -> None:
            if line == "Status of an order (status)":
                raise KeyboardInterrupt
            if asked(line):
                trio.from_thread.run(bot.obey, asked(line))

        results = await trio.to_thread.run_sync(conduct, state, plan, say)
        await bot.hang_up()
        standing = await ask(state, "certification", session="BROKER1")

        assert [(each.name, each.reason) for each in results] == [
            ("cancel", ""),
            ("status", "the operator ended the run"),
        ]
        assert standing["functions"]["cancel"] is not None
        assert standing["functions"]["status"] is None
        assert standing["run_until_ns"] is None


async def test_nobody_comes(tmp_path: Path) -> None:
    """The run ends politely, with an exit code of its own, and a report is there all the same."""
    state = tmp_path / "var"
    async with live_gateway(settings_of(tmp_path, '"limit"'), state):
        arguments = ["certify", "BROKER1", "--step-timeout", "1", "--state", str(state)]
        result = await trio.to_thread.run_sync(CliRunner().invoke, main, arguments)

    assert result.exit_code == NOT_PASSED
    assert result.output.startswith("BROKER1 is not logged on: whatever it sends is seen once")
    assert "limit: NOT passed: nothing came within 1 seconds" in result.output
    (report,) = (state / "certification").glob("*.md")
    assert str(report) in result.output


def test_check_says_who_has_to_be_certified(tmp_path: Path) -> None:
    """What keeps a session from trading is told beside its settings."""
    settings_of(tmp_path, '"limit", "cancel"')
    folders = ["--config", str(tmp_path / "config"), "--sessions", str(tmp_path / "sessions")]

    result = CliRunner().invoke(main, ["check", *folders])

    assert result.exit_code == 0, result.output
    assert "BROKER1: enters orders once it is certified for limit, cancel" in result.output


async def test_a_session_that_goes_meanwhile(tmp_path: Path) -> None:
    """Its file is removed during the run: what was seen until then is reported all the same."""
    settings_of(tmp_path, '"limit"')
    state = tmp_path / "var"
    async with reloading(ConfigFolder.at(tmp_path), state) as at:
        standing = await ask(state, "certification", session="BROKER1")
        said: list[str] = []

        async def go() -> None:
            (tmp_path / "sessions" / "BROKER1.toml").unlink()
            await at.reload()

        def say(line: str) -> None:
            said.append(line)
            if asked(line):
                trio.from_thread.run(go)
                raise KeyboardInterrupt

        plan = planned(standing, (), None, PATIENCE)
        with trio.fail_after(30):
            results = await trio.to_thread.run_sync(conduct, state, plan, say)

    assert [each.reason for each in results] == ["the operator ended the run"]
    assert said[-1] == "BROKER1 NOT passed: 0 of 1 functions"
    assert len([*(state / "certification").glob("BROKER1-*")]) == 2


def test_a_field_is_what_stands_between_two_soh() -> None:
    """A bar, an equals sign or a byte that is no text in a value makes no field and no line."""
    raw = b"8=FIX.4.4|9=5|35=D|11=a\n# b\x1b[2J|58=x!150=F|10=000|".replace(b"|", b"\x01")
    message = seen(raw.replace(b"!", b"|"), from_venue=False)

    assert message.fields[58] == "x|150=F"
    assert 150 not in message.fields
    assert message.fields[11] == r"a\x0a# b\x1b[2J"
    assert "\n" not in message.text
