"""`kk99fix onboard`: take a counterparty on, or renew what it logs on with.

Everything that can be wrong is found before anything is written: the answers are tried as a
session file beside the others, and the counterparty's device shows a code of its seed.
The seed is written first and the session file last, because a gateway that runs may read the file
at once.
"""

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import attrs
import click

from kk99fix.commands.onboard_enrolment import enrol
from kk99fix.commands.onboard_flags import Flags, onboard_options
from kk99fix.commands.onboard_questions import application_of, confirm_writing, door_of
from kk99fix.commands.options import exit_with_mistakes, load_or_exit, seeds_or_exit
from kk99fix.config.errors import ConfigError
from kk99fix.config.load import Settings
from kk99fix.config.sessions import SessionFile
from kk99fix.onboarding.credentials import Enrolment, Password, new_password
from kk99fix.onboarding.handover import handover
from kk99fix.onboarding.session_edit import with_logon_key
from kk99fix.onboarding.session_file import render
from kk99fix.onboarding.trial import try_session_file
from kk99fix.vault.sealed_seeds import SealedSeeds
from kk99fix.vault.seeds import SeedError
from kk99fix.vault.whole_files import write_whole

#: The gateway may run as another user of the same group.
SESSION_FILE_MODE = 0o640


@attrs.frozen
class Made:
    """What has to reach the counterparty by a way of its own."""

    password: Password | None = None
    enrolment: Enrolment | None = None


@click.command(short_help="Take a counterparty on.")
@onboard_options
def onboard(**given: Any) -> None:  # noqa: ANN401 - click's options, as `Flags` has them
    """Write the session file of a new counterparty and say what to send to it.

    What no option says is asked.  The password is made here, shown once, and kept as a hash; a
    seed for one-time passwords is shown as a QR code and kept sealed once the device has shown a
    code.  Nothing is written before all files fit together, and no file is overwritten without
    --replace.  A gateway that runs takes the file over by itself.

    For a session that is there, --totp enrols a new device, --new-password makes a new password,
    and --show says again what to send.

    \b
    Examples:
      kk99fix onboard
      kk99fix onboard BROKER9 --role order-entry --firm "Broker Nine" --account B9-HOUSE \\
          --from 203.0.113.0/28 --out outbox --yes
      kk99fix onboard DESK9 --role drop-copy --firm "Broker Nine" --copy-firm "Broker Nine" \\
          --from 203.0.113.0/28 --yes --json
      kk99fix onboard --totp BROKER9            a new device
      kk99fix onboard --new-password BROKER9    a new password
    """
    flags = Flags(**given)
    settings = load_or_exit(flags.config_dir, flags.sessions_dir)
    session = settings.session(flags.comp_id) if flags.comp_id else None
    if session is not None and flags.show:
        _tell(flags, settings, session.comp_id, Made())
    elif session is not None and not flags.replace and (flags.totp or flags.new_password):
        _renew(flags, settings, session)
    elif flags.show or flags.new_password:
        _give_up(f"there is no session {flags.comp_id or 'without a name'}: a session is named")
    else:
        _take_on(flags, settings)


def _take_on(flags: Flags, settings: Settings) -> None:
    _refuse_to_overwrite(flags, flags.comp_id)
    application = application_of(flags, settings)
    _refuse_to_overwrite(flags, application.comp_id)
    door_of(flags, settings, tls=application.needs_tls)
    password = None
    if application.username is not None and application.public_key is None:
        password = new_password()
    text = render(application, password.hash if password else None)
    after = _tried(flags, application.comp_id, text)
    path = _path(flags, application.comp_id)
    shown = text.replace(password.hash, "...") if password else text
    if flags.asks and not confirm_writing(path, shown):
        _give_up("nothing was written")
    enrolment = _enrolled(flags, after, application.comp_id, application.totp)
    _write(path, text, replace=flags.replace)
    _tell(flags, after, application.comp_id, Made(password, enrolment))


def _renew(flags: Flags, settings: Settings, session: SessionFile) -> None:
    """A new device or password for a session that is there; the rest of its file stays."""
    path = _path(flags, session.comp_id)
    before = text = path.read_text(encoding="utf-8")
    password = new_password() if flags.new_password else None
    if password is not None:
        text = with_logon_key(text, "password_hash", password.hash)
        if session.logon.username is None:
            text = with_logon_key(text, "username", flags.username or session.comp_id.lower())
    seed_name = session.logon.totp
    if flags.totp and seed_name is None:
        seed_name = session.comp_id
        text = with_logon_key(text, "totp", seed_name)
    after = settings if text == before else _tried(flags, session.comp_id, text)
    enrolment = _enrolled(flags, after, session.comp_id, seed_name if flags.totp else None)
    if text != before:
        _write(path, text, replace=True)
    _tell(flags, after, session.comp_id, Made(password, enrolment))


def _refuse_to_overwrite(flags: Flags, comp_id: str | None) -> None:
    if comp_id is not None and not flags.replace and _path(flags, comp_id).exists():
        _give_up(
            f"{_path(flags, comp_id)} is there already; --replace writes it anew, --totp enrols a "
            "new device, --new-password makes a new password, --show says again what to send"
        )


def _tried(flags: Flags, comp_id: str, text: str) -> Settings:
    """Return what all files will say; with mistakes in them, list these and end."""
    try:
        return try_session_file(flags.config_dir, flags.sessions_dir, f"{comp_id}.toml", text)
    except ConfigError as error:
        click.echo("nothing was written:", err=True)
        exit_with_mistakes(error)


def _enrolled(
    flags: Flags, settings: Settings, comp_id: str, seed_name: str | None
) -> Enrolment | None:
    """Enrol a device and seal its seed, where there is to be one."""
    if seed_name is None:
        return None
    seeds: SealedSeeds = seeds_or_exit(settings.venue.secrets, flags.config_dir, flags.secrets_dir)
    try:
        seeds.keys.current()
        enrolment = enrol(comp_id, settings.venue.venue.comp_id, code_later=flags.code_later)
        if enrolment is None:
            _give_up("no code of the device was right; nothing was written")
        seeds.add(seed_name, enrolment.seed, replace=True)
    except SeedError as error:
        _give_up(str(error))
    return enrolment


def _write(path: Path, text: str, *, replace: bool) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else SESSION_FILE_MODE
    try:
        write_whole(path, text.encode(), mode=mode, replace=replace)
    except OSError as error:
        _give_up(f"{path}: cannot be written: {error.strerror}")
    click.echo(f"wrote {path}", err=True)


def _tell(flags: Flags, settings: Settings, comp_id: str, made: Made) -> None:
    """Say what to send, and by which way."""
    session = settings.session(comp_id)
    assert session is not None, comp_id
    needs_tls = session.logon.require_tls or bool(session.logon.client_certificate)
    door = door_of(flags, settings, tls=needs_tls)
    sent = handover(settings, session, door, flags.config_dir)
    written: list[Path] = []
    if flags.out is not None:
        try:
            written = sent.write_to(flags.out)
        except OSError as error:
            click.echo(f"{flags.out}: cannot be written: {error.strerror}", err=True)
    separately = _separately(made)
    if flags.as_json:
        content = {
            "session": comp_id,
            "file": str(_path(flags, comp_id)),
            "send": {item.key: item.value for item in sent.items},
            "send_separately": {key: value for key, _, value in separately},
            "files": [str(path) for path in written],
        }
        click.echo(json.dumps(content, indent=2))
        return
    click.echo(f"Send to the counterparty of {comp_id}:\n")
    click.echo(sent.letter())
    if written:
        click.echo("with " + ", ".join(map(str, written[1:])) + f"; {written[0]} is this text.\n")
    else:
        click.echo(f"`kk99fix onboard --show {comp_id} --out DIR` writes this and its files.\n")
    if separately:
        click.echo("By another way, and only once; it is not shown again:\n")
        for _, label, value in separately:
            click.echo(f"{label}  {value}")


def _separately(made: Made) -> list[tuple[str, str, str]]:
    """Key, label and value of each secret."""
    secrets = []
    if made.password is not None:
        secrets.append(("password", "Password(554)", made.password.clear))
    if made.enrolment is not None:
        secrets.append(("totp", "one-time passwords", made.enrolment.uri))
    return secrets


def _path(flags: Flags, comp_id: str) -> Path:
    return flags.sessions_dir / f"{comp_id}.toml"


def _give_up(text: str) -> NoReturn:
    click.echo(f"kk99fix onboard: {text}", err=True)
    sys.exit(1)
