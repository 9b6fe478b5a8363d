from collections import Counter

from support.reports import STAMP, answer

from kk99fix.fix import encode
from kk99fix.fix.split import split
from kk99fix.fix.validate import validate
from kk99fix.fix.values import decimal_e8
from kk99fix.harness.demo.flow import OPEN_MAX, Flow
from kk99fix.harness.demo.market import Market, Request

ACCOUNTS = {"BROKER1": ("B1-HOUSE", "B1-CLIENT"), "BROKER2": ("B2-HOUSE",)}


def requests(market: Market, count: int, seed: int = 1) -> list[tuple[str, Request]]:
    """Let a flow run against a venue that takes every order and matches none."""
    flow = Flow(market, ACCOUNTS, seed=seed, prefix="T")
    made = []
    for _ in range(count):
        broker, request = flow.next_request()
        answer(market, broker, request)
        made.append((broker, request))
    return made


def test_the_same_seed_makes_the_same_flow(market: Market) -> None:
    """A run can be repeated."""
    symbols = market.instruments.values()

    first = requests(Market(symbols, ACCOUNTS), 200, seed=7)
    again = requests(Market(symbols, ACCOUNTS), 200, seed=7)
    other = requests(Market(symbols, ACCOUNTS), 200, seed=8)

    assert first == again
    assert first != other


def test_every_request_is_a_valid_message(market: Market) -> None:
    """What is to be refused breaks rules of the venue, never rules of FIX."""
    for _, request in requests(market, 500):
        fields = [(tag, value.encode()) for tag, value in request.fields]
        msg_type = request.msg_type.encode()
        raw = encode.message(
            b"FIX.4.4", msg_type, b"BROKER1", b"KK99", 2, STAMP, [*fields, (60, STAMP)]
        )
        assert validate(split(raw)) is None, raw


def test_a_bit_of_everything(market: Market) -> None:
    """Orders, cancels and replaces, limit and market, for every instrument and account."""
    made = requests(market, 2000)
    fields = [dict(request.fields) for _, request in made]

    assert set(Counter(request.msg_type for _, request in made)) == {"D", "F", "G"}
    assert {each.get(40) for each in fields} >= {"1", "2"}
    assert {each.get(59) for each in fields} >= {"0", "3"}
    assert {each[55] for each in fields} == {*market.instruments, "NO-SUCH"}
    assert {each.get(1) for each in fields} >= {"B1-HOUSE", "B1-CLIENT", "B2-HOUSE"}
    assert len({request.cl_ord_id for _, request in made}) == len(made)


def test_few_orders_break_a_rule(market: Market) -> None:
    """Nearly all quantities are lots, nearly all prices ticks and near the reference price."""
    wrong = 0
    made = requests(market, 2000)
    for _, request in made:
        fields = dict(request.fields)
        instrument = market.instruments.get(fields[55])
        qty_e8 = decimal_e8(fields[38].encode()) or 0
        price_e8 = decimal_e8(fields.get(44, "").encode())
        assert qty_e8 > 0
        if instrument is None or qty_e8 % instrument.lot_e8:
            wrong += 1
        elif price_e8 is not None:
            reference_e8 = instrument.reference_price_e8
            far = abs(price_e8 - reference_e8) * 20 > reference_e8
            wrong += bool(far or price_e8 % instrument.tick_e8)

    assert 0 < wrong < len(made) // 20


def test_the_book_stays_small(market: Market) -> None:
    """A demo that runs for hours does not fill the venue."""
    requests(market, 3000)

    assert len(market.open) < 2 * OPEN_MAX * 2


def test_cancels_for_everything_open(market: Market) -> None:
    """At the end each open order gets one cancel, unless it has one already."""
    requests(market, 100)
    flow = Flow(market, ACCOUNTS, seed=1, prefix="END")
    open_before = set(market.open)
    taken = min(open_before)
    market.busy.add(taken)
    cancels = flow.cancels()

    assert {request.order_id for _, request in cancels} == open_before - {taken}
    assert {request.msg_type for _, request in cancels} == {"F"}
    for broker, request in cancels:
        assert market.open[request.order_id].broker == broker


def test_pauses_follow_the_rate(market: Market) -> None:
    """On average as many requests a second as were asked for, and no long silence."""
    flow = Flow(market, ACCOUNTS, seed=1, prefix="T")
    pauses = [flow.next_pause_s(10.0) for _ in range(1000)]

    assert 90 < sum(pauses) < 110
    assert max(pauses) <= 0.4
