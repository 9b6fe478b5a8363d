"""What no single value shows: files that contradict themselves or each other.

Each check takes the parts that could be read and stays silent about what it cannot know:
with one session file unreadable, an account that nobody owns may be that file's.
Those of venue.toml and of the session files have modules of their own; the others stand here.
"""

from collections.abc import Iterator

from kk99fix.config.contradictions_of_sessions import contradictions_of_sessions
from kk99fix.config.contradictions_of_venue import contradictions_of_venue
from kk99fix.config.errors import Mistake
from kk99fix.config.instruments import InstrumentsFile, instrument_mistakes
from kk99fix.config.parts import Part, Parts, names_text
from kk99fix.config.risk import RiskFile
from kk99fix.config.sessions import SessionFile, account_owners


def contradictions(parts: Parts) -> Iterator[Mistake]:
    """Yield every mistake that takes more than one value to see."""
    if parts.venue:
        yield from contradictions_of_venue(parts.venue, parts)
    if parts.calendar and not parts.calendar.value.roll.days:
        yield parts.calendar.file.mistake(
            ("roll", "days"), 'found an empty list; days such as "mon" would be right'
        )
    if parts.instruments:
        yield from _instruments(parts.instruments, parts)
    yield from contradictions_of_sessions(parts)
    if parts.all_sessions and parts.risk:
        yield from _unowned_limits(parts.risk, parts.sessions)


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


def _unowned_limits(
    risk: Part[RiskFile], sessions: tuple[Part[SessionFile], ...]
) -> Iterator[Mistake]:
    owner = account_owners(part.value for part in sessions)
    firms = {part.value.session.firm for part in sessions}
    for account in risk.value.account.keys() - owner.keys():
        yield risk.file.mistake(
            ("account", account), f"no session has this account; {names_text(owner)} would be right"
        )
    for firm in risk.value.firm.keys() - firms:
        yield risk.file.mistake(
            ("firm", firm), f"no session names this firm; {names_text(firms)} would be right"
        )
