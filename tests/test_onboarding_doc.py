"""docs/onboarding.md is run, line by line: from nothing to the first fill and its copy."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pyotp
import pytest
from support.gateway_process import GatewayProcess, copy_files
from support.lines import LineReader

REPOSITORY = Path(__file__).resolve().parent.parent
DOCUMENT = (REPOSITORY / "docs/onboarding.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
SHOWN_PORT = "9944"
SECRET = re.compile(r"^(Password\(554\)|one-time passwords)  (\S+)$", re.MULTILINE)


@attrs.frozen
class Block:
    """One piece of the document that is run or compared."""

    language: str
    text: str


def blocks() -> list[Block]:
    """Return them in their order."""
    return [Block(*found) for found in re.findall(r"```(\w+)\n(.*?)```", DOCUMENT, re.DOTALL)]


class Reader:
    """Somebody who does what the document says, on a port of their own."""

    def __init__(self, folder: Path) -> None:
        """Begin with the shipped files."""
        self.folder = folder
        self.environment = dict(os.environ)
        copy_files(folder, metrics_port=0)
        self.gateway = GatewayProcess(folder)
        venue = folder / "config" / "venue.toml"
        venue.write_text(venue.read_text().replace(f"port = {SHOWN_PORT}", f"port = {self.port}"))

    @property
    def port(self) -> str:
        """The port in the place of the one that the document shows."""
        return str(self.gateway.port)

    def run(self, block: Block) -> str:
        """Run commands to the end and return what was printed."""
        text = block.text.replace(SHOWN_PORT, self.port).replace(".venv/bin/", f"{BIN}/")
        command = ["bash", "-e", "-c", text]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"
        return done.stdout.replace(self.port, SHOWN_PORT)

    def enrol(self, block: Block) -> tuple[str, pyotp.TOTP]:
        """Run an `onboard --totp`, hold a device in front of it, return its output and the device.

        The secret is typed in from the screen, as from the QR code.
        """
        command = ["bash", "-e", "-c", block.text.replace(".venv/bin/", f"{BIN}/")]
        with subprocess.Popen(
            command,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin
            assert process.stdout
            assert process.stderr
            screen = LineReader(process.stderr)
            device = pyotp.TOTP(screen.wait_line("secret: ").removeprefix("secret: "))
            process.stdin.write(f"{device.now()}\n")
            process.stdin.flush()
            output = process.stdout.read()
            screen.join()
        assert process.returncode == 0
        return output.replace(self.port, SHOWN_PORT), device


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Return a reader whose gateway ends with the test."""
    reader = Reader(tmp_path)
    yield reader
    reader.gateway.close()


def test_from_nothing_to_the_first_fill(reader: Reader) -> None:
    """Every block does what the text around it says."""
    key, serve, session, letter, desk, check, fill, copy, trades = blocks()

    assert "holds key" in reader.run(key)
    assert serve.text == ".venv/bin/kk99fix serve\n"
    reader.gateway.start()

    output, device = reader.enrol(session)
    secrets = dict(SECRET.findall(output))
    assert output.startswith(letter.text)
    assert set(secrets) == {"Password(554)", "one-time passwords"}
    assert {path.name for path in (reader.folder / "outbox/BROKER9").iterdir()} == {
        *("BROKER9.txt", "BROKER9.cfg", "KK99-FIX44.xml", "rules_of_engagement.md")
    }

    desk_secrets = dict(SECRET.findall(reader.run(desk)))
    said = reader.run(check)
    assert "no mistakes in 8 instruments and 5 sessions" in said
    assert re.search(r"^ *BROKER9 +BROKER9 +[0-9a-f]{16} +yes *$", said, re.MULTILINE)
    assert re.search(r"^ *DESK9 +drop-copy", said.rpartition("no mistakes")[2], re.MULTILINE)

    reader.environment |= {
        "PASSWORD": secrets["Password(554)"],
        "CODE": device.now(),
        "DESK_PASSWORD": desk_secrets["Password(554)"],
    }
    filled = reader.run(fill)
    assert re.search(r"BUYER +<- ExecutionReport.*\n.*ExecType\(150\)=F TRADE", filled)
    assert "1 of 1 passed" in filled
    assert secrets["Password(554)"] not in filled

    copied = reader.run(copy)
    assert "OnBehalfOfCompID(115)=BROKER9" in copied
    assert "1 of 1 passed" in copied
    reader.run(Block("sh", ".venv/bin/kk99fix project\n"))
    assert "AAPL" in reader.run(trades)
