"""What no single value shows: files that contradict themselves or each other.

Each check takes the parts that could be read and stays silent about what it cannot know:
with one session file unreadable, an account that nobody owns may be that file's.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Generic, TypeVar

from attrs import Factory, frozen

from kk99fix.config.calendar import CalendarFile
from kk99fix.config.certificates import Issued
from kk99fix.config.decimals import ONE_E8, format_e8
from kk99fix.config.errors import Mistake
from kk99fix.config.instruments import InstrumentsFile, instrument_mistakes
from kk99fix.config.risk import RiskFile
from kk99fix.config.sessions import (
    SessionFile,
    account_owners,
    followed_accounts,
    session_mistakes,
)
from kk99fix.config.toml_file import TomlFile
from kk99fix.config.venue import VenueFile

T = TypeVar("T")

#: Drop-copy sessions that may follow one account: the core keeps that many places.
COPIES_MAX: Final = 16


@frozen
class Part(Generic[T]):
    """A file and what was made of it."""

    file: TomlFile
    value: T


@frozen
class Parts:
    """All that could be read; None where a file could not."""

    venue: Part[VenueFile] | None
    instruments: Part[InstrumentsFile] | None
    risk: Part[RiskFile] | None
    calendar: Part[CalendarFile] | None
    sessions: tuple[Part[SessionFile], ...]
    #: Whether `sessions` lacks none.
    all_sessions: bool
    #: Account -> firm, of accounts that had a session once; who follows them has to have a place.
    former: Mapping[str, str] = Factory(dict)


def contradictions(parts: Parts) -> Iterator[Mistake]:
    """Yield every mistake that takes more than one value to see."""
    if parts.venue:
        yield from _venue(parts.venue)
        yield from _tls(parts.venue)
        yield from _capacity(parts.venue, parts)
    if parts.calendar and not parts.calendar.value.roll.days:
        yield parts.calendar.file.mistake(
            ("roll", "days"), 'found an empty list; days such as "mon" would be right'
        )
    if parts.instruments:
        yield from _instruments(parts.instruments, parts)
    for part in parts.sessions:
        yield from _session(part)
        if parts.venue:
            yield from _addresses(part, parts.venue.value.venue.comp_id)
            yield from _demands_of_tls(part, parts.venue)
        if parts.venue and parts.instruments:
            yield from _certifiable(part, parts.venue.value, parts.instruments.value)
    yield from _duplicates(parts.sessions)
    yield from _owners(parts.sessions)
    if parts.all_sessions:
        yield from _scopes(parts.sessions, parts.former)
    if parts.all_sessions and parts.risk:
        yield from _unowned_limits(parts.risk, parts.sessions)


# ---------------------------------------------------------------- venue.toml


def _venue(part: Part[VenueFile]) -> Iterator[Mistake]:
    venue, file = part.value, part.file
    capacity = venue.capacity
    if capacity.duplicate_window < capacity.orders:
        yield file.mistake(
            ("capacity", "duplicate_window"),
            f"found {capacity.duplicate_window}; at least capacity.orders ({capacity.orders}) "
            "would be right",
        )
    if venue.slow_reader.max_bytes < capacity.ring_bytes:
        yield file.mistake(
            ("slow_reader", "max_bytes"),
            f"found {venue.slow_reader.max_bytes}; at least capacity.ring_bytes "
            f"({capacity.ring_bytes}) would be right",
        )
    if venue.listen.port == venue.listen.metrics_port != 0:
        yield file.mistake(
            ("listen", "metrics_port"),
            f"found {venue.listen.metrics_port}, which is listen.port; another would be right",
        )
    for network in venue.listen.proxy_from:
        if network.prefixlen == 0:
            yield file.mistake(
                ("listen", "proxy_from"),
                f'found "{network}", where everybody could name any address; '
                "the networks of your balancers would be right",
            )
    if venue.venue.after_restart == "halted" and venue.venue.reopen_after_s == 0:
        yield file.mistake(
            ("venue", "reopen_after_s"),
            'found 0 with after_restart = "halted"; the seconds until orders are taken again '
            "would be right",
        )
    own = venue.venue.currency
    if venue.rates.get(own, ONE_E8) != ONE_E8:
        yield file.mistake(
            ("rates", own),
            f'found "{format_e8(venue.rates[own])}" for the venue\'s own currency; '
            "leaving it out would be right",
        )


def _capacity(part: Part[VenueFile], parts: Parts) -> Iterator[Mistake]:
    capacity = part.value.capacity
    sessions = [session.value.session for session in parts.sessions]
    needed = {
        "sessions": (capacity.sessions, len(sessions)),
        "firms": (capacity.firms, len({session.firm for session in sessions})),
        "accounts": (
            capacity.accounts,
            len({account for session in sessions for account in session.accounts}),
        ),
    }
    if parts.instruments:
        count = len(parts.instruments.value.instrument)
        needed["instruments"] = (capacity.instruments, count)
    for key, (room, need) in needed.items():
        if room < need:
            yield part.file.mistake(
                ("capacity", key), f"found {room}; at least {need} would be right: the files say so"
            )


def _tls(part: Part[VenueFile]) -> Iterator[Mistake]:
    tls, file = part.value.tls, part.file
    for key in ("certificate", "private_key"):
        if tls.listens and getattr(tls, key) is None:
            yield file.mistake(("tls", key), "is missing, and tls.port needs it")
    if tls.require_client_certificate and not tls.client_ca:
        yield file.mistake(
            ("tls", "require_client_certificate"),
            'found true without a CA; partners = "partners.pem" under [tls.client_ca] '
            "would be right",
        )
    taken = {part.value.listen.metrics_port: "listen.metrics_port"}
    if part.value.listen.plain:
        taken[part.value.listen.port] = "listen.port"
    if tls.port and tls.port in taken:
        yield file.mistake(
            ("tls", "port"), f"found {tls.port}, which is {taken[tls.port]}; another would be right"
        )
    if not part.value.listen.plain and not tls.listens:
        yield file.mistake(
            ("listen", "plain"), "found false without tls.port, so nobody could connect"
        )


# ---------------------------------------------------------------- instruments.toml


def _instruments(part: Part[InstrumentsFile], parts: Parts) -> Iterator[Mistake]:
    seen: set[str] = set()
    default_percent_e8 = parts.risk.value.default.price_band_percent_e8 if parts.risk else 0
    for index, instrument in enumerate(part.value.instrument):
        path = ("instrument", index)
        if instrument.symbol in seen:
            yield part.file.mistake(
                (*path, "symbol"), f'found "{instrument.symbol}" once more; another would be right'
            )
        seen.add(instrument.symbol)
        for key, text in instrument_mistakes(instrument, default_percent_e8):
            yield part.file.mistake((*path, key), text)
        if parts.venue and parts.venue.value.rate_e8(instrument.currency) is None:
            yield part.file.mistake(
                (*path, "currency"),
                f'found "{instrument.currency}", for which {parts.venue.file.name} has no rate; '
                f'{instrument.currency} = "..." under [rates] would be right',
            )


# ---------------------------------------------------------------- sessions/*.toml


def _session(part: Part[SessionFile]) -> Iterator[Mistake]:
    """Check one session file by itself."""
    value, file = part.value, part.file
    stem = Path(file.name).stem
    if stem != value.comp_id:
        yield file.mistake(
            ("session", "sender_comp_id"),
            f'found "{value.comp_id}"; "{stem}", the name of the file, would be right',
        )
    for path, text in session_mistakes(value):
        yield file.mistake(path, text)


def _addresses(part: Part[SessionFile], venue_comp_id: str) -> Iterator[Mistake]:
    session = part.value.session
    if session.target_comp_id != venue_comp_id:
        yield part.file.mistake(
            ("session", "target_comp_id"),
            f'found "{session.target_comp_id}"; "{venue_comp_id}", the venue, would be right',
        )
    if session.sender_comp_id == venue_comp_id:
        yield part.file.mistake(
            ("session", "sender_comp_id"),
            f'found "{venue_comp_id}", which is the venue itself; another would be right',
        )


def _certifiable(
    part: Part[SessionFile], venue: VenueFile, instruments: InstrumentsFile
) -> Iterator[Mistake]:
    """Check that who has to be certified has something to be certified with."""
    for_it = venue.venue.test_venue or any(i.certification for i in instruments.instrument)
    if part.value.certification.require_certification and not for_it:
        yield part.file.mistake(
            ("certification", "require_certification"),
            "found true, and there is nothing to be certified with; certification = true at an "
            "instrument, or test_venue = true, would be right",
        )


def _demands_of_tls(part: Part[SessionFile], venue: Part[VenueFile]) -> Iterator[Mistake]:
    """Check that what a session demands of a connection can be had."""
    logon, tls, file = part.value.logon, venue.value.tls, part.file
    demands = {"require_tls": logon.require_tls, "client_certificate": logon.client_certificate}
    for key, demanded in demands.items():
        if demanded and not tls.listens:
            yield file.mistake(
                ("logon", key),
                f"stands here while {venue.file.name} has no tls.port, so this session could "
                "never log on",
            )
    if logon.client_certificate and tls.listens and not tls.client_ca:
        yield file.mistake(
            ("logon", "client_certificate"),
            f"stands here while {venue.file.name} has no CA for it; "
            'partners = "partners.pem" under [tls.client_ca] would be right',
        )
    for certificate in logon.client_certificate:
        if isinstance(certificate, Issued) and tls.client_ca.keys().isdisjoint({certificate.ca}):
            yield file.mistake(
                ("logon", "client_certificate"),
                f'found CA "{certificate.ca}", which is not under [tls.client_ca] of '
                f"{venue.file.name}; {_list(set(tls.client_ca))} would be right",
            )


def _duplicates(sessions: tuple[Part[SessionFile], ...]) -> Iterator[Mistake]:
    first: dict[str, str] = {}
    for part in sessions:
        other = first.setdefault(part.value.comp_id, part.file.name)
        if other != part.file.name:
            yield part.file.mistake(
                ("session", "sender_comp_id"),
                f'found "{part.value.comp_id}", which {other} has too; another would be right',
                other,
            )


def _owners(sessions: tuple[Part[SessionFile], ...]) -> Iterator[Mistake]:
    owner: dict[str, tuple[str, str]] = {}
    for part in sessions:
        session = part.value.session
        for account in session.accounts:
            firm, file = owner.setdefault(account, (session.firm, part.file.name))
            if firm != session.firm:
                yield part.file.mistake(
                    ("session", "accounts"),
                    f'found "{account}", which belongs to firm "{firm}" in {file}; '
                    "one firm per account would be right",
                    file,
                )
        for account, times in Counter(session.accounts).items():
            if times > 1:
                yield part.file.mistake(
                    ("session", "accounts"), f'found "{account}" more than once; once is right'
                )


def _scopes(
    sessions: tuple[Part[SessionFile], ...], former: Mapping[str, str]
) -> Iterator[Mistake]:
    """Check whose reports the drop copies ask for, and that not too many ask for the same."""
    owner = account_owners(part.value for part in sessions)
    firms = {part.value.session.firm for part in sessions}
    copies: Counter[tuple[str, str]] = Counter()
    for part in sessions:
        scope = part.value.drop_copy
        for firm in scope.firms:
            if firm != "*" and firm not in firms:
                yield part.file.mistake(
                    ("drop_copy", "firms"),
                    f'found "{firm}", a firm that no session names; {_list(firms)} would be right',
                )
        for account in scope.accounts:
            if account not in owner:
                yield part.file.mistake(
                    ("drop_copy", "accounts"),
                    f'found "{account}", an account that no session has; '
                    f"{_list(owner)} would be right",
                )
        followed = {("account", name) for name in followed_accounts(scope, {**former, **owner})}
        every = firms | set(former.values())
        followed |= {("firm", name) for name in (every if "*" in scope.firms else scope.firms)}
        copies.update(followed)
        if any(copies[each] > COPIES_MAX for each in followed):
            copies.subtract(followed)
            yield part.file.mistake(
                ("drop_copy",), f"is one copy too many: {COPIES_MAX} may follow one account"
            )


def _unowned_limits(
    risk: Part[RiskFile], sessions: tuple[Part[SessionFile], ...]
) -> Iterator[Mistake]:
    owner = account_owners(part.value for part in sessions)
    firms = {part.value.session.firm for part in sessions}
    for account in risk.value.account.keys() - owner.keys():
        yield risk.file.mistake(
            ("account", account), f"no session has this account; {_list(owner)} would be right"
        )
    for firm in risk.value.firm.keys() - firms:
        yield risk.file.mistake(
            ("firm", firm), f"no session names this firm; {_list(firms)} would be right"
        )


def _list(names: dict[str, str] | set[str]) -> str:
    """Render the first few of some names."""
    shown = [f'"{name}"' for name in sorted(names)[:5]]
    if len(names) > len(shown):
        shown.append("...")
    return " or ".join(shown) or "none"
