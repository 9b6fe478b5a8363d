"""`kk99fix check`: what the files in config/ and sessions/ say, or everything wrong with them."""

import base64
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import attrs
import click
from rich import box
from rich.console import Console
from rich.table import Table

from kk99fix.commands.check_seeds import SeedCheck, check_seeds
from kk99fix.commands.options import (
    config_options,
    exit_with_mistakes,
    secrets_option,
    seeds_or_exit,
)
from kk99fix.config.decimals import format_e8
from kk99fix.config.errors import ConfigError
from kk99fix.config.load import Settings, load
from kk99fix.config.public_key import public_key
from kk99fix.config.resolve import resolve
from kk99fix.config.schedule_words import schedule_words
from kk99fix.config.sessions import Logon, SessionFile
from kk99fix.config.venue import Listen, Tls
from kk99fix.gateway.tls_material import mistakes_of_material


@click.command(short_help="Check config/ and sessions/.")
@config_options
@secrets_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables.")
def check(config_dir: Path, sessions_dir: Path, secrets_dir: Path, *, as_json: bool) -> None:
    """Check the files and show what they say.

    Exits with 1 if anything is wrong, after listing all of it: each mistake with its file, line
    and key, what was found and what would be right.
    Seeds that session files name are opened where their key is given.

    \b
    Examples:
      kk99fix check
      kk99fix check --config /etc/kk99fix --sessions /etc/kk99fix/sessions
      kk99fix check --json | python3 -m json.tool
    """
    try:
        settings = load(config_dir, sessions_dir)
    except ConfigError as error:
        _fail(error, as_json=as_json)
    wrong = mistakes_of_material(config_dir, settings.venue.tls, datetime.now(UTC))
    if wrong:
        _fail(ConfigError(wrong), as_json=as_json)
    seeds = seeds_or_exit(settings.venue.secrets, config_dir, secrets_dir)
    checked = check_seeds(settings, sessions_dir, seeds)
    if checked.mistakes:
        _fail(ConfigError(checked.mistakes), as_json=as_json)
    notes = _notes(settings, checked)
    if as_json:
        _print_json(settings, notes)
    else:
        _print_tables(settings, notes)


def _fail(error: ConfigError, *, as_json: bool) -> NoReturn:
    if not as_json:
        exit_with_mistakes(error)
    shown = attrs.filters.exclude("others")
    mistakes = [attrs.asdict(mistake, filter=shown) for mistake in error.mistakes]
    click.echo(json.dumps({"ok": False, "mistakes": mistakes}, indent=2))
    sys.exit(1)


def _notes(settings: Settings, checked: SeedCheck) -> dict[str, list[str]]:
    notes = {session.comp_id: session_notes(session) for session in settings.sessions}
    for comp_id, note in checked.notes.items():
        notes[comp_id].append(note)
    return notes


def session_notes(session: SessionFile) -> list[str]:
    """Return what a person should know about a session beyond its settings."""
    notes = [_proof_note(session.logon)]
    if "*" in session.drop_copy.firms:
        notes.append("sees the reports of every firm")
    if session.certification.require_certification:
        functions = ", ".join(session.certification.functions)
        notes.append(f"enters orders once it is certified for {functions}")
    if session.schedule is not None:
        notes.append(schedule_words(session.schedule))
    notes += _tls_notes(session.logon)
    return notes


def _tls_notes(logon: Logon) -> list[str]:
    """Say what is demanded of the connection."""
    if logon.client_certificate:
        return [f"only over TLS with {each}" for each in logon.client_certificate]
    return ["only over TLS"] if logon.require_tls else []


def _proof_note(logon: Logon) -> str:
    """Say what has to be proved at a logon."""
    if logon.public_key is not None:
        key = public_key(logon.public_key).public_bytes_raw()
        short = base64.b64encode(key).decode("ascii")
        return f"signs its Logon with key {logon.username}, {short}"
    if logon.password_hash is None:
        return "accepted without a password, from its networks only"
    code = "" if logon.totp is None else f" and a code of seed {logon.totp}"
    return f"logs on as {logon.username} with a password{code}"


def _print_json(settings: Settings, notes: dict[str, list[str]]) -> None:
    answer: dict[str, Any] = {"ok": True, "notes": notes, "resolved": resolve(settings)}
    click.echo(json.dumps(answer, indent=2, sort_keys=True))


def _print_tables(settings: Settings, notes: dict[str, list[str]]) -> None:
    # A pipe or a file has no width to keep to; names in the files are no markup.
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200)
    venue, listen = settings.venue.venue, settings.venue.listen
    roll = settings.calendar.roll
    console.print(
        f"venue {venue.comp_id}: currency {venue.currency}, "
        f"FIX on {_addresses(listen, settings.venue.tls)}, "
        f"metrics on {listen.metrics_host}:{listen.metrics_port}\n"
        f"durability {venue.durability}, {venue.after_restart} after a restart, "
        f"trading day rolls at {roll.time} {roll.zone}\n"
    )
    console.print(_instruments(settings))
    console.print(_sessions(settings))
    for comp_id, about in notes.items():
        for note in about:
            console.print(f"{comp_id}: {note}")
    if not settings.sessions:
        console.print("there is no session file: nobody can log on")
    count = len(settings.instruments.instrument)
    console.print(f"\nno mistakes in {count} instruments and {len(settings.sessions)} sessions")


def _addresses(listen: Listen, tls: Tls) -> str:
    """Where counterparties connect."""
    places = [f"{listen.host}:{listen.port}"] if listen.plain else []
    if tls.listens:
        places.append(f"{tls.host}:{tls.port} with TLS")
    return " and ".join(places)


def _instruments(settings: Settings) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("instrument", no_wrap=True)
    for heading in ("class", "in"):
        table.add_column(heading)
    for heading in ("tick", "lot", "multiplier", "reference", "band"):
        table.add_column(heading, justify="right")
    default_e8 = settings.risk.default.price_band_percent_e8
    for instrument in settings.instruments.instrument:
        band_e8 = instrument.band_e8(default_e8)
        table.add_row(
            instrument.symbol if instrument.open else f"{instrument.symbol} (closed)",
            instrument.asset_class,
            instrument.currency,
            format_e8(instrument.tick_e8),
            format_e8(instrument.lot_e8),
            format_e8(instrument.multiplier_e8),
            format_e8(instrument.reference_price_e8),
            f"+-{format_e8(band_e8)}" if band_e8 else "none",
        )
    return table


def _sessions(settings: Settings) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("session", "role", "firm", "accounts", "from", "orders on disconnect"):
        table.add_column(heading)
    for session in settings.sessions:
        table.add_row(
            session.comp_id,
            session.session.role,
            session.session.firm,
            "\n".join(session.session.accounts) or "-",
            "\n".join(str(network) for network in session.logon.allow_from),
            _on_disconnect(session),
        )
    return table


def _on_disconnect(session: SessionFile) -> str:
    """What becomes of the session's orders when its connection ends."""
    logon = session.logon
    if session.session.role != "order-entry":
        return "-"
    if not logon.cancel_on_disconnect:
        return "stay"
    when = f"after {logon.cancel_grace_s} s" if logon.cancel_grace_s else "at once"
    return f"cancelled {when}" + (", on logout too" if logon.cancel_on_logout else "")
