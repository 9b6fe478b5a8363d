import signal
from pathlib import Path

from support.gateway_process import GatewayProcess, copy_files

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g"


def test_a_start_tells_of_seeds_that_do_not_open(tmp_path: Path) -> None:
    """Who forgot the key learns it at once, not from a counterparty; the others may log on."""
    copy_files(tmp_path, metrics_port=0, orders=10_000, duplicate_window=10_000)
    path = tmp_path / "sessions" / "BROKER1.toml"
    logon = f'[logon]\nusername = "b1"\npassword_hash = "{HASH}"\ntotp = "b1-device"\n'
    path.write_text(path.read_text().replace("[logon]\n", logon))
    gateway = GatewayProcess(tmp_path)
    gateway.start()
    gateway.end(signal.SIGTERM)

    (line,) = (line for line in gateway.log().splitlines() if "seed not opened" in line)
    assert "BROKER1" in line
    assert "b1-device.seed: there is no such seed" in line
