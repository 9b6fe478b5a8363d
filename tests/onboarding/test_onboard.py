"""The command as a person or a script uses it: what it writes, says and refuses."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyotp
import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.office import BROKER9, Office

SEED = b"twenty bytes of seed"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return the shipped files with a key for seeds."""
    return Office(tmp_path)


def test_a_session_from_flags_alone(office: Office) -> None:
    """The file is right beside the others and says what was asked for, with a fitting hash."""
    said = office.onboard(*BROKER9, "--max-open-orders", "500", "--max-order-qty", "1000.5")

    written = office.session("BROKER9")
    assert office.folder.mistakes() == []
    assert written["session"] == {
        "sender_comp_id": "BROKER9",
        "target_comp_id": "KK99",
        "role": "order-entry",
        "firm": "Broker Nine",
        "accounts": ["B9-HOUSE", "B9-CLIENT"],
        "dialect": "fix44",
    }
    assert written["logon"]["username"] == said["send"]["username"] == "broker9"
    assert written["logon"]["allow_from"] == ["203.0.113.0/28"]
    assert written["limits"] == {"max_open_orders": 500, "max_order_qty": "1000.5"}
    assert PasswordHasher().verify(
        written["logon"]["password_hash"], said["send_separately"]["password"]
    )


def test_the_password_is_nowhere_but_in_what_is_said(office: Office) -> None:
    """No file holds it, those to send included; two sessions have two."""
    said = office.onboard(*BROKER9, "--out", str(office.root / "outbox"))
    password = said["send_separately"]["password"]

    assert len(password) == 24
    for path in office.root.rglob("*"):
        assert path.is_dir() or password.encode() not in path.read_bytes()
    other = office.onboard(
        "DESK9", "--role", "drop-copy", "--firm", "Desk", "--copy-firm", "*", "--from", "10.0.0.0/8"
    )
    assert other["send_separately"]["password"] != password


def test_what_is_sent_is_written_for_the_counterparty(office: Office) -> None:
    """A letter, QuickFIX settings and the dictionary of its dialect, readable by whoever mails."""
    out = office.root / "outbox"
    said = office.onboard(
        *BROKER9, "--dialect", "kk99", "--host", "198.51.100.7", "--port", "4499", "--out", str(out)
    )

    assert said["files"] == [
        str(out / name)
        for name in (
            *("BROKER9.txt", "BROKER9.cfg", "KK99-FIX44-kk99.xml"),
            "rules_of_engagement.md",
        )
    ]
    settings = (out / "BROKER9.cfg").read_text().splitlines()
    assert {
        "SocketConnectHost=198.51.100.7",
        "SocketConnectPort=4499",
        "SenderCompID=BROKER9",
        "TargetCompID=KK99",
        "DataDictionary=KK99-FIX44-kk99.xml",
        "StartDay=sunday",
        "EndDay=sunday",
        "StartTime=00:00:00",
        "EndTime=00:00:00",
    } <= set(settings)
    letter = (out / "BROKER9.txt").read_text()
    assert re.search(r"^Username\(553\) +broker9$", letter, re.MULTILINE)
    assert re.search(r"^schedule +open from sun 00:00 to sun 00:00 UTC;", letter, re.MULTILINE)
    shipped = Path(__file__).parents[2] / "docs/fix/KK99-FIX44-kk99.xml"
    assert (out / "KK99-FIX44-kk99.xml").read_text() == shipped.read_text()
    assert (out / "BROKER9.txt").stat().st_mode & 0o777 == 0o644
    assert (office.folder.sessions / "BROKER9.toml").stat().st_mode & 0o777 == 0o640


def test_a_person_is_asked(office: Office) -> None:
    """Every answer reaches the file, and nothing but what to send is on standard output."""
    answers = [
        *("BROKER9", "order-entry", "Broker Nine", "B9-HOUSE, B9-CLIENT"),
        *("203.0.113.0/28, 2001:db8::/64", "n", "", "250000", "100", ""),
        *("17:05 to 16:55 America/New_York", "n", "y"),
    ]
    result = office.run(answers="\n".join(answers) + "\n")

    assert result.exit_code == 0, result.output
    written = office.session("BROKER9")
    assert written["session"]["accounts"] == ["B9-HOUSE", "B9-CLIENT"]
    assert written["logon"]["allow_from"] == ["203.0.113.0/28", "2001:db8::/64"]
    assert written["logon"]["cancel_on_disconnect"] is False
    assert written["limits"] == {"max_order_notional": "250000", "max_open_orders": 100}
    assert written["schedule"] == {
        "start": "17:05",
        "end": "16:55",
        "zone": "America/New_York",
        "reset": "daily",
    }
    assert result.stdout.startswith("Send to the counterparty of BROKER9:\n")
    assert written["logon"]["password_hash"] not in result.output


def test_a_person_may_think_better_of_it(office: Office) -> None:
    """Without the last yes nothing is written."""
    before = office.names()
    lines = ["n", "", "", "", "", "", "", "n"]
    result = office.run(*BROKER9, answers="\n".join(lines) + "\n")

    assert (result.exit_code, "nothing was written" in result.stderr) == (1, True)
    assert office.names() == before


def test_what_is_missing_is_named_where_nobody_is_asked(office: Office) -> None:
    """A script learns all of it at once."""
    result = office.run("BROKER9", "--role", "drop-copy", "--yes")

    assert result.exit_code == 2
    assert "give --firm, --copy-firm, --from" in result.stderr


@pytest.mark.parametrize(
    ("flags", "mistake"),
    [
        (("--account", "B1-HOUSE"), 'found "B1-HOUSE", which belongs to firm "Broker One"'),
        (("--from", "10.0.0.1/8"), 'found "10.0.0.1/8"; "10.0.0.0/8" would be right'),
        (("--schedule", "sun 17:00 to fri 25:00 UTC"), 'schedule.end: found "25:00"'),
        (("--max-order-qty", "many"), 'limits.max_order_qty: found "many"'),
        (("--public-key", "no key"), "logon.public_key: this value is kept out of messages"),
        (("--from", "0.0.0.0/0", "--no-password"), "every address, without a password"),
    ],
)
def test_a_contradiction_is_found_before_anything_is_written(
    office: Office, flags: tuple[str, ...], mistake: str
) -> None:
    """The mistake names the file that would have been, and there is none."""
    before = office.names()
    result = office.run(*BROKER9, *flags, "--yes")

    assert result.exit_code == 1
    assert f"{office.folder.sessions}/BROKER9.toml:" in result.stderr
    assert mistake in result.stderr
    assert result.stdout == ""
    assert office.names() == before


def test_the_new_file_is_blamed_whatever_its_name(office: Office) -> None:
    """An account of somebody else's is a mistake of who asks for it, not of who has it."""
    result = office.run("AAA", *BROKER9[1:], "--account", "B1-HOUSE", "--yes")

    sessions = office.folder.sessions
    assert f'{sessions}/AAA.toml:9: session.accounts: found "B1-HOUSE", which' in result.stderr
    assert f'belongs to firm "Broker One" in {sessions}/BROKER1.toml' in result.stderr
    assert f"{sessions}/BROKER1.toml:" not in result.stderr


@pytest.mark.parametrize("name", ["../BROKER9", "a b", "x" * 33, ""])
def test_a_name_that_is_none(office: Office, name: str) -> None:
    """No path is made of it."""
    result = office.run(name, *BROKER9[1:], "--yes")

    assert result.exit_code == 2
    assert office.names() == {"BROKER1.toml", "BROKER2.toml", "DROPCOPY1.toml"}


def test_nothing_is_overwritten_unless_asked(office: Office) -> None:
    """A second time says what can be done; --replace does it, and the old password is none."""
    first = office.onboard(*BROKER9)
    before = office.session("BROKER9")

    result = office.run(*BROKER9, "--yes")
    assert result.exit_code == 1
    assert "is there already; --replace" in result.stderr
    assert office.session("BROKER9") == before

    second = office.onboard(*BROKER9, "--replace")
    assert second["send_separately"] != first["send_separately"]
    assert office.session("BROKER9") != before


def test_show_says_again_what_to_send(office: Office) -> None:
    """For a session there, without its secrets and without a change."""
    first = office.onboard(*BROKER9)
    again = office.onboard("--show", "BROKER9")

    assert again == {**first, "send_separately": {}}
    assert office.run("--show", "NOBODY").exit_code == 1


def test_a_counterparty_that_signs_has_no_password(office: Office) -> None:
    """Its key is read from PEM as openssl writes it, and the letter says what to sign."""
    key = Ed25519PrivateKey.generate().public_key()
    pem = office.root / "broker9.pem"
    pem.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    said = office.onboard(*BROKER9, "--public-key", str(pem))

    logon = office.session("BROKER9")["logon"]
    assert logon["public_key"] == base64.b64encode(key.public_bytes_raw()).decode()
    assert "password_hash" not in logon
    assert said["send_separately"] == {}
    assert "Ed25519 signature" in said["send"]["signature"]


def test_what_has_to_be_certified(office: Office) -> None:
    """It stands in the file, and the counterparty is told."""
    office.folder.replace("config/venue.toml", "test_venue = false", "test_venue = true")
    said = office.onboard(*BROKER9, "--certify", "limit", "--certify", "cancel")

    assert office.session("BROKER9")["certification"] == {
        "functions": ["limit", "cancel"],
        "require_certification": True,
    }
    assert said["send"]["certification"] == "limit, cancel before it may send orders"
    assert office.run(*BROKER9, "--replace", "--certify", "flying", "--yes").exit_code == 1


def test_a_device_is_enrolled(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong code is asked for again; after a right one the seed is sealed under the CompID."""
    monkeypatch.setattr(os, "urandom", lambda count: SEED[:count].ljust(count, b"."))
    code = pyotp.TOTP(base64.b32encode(SEED).decode()).now()
    result = office.run(*BROKER9, "--totp", "--yes", answers=f"12\n{code[:3]} {code[3:]}\n")

    assert result.exit_code == 0, result.output
    assert result.stderr.count("that is not the code of now") == 1
    assert office.session("BROKER9")["logon"]["totp"] == "BROKER9"
    assert office.seeds().seed("BROKER9") == SEED
    assert "\u2588" in result.stderr
    assert "otpauth://totp/KK99:BROKER9?secret=" in result.stdout
    assert (
        base64.b32encode(SEED).decode() not in (office.folder.sessions / "BROKER9.toml").read_text()
    )


def test_a_device_that_shows_no_code_leaves_nothing(office: Office) -> None:
    """Five wrong codes: no file and no seed."""
    before = office.names()
    result = office.run(*BROKER9, "--totp", "--yes", answers="0\n" * 5)

    assert result.exit_code == 1
    assert "no code of the device was right; nothing was written" in result.stderr
    assert office.names() == before


def test_a_missing_key_is_told_before_the_device_is_enrolled(office: Office) -> None:
    """Nobody scans a code for nothing."""
    (office.folder.config / "seed.key").unlink()
    result = office.run(*BROKER9, "--totp", "--yes")

    assert result.exit_code == 1
    assert "there is no such key file" in result.stderr
    assert "scan this" not in result.stderr


def test_a_new_device_for_a_session_there(office: Office) -> None:
    """The old seed is gone; a file without `totp` gets the one line, its comments stay."""
    office.onboard(*BROKER9)
    path = office.folder.sessions / "BROKER9.toml"
    before = path.read_text()
    first = office.onboard("--totp", "BROKER9", "--code-later")
    after, seed = path.read_text(), office.seeds().seed("BROKER9")

    assert after == before.replace("[logon]\n", '[logon]\ntotp = "BROKER9"\n')
    assert set(first["send_separately"]) == {"totp"}

    office.onboard("--totp", "BROKER9", "--code-later")

    assert path.read_text() == after
    assert office.seeds().seed("BROKER9") != seed


def test_a_new_password_for_a_session_there(office: Office) -> None:
    """The hash is another one, and nothing else of the file changes."""
    office.onboard(*BROKER9)
    before = office.session("BROKER9")
    said = office.onboard("--new-password", "BROKER9")
    after = office.session("BROKER9")

    hashed = after["logon"].pop("password_hash")
    assert PasswordHasher().verify(hashed, said["send_separately"]["password"])
    assert before["logon"].pop("password_hash") != hashed
    assert after == before


def test_a_password_for_a_shipped_session(office: Office) -> None:
    """A session without one gets user name and password."""
    said = office.onboard("--new-password", "BROKER1")

    assert office.session("BROKER1")["logon"]["username"] == said["send"]["username"] == "broker1"
    assert office.folder.mistakes() == []


def test_a_code_for_a_session_that_has_no_password(office: Office) -> None:
    """What the configuration does not allow is refused before anybody scans anything."""
    before = office.names()
    result = office.run("--totp", "BROKER1", "--yes")

    assert result.exit_code == 1
    assert "logon.totp: stands without password_hash" in result.stderr
    assert office.names() == before


def test_an_address_is_asked_for_where_the_venue_has_all(office: Office) -> None:
    """0.0.0.0 is nowhere that a counterparty could connect to."""
    office.folder.replace("config/venue.toml", 'host = "127.0.0.1"', 'host = "0.0.0.0"')

    result = office.run(*BROKER9, "--yes")
    assert (result.exit_code, "say by --host" in result.stderr) == (2, True)
    assert office.onboard(*BROKER9, "--host", "gw.example")["send"]["host"] == "gw.example"


def test_a_script_enrols_a_device_over_pipes(office: Office) -> None:
    """The program itself: the secret on standard error, the code on standard input."""
    program = Path(sys.executable).with_name("kk99fix")
    command = [str(program), *office.arguments(*BROKER9, "--totp", "--json")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stderr
        assert process.stdout
        secret = next(line.split()[1] for line in process.stderr if line.startswith("secret: "))
        process.stdin.write(f"{pyotp.TOTP(secret).now()}\n")
        process.stdin.flush()
        said = json.loads(process.stdout.read())

    assert process.returncode == 0
    assert base64.b32encode(office.seeds().seed("BROKER9")).decode() == secret
    assert secret in said["send_separately"]["totp"]
