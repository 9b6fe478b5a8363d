"""The questions of `kk99fix onboard`: what no flag said, asked on standard error.

Standard output stays what is sent to the counterparty.
"""

from typing import Any, Final

import click

from kk99fix.commands.onboard_flags import Flags
from kk99fix.config.load import Settings
from kk99fix.onboarding.application import (
    ALWAYS,
    USUAL_SCHEDULE,
    Application,
    Limits,
    Schedule,
    checked_comp_id,
    parse_schedule,
)
from kk99fix.onboarding.door import Door
from kk99fix.onboarding.keys import certificate_pin, public_key_text

_LIMITS: Final = {
    "max_order_qty": "largest order, quantity",
    "max_order_notional": "largest order, value in {currency}",
    "max_open_orders": "open orders at a time",
    "messages_per_second": "messages a second",
}


def application_of(flags: Flags, settings: Settings) -> Application:
    """Return the whole application; UsageError where something is missing and nobody is asked."""
    if not flags.asks:
        _insist(flags)
    comp_id = flags.comp_id or _ask_comp_id()
    role = flags.role or _ask(
        "role", "order-entry", kind=click.Choice(["order-entry", "drop-copy"])
    )
    order_entry = role == "order-entry"
    firms = sorted({session.session.firm for session in settings.sessions})
    firm = flags.firm or _ask(f"firm (known: {', '.join(firms) or 'none yet'})")
    accounts = flags.accounts
    if order_entry and not accounts:
        accounts = _ask_list("accounts, the default one first")
    copied_firms = flags.copied_firms
    if not order_entry and not copied_firms and not flags.copied_accounts:
        copied_firms = _ask_list('firms whose reports it sees, or "*" for all')
    networks = flags.networks or _ask_list("networks that it may come from, such as 203.0.113.0/28")
    signs = flags.public_key is not None
    password = flags.password and not signs
    totp = flags.totp
    if flags.asks and password and not totp:
        totp = _confirm("one-time passwords (TOTP) beside the password?", default=False)
    return Application(
        comp_id=comp_id,
        venue_comp_id=settings.venue.venue.comp_id,
        role=role,
        firm=firm,
        accounts=accounts,
        copied_firms=copied_firms,
        copied_accounts=flags.copied_accounts,
        networks=networks,
        dialect=flags.dialect,
        limits=_limits(flags, settings, ask=flags.asks and order_entry),
        schedule=_schedule(flags),
        reset_seq_num=flags.reset_seq_num,
        cancel_on_disconnect=_cancel_on_disconnect(flags, ask=flags.asks and order_entry),
        username=(flags.username or comp_id.lower()) if password or signs else None,
        totp=comp_id if totp else None,
        public_key=public_key_text(flags.public_key) if flags.public_key else None,
        client_certificate=(
            certificate_pin(flags.client_certificate) if flags.client_certificate else None
        ),
        functions=flags.functions,
        require_tls=_require_tls(flags, settings),
    )


def door_of(flags: Flags, settings: Settings, *, tls: bool) -> Door:
    """Return where the counterparty connects; `tls` says that a plain connection is of no use."""
    listener = settings.venue.tls if tls or not settings.venue.listen.plain else None
    if listener is None:
        port = settings.venue.listen.port
        return Door(_host(flags, settings.venue.listen.host), flags.port or port, tls=False)
    # Without [tls] the trial has said so, or will.
    return Door(_host(flags, listener.host), flags.port or listener.port or 0, tls=True)


def _host(flags: Flags, listens_on: str) -> str:
    if flags.host is not None:
        return flags.host
    if listens_on not in {"0.0.0.0", "::"}:  # noqa: S104 - asked about, not bound
        return listens_on
    if not flags.asks:
        raise click.UsageError(
            f"venue.toml listens on every address ({listens_on}); say by --host which one the "
            "counterparty connects to"
        )
    return _ask("address that the counterparty connects to")


def confirm_writing(path: object, text: str) -> bool:
    """Show the file and ask whether to write it."""
    click.echo(f"\n{text}", err=True)
    return _confirm(f"write {path}?", default=True)


def _insist(flags: Flags) -> None:
    """Refuse to go on where something has no default."""
    order_entry = flags.role != "drop-copy"
    missing = [
        name
        for name, value in (
            ("COMPID", flags.comp_id),
            ("--role", flags.role),
            ("--firm", flags.firm),
            ("--account", flags.accounts or not order_entry),
            ("--copy-firm", flags.copied_firms or flags.copied_accounts or order_entry),
            ("--from", flags.networks),
        )
        if not value
    ]
    if missing:
        raise click.UsageError(f"with --yes or --json nothing is asked; give {', '.join(missing)}")


def _require_tls(flags: Flags, settings: Settings) -> bool:
    venue = settings.venue
    if flags.asks and not flags.tls and venue.tls.listens and venue.listen.plain:
        return _confirm("only over TLS?", default=True)
    return flags.tls


def _limits(flags: Flags, settings: Settings, *, ask: bool) -> Limits:
    given: dict[str, Any] = {
        "max_order_qty": flags.max_order_qty,
        "max_order_notional": flags.max_order_notional,
        "max_open_orders": flags.max_open_orders,
        "messages_per_second": flags.messages_per_second,
        "orders_per_second": flags.orders_per_second,
    }
    for name, question in _LIMITS.items() if ask else ():
        if given[name] is None:
            text = question.format(currency=settings.venue.venue.currency)
            kind = str if name.startswith("max_order_") else int
            given[name] = _ask_optional(f"{text} (empty: what risk.toml says)", kind)
    return Limits(**given)


def _schedule(flags: Flags) -> Schedule | None:
    if flags.schedule is not None:
        try:
            return parse_schedule(flags.schedule)
        except ValueError as error:
            raise click.UsageError(f'--schedule: found "{flags.schedule}"; {error}') from None
    if not flags.asks:
        return parse_schedule(USUAL_SCHEDULE)

    def read(text: str) -> Schedule | None:
        try:
            return parse_schedule(text)
        except ValueError as error:
            raise click.UsageError(str(error)) from None

    found: Schedule | None = click.prompt(
        f'when it is open, or "{ALWAYS}"', default=USUAL_SCHEDULE, value_proc=read, err=True
    )
    return found


def _cancel_on_disconnect(flags: Flags, *, ask: bool) -> bool:
    if flags.cancel_on_disconnect is None and ask:
        return _confirm("cancel its open orders when its connection breaks?", default=True)
    return flags.cancel_on_disconnect is not False


def _ask_comp_id() -> str:
    def read(text: str) -> str:
        try:
            return checked_comp_id(text)
        except ValueError as error:
            raise click.UsageError(str(error)) from None

    answer: str = click.prompt("SenderCompID(49) of the counterparty", value_proc=read, err=True)
    return answer


def _ask(question: str, default: str | None = None, kind: click.Choice[str] | None = None) -> str:
    answer: str = click.prompt(question, default=default, type=kind, err=True)
    return answer


def _ask_list(question: str) -> tuple[str, ...]:
    answer: str = click.prompt(f"{question} (with commas between)", err=True)
    return tuple(part.strip() for part in answer.split(",") if part.strip())


def _ask_optional(question: str, kind: type) -> Any:  # noqa: ANN401 - of the kind asked for
    def read(text: str) -> Any:  # noqa: ANN401 - likewise
        try:
            return kind(text) if text else None
        except ValueError:
            raise click.UsageError("a whole number would be right") from None

    return click.prompt(question, default="", show_default=False, value_proc=read, err=True)


def _confirm(question: str, *, default: bool) -> bool:
    return click.confirm(question, default=default, err=True)
