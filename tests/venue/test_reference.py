"""The venue gives what the naive reference venue gives, report by report and book by book."""

import copy
import datetime as dt
import os
import random
from collections import Counter
from typing import Any

import attrs
import pytest
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from support.comparison import Comparison
from support.order_stream import SESSIONS, OrderStream
from support.reference_values import Order, Request
from support.small_venue import CAPACITY, FIRST_DAY, NS_PER_S, configuration, throttle
from support.venue_desk import records_of

from kk99fix.fix import tables
from kk99fix.matcher.values import Capacity
from kk99fix.venue import venue as venue_module

SEED = int(os.environ.get("KK99_SEED", "20260921"))
STEPS = int(os.environ.get("KK99_STEPS", "20000"))
SLICE = 7
WEIGHT = 25

LOTS = st.integers(1, 6)
TICKS = st.integers(-4, 4)


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices so small that other requests come between them."""
    monkeypatch.setattr(venue_module, "EXPIRE_SLICE", SLICE)
    monkeypatch.setattr(venue_module, "WALK_SLICE", WEIGHT)


def leaving(config: dict[str, Any]) -> dict[str, Any]:
    """That configuration, but ALPHA's orders go with its connection."""
    config = copy.deepcopy(config)
    config["sessions"]["ALPHA"]["cancel_on_disconnect"] = True
    return config


def day_after(days: int) -> int:
    """A later trading day, YYYYMMDD."""
    first = dt.date.fromisoformat(FIRST_DAY)
    return int(f"{first + dt.timedelta(days=days):%Y%m%d}")


class Machine(RuleBasedStateMachine):
    """Few prices, few quantities, every kind of request; hypothesis looks for the worst of it."""

    def __init__(self) -> None:
        """Begin with empty books."""
        super().__init__()
        assert venue_module.EXPIRE_SLICE == SLICE
        self.comparison = Comparison(leaving(configuration()))
        self.reference = self.comparison.reference
        self.ids = 0
        self.days = 0

    def teardown(self) -> None:
        """Give the core's memory back."""
        self.comparison.compare_all_books()
        self.comparison.close()

    def new_id(self) -> str:
        """A ClOrdID(11) never used before."""
        self.ids += 1
        return f"id{self.ids}"

    def terms(self, symbol: str, lots: int, ticks: int) -> tuple[int, int]:
        """Quantity and price near the reference price."""
        instrument = self.reference.configuration["instruments"][symbol]
        price = instrument["reference_price_e8"] + ticks * instrument["tick_e8"]
        return lots * instrument["lot_e8"], price

    def chosen(self, number: int) -> Order:
        """A live order if there is one, else any."""
        orders = self.reference.live() or self.reference.orders
        assume(orders)
        return orders[number % len(orders)]

    @rule(
        session=st.sampled_from(SESSIONS),
        symbol=st.sampled_from(["AAPL", "SPREAD"]),
        side=st.sampled_from("12"),
        lots=LOTS,
        ticks=TICKS,
        ord_type=st.sampled_from("2221"),
        time_in_force=st.sampled_from(["", "1", "1", "3", "4"]),
        on_disconnect=st.sampled_from(["", "", "H", "Q"]),
    )
    def new(  # noqa: D102 - the rules' names say it
        self,
        session: str,
        symbol: str,
        side: str,
        lots: int,
        ticks: int,
        ord_type: str,
        time_in_force: str,
        on_disconnect: str,
    ) -> None:
        qty, price = self.terms(symbol, lots, ticks)
        self.comparison.do(
            Request(
                kind="D",
                session=session,
                clord_id=self.new_id(),
                symbol=symbol,
                side=side,
                qty=qty,
                price=price if ord_type == "2" else None,
                ord_type=ord_type,
                time_in_force=time_in_force,
                on_disconnect=on_disconnect,
            )
        )

    @rule(number=st.integers(0, 40), by_order_id=st.booleans())
    def cancel(self, number: int, by_order_id: bool) -> None:  # noqa: D102
        order = self.chosen(number)
        self.comparison.do(
            Request(
                kind="F",
                session=order.session,
                clord_id=self.new_id(),
                orig_clord_id=order.clord_id,
                order_id=str(order.number) if by_order_id else "",
                symbol=order.symbol,
                side=order.side,
                ord_type="",
            )
        )

    @rule(
        number=st.integers(0, 40),
        lots=LOTS,
        ticks=st.none() | TICKS,
        time_in_force=st.sampled_from(["", "1"]),
    )
    def replace(  # noqa: D102
        self, number: int, lots: int, ticks: int | None, time_in_force: str
    ) -> None:
        order = self.chosen(number)
        qty, price = self.terms(order.symbol, lots, ticks or 0)
        self.comparison.do(
            Request(
                kind="G",
                session=order.session,
                clord_id=self.new_id(),
                orig_clord_id=order.clord_id,
                symbol=order.symbol,
                side=order.side,
                qty=qty,
                price=order.price if ticks is None else price,
                ord_type=order.ord_type,
                time_in_force=time_in_force,
            )
        )

    @rule(number=st.integers(0, 40), again=st.booleans())
    def status(self, number: int, again: bool) -> None:  # noqa: D102
        assume(self.reference.ids)
        ids = sorted(self.reference.ids)
        session, clord_id = ids[number % len(ids)]
        self.comparison.do(Request(kind="H", session=session, clord_id=clord_id, poss_resend=again))

    @rule(number=st.integers(0, 40), again=st.booleans())
    def used_id(self, number: int, again: bool) -> None:
        """An id once more: refused, or answered with the order's state if it says so (O5)."""
        assume(self.reference.ids)
        ids = sorted(self.reference.ids)
        session, clord_id = ids[number % len(ids)]
        qty, price = self.terms("AAPL", 1, 0)
        self.comparison.do(
            Request(
                kind="D",
                session=session,
                clord_id=clord_id,
                qty=qty,
                price=price,
                poss_resend=again,
            )
        )

    @rule()
    def roll(self) -> None:  # noqa: D102
        self.days += 1
        self.comparison.begin_day(day_after(self.days))

    @rule(
        session=st.sampled_from(SESSIONS),
        symbol=st.sampled_from(["", "AAPL"]),
        side=st.sampled_from(["", "", "1"]),
    )
    def mass_status(self, session: str, symbol: str, side: str) -> None:  # noqa: D102
        self.comparison.do(
            Request(
                kind="AF",
                session=session,
                clord_id=self.new_id(),
                mass_type="7",
                symbol=symbol,
                side=side,
            )
        )

    @rule(session=st.sampled_from(SESSIONS))
    def leave(self, session: str) -> None:  # noqa: D102
        self.comparison.leave(session)

    @rule()
    def tick(self) -> None:  # noqa: D102
        self.comparison.tick()


Machine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, derandomize=True
)
TestMachine = Machine.TestCase


def throttled(**limits: dict[str, int]) -> dict[str, Any]:
    """The small venue with other limits on how fast sessions may send."""
    config = configuration()
    for name, of_session in limits.items():
        config["sessions"][name]["throttle"] = of_session
    return config


#: Random requests come about 120 times a second from each session.
WIDE = throttled(
    ALPHA=throttle(orders=90), BETA=throttle(messages=130), GAMMA=throttle(messages=100, orders=80)
)


def run(
    capacity: Capacity, seed: int, steps: int, config: dict[str, Any] | None = None
) -> Comparison:
    """Random requests to both sides, with days that begin between them."""
    random_ = random.Random(seed)  # noqa: S311 - seeded on purpose
    comparison = Comparison(leaving(config or WIDE), capacity=capacity)
    stream = OrderStream(random_, comparison.reference)
    days = step = 0
    try:
        while step < steps:
            step += 1
            comparison.do(stream.next())
            comparison.desk.now_ns += random_.choice([0, 1, 999_999, NS_PER_S // 100])
            if random_.random() < 0.0005:
                days += 1
                comparison.begin_day(day_after(days))
            elif random_.random() < 0.004:
                comparison.leave(random_.choice(SESSIONS))
            elif comparison.reference.busy and random_.random() < 0.2:
                comparison.tick()
    except AssertionError as error:
        error.add_note(f"seed {seed}, step {step}")
        raise
    comparison.compare_all_books()
    return comparison


@pytest.mark.slow
def test_a_long_day() -> None:
    """Thousands of random requests and some day rolls: the reference agrees after each (B9).

    KK99_SEED and KK99_STEPS give another run.
    """
    capacity = attrs.evolve(CAPACITY, orders=STEPS, duplicate_window=2 * STEPS)
    comparison = run(capacity, SEED, STEPS)

    assert comparison.reference.trades > STEPS / 10
    too_fast = tables.REJECT_CODES["THROTTLED"].number
    assert comparison.desk.engine.statistics().refusals[too_fast] > STEPS / 100
    pulled = tables.REJECT_CODES["CANCEL_ON_DISCONNECT"].number
    assert comparison.desk.engine.statistics().refusals[pulled] > STEPS / 1000
    comparison.close()


@pytest.mark.parametrize(
    ("orders", "levels", "closed_ids"), [(20, 9, 40), (30, 60, 500), (60, 12, 60), (1, 1, 1)]
)
def test_a_full_house(orders: int, levels: int, closed_ids: int) -> None:
    """Where slots, levels and remembered ids run out, requests are refused and nothing breaks."""
    capacity = attrs.evolve(CAPACITY, orders=orders, levels=levels, duplicate_window=closed_ids)
    comparison = run(capacity, SEED, 2500)

    capacity_code = tables.REJECT_CODES["CAPACITY"].number
    assert comparison.desk.engine.statistics().refusals[capacity_code] > 20
    other, _ = comparison.desk.replayed()
    assert other.engine.state_hash() == comparison.desk.engine.state_hash()
    other.close()
    comparison.close()


@pytest.mark.parametrize("seed", range(3))
def test_more_than_is_allowed(seed: int) -> None:
    """Where sessions send far more than they may, the reference refuses the same (K5)."""
    config = throttled(**{name: throttle(messages=11, orders=10) for name in SESSIONS})
    comparison = run(CAPACITY, seed, 2000, config)

    refused = Counter(
        sent[35] + sent[434]
        for name in SESSIONS
        for sent in comparison.desk.sent(records_of(comparison.desk.journal), name)
        if sent[58].startswith("THROTTLED; ")
    )
    assert all(refused[kind] > 10 for kind in ("8", "91", "92", "j")), refused
    assert comparison.reference.trades > 0
    other, _ = comparison.desk.replayed()
    assert other.engine.state_hash() == comparison.desk.engine.state_hash()
    other.close()
    comparison.close()
