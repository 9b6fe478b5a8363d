"""News(B) and DontKnowTrade(Q) at the venue: recorded, replayed, and nothing else changed."""

import pytest
from support.venue_desk import VenueDesk

from kk99fix.fix.split import split
from kk99fix.fix.validate import validate
from kk99fix.journal.record import Kind
from kk99fix.venue.outcome import UnknownTrade
from kk99fix.venue.session_commands import NewsInput, StopInput

DONT_KNOW = "37=1|17=2|127=E|55=AAPL|54=1|38=10|58=too dear|"


@pytest.fixture
def desk() -> VenueDesk:
    """A venue where ALPHA, and DESK for the copies, are logged on."""
    desk = VenueDesk()
    desk.log_on("ALPHA")
    desk.log_on("DESK")
    return desk


def news(desk: VenueDesk, name: str) -> NewsInput:
    """Two lines for a session."""
    return NewsInput(desk.id(name), "Headline", ("One.", "Two."))


@pytest.mark.parametrize("name", ["ALPHA", "DESK"])
def test_news(desk: VenueDesk, name: str) -> None:
    """One message for the session, with a number of its own, valid by the dictionary."""
    records = desk.apply(news(desk, name))
    (sent,) = desk.sent(records)

    assert records[0].header.kind is Kind.OPERATOR
    assert (sent.session, sent.number, sent[35]) == (name, 2, "B")
    assert b"61=1\x01148=Headline\x0133=2\x0158=One.\x0158=Two.\x01" in sent.raw
    assert validate(split(sent.raw)) is None


def test_news_is_for_who_is_logged_on(desk: VenueDesk) -> None:
    """Nothing is sent to a session that is away, or behind our Logout(5)."""
    assert desk.sent(desk.apply(news(desk, "BETA"))) == []
    desk.apply(StopInput(desk.id("ALPHA"), "bye"))

    assert desk.sent(desk.apply(news(desk, "ALPHA"))) == []


@pytest.mark.parametrize("name", ["ALPHA", "DESK"])
def test_an_unknown_trade_is_handed_on(desk: VenueDesk, name: str) -> None:
    """The outcome says what came; no message follows, no drop copy, no change but the number."""
    before = desk.engine.book(0, "1")
    assert desk.send(name, "Q", DONT_KNOW) == []

    (unknown,) = desk.outcomes[-1].unknown_trades
    assert unknown == UnknownTrade(desk.id(name), b"2", b"1", b"E", b"too dear")
    assert desk.engine.session(desk.id(name)).next_in == 3
    assert desk.engine.book(0, "1") == before


def test_a_replay_has_both(desk: VenueDesk) -> None:
    """The journal gives the same bytes and the same numbers again."""
    desk.apply(news(desk, "ALPHA"))
    desk.send("ALPHA", "Q", DONT_KNOW)
    replayed, _ = desk.replayed()

    assert replayed.engine.state_hash() == desk.engine.state_hash()
