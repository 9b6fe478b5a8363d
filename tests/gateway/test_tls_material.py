"""What may be wrong with the files of [tls]: each mistake with file, line and key."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from support.tls_files import SERVER, Authority, TlsFolder, name_of

from kk99fix.gateway.tls_material import TlsMaterial, load_material, mistakes_of_material

DAY = timedelta(days=1)


def expired(files: TlsFolder) -> None:
    """Our certificate was good yesterday."""
    files.ca.issue(name_of("us"), usage=SERVER, valid_from=-9 * DAY, valid_for=DAY).write(
        files.config, "server"
    )


def not_yet_valid(files: TlsFolder) -> None:
    """Our certificate will be good tomorrow."""
    files.ca.issue(name_of("us"), usage=SERVER, valid_from=DAY).write(files.config, "server")


def another_key(files: TlsFolder) -> None:
    """A key of somebody else."""
    (files.config / "server.key").write_bytes(Authority().server().key)


def encrypted_key(files: TlsFolder) -> None:
    """A key with a passphrase, which nobody could type at a start."""
    path = files.config / "server.key"
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )


def dead_ca(files: TlsFolder) -> None:
    """A CA that is over."""
    old = files.ca.issue(name_of("ca"), valid_from=-9 * DAY, valid_for=DAY)
    (files.config / "partners.pem").write_bytes(old.chain)


CASES: list[tuple[Callable[[TlsFolder], object], str, str]] = [
    (expired, "tls.certificate", "server.pem expired at "),
    (not_yet_valid, "tls.certificate", "server.pem is not valid before "),
    (another_key, "tls.private_key", "server.key is not the key of "),
    (encrypted_key, "tls.private_key", "server.key is encrypted; a key without passphrase"),
    (
        lambda files: (files.config / "server.key").chmod(0o604),
        "tls.private_key",
        "server.key is for everybody (mode 0604); 0600 would be right",
    ),
    (dead_ca, "tls.client_ca.partners", "partners.pem expired at "),
    (
        lambda files: (files.config / "server.pem").unlink(),
        "tls.certificate",
        "server.pem cannot be read: No such file or directory",
    ),
    (
        lambda files: (files.config / "server.pem").write_text("hello"),
        "tls.certificate",
        "server.pem holds no certificate in PEM form",
    ),
    (
        lambda files: (files.config / "server.key").write_text("hello"),
        "tls.private_key",
        "server.key holds no private key in PEM form",
    ),
    (
        lambda files: (files.config / "partners.pem").write_text(""),
        "tls.client_ca.partners",
        "partners.pem holds no certificate in PEM form",
    ),
]


@pytest.mark.parametrize(("spoil", "key", "says"), CASES)
def test_a_mistake_in_the_files(
    tmp_path: Path, spoil: Callable[[TlsFolder], object], key: str, says: str
) -> None:
    """Named by file, line and key of venue.toml, with the file that it is about."""
    files = TlsFolder(tmp_path)
    spoil(files)
    (mistake,) = mistakes_of_material(files.config, files.load().venue.tls, datetime.now(UTC))

    assert mistake.key == key
    assert mistake.line > 0
    assert says in mistake.text


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@pytest.mark.parametrize("name", ["server.pem", "partners.pem", "server.key"])
def test_any_byte_may_be_wrong(tmp_path: Path, name: str) -> None:
    """A damaged file is a mistake or goes unnoticed: an exception would end who reloads it."""
    files = TlsFolder(tmp_path)
    path, tls = files.config / name, files.load().venue.tls
    begin, body, end = re.split("(?<=-----)\n|\n(?=-----)", path.read_text().strip(), maxsplit=2)
    whole, mistakes = base64.b64decode(body), 0
    for at in range(len(whole)):
        spoilt = bytearray(whole)
        spoilt[at] ^= 0x81
        path.write_text(f"{begin}\n{base64.encodebytes(spoilt).decode()}{end}\n")
        mistakes += bool(mistakes_of_material(files.config, tls, datetime.now(UTC)))

    assert mistakes > len(whole) / 4


def test_files_that_are_right(tmp_path: Path) -> None:
    """They become a context, and what the metrics and rules want to know of them."""
    files = TlsFolder(tmp_path)
    material = load_material(files.config, files.load().venue.tls, datetime.now(UTC))

    assert isinstance(material, TlsMaterial)
    assert set(material.ca_names.values()) == {"partners"}
    assert material.not_after > datetime.now(UTC)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    """Our certificate and a CA."""
    files = TlsFolder(tmp_path)
    expired(files)
    dead_ca(files)
    found = mistakes_of_material(files.config, files.load().venue.tls, datetime.now(UTC))

    assert [each.key for each in found] == ["tls.certificate", "tls.client_ca.partners"]
