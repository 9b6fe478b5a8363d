"""What a counterparty is sent so that it can connect, and what has to go another way.

Nothing in `Handover` is secret: it may be mailed.  A password or a seed is shown to the person who
onboards and is part of no file here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from kk99fix.config.load import Settings
from kk99fix.config.schedule_words import schedule_words
from kk99fix.config.sessions import SessionFile
from kk99fix.fix import dictionary, example_day, render_engagement
from kk99fix.fix.render_quickfix import data_dictionary, file_name
from kk99fix.onboarding import quickfix
from kk99fix.onboarding.door import Door
from kk99fix.vault.whole_files import write_whole

#: What is mailed may be read by whoever handles it.
_READABLE: Final = 0o644
CERTIFICATE_NAME: Final = "server.pem"
RULES_NAME: Final = "rules_of_engagement.md"
_SIGNATURE: Final = (
    "Ed25519 signature, in base64, of 35, 49, 56, 34 and 52 joined by SOH, under your key"
)


@frozen
class Item:
    """One line of what is sent."""

    key: str
    label: str
    value: str


@frozen
class Handover:
    """All that is sent about one session."""

    comp_id: str
    items: tuple[Item, ...]
    #: Name -> text of the files that go with it.
    files: dict[str, str]

    def letter(self) -> str:
        """Return the items as text to mail."""
        width = max(len(item.label) for item in self.items)
        return "".join(f"{item.label:<{width}}  {item.value}\n" for item in self.items)

    def write_to(self, folder: Path) -> list[Path]:
        """Write the letter and the files into a folder and return their paths; OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        texts = {f"{self.comp_id}.txt": self.letter(), **self.files}
        for name, text in texts.items():
            write_whole(folder / name, text.encode(), mode=_READABLE, replace=True)
        return [folder / name for name in texts]


def handover(settings: Settings, session: SessionFile, door: Door, config_dir: Path) -> Handover:
    """Return what the counterparty of a session is sent."""
    comp_id = session.comp_id
    dialect = session.session.dialect
    certificate = _certificate(settings, config_dir)
    dictionary_name, cfg_name = file_name(dialect), f"{comp_id}.cfg"
    items = [
        Item("host", "host", door.host),
        Item("port", "port", str(door.port)),
        *_encryption(settings, door, CERTIFICATE_NAME if certificate else "sent apart"),
        *_identity(session),
        *_logon(session),
        *_terms(session),
        *_certification(session),
        Item("data_dictionary", "data dictionary", dictionary_name),
        Item("quickfix_settings", "QuickFIX settings", cfg_name),
        Item("rules", "rules of engagement", RULES_NAME),
    ]
    source = dictionary.load()
    prose = render_engagement.PROSE_PATH.read_text(encoding="utf-8")
    files = {
        cfg_name: quickfix.settings(session, door, dictionary_name),
        dictionary_name: data_dictionary(source, dialect),
        RULES_NAME: render_engagement.engagement(source, prose, example_day.read()),
    }
    if certificate is not None:
        files[CERTIFICATE_NAME] = certificate
    return Handover(comp_id, tuple(items), files)


def _certificate(settings: Settings, config_dir: Path) -> str | None:
    """Return our chain; whether its file is right is for `kk99fix check` to say."""
    tls = settings.venue.tls
    if not tls.listens or tls.certificate is None:
        return None
    try:
        return (config_dir / tls.certificate).read_text(encoding="ascii")
    except (OSError, UnicodeError):
        return None


def _encryption(settings: Settings, door: Door, where: str) -> Iterator[Item]:
    tls = settings.venue.tls
    if door.tls:
        yield Item("tls", "encryption", f"TLS 1.2 or 1.3; our certificate: {where}")
    elif tls.listens:
        yield Item("tls_port", "port with TLS", f"{tls.port}; our certificate: {where}")


def _identity(session: SessionFile) -> Iterator[Item]:
    own = session.session
    yield Item("begin_string", "BeginString(8)", "FIX.4.4")
    yield Item("sender_comp_id", "SenderCompID(49)", own.sender_comp_id)
    yield Item("target_comp_id", "TargetCompID(56)", own.target_comp_id)
    yield Item("role", "role", own.role)
    if own.accounts:
        default = f" (without one: {own.accounts[0]})" if len(own.accounts) > 1 else ""
        yield Item("accounts", "Account(1)", ", ".join(own.accounts) + default)
    scope = session.drop_copy
    if scope.firms or scope.accounts:
        copied = "every firm" if "*" in scope.firms else ", ".join(scope.firms or scope.accounts)
        yield Item("copies_of", "copies of", copied)


def _logon(session: SessionFile) -> Iterator[Item]:
    logon = session.logon
    networks = ", ".join(str(network) for network in logon.allow_from)
    yield Item("allow_from", "connect from", networks)
    if logon.username is not None:
        yield Item("username", "Username(553)", logon.username)
    if logon.password_hash is not None:
        yield Item("password", "Password(554)", "comes to you another way")
    if logon.totp is not None:
        yield Item("totp", "RawData(96)", "TOTP 123456: the code that your device shows")
    if logon.public_key is not None:
        yield Item("signature", "RawData(96)", _SIGNATURE)
    for certificate in logon.client_certificate:
        yield Item("client_certificate", "client certificate", str(certificate))
    low, high = logon.heart_bt_int
    yield Item("heart_bt_int", "HeartBtInt(108)", f"{low} to {high} seconds")
    yield Item("reset_seq_num", "ResetSeqNumFlag(141)=Y", logon.reset_seq_num.replace("-", " "))


def _terms(session: SessionFile) -> Iterator[Item]:
    schedule = session.schedule
    said = (
        "always open; its numbers go on for ever" if schedule is None else schedule_words(schedule)
    )
    yield Item("schedule", "schedule", said)
    if session.session.role == "order-entry":
        goes = "are cancelled" if session.logon.cancel_on_disconnect else "stay"
        yield Item("on_disconnect", "after a disconnect", f"open orders {goes}")


def _certification(session: SessionFile) -> Iterator[Item]:
    own = session.certification
    if own.functions:
        first = " before it may send orders" if own.require_certification else ""
        yield Item("certification", "to be certified for", f"{', '.join(own.functions)}{first}")
