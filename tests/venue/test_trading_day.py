"""A trading day begins: Day orders of the days before expire, in slices, and GTC orders stay."""

import pytest
from support.venue_desk import VenueDesk

from kk99fix.venue import venue as venue_module

SLICE = 3
NEXT_DAY = "20260922"


@pytest.fixture(autouse=True)
def _slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few slots in one slice."""
    monkeypatch.setattr(venue_module, "EXPIRE_SLICE", SLICE)


def order(number: int, side: str = "1", price: str = "99.99", time_in_force: str = "0") -> str:
    """An order for one AAPL."""
    return (
        f"11=C{number}|55=AAPL|54={side}|60=20260921-13:33:20|38=1|40=2|44={price}|"
        f"59={time_in_force}|"
    )


@pytest.fixture
def desk() -> VenueDesk:
    """Two brokers logged on; ALPHA has eight orders, every fourth of them GTC."""
    desk = VenueDesk()
    desk.log_on("ALPHA")
    desk.log_on("BETA")
    for number in range(8):
        desk.send("ALPHA", "D", order(number, time_in_force="1" if number % 4 == 0 else "0"))
    return desk


def test_in_slices(desk: VenueDesk) -> None:
    """Each tick looks at so many slots; the venue asks for ticks until all are seen."""
    expired = []
    records = desk.roll(NEXT_DAY)
    while True:
        expired.append([sent[11] for sent in desk.sent(records)])
        assert all(
            (sent[150], sent[39], sent[151], sent[58].partition(";")[0])
            == ("C", "C", "0", "DAY_EXPIRED")
            for sent in desk.sent(records)
        )
        if not desk.engine.expire_pending:
            break
        assert desk.venue.next_deadline_ns() == desk.now_ns
        records = desk.tick()

    assert expired == [["C1", "C2"], ["C3", "C5"], ["C6", "C7"]]
    assert [order.order_id for order in desk.engine.book(0, "1")] == [1, 5]
    assert desk.engine.trading_day == int(NEXT_DAY)
    next_deadline_ns = desk.venue.next_deadline_ns()
    assert next_deadline_ns is not None
    assert next_deadline_ns > desk.now_ns


def test_expired_on_touch(desk: VenueDesk) -> None:
    """An order whose turn has not come yet does not trade: it expires when it is touched (B8)."""
    desk.roll(NEXT_DAY)
    sent = desk.send("BETA", "D", order(100, side="2"))

    # GTC orders C0 and C4 are there to trade; C3 is passed on the way from C0 to C4.
    assert [(message.session, message[11], message[150]) for message in sent] == [
        ("BETA", "C100", "0"),
        ("ALPHA", "C0", "F"),
        ("BETA", "C100", "F"),
    ]
    sent = desk.send("BETA", "D", order(101, side="2"))
    assert [(message[11], message[150]) for message in sent] == [
        ("C101", "0"),
        ("C3", "C"),
        ("C4", "F"),
        ("C101", "F"),
    ]


@pytest.mark.parametrize("kind", ["F", "G"])
def test_too_late(desk: VenueDesk, kind: str) -> None:
    """A cancel or replace of an order of yesterday expires it first, and comes too late (O3)."""
    desk.roll(NEXT_DAY)
    body = "41=C7|11=X|55=AAPL|54=1|60=20260921-13:33:20|"
    body += "38=2|40=2|44=99.99|" if kind == "G" else ""
    expired, refused = desk.send("ALPHA", kind, body)

    assert (expired[11], expired[150]) == ("C7", "C")
    assert (refused[35], refused[39], refused[102]) == ("9", "C", "0")


def test_new_day_orders_stay(desk: VenueDesk) -> None:
    """An order of the new day is not expired by the slices that are still to come."""
    desk.roll(NEXT_DAY)
    desk.send("ALPHA", "D", order(50, price="99.98"))
    while desk.engine.expire_pending:
        assert "C50" not in [sent[11] for sent in desk.sent(desk.tick())]
    assert [order.order_id for order in desk.engine.book(0, "1")] == [1, 5, 9]


def test_unlike_orders_of_one_day(desk: VenueDesk) -> None:
    """A replace may turn a Day order into a GTC order: it stays then."""
    sent = desk.send(
        "ALPHA",
        "G",
        "41=C7|11=X|55=AAPL|54=1|60=20260921-13:33:20|38=1|40=2|44=99.99|59=1|",
    )
    assert [(message[150], message[59]) for message in sent] == [("5", "1")]
    desk.roll(NEXT_DAY)
    while desk.engine.expire_pending:
        desk.tick()
    assert [order.order_id for order in desk.engine.book(0, "1")] == [1, 5, 8]


def test_offline_sessions_get_numbers(desk: VenueDesk) -> None:
    """Expiry of orders whose session is logged off takes numbers that it asks for later (N1)."""
    desk.drop("ALPHA")
    before = desk.engine.session(desk.id("ALPHA")).next_out
    desk.roll(NEXT_DAY)
    while desk.engine.expire_pending:
        desk.tick()

    assert desk.engine.session(desk.id("ALPHA")).next_out == before + 6
