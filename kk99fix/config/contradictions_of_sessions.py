"""What session files contradict: themselves, each other, and venue.toml."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from kk99fix.config.certificates import Issued
from kk99fix.config.errors import Mistake
from kk99fix.config.instruments import InstrumentsFile
from kk99fix.config.parts import Part, Parts, names_text
from kk99fix.config.sessions import (
    SessionFile,
    account_owners,
    followed_accounts,
    session_mistakes,
)
from kk99fix.config.venue import VenueFile

#: Drop-copy sessions that may follow one account: the core keeps that many places.
COPIES_MAX: Final = 16


def contradictions_of_sessions(parts: Parts) -> Iterator[Mistake]:
    """Yield what is wrong with the session files that could be read."""
    for part in parts.sessions:
        yield from _session(part)
        if parts.venue:
            yield from _addresses(part, parts.venue.value.venue.comp_id)
            yield from _demands_of_tls(part, parts.venue)
        if parts.venue and parts.instruments:
            yield from _certifiable(part, parts.venue.value, parts.instruments.value)
    yield from _duplicates(parts.sessions)
    yield from _shared_seeds(parts.sessions)
    yield from _owners(parts.sessions)
    if parts.all_sessions:
        yield from _scopes(parts.sessions, parts.former)


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
                f"{venue.file.name}; {names_text(set(tls.client_ca))} would be right",
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


def _shared_seeds(sessions: tuple[Part[SessionFile], ...]) -> Iterator[Mistake]:
    """Check that each seed is one session's: what was used up is known for each session."""
    first: dict[str, str] = {}
    for part in sessions:
        seed = part.value.logon.totp
        other = part.file.name if seed is None else first.setdefault(seed, part.file.name)
        if other != part.file.name:
            yield part.file.mistake(
                ("logon", "totp"),
                f'found "{seed}", which {other} has too; a seed of its own would be right: '
                "a code is good for one logon",
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
                    f'found "{firm}", a firm that no session names; '
                    f"{names_text(firms)} would be right",
                )
        for account in scope.accounts:
            if account not in owner:
                yield part.file.mistake(
                    ("drop_copy", "accounts"),
                    f'found "{account}", an account that no session has; '
                    f"{names_text(owner)} would be right",
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
