import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from support.gateway_process import GatewayProcess, copy_files, free_port

from kk99fix.cli import main
from kk99fix.commands.harness import harness

SCRIPT = """\
# A script of mine.
party A sender=BROKER1 target=KK99 password=${env:KK99_HARNESS_PW}
A logon reset
A send TestRequest TestReqID=${id}
A expect Heartbeat TestReqID=${wanted}
A logout
"""


def run(*arguments: str, **environment: str) -> Result:
    """Run the command line in this process."""
    return CliRunner(env=environment).invoke(main, ["harness", *arguments])


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway that serves."""
    folder = tmp_path_factory.mktemp("harness")
    copy_files(folder, metrics_port=0, orders=10_000, duplicate_window=10_000)
    process = GatewayProcess(folder)
    process.start()
    yield process
    process.close()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script with parameters and a secret."""
    path = tmp_path / "mine.scenario"
    path.write_text(SCRIPT)
    return path


@pytest.mark.parametrize("name", sorted(harness.commands))
def test_every_command_has_help_with_examples(name: str) -> None:
    """--help says what a command does and shows it in use."""
    result = run(name, "--help")

    assert result.exit_code == 0
    assert "Examples:\n" in result.output
    assert f"kk99fix harness {name}" in result.output


def test_a_run_that_passes(gateway: GatewayProcess, script: Path, tmp_path: Path) -> None:
    """Everything is shown with its names, the secret is not, and the files have the outcome."""
    junit = tmp_path / "out.xml"
    more = ["--set", "id=X1", "--set", "wanted=X1", "--port", str(gateway.port)]
    told = run("run", str(script), *more, "--junit", str(junit), KK99_HARNESS_PW="canary")

    assert told.exit_code == 0, told.output
    assert "TestReqID(112)=X1" in told.output
    assert "Password(554)=***" in told.output
    assert "1 of 1 passed" in told.output
    suite = ET.fromstring(junit.read_bytes())  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "0")
    assert "canary" not in told.output + junit.read_text()


def test_a_run_that_fails(gateway: GatewayProcess, script: Path, tmp_path: Path) -> None:
    """Exit code 1; the line, what was expected and what came are on the screen and in the files."""
    junit = tmp_path / "out.xml"
    more = ["--set", "id=X1", "--set", "wanted=X2", "--port", str(gateway.port)]
    arguments = ["run", str(script), "cancel", *more, "--quiet", "--junit", str(junit)]
    told = run(*arguments, KK99_HARNESS_PW="canary")
    suite = ET.fromstring(junit.read_bytes())  # noqa: S314 - our own file

    assert told.exit_code == 1, told.output
    assert f"{script}:5: A expect Heartbeat" in told.output
    assert "expected TestReqID(112)=X2, received X1" in told.output
    assert "1 of 2 passed" in told.output
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert "received X1" in (suite.findtext("testcase/failure") or "")


def test_json(gateway: GatewayProcess) -> None:
    """One object a script: the verdict, the complaint and every message with its fields."""
    told = run("run", "first_trade", "cancel", "--json", "--port", str(gateway.port))
    rows = [json.loads(line) for line in told.output.splitlines()]

    assert told.exit_code == 0
    assert [(row["name"], row["verdict"]) for row in rows] == [
        ("first_trade", "passed"),
        ("cancel", "passed"),
    ]
    sent = [each for each in rows[0]["transcript"] if each["kind"] == "sent"]
    assert sent[0]["message"] == "Logon(A)"
    assert [98, "0"] in sent[0]["fields"]


def test_what_could_not_be_run(script: Path, tmp_path: Path) -> None:
    """Exit code 2: nobody listens, a value is missing, a script is wrong or not there."""
    nowhere = str(free_port())
    wrong = tmp_path / "wrong.scenario"
    wrong.write_text("A logon\n")

    refused = run("run", "first_trade", "--port", nowhere, "--quiet")
    assert (refused.exit_code, "nobody listens on 127.0.0.1" in refused.output) == (2, True)
    missing = run("run", str(script), "--port", nowhere)
    assert (missing.exit_code, "has no KK99_HARNESS_PW" in missing.output) == (2, True)
    bad = run("run", str(wrong))
    assert (bad.exit_code, f"{wrong}:1: 'A' is neither" in bad.output) == (2, True)
    absent = run("run", "no_such_script")
    assert (absent.exit_code, "cannot be read: No such file" in absent.output) == (2, True)
    unset = run("run", "first_trade", "--set", "canary")
    assert (unset.exit_code, "NAME=VALUE is wanted" in unset.output) == (2, True)
    assert "canary" not in unset.output


def test_files_of_tls_that_are_wrong() -> None:
    """They are a usage error before anything is connected."""
    told = run("run", "first_trade", "--tls-ca", "nowhere.pem")
    other = run("misbehave", "gap", "--tls-certificate", "nowhere.pem")

    assert (told.exit_code, "nowhere.pem is no file of CA" in told.output) == (2, True)
    assert (other.exit_code, "cannot be shown: No such file" in other.output) == (2, True)


def test_check_says_what_a_script_needs(script: Path, tmp_path: Path) -> None:
    """Nothing is connected; parameters and mistakes are named."""
    told = run("check", str(script), "first_trade")
    wrong = tmp_path / "wrong.scenario"
    wrong.write_text("wait long\n")

    assert told.exit_code == 0
    assert f"{script}: 5 steps of A, needs --set id=... --set wanted=..." in told.output
    assert run("check", str(wrong)).exit_code == 2


def test_list_and_show() -> None:
    """Scripts are listed with what they show, and printed to begin from."""
    table = run("list")
    rows = [json.loads(line) for line in run("list", "--json").output.splitlines()]

    assert re.search(r"script +first_trade +A first trade", table.output)
    assert {"kind": "script", "name": "cancel"}.items() <= next(
        row.items() for row in rows if row["name"] == "cancel"
    )
    assert re.search(r"misbehaviour +gap +Skips three", table.output)
    assert run("show", "first_trade").output.startswith("# A first trade")
    assert run("show", "parties.inc").output.startswith("# Who trades")
    assert run("show", "nothing").exit_code == 2


def test_misbehave(gateway: GatewayProcess, tmp_path: Path) -> None:
    """Scenarios are chosen by name, and told with what they do and the good session's p99."""
    junit = tmp_path / "out.xml"
    more = ["--port", str(gateway.port), "--junit", str(junit), "--quiet"]
    told = run("misbehave", "gap", "wrong-checksum", *more)

    assert told.exit_code == 0, told.output
    assert "gap: Skips three numbers" in told.output
    assert re.search(r"passed; the good session beside it: p99 \d+\.\d ms", told.output)
    assert "2 of 2 passed" in told.output
    assert b'name="wrong-checksum"' in junit.read_bytes()


def test_misbehave_with_mistakes(gateway: GatewayProcess) -> None:
    """An unknown name is a usage error; nobody who listens, or a session too few, is told."""
    unknown = run("misbehave", "gpa")
    nowhere = run("misbehave", "gap", "--port", str(free_port()), "--quiet")
    closed = run("misbehave", "gap", "--good", "NOBODY", "--port", str(gateway.port), "--quiet")

    assert (unknown.exit_code, "'gpa' is none" in unknown.output) == (2, True)
    assert (nowhere.exit_code, "nobody listens on" in nowhere.output) == (2, True)
    assert (closed.exit_code, "GOOD: expected Logon(A)" in closed.output) == (1, True)


def test_the_command_outside_of_this_process(gateway: GatewayProcess) -> None:
    """The transcript is printed as it comes."""
    program = Path(sys.executable).with_name("kk99fix")
    done = subprocess.run(
        [program, "harness", "run", "cancel", "--port", str(gateway.port)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 0, done.stderr
    assert "OrderCancelReject(9)" in done.stdout
