"""A real disk that fills up, and one that turns read-only, under a real gateway."""

import os
import select
import signal
from contextlib import closing
from pathlib import Path

import pytest
from support.failed_start import failed_start, one_sentence
from support.fix_client import FixClient, stamp
from support.fix_peer import Fields, decode
from support.gateway_process import GatewayProcess, copy_files
from support.mounted import ext4, make_read_only, tmpfs

MIB = 1 << 20
SMALL = {
    "metrics_port": 0,
    "orders": 20_000,
    "duplicate_window": 20_000,
    "segment_bytes": MIB,
    "keeper": "false",
    "projector": "false",
}


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayProcess:
    """A gateway over the shipped files with small pools, not started."""
    copy_files(tmp_path, **SMALL)
    return GatewayProcess(tmp_path)


class Trader:
    """A counterparty that waits for the answer to everything it sends."""

    def __init__(self, port: int) -> None:
        """Log on as BROKER1."""
        self.client = FixClient("BROKER1", port)
        self.client.log_on()
        self._sent = 0

    def ask(self, msg_type: str, fields: Fields) -> dict[int, str]:
        """Send a message and return what comes back."""
        seen = len(self.client.received)
        self.client.send(msg_type, fields)
        self.client.read_until(lambda: len(self.client.received) > seen)
        return decode(self.client.received[max(self.client.received)])

    def order(self) -> str:
        """Send an order that rests; ExecType(150) of the answer, or the reject code."""
        self._sent += 1
        head: Fields = [(11, f"o{self._sent}"), (55, "AAPL"), (54, 1), (60, stamp())]
        answer = self.ask("D", [*head, (38, 100), (40, 2), (44, "180.00")])
        return answer.get(58, "").partition(";")[0] or answer[150]

    def orders_until(self, wanted: str) -> None:
        """Send orders until one is answered so, no more than the small disk has room for."""
        for _ in range(1500):
            if self.order() == wanted:
                return
            select.select([self.client], [], [], 0.01)
        raise AssertionError(f"no order was answered with {wanted}")

    def cancel_first(self) -> str:
        """Cancel the first order; ExecType(150) of the answer."""
        fields: Fields = [(41, "o1"), (11, "c1"), (55, "AAPL"), (54, 1), (60, stamp())]
        return self.ask("F", fields)[150]

    def ask_until_cut(self) -> int:
        """Ask for the status of an order for ever; return how many answers came."""
        seen = len(self.client.received)
        while self.client.connected:
            for _ in range(200):
                self.client.send("H", [(11, "o2"), (55, "AAPL"), (54, 1)])
            self._read_answers(len(self.client.received) + 200)
        return len(self.client.received) - seen

    def _read_answers(self, count: int) -> None:
        while self.client.connected and len(self.client.received) < count:
            self.client.read()


def fill(folder: Path) -> Path:
    """Write a file until the disk takes no more."""
    path = folder / "filler"
    with path.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(64 * 1024))
        except OSError:
            return path


def test_a_disk_fills_up(gateway: GatewayProcess, tmp_path: Path) -> None:
    """Orders are refused, cancels taken, orders taken again; at the very end exit code 74."""
    var = tmp_path / "var"
    with tmpfs(var, 16 * MIB), closing(gateway):
        gateway.start()
        trader = Trader(gateway.port)
        assert [trader.order(), trader.order()] == ["0", "0"]
        filler = fill(var)
        trader.orders_until("STORAGE_LOW")
        assert trader.cancel_first() == "4"
        filler.unlink()
        trader.orders_until("0")

        filler = fill(var)
        trader.orders_until("STORAGE_LOW")
        assert trader.ask_until_cut() > 1000, "the reserve carries what is no order"
        assert gateway.wait() == os.EX_IOERR
        assert "cannot open the next segment: No space left on device" in gateway.log()
        assert "`df -h`" in gateway.log()
        assert "Traceback" not in gateway.log()

        filler.unlink()
        gateway.start()
        trader.client.log_on()
        trader.orders_until("0")
        assert trader.client.complaints == []
        trader.client.close()
        assert gateway.end(signal.SIGTERM) == 0


def test_a_disk_turns_read_only(gateway: GatewayProcess, tmp_path: Path) -> None:
    """Nothing is sent from then on, exit code 74; once it is writable everything goes on."""
    var, image = tmp_path / "var", tmp_path / "disk.img"
    with ext4(image, var), closing(gateway):
        gateway.start()
        trader = Trader(gateway.port)
        assert trader.order() == "0"
        make_read_only(var)
        with pytest.raises(AssertionError, match="closed"):
            trader.orders_until("never")
        assert gateway.wait() == os.EX_IOERR
        assert "Read-only file system" in gateway.log()
        assert "Traceback" not in gateway.log()
        refused = failed_start(tmp_path)
        assert "Read-only file system. The disk is mounted read-only" in one_sentence(refused)
    with ext4(image, var), closing(gateway):
        gateway.start()
        trader.client.log_on()
        assert trader.order() == "0"
        assert trader.client.complaints == []
        trader.client.close()
        assert gateway.end(signal.SIGTERM) == 0
