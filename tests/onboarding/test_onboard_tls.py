from pathlib import Path

import pytest
import trustme
from support.office import BROKER9, Office

VENUE_TLS = """[tls]
port = 9946
certificate = "tls/server.pem"
private_key = "tls/server.key"
client_ca = { partners = "tls/partners.pem" }

[rates] """


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return files with a listener for TLS beside the plain one."""
    office = Office(tmp_path)
    office.folder.replace("config/venue.toml", "[rates] ", VENUE_TLS)
    tls = office.folder.config / "tls"
    tls.mkdir()
    ca = trustme.CA()
    server = ca.issue_cert("fix.kk99.example")
    server.cert_chain_pems[0].write_to_path(tls / "server.pem")
    server.private_key_pem.write_to_path(tls / "server.key")
    (tls / "server.key").chmod(0o600)
    ca.cert_pem.write_to_path(tls / "partners.pem")
    client = ca.issue_cert("broker9@example")
    client.cert_chain_pems[0].write_to_path(office.root / "broker9.pem")
    return office


def test_a_session_that_has_to_use_tls(office: Office) -> None:
    """It is sent the port of TLS and our certificate, and its settings switch TLS on."""
    out = office.root / "outbox"
    said = office.onboard(*BROKER9, "--tls", "--out", str(out))

    assert office.session("BROKER9")["logon"]["require_tls"] is True
    assert (said["send"]["port"], "server.pem" in said["send"]["tls"]) == ("9946", True)
    settings = (out / "BROKER9.cfg").read_text().splitlines()
    assert {"SocketConnectPort=9946", "SocketUseSSL=Y", "SSLEnable=Y"} <= set(settings)
    server = office.folder.config / "tls" / "server.pem"
    assert (out / "server.pem").read_text() == server.read_text()


def test_one_that_may_use_it(office: Office) -> None:
    """Both ports are named, and its settings are those of a plain connection."""
    said = office.onboard(*BROKER9, "--out", str(office.root / "outbox"))

    assert "require_tls" not in office.session("BROKER9")["logon"]
    assert said["send"]["port"] == "9944"
    assert said["send"]["tls_port"] == "9946; our certificate: server.pem"
    assert "SSLEnable" not in (office.root / "outbox" / "BROKER9.cfg").read_text()


def test_a_certificate_is_pinned(office: Office) -> None:
    """The file is read, its hash written, and TLS is the only door then."""
    said = office.onboard(*BROKER9, "--client-certificate", str(office.root / "broker9.pem"))

    pin = office.session("BROKER9")["logon"]["client_certificate"]
    assert pin.startswith("sha256:")
    assert (said["send"]["client_certificate"], said["send"]["port"]) == (pin, "9946")
    assert office.folder.mistakes() == []


def test_no_certificate_at_all(office: Office) -> None:
    """What is neither a file nor a pin is refused before anything is written."""
    before = office.names()
    result = office.run(*BROKER9, "--client-certificate", "nothing.pem", "--yes")

    assert result.exit_code == 1
    assert "logon.client_certificate: found" in result.stderr
    assert office.names() == before


def test_a_person_is_asked_for_tls(office: Office) -> None:
    """Where there are both ways in, the encrypted one is what is offered first."""
    answers = ["n", "", "", "", "", "", "", "", "y"]
    result = office.run(*BROKER9, answers="\n".join(answers) + "\n")

    assert result.exit_code == 0, result.output
    assert office.session("BROKER9")["logon"]["require_tls"] is True


def test_tls_where_there_is_none(tmp_path: Path) -> None:
    """The venue lacks a listener: the mistake says so, and nothing is written."""
    office = Office(tmp_path)
    result = office.run(*BROKER9, "--tls", "--yes")

    assert result.exit_code == 1
    assert "logon.require_tls: stands here while" in result.stderr
    assert "BROKER9.toml" not in office.names()
