"""The README is run: its commands exist and its first trade trades."""

import re
import signal
import subprocess
import sys
from pathlib import Path

from support.gateway_process import GatewayProcess, copy_files

from kk99fix.cli import COMMANDS

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_commands_exist() -> None:
    """Every `kk99fix COMMAND` that the README names is a command."""
    named = set(re.findall(r"\.venv/bin/kk99fix ([a-z]+)", README))

    assert named
    assert named <= set(COMMANDS)


def test_make_targets_exist() -> None:
    """Every `make TARGET` that the README names is a target."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z]+)", README))

    assert {"run", "test"} <= named
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_links_lead_somewhere() -> None:
    """Every relative link of the README is a file."""
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (REPOSITORY / target).is_file(), target


def test_first_trade(tmp_path: Path) -> None:
    """The README's client logs on, gets its order accepted and logs out."""
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    copy_files(tmp_path, metrics_port=0)
    gateway = GatewayProcess(tmp_path)
    gateway.start()
    try:
        client = subprocess.run(
            [sys.executable, "-c", program.replace("9944", str(gateway.port))],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    finally:
        gateway.end(signal.SIGTERM)

    assert client.returncode == 0, client.stderr
    assert "35=8" in client.stdout
