"""What is known of a session that is to be: the answers, as they were given.

Texts stay texts: the session file made of them is checked by the configuration, which knows what
is right and says it better than a second check here would.
"""

import re
from typing import Final, get_args

from attrs import frozen

from kk99fix.config.values import CompId, Rule

ALWAYS: Final = "always"
#: Open always, numbers start over once a week, at a moment that every FIX engine can be given.
USUAL_SCHEDULE: Final = "sun 00:00 to sun 00:00 UTC"
SCHEDULE_FORM: Final = (
    '"always", or "[DAY] HH:MM to [DAY] HH:MM ZONE", such as "sun 17:05 to fri 17:00 UTC" or '
    '"17:00 to 16:55 America/New_York"'
)
_SCHEDULE = re.compile(r"(?:(\w+) )?([0-9:]+) to (?:(\w+) )?([0-9:]+) (\S+)")


@frozen
class Schedule:
    """When the session is open; without days a period starts every day."""

    start_day: str | None
    start: str
    end_day: str | None
    end: str
    zone: str


@frozen
class Limits:
    """Limits of the session itself, as text; what is None falls back to risk.toml."""

    max_order_qty: str | None = None
    max_order_notional: str | None = None
    max_open_orders: int | None = None
    messages_per_second: int | None = None
    orders_per_second: int | None = None


@frozen(kw_only=True)
class Application:
    """A session that is to be, without its secrets."""

    comp_id: str
    venue_comp_id: str
    role: str
    firm: str
    #: Order entry: what it may act for.
    accounts: tuple[str, ...] = ()
    #: Drop copy: whose reports it sees, one of the two.
    copied_firms: tuple[str, ...] = ()
    copied_accounts: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    dialect: str = "fix44"
    limits: Limits = Limits()
    schedule: Schedule | None = None
    reset_seq_num: str = "refused"
    cancel_on_disconnect: bool = True
    username: str | None = None
    #: Name of the sealed seed.
    totp: str | None = None
    public_key: str | None = None
    client_certificate: str | None = None
    #: What its engine has to show before it trades.
    functions: tuple[str, ...] = ()
    require_tls: bool = False

    @property
    def is_order_entry(self) -> bool:
        """Whether it sends orders."""
        return self.role == "order-entry"

    @property
    def needs_tls(self) -> bool:
        """Whether a plain connection is of no use to it."""
        return self.require_tls or self.client_certificate is not None


def checked_comp_id(text: str) -> str:
    """Return what names the session and its file.  Raises ValueError, saying what would be right.

    It is checked before the configuration sees it, because a path is made of it.
    """
    rule: Rule = get_args(CompId)[1]
    rule.check(text)
    return text


def parse_schedule(text: str) -> Schedule | None:
    """Return what was meant, None for always open.  Raises ValueError, saying what would be right.

    Whether days, times and zone exist is the configuration's to say.
    """
    words = " ".join(text.split())
    if words == ALWAYS:
        return None
    match = _SCHEDULE.fullmatch(words)
    if match is None:
        raise ValueError(f"{SCHEDULE_FORM} would be right")
    return Schedule(*match.groups())
