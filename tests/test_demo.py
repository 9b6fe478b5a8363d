"""`kk99fix demo` on a real gateway: it trades, and the desk sees everything."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.gateway_process import GatewayProcess, copy_files
from support.lines import LineReader

WAIT_S = 60.0
DOCS = (Path(__file__).resolve().parent.parent / "docs" / "harness.md").read_text(encoding="utf-8")


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    """A running gateway over the shipped files."""
    copy_files(tmp_path, metrics_port=0, orders=100_000, duplicate_window=100_000)
    process = GatewayProcess(tmp_path)
    process.start()
    yield process
    process.close()


def demo(gateway: GatewayProcess, *arguments: str) -> subprocess.Popen[str]:
    """Start a demo on the gateway."""
    return subprocess.Popen(
        [
            Path(sys.executable).with_name("kk99fix"),
            "demo",
            *("--config", gateway.folder / "config"),
            *("--sessions", gateway.folder / "sessions"),
            *("--port", str(gateway.port), "--plain"),
            *arguments,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_brokers_trade_and_the_desk_sees_all_of_it(gateway: GatewayProcess) -> None:
    """Trades, refusals with their reason, and as many copies as reports; twice in a row."""
    for seconds in ("3", "1"):
        process = demo(gateway, "--seconds", seconds, "--rate", "100", "--seed", "1")
        output, errors = process.communicate(timeout=WAIT_S)

        assert (process.returncode, errors) == (0, "")
        *lines, counts, seen = output.splitlines()
        found = re.fullmatch(
            r"after [\d.]+ s: orders (\d+), changes and cancels (\d+), trades (\d+), refused (\d+)",
            counts,
        )
        assert found is not None, counts
        assert all(int(count) > 0 for count in found.groups())
        told = [line for line in lines if " sees " not in line]
        copies = [line.replace(" DROPCOPY1  sees ", " ") for line in lines if " sees " in line]
        assert f"every one of the {len(told):,} reports of BROKER1 and BROKER2" in seen
        assert sorted(re.sub(r" +", " ", line) for line in told) == sorted(
            line.replace(": ", " ", 1) for line in copies
        )
        assert any(": PRICE_TICK; " in line or ": UNKNOWN_SYMBOL; " in line for line in told)


def test_ctrl_c_ends_it_well(gateway: GatewayProcess) -> None:
    """The book is cleared and the copies are compared, as after --seconds."""
    process = demo(gateway, "--rate", "100")
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stderr:
        lines = LineReader(process.stdout)
        lines.next_line(WAIT_S)
        process.send_signal(signal.SIGINT)
        lines.wait_line("the desk saw every one", WAIT_S)
        lines.join()

        assert process.wait(WAIT_S) == 0


def test_the_gateway_stops_meanwhile(gateway: GatewayProcess) -> None:
    """One sentence says so."""
    process = demo(gateway, "--rate", "100")
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stderr:
        lines = LineReader(process.stdout)
        lines.next_line(WAIT_S)
        gateway.end(signal.SIGTERM)
        lines.join()

        assert process.wait(WAIT_S) == 1
        error = process.stderr.read()
        assert re.fullmatch(r"kk99fix demo: the session of \w+ ended: [^\n]+\n", error)


def test_a_second_demo_is_told_why_it_cannot(gateway: GatewayProcess) -> None:
    """A live session is never taken over."""
    first = demo(gateway)
    assert first.stdout is not None
    assert first.stderr is not None
    with first.stderr:
        lines = LineReader(first.stdout)
        lines.next_line(WAIT_S)
        second = demo(gateway, "--seconds", "1")
        output, errors = second.communicate(timeout=WAIT_S)
        first.send_signal(signal.SIGINT)
        lines.join()

        assert first.wait(WAIT_S) == 0
    assert (second.returncode, output) == (1, "")
    assert "DROPCOPY1 is logged on already" in errors


def test_the_client_of_the_docs_trades(gateway: GatewayProcess) -> None:
    """The example in docs/harness.md is run as it stands there, but for the port."""
    found = re.search(r"```python\n(import trio\n.*?)```", DOCS, re.DOTALL)
    assert found is not None
    code = found[1].replace("9944", str(gateway.port))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=WAIT_S
    )

    assert done.stderr == ""
    assert "150=0" in done.stdout
