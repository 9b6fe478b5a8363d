import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.fix_client import FixClient, stamp
from support.fix_peer import decode
from support.gateway_process import GatewayProcess, copy_files
from support.lines import LineReader
from support.projection_day import rows_of

from kk99fix.cli import main

WITHIN_S = 30.0
ORDERS = 600


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway over the shipped files, not started, with segments that fill soon."""
    copy_files(tmp_path, metrics_port=0, segment_bytes=1_048_576, orders=10_000, projector="true")
    process = GatewayProcess(tmp_path)
    yield process
    process.close()


@contextmanager
def following(folder: Path, file: Path) -> Iterator[LineReader]:
    """Follow the journal into a file of the test's own; it has to end well when it is asked to."""
    kk99fix = Path(sys.executable).with_name("kk99fix")
    command = [str(part) for part in (kk99fix, "project", "--state", folder / "var", "--db", file)]
    with subprocess.Popen(
        [*command, "--follow", "--json-status"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = LineReader(process.stdout)
        try:
            yield lines
            process.send_signal(signal.SIGTERM)
            assert process.wait(WITHIN_S) == 0
        finally:
            process.kill()
            lines.join()


def trade(client: FixClient, first_id: int) -> None:
    """Send orders of both sides that trade with each other, and wait for all reports."""
    before = len(client.received)
    for number in range(first_id, first_id + ORDERS):
        side = "12"[number % 2]
        terms = [(38, 10), (40, 2), (44, "190.00"), (59, 0)]
        order = [(11, f"o{number}"), (55, "AAPL"), (54, side), (60, stamp())]
        client.send("D", [*order, *terms])
    client.read_until(lambda: len(client.received) - before >= 2 * ORDERS)


@pytest.mark.slow
def test_damaged_tables_never_stop_an_order(gateway: GatewayProcess) -> None:
    """The child of `serve` keeps the tables; while they are damaged the gateway goes on as ever.

    A rebuild beside the running gateway mends them, and the child goes on.
    """
    state_dir = gateway.folder / "var"
    file = state_dir / "projection.db"
    client = FixClient("BROKER1", gateway.port)
    try:
        gateway.start()
        client.log_on()
        trade(client, 0)
        client.read_until(lambda: file.exists() and projected(file) == seen(client))
        gateway.end(signal.SIGTERM)
        client.close()
        file.resolve().write_bytes(b"no database" * 1000)
        gateway.start()
        client.log_on()
        trade(client, ORDERS)
        client.read_until(lambda: "kk99fix project --rebuild" in gateway.log())
        assert client.complaints == []
        client.read_until(lambda: rebuilt(state_dir))
        client.read_until(lambda: projected(file) == seen(client))
        trade(client, 2 * ORDERS)
        client.read_until(lambda: projected(file) == seen(client))
    finally:
        client.close()


def rebuilt(state_dir: Path) -> bool:
    """Rebuild the tables, unless the child has the lock just now."""
    done = CliRunner().invoke(main, ["project", "--rebuild", "--state", str(state_dir)])
    assert done.exit_code in {0, 75}, done.stderr
    return done.exit_code == 0


def seen(client: FixClient) -> list[tuple[int, str, str, int]]:
    """Return ExecID, OrderID, ClOrdID and CumQty of every report that a client received."""
    reports = [decode(frame) for frame in client.received.values()]
    rows = [(int(r[17]), r[37], r[11], int(r[14])) for r in reports if r[35] == "8"]
    return sorted(rows)


def projected(file: Path) -> list[tuple[int, str, str, int]]:
    """Return the same from the tables."""
    rows = rows_of(file, "SELECT * FROM executions ORDER BY exec_id")
    return [
        (r["exec_id"], str(r["order_id"]), r["cl_ord_id"], r["cum_qty_e8"] // 10**8) for r in rows
    ]


@pytest.mark.slow
def test_the_tables_say_what_the_client_saw(gateway: GatewayProcess) -> None:
    """Over segments and a kill of the gateway, the tables get every report, once."""
    file = gateway.folder / "own.db"
    client = FixClient("BROKER1", gateway.port)
    try:
        gateway.start()
        with following(gateway.folder, file) as lines:
            client.log_on()
            trade(client, 0)
            gateway.end(signal.SIGKILL)
            client.close()
            gateway.start()
            client.log_on()
            trade(client, ORDERS)
            while len(projected(file)) < len(seen(client)):
                status = json.loads(lines.next_line(WITHIN_S) or "{}")
                assert status["event"] == "projected"
    finally:
        client.close()

    assert client.complaints == []
    assert projected(file) == seen(client)
    (position,) = rows_of(file, "SELECT * FROM positions WHERE symbol = 'AAPL'")
    assert (position["bought_qty"], position["net_qty"]) == (str(10 * ORDERS), "0")
    assert len(list((gateway.folder / "var" / "journal").glob("*.kkj"))) > 1
