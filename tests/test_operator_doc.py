"""docs/operator.md is run: every command that it shows, with the answer that it shows."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner
from support.config_folder import REPOSITORY
from support.fix_client import FixClient
from support.gateway_process import GatewayProcess, copy_files
from support.live_gateway import LogLines, small_settings
from support.live_peer import order

from kk99fix.cli import COMMANDS, main
from kk99fix.commands.ctl import ctl
from kk99fix.gateway import assembly, server
from kk99fix.gateway.explanations import EXPLANATIONS
from kk99fix.gateway.reloader import Folders

TEXT = (REPOSITORY / "docs/operator.md").read_text()
EXAMPLES = re.findall(r"```console\n\$ (kk99fix .*)\n((?:.*\n)*?)```", TEXT)
#: What differs from run to run, and what stands for it in a comparison.
VARIES = (
    (r"\b(?=[0-9a-z]*[a-z])[0-9a-z]{8}-\d+", "REFERENCE"),
    (r"\b\d+(d\d+h|h\d+m|m\d+s|s)\b", "SPAN"),
    (r"\b[\d.]+ (B|KiB|MiB|GiB|TiB)\b", "SIZE"),
    (r"record \d+ \(on the disk to \d+\)", "record N"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\d{8}-[\d:.]+", "TIME"),
    (r"\d{4}-\d\d-\d\d", "DATE"),
    (r"\b\d\d:\d\d:\d\d\.\d+", "TIME"),
    (r"pid \d+|day \d+|9=\d+|10=\d+|core [\d.]+|\d+ prepared", "NUMBER"),
    (r"\s+", " "),
    (r"─+", "─"),
)


def plain(output: str) -> list[str]:
    """The words of an answer, without what differs from run to run."""
    for pattern, name in VARIES:
        output = "\n".join(re.sub(pattern, name, line).strip() for line in output.splitlines())
    return [line for line in output.splitlines() if line]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway with all that the page shows: an order, and two logons that failed."""
    copy_files(tmp_path, metrics_port=0, keeper="true", projector="true")
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("right")
    file = tmp_path / "sessions" / "BROKER2.toml"
    proof = f'[logon]\nusername = "broker2"\npassword_hash = "{hashed}"'
    file.write_text(file.read_text().replace("[logon]", proof, 1))
    gateway = GatewayProcess(tmp_path)
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.close()


def prepare(gateway: GatewayProcess) -> FixClient:
    """Have BROKER1 trade, and BROKER2 and BROKER3 be refused."""
    for name in ("BROKER2", "BROKER3"):
        stranger = FixClient(name, gateway.port)
        with pytest.raises(AssertionError, match="the connection was closed"):
            stranger.log_on()
    client = FixClient("BROKER1", gateway.port)
    client.log_on()
    client.send("D", order("a"))
    client.read_until(lambda: bool(client.received))
    return client


def test_the_examples_answer_what_the_page_shows(gateway: GatewayProcess, tmp_path: Path) -> None:
    """In the order of the page, which ends with the stop."""
    client = prepare(gateway)
    assert len(EXAMPLES) == 10
    for command, shown in EXAMPLES:
        arguments = shlex.split(command)[1:]
        result = CliRunner().invoke(main, [*arguments, "--state", str(tmp_path / "var")])
        assert result.exit_code == 0, f"{command}: {result.output}"
        assert plain(result.stdout) == plain(shown), f"{command}\n{result.stdout}"
    client.close()
    assert gateway.wait() == 0


def test_every_command_is_in_the_table(tmp_path: Path) -> None:
    """The page has the commands of the socket and no others, each with its arguments."""
    settings, folders = (
        small_settings(tmp_path),
        Folders(tmp_path / "config", tmp_path / "sessions"),
    )
    gateway = assembly.start(settings, tmp_path / "var", LogLines().log, folders=folders)
    entries = gateway.operator._entries
    known = {name: set(entry.arguments) for name, entry in entries.items()}
    server.stop(gateway)
    table = TEXT.split("| command | arguments | answers |\n")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `([a-z]+)` \|([^|]*)\|", table, re.MULTILINE)

    assert {name: set(re.findall(r"`([a-z]+)`", cell)) for name, cell in rows} == known


def test_every_ctl_command_is_on_the_page() -> None:
    """Each stands there as it is typed."""
    named = set(re.findall(r"kk99fix ctl ([a-z]+)", TEXT))

    assert named == set(ctl.commands)


def test_commands_that_explanations_name_exist() -> None:
    """What a person is told to type can be typed."""
    texts = " ".join(f"{each.look} {each.do}" for each in EXPLANATIONS.values())

    assert set(re.findall(r"kk99fix ctl ([a-z]+)", texts)) <= set(ctl.commands)
    assert set(re.findall(r"kk99fix ([a-z]+)", texts)) <= set(COMMANDS)


def test_links_lead_somewhere() -> None:
    """Every relative link is a file, and every heading that is linked to is there."""
    for target, anchor in re.findall(r"\]\(([^)#:]*)#?([^)]*)\)", TEXT):
        file = REPOSITORY / "docs" / target if target else REPOSITORY / "docs/operator.md"
        headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}
        assert not anchor or anchor in anchors, (target, anchor)
