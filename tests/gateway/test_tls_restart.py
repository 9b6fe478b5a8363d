"""The real program over TLS: killed in the middle of trading, and what it says at a start."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.fix_client import FixClient, stamp
from support.fix_peer import Fields, decode
from support.gateway_process import GatewayProcess, copy_files, free_port
from support.tls_client import client_context
from support.tls_files import Authority, Pair

SMALL = {"metrics_port": 0, "orders": 20_000, "duplicate_window": 20_000, "segment_bytes": 1 << 20}


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Files of a gateway with a TLS listener, whose BROKER1 has this certificate."""
    copy_files(tmp_path, **SMALL)
    ca, partners, config = Authority(), Authority(), tmp_path / "config"
    ca.server().write(config, "server")
    (config / "ca.pem").write_bytes(ca.pem)
    (config / "partners.pem").write_bytes(partners.pem)
    with (config / "venue.toml").open("a") as venue:
        venue.write(
            f'[tls]\nport = {free_port()}\ncertificate = "server.pem"\n'
            'private_key = "server.key"\nclient_ca = { partners = "partners.pem" }\n'
        )
    pair = partners.client()
    session = tmp_path / "sessions" / "BROKER1.toml"
    text = session.read_text()
    session.write_text(text.replace("[logon]", f'[logon]\nclient_certificate = "{pair.pin}"'))
    return pair


@pytest.fixture
def gateway(tmp_path: Path, pair: Pair) -> Iterator[GatewayProcess]:
    """A gateway over these files, not started."""
    del pair
    process = GatewayProcess(tmp_path)
    yield process
    process.close()


def order(cl_ord_id: str, price: str = "190.00") -> Fields:
    """Body of a limit order in AAPL."""
    head: Fields = [(11, cl_ord_id), (55, "AAPL"), (54, 1), (60, stamp())]
    return [*head, (38, 100), (40, 2), (44, price)]


def test_a_kill_in_the_middle_of_trading(
    gateway: GatewayProcess, tmp_path: Path, pair: Pair
) -> None:
    """Everything that was seen over TLS is there again, byte for byte, and nothing is lost."""
    gateway.start()
    port = int(
        next(
            line
            for line in (tmp_path / "config/venue.toml").read_text().splitlines()
            if line.startswith("port = ") and "9944" not in line
        ).split()[2]
    )
    context = client_context(tmp_path / "config" / "ca.pem", pair)
    client = FixClient("BROKER1", port, context=context)
    for turn in range(3):
        client.log_on()
        before = len(client.received)
        for number in range(300):
            client.send("D", order(f"t{turn}-{number}"))
        client.read_until(lambda: len(client.received) >= before + 150)  # noqa: B023 - at once
        gateway.end(signal.SIGKILL)
        client.close()
        gateway.start()
    client.log_on()
    client.fetch_again(1)
    client.close()

    assert client.complaints == []
    reports = [decode(frame) for frame in client.received.values()]
    assert len({report[37] for report in reports if report[35] == "8"}) >= 450


def test_both_addresses_are_said(gateway: GatewayProcess) -> None:
    """The line with TLS comes first, so the other one goes on to mean that all is ready."""
    lines = gateway._spawn()
    assert lines.wait_line("listening ", 60).startswith("listening with TLS on 127.0.0.1:")
    assert lines.wait_line("listening ", 60).startswith("listening on 127.0.0.1:")


def test_a_key_that_does_not_fit_stops_the_start(gateway: GatewayProcess, tmp_path: Path) -> None:
    """With file, line and key, before anything is touched."""
    (tmp_path / "config" / "server.key").write_bytes(Authority().server().key)
    with pytest.raises(AssertionError, match="did not start"):
        gateway.start()
    assert "venue.toml:" in gateway.log()
    assert "tls.private_key" in gateway.log()
    assert "is not the key of" in gateway.log()
    assert not (tmp_path / "var").exists()
