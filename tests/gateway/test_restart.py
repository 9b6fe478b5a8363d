import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from support.fix_client import FixClient, stamp
from support.fix_peer import Fields, decode
from support.gateway_process import GatewayProcess, copy_files

from kk99fix.journal.reader import JournalReader
from kk99fix.journal.segment import PAGE_BYTES, list_segments, read_segment

SMALL = {"metrics_port": 0, "orders": 20_000, "duplicate_window": 20_000, "segment_bytes": 1 << 20}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway over the shipped files with small pools, not started."""
    copy_files(tmp_path, **SMALL)
    process = GatewayProcess(tmp_path)
    yield process
    process.close()


@pytest.fixture
def client(gateway: GatewayProcess) -> Iterator[FixClient]:
    """BROKER1, not connected."""
    client = FixClient("BROKER1", gateway.port)
    yield client
    client.close()


def order(cl_ord_id: str, side: int = 1, price: str = "190.00") -> Fields:
    """Body of a limit order in AAPL."""
    head: Fields = [(11, cl_ord_id), (55, "AAPL"), (54, side), (60, stamp())]
    return [*head, (38, 100), (40, 2), (44, price)]


def trade(client: FixClient, count: int, name: str) -> None:
    """Send orders and wait for their reports."""
    before = len(client.received)
    for number in range(count):
        client.send("D", order(f"{name}{number}", 1 + number % 2))
    wanted = before + count + count // 2 * 2
    client.read_until(lambda: len(client.received) >= wanted)


def serve(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a gateway that is expected not to start."""
    return subprocess.run(
        [
            Path(sys.executable).with_name("kk99fix"),
            "serve",
            *("--config", folder / "config"),
            *("--sessions", folder / "sessions"),
            *("--state", folder / "var"),
            *options,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_one_sentence(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Hold that a start failed with exit code 1 and one line for a person."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("kk99fix serve:")]
    assert result.returncode == 1, result
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert "listening" not in result.stdout
    for part in parts:
        assert part in lines[0]


def journal_bytes(folder: Path) -> dict[str, bytes]:
    """Everything in the journal's files."""
    return {path.name: path.read_bytes() for path in (folder / "var/journal").glob("*.kkj")}


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_session_goes_on_after_a_restart(
    gateway: GatewayProcess, client: FixClient, end: signal.Signals
) -> None:
    """Numbers go on, orders are still there, and every report comes once more when asked for."""
    gateway.start()
    client.log_on()
    trade(client, 50, "a")
    client.send("D", order("resting", 1, "180.00"))
    client.read_until(lambda: len(client.received) > 100)
    code = gateway.end(end)
    client.close()
    assert code == (-signal.SIGKILL if end == signal.SIGKILL else 0)
    gateway.start()
    client.log_on()
    client.fetch_again(1)
    before = len(client.received)  # News(B) before a planned stop is one more
    client.send("F", [(11, "c"), (41, "resting"), (55, "AAPL"), (54, 1), (60, stamp()), (38, 100)])
    client.read_until(lambda: len(client.received) > before)

    assert client.complaints == []
    last = decode(client.received[max(client.received)])
    assert (last[150], last[39], last[41]) == ("4", "4", "resting")


@pytest.mark.parametrize("name", ["BROKER1", "DROPCOPY1"])
def test_a_restart_in_the_middle_of_a_resend(
    gateway: GatewayProcess, client: FixClient, name: str
) -> None:
    """What had not come yet comes after the reconnect, and every message is what it was."""
    gateway.start()
    client.log_on()
    asker = client if name == client.comp_id else FixClient(name, gateway.port)
    if asker is not client:
        asker.log_on()
    trade(client, 1500, "a")
    asker.read_until(lambda: len(asker.received) >= 3000)
    for _ in range(2):
        asker.again.clear()
        asker.send("2", [(7, 1), (16, 0)])
        asker.read_until(lambda: len(asker.again) >= 50)
        gateway.end(signal.SIGKILL)
        asker.close()
        gateway.start()
        asker.log_on()
    asker.fetch_again(1)
    asker.close()

    assert asker.complaints == []
    assert len(asker.received) == 3000


def test_a_restart_replays_the_journal(gateway: GatewayProcess, client: FixClient) -> None:
    """Three restarts in a row leave one journal that replays each time."""
    for turn in range(3):
        gateway.start()
        client.log_on()
        trade(client, 20, f"t{turn}-")
        client.close()
        gateway.end(signal.SIGKILL)
    gateway.start()
    gateway.end(signal.SIGTERM)

    assert client.complaints == []
    assert gateway.log().count("journal replayed") == 3


def test_another_core_version_is_refused(gateway: GatewayProcess) -> None:
    """A journal that another version left unfinished is refused with what to do, and stays."""
    gateway.start()
    gateway.end(signal.SIGKILL)
    path = list_segments(gateway.folder / "var/journal")[-1].path
    header = read_segment(path).header
    identity = attrs.evolve(header.identity, core_version="0.0.1-other")
    page = attrs.evolve(header, identity=identity).pack()
    with path.open("r+b") as file:
        file.write(page)
    before = journal_bytes(gateway.folder)

    result = serve(gateway.folder, "--port", "0")

    assert_one_sentence(result, str(path), "0.0.1-other", "stop it", "no file was changed")
    assert journal_bytes(gateway.folder) == before


def test_a_torn_tail_is_cut(gateway: GatewayProcess, client: FixClient) -> None:
    """Half a unit at the end is told with its offset and cut; everything before it is there."""
    gateway.start()
    client.log_on()
    trade(client, 10, "a")
    gateway.end(signal.SIGKILL)
    client.close()
    tail, path = _tail(gateway.folder)
    records = path.read_bytes()[PAGE_BYTES:tail]
    with path.open("r+b") as file:
        file.seek(tail)
        file.write(records[-300:-100])

    gateway.start()
    client.log_on()
    client.fetch_again(1)
    gateway.end(signal.SIGTERM)

    assert client.complaints == []
    assert re.search(rf"{re.escape(str(path))}: cut \d+ bytes .* at offset {tail}", gateway.log())


def _tail(folder: Path) -> tuple[int, Path]:
    """Offset at which the last segment's records end, and its file."""
    reader = JournalReader(list_segments(folder / "var/journal"))
    for _ in reader.runs():
        pass
    return reader.tail.offset, reader.tail.segment.path


def test_damage_in_the_middle_is_refused(gateway: GatewayProcess, client: FixClient) -> None:
    """A changed byte that is no torn tail stops the start with file and offset."""
    gateway.start()
    client.log_on()
    trade(client, 10, "a")
    client.close()
    gateway.end(signal.SIGTERM)
    path = list_segments(gateway.folder / "var/journal")[-1].path
    with path.open("r+b") as file:
        file.seek(PAGE_BYTES + 1000)
        byte = file.read(1)[0]
        file.seek(PAGE_BYTES + 1000)
        file.write(bytes([byte ^ 1]))
    before = journal_bytes(gateway.folder)

    result = serve(gateway.folder, "--port", "0")

    assert_one_sentence(result, str(path), "offset")
    assert journal_bytes(gateway.folder) == before


def test_a_second_process_is_refused(gateway: GatewayProcess, client: FixClient) -> None:
    """One process for each state directory; the first goes on."""
    gateway.start()
    result = serve(gateway.folder, "--port", "0")
    client.log_on()

    assert_one_sentence(result, str(gateway.pid), "--state")


@pytest.mark.parametrize("option", ["--port", "--metrics-port"])
def test_a_port_in_use_is_told(tmp_path: Path, option: str) -> None:
    """The sentence names the port and the option."""
    copy_files(tmp_path, **SMALL)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        other = ["--port", "0"] if option != "--port" else []
        result = serve(tmp_path, option, port, *other)

    assert_one_sentence(result, f"127.0.0.1:{port}", option)


def test_a_broken_file_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    """A mistake in a session file names file and key, and no journal is begun."""
    copy_files(tmp_path, **SMALL)
    path = tmp_path / "sessions/BROKER1.toml"
    path.write_text(path.read_text().replace('role = "order-entry"', 'role = "order-exit"'))

    result = serve(tmp_path, "--port", "0")

    assert result.returncode != 0
    assert "BROKER1.toml" in result.stderr + result.stdout
    assert "role" in result.stderr + result.stdout
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "var").exists()


def test_a_failed_write_ends_the_process(gateway: GatewayProcess, client: FixClient) -> None:
    """When the journal cannot be written nothing is sent, and the exit code is 74."""
    gateway.start()
    client.log_on()
    trade(client, 10, "a")
    # From here on the system refuses to write any file behind its first page.
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (PAGE_BYTES, PAGE_BYTES))
    client.send("D", order("unheard"))
    with pytest.raises(AssertionError, match="closed"):
        client.read_until(lambda: False)

    assert gateway.wait() == os.EX_IOERR
    assert not any(b"unheard" in frame for frame in client.received.values())
    assert "cannot write a batch: File too large" in gateway.log()
    assert "Traceback" not in gateway.log()
    gateway.start()
    client.log_on()
    assert client.complaints == []


def test_a_journal_of_other_capacities(gateway: GatewayProcess, client: FixClient) -> None:
    """A capacity changes after a clean stop alone; the start says so, and what it says helps."""
    venue = gateway.folder / "config" / "venue.toml"
    larger = venue.read_text()
    venue.write_text(larger.replace("orders = 20000", "orders = 2"))
    gateway.start()
    client.log_on()
    for number in range(3):
        client.send("D", order(f"a{number}"))
    client.read_until(lambda: len(client.received) == 3)
    refused = [
        fields for frame in client.received.values() if (fields := decode(frame))[150] == "8"
    ]
    assert [fields[11] for fields in refused] == ["a2"]
    gateway.end(signal.SIGKILL)
    venue.write_text(larger)

    result = serve(gateway.folder, "--port", "0")

    assert_one_sentence(result, "[capacity] orders = 2 and is now 20000", "Restore the old value")
    venue.write_text(larger.replace("orders = 20000", "orders = 2"))
    gateway.start()
    gateway.end(signal.SIGTERM)
    venue.write_text(larger)
    gateway.start()
    client.close()
    client.log_on()
    client.send("D", order("b0"))
    client.read_until(lambda: any(decode(f)[11] == "b0" for f in client.received.values()))
    assert all(decode(f)[150] == "0" for f in client.received.values() if decode(f)[11] == "b0")
    gateway.end(signal.SIGTERM)
