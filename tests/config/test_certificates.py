"""Client certificates in session files, and what they demand of [tls]."""

from pathlib import Path

import pytest
from support.config_folder import ConfigFolder

from kk99fix.config.certificates import Issued, Pin, parse_pin, plain_subject

PIN = "sha256:" + "0a" * 32
TLS = '[tls]\nport = 9946\ncertificate = "a.pem"\nprivate_key = "a.key"\n'


def folder_with(root: Path, tls: str, *lines: str) -> ConfigFolder:
    """The shipped files with a [tls] section and more in [logon] of BROKER1."""
    files = ConfigFolder(root)
    files.replace("config/venue.toml", "[journal]", f"{tls}[journal]")
    files.replace("sessions/BROKER1.toml", "[logon]", "\n".join(["[logon]", *lines]))
    return files


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f'"{PIN}"', (Pin(b"\n" * 32),)),
        (f'["{PIN}"]', (Pin(b"\n" * 32),)),
        (
            f'["{PIN}", {{ ca = "partners", subject = "CN=bot,O=Broker One" }}]',
            (Pin(b"\n" * 32), Issued("partners", "CN=bot,O=Broker One")),
        ),
    ],
)
def test_one_certificate_or_several(tmp_path: Path, text: str, wanted: tuple[object, ...]) -> None:
    """A pin, a CA with a subject, or a list of both."""
    tls = TLS + 'client_ca = { partners = "p.pem" }\n'
    files = folder_with(tmp_path, tls, f"client_certificate = {text}")
    session = files.load().session("BROKER1")

    assert session is not None
    assert session.logon.client_certificate == wanted


def test_a_pin_as_openssl_prints_it() -> None:
    """Colons and capitals are the same pin."""
    assert parse_pin("sha256:" + ":".join(["0A"] * 32)) == parse_pin(PIN)
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        parse_pin("sha256:" + ":".join(["0A"] * 31))


def test_a_subject_has_one_form() -> None:
    """What is escaped needlessly is the same, another order is another subject."""
    assert plain_subject("CN=bot,O=Broker\\ One") == plain_subject("CN=bot,O=Broker One")
    assert plain_subject("O=Broker One,CN=bot") != plain_subject("CN=bot,O=Broker One")


def test_a_certificate_needs_a_ca(tmp_path: Path) -> None:
    """Nobody's chain could be verified otherwise."""
    files = folder_with(tmp_path, TLS, f'client_certificate = "{PIN}"')

    assert files.mistakes() == [
        "sessions/BROKER1.toml: logon.client_certificate: stands here while config/venue.toml has "
        'no CA for it; partners = "partners.pem" under [tls.client_ca] would be right'
    ]


def test_a_ca_that_nobody_named(tmp_path: Path) -> None:
    """The name is that of a key under [tls.client_ca]."""
    tls = TLS + 'client_ca = { partners = "p.pem" }\n'
    files = folder_with(tmp_path, tls, 'client_certificate = { ca = "others", subject = "CN=b" }')

    assert files.mistakes() == [
        'sessions/BROKER1.toml: logon.client_certificate: found CA "others", which is not under '
        '[tls.client_ca] of config/venue.toml; "partners" would be right'
    ]


def test_a_certificate_stands_in_for_a_password(tmp_path: Path) -> None:
    """With one, a session may be reached from everywhere."""
    tls = TLS + 'client_ca = { partners = "p.pem" }\n'
    files = folder_with(tmp_path, tls, f'client_certificate = "{PIN}"')
    files.replace("sessions/BROKER1.toml", '"127.0.0.0/8"', '"0.0.0.0/0"')

    assert files.mistakes() == []
