"""The options of `kk99fix onboard`, and what was given of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from attrs import frozen

from kk99fix.commands.options import config_options, secrets_option
from kk99fix.onboarding.application import SCHEDULE_FORM, USUAL_SCHEDULE, checked_comp_id

_MANY: Final = "May be given more than once."


@frozen(kw_only=True)
class Flags:
    """What the command line says; None or empty where it says nothing."""

    comp_id: str | None
    config_dir: Path
    sessions_dir: Path
    secrets_dir: Path
    role: str | None
    firm: str | None
    accounts: tuple[str, ...]
    copied_firms: tuple[str, ...]
    copied_accounts: tuple[str, ...]
    networks: tuple[str, ...]
    dialect: str
    schedule: str | None
    reset_seq_num: str
    cancel_on_disconnect: bool | None
    max_order_qty: str | None
    max_order_notional: str | None
    max_open_orders: int | None
    messages_per_second: int | None
    orders_per_second: int | None
    username: str | None
    password: bool
    totp: bool
    code_later: bool
    public_key: str | None
    client_certificate: str | None
    functions: tuple[str, ...]
    tls: bool
    host: str | None
    port: int | None
    out: Path | None
    replace: bool
    new_password: bool
    show: bool
    yes: bool
    as_json: bool

    @property
    def asks(self) -> bool:
        """Whether a person may be asked."""
        return not (self.yes or self.as_json)


def _comp_id(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    try:
        return text and checked_comp_id(text)
    except ValueError as error:
        raise click.BadParameter(f'found "{text}"; {error}') from None


_OPTIONS: Final = (
    click.argument("comp_id", metavar="[COMPID]", required=False, callback=_comp_id),
    config_options,
    secrets_option,
    click.option("--role", type=click.Choice(["order-entry", "drop-copy"]), help="What it does."),
    click.option("--firm", help="The firm that it belongs to."),
    click.option(
        "--account", "accounts", multiple=True, help=f"Account(1) it may act for. {_MANY}"
    ),
    click.option(
        "--copy-firm",
        "copied_firms",
        multiple=True,
        help=f'Drop copy: firm whose reports it sees; "*" is every firm. {_MANY}',
    ),
    click.option(
        "--copy-account",
        "copied_accounts",
        multiple=True,
        help=f"Drop copy: account whose reports it sees. {_MANY}",
    ),
    click.option(
        "--from",
        "networks",
        multiple=True,
        metavar="NETWORK",
        help=f"Network that it may come from, such as 203.0.113.0/28. {_MANY}",
    ),
    click.option(
        "--dialect",
        type=click.Choice(["fix44", "kk99"]),
        default="fix44",
        show_default=True,
        help="Only what FIX 4.4 allows, or our own tags too.",
    ),
    click.option(
        "--schedule",
        metavar="TIMES",
        help=f'When it is open: {SCHEDULE_FORM}; "{USUAL_SCHEDULE}" if not said.',
    ),
    click.option(
        "--reset-seq-num",
        type=click.Choice(["allowed", "at-session-start", "refused"]),
        default="refused",
        show_default=True,
        help="ResetSeqNumFlag(141)=Y at logon.",
    ),
    click.option(
        "--cancel-on-disconnect/--keep-on-disconnect",
        default=None,
        help="What becomes of open orders when its connection breaks; they go if not said.",
    ),
    click.option("--max-order-qty", metavar="QTY", help="Largest order; risk.toml's if not said."),
    click.option("--max-order-notional", metavar="VALUE", help="Likewise, its value."),
    click.option("--max-open-orders", type=int, metavar="N", help="Likewise, open orders."),
    click.option("--messages-per-second", type=int, metavar="N", help="Likewise, messages."),
    click.option("--orders-per-second", type=int, metavar="N", help="Likewise, orders."),
    click.option("--username", help="Username(553); the CompID in small letters if not said."),
    click.option(
        "--password/--no-password",
        default=True,
        help="Whether a password is made; without one its networks alone decide.",
    ),
    click.option("--totp", is_flag=True, help="One-time passwords beside the password."),
    click.option(
        "--code-later", is_flag=True, help="Do not wait for a first code of the new device."
    ),
    click.option(
        "--public-key",
        metavar="FILE|KEY",
        help="Ed25519 key, PEM or base64, with which it signs its logons; takes the place of a "
        "password.",
    ),
    click.option(
        "--client-certificate",
        metavar="FILE|PIN",
        help="Certificate that it has to show over TLS, or sha256: and its hash.",
    ),
    click.option(
        "--certify",
        "functions",
        multiple=True,
        metavar="FUNCTION",
        help=f"What its engine has to show before it trades, such as limit. {_MANY}",
    ),
    click.option("--tls", is_flag=True, help="No plain connection: it has to connect over TLS."),
    click.option("--host", help="Address that it connects to instead of venue.toml's."),
    click.option("--port", type=click.IntRange(1, 65535), help="Port instead of venue.toml's."),
    click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Folder for what to send: a letter, QuickFIX settings, the data dictionary.",
    ),
    click.option("--replace", is_flag=True, help="Write a session file anew that is there."),
    click.option("--new-password", is_flag=True, help="Only a new password, for a session there."),
    click.option("--show", is_flag=True, help="Only say again what to send, for a session there."),
    click.option("--yes", "-y", is_flag=True, help="Ask nothing: what is not said is the default."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document; asks nothing."),
)


def onboard_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add every option; the command gets them under the names of `Flags`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
