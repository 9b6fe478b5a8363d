"""The binding of the core: values cross the boundary whole, mistakes of ours are errors."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from support.small_venue import CAPACITY, E8, NS_PER_S, START_NS

from kk99fix.fix import tables
from kk99fix.journal.record import Kind, Record, unpack_record
from kk99fix.matcher import engine as core
from kk99fix.matcher import library
from kk99fix.matcher._core import ffi, lib
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import (
    BookOrder,
    Command,
    CoreError,
    CoreStatus,
    FeedEnd,
    Limits,
)

SELLER, BUYER, DESK = 0, 1, 2
ORDER = Command(
    kind="D",
    clord_id=b"c1",
    symbol=b"AAPL",
    echo=b"21=1\x0158=mine\x01",
    text=b"mine",
    price_e8=100 * E8,
    order_qty_e8=5 * E8,
    sent_ns=START_NS,
)
INSTRUMENT: dict[str, Any] = {
    "tick_e8": E8 // 100,
    "lot_e8": E8,
    "multiplier_e8": E8,
    "rate_e8": E8,
    "reference_price_e8": 100 * E8,
    "band_e8": 10 * E8,
    "is_open": True,
}
SESSION: dict[str, Any] = {
    "target_comp_id": "KK99",
    "firm": 0,
    "role": "order-entry",
    "dialect": "fix44",
    "enabled": True,
    "cancel_on_disconnect": False,
    "accounts": [0],
    "limits": Limits(),
}


def set_venue(engine: Engine, **changed: Any) -> None:  # noqa: ANN401 - as set_venue takes them
    """Parameters that allow trading."""
    usual = {
        "max_order_age_ns": 30 * NS_PER_S,
        "sending_time_tolerance_ns": 120 * NS_PER_S,
        "trading_day": 20260921,
        "halted": False,
    }
    engine.set_venue(**{**usual, **changed})


@pytest.fixture
def engine() -> Iterator[Engine]:
    """One firm, one account, two brokers and a desk that sees both; one instrument."""
    engine = Engine(CAPACITY)
    set_venue(engine)
    engine.set_instrument(0, "AAPL", **INSTRUMENT)
    engine.set_firm(0, Limits(), [DESK])
    engine.set_account(0, "A1", 0, Limits(), [DESK])
    for session, name in ((SELLER, "SELLER"), (BUYER, "BUYER")):
        engine.set_session(session, sender_comp_id=name, **SESSION)
    desk = {**SESSION, "role": "drop-copy", "accounts": []}
    engine.set_session(DESK, sender_comp_id="DESK", **desk)
    with engine.unit(Kind.TICK, core.NONE, 0, START_NS, b""):
        for session in (SELLER, BUYER):
            engine.establish(session, established=True)
            engine.set_plain(session, plain=True)
    engine.drop()
    yield engine
    engine.close()


def submit(engine: Engine, session: int, command: Command) -> list[Record]:
    """Apply a command in a unit of its own; returns its records."""
    with engine.unit(Kind.FRAME, session, 7, START_NS, b"as it came"):
        engine.submit(session, command)
    return taken(engine)


def taken(engine: Engine) -> list[Record]:
    """The waiting records."""
    data, records, offset = engine.take(), [], 0
    while offset < len(data):
        records.append(unpack_record(data, offset))
        offset += records[-1].header.length
    return records


def test_unit(engine: Engine) -> None:
    """A unit is the input as given and every output, dense lsns, the last one marked."""
    first = engine.next_lsn
    records = submit(engine, SELLER, ORDER)

    assert [record.header.kind for record in records] == [
        Kind.FRAME,
        Kind.MESSAGE,
        Kind.DROP_COPY,
    ]
    assert [record.header.lsn for record in records] == [first, first + 1, first + 2]
    assert [record.header.ends_unit for record in records] == [False, False, True]
    given = records[0]
    assert given.payload == b"as it came"
    assert (given.header.session, given.header.msg_seq_num) == (SELLER, 7)
    assert given.header.time_ns == START_NS == engine.last_time_ns
    assert engine.journal_used == 0


def test_command(engine: Engine) -> None:
    """A command carries its values, and its echo with Text(58) last, into the report."""
    report = submit(engine, SELLER, ORDER)[1].payload

    for field in (b"11=c1", b"21=1", b"58=mine", b"38=5", b"44=100", b"54=1", b"59=0", b"150=0"):
        assert b"\x01" + field + b"\x01" in report
    ioc = attrs.evolve(ORDER, clord_id=b"c2", side="2", time_in_force="3", price_e8=101 * E8)
    _, _, _, cancelled, _ = submit(engine, SELLER, ioc)
    assert b"\x0121=1\x01" in cancelled.payload
    assert b"\x0158=mine\x01" not in cancelled.payload
    assert b"\x0158=IOC_REMAINDER; " in cancelled.payload


@pytest.mark.parametrize(
    ("command", "tag"),
    [(attrs.evolve(ORDER, price_e8=None), b"44"), (attrs.evolve(ORDER, order_qty_e8=None), b"38")],
)
def test_absent_numbers(engine: Engine, command: Command, tag: bytes) -> None:
    """None is absent, which is not 0."""
    _, report, _ = submit(engine, SELLER, command)

    assert b"\x01150=8\x01" in report.payload
    assert b"\x01" + tag + b"=" not in report.payload


def test_refused_from_outside(engine: Engine) -> None:
    """A reason found before the core refuses the command and is counted."""
    number = tables.REJECT_CODES["UNSUPPORTED_INSTRUCTION"].number
    (_, report, _) = submit(engine, SELLER, attrs.evolve(ORDER, reason=number))

    assert b"\x0158=UNSUPPORTED_INSTRUCTION; " in report.payload
    assert engine.statistics().refusals == {number: 1}


def test_book_and_statistics(engine: Engine) -> None:
    """The book lists resting orders best first, at most as many as asked for."""
    for number, price in enumerate((101, 103, 102, 102)):
        submit(
            engine,
            SELLER,
            attrs.evolve(ORDER, clord_id=b"s%d" % number, side="2", price_e8=price * E8),
        )
    bid = attrs.evolve(ORDER, clord_id=b"b", price_e8=101 * E8, order_qty_e8=2 * E8)
    submit(engine, BUYER, bid)

    assert engine.book(0, "2") == [
        BookOrder(1, 101 * E8, 3 * E8, 2 * E8, SELLER),
        BookOrder(3, 102 * E8, 5 * E8, 0, SELLER),
        BookOrder(4, 102 * E8, 5 * E8, 0, SELLER),
        BookOrder(2, 103 * E8, 5 * E8, 0, SELLER),
    ]
    assert engine.book(0, "2", limit=2) == engine.book(0, "2")[:2]
    assert engine.book(0, "1") == []
    statistics = engine.statistics()
    assert (statistics.live_orders, statistics.live_levels) == (4, 3)
    assert (statistics.orders_accepted, statistics.trades) == (5, 1)
    assert statistics.messages_in == {"D": 5}
    assert statistics.messages_out["8"] == 14
    assert statistics.orders_capacity == CAPACITY.orders
    assert engine.session(SELLER).open_orders == 4


def test_rings(engine: Engine) -> None:
    """Bytes leave only after their release; a ring is taken back whole."""
    assert engine.attach(SELLER)
    report = submit(engine, SELLER, ORDER)[1].payload

    assert engine.drain(SELLER) == b""
    assert engine.pending(SELLER) == len(report)
    engine.release()
    assert engine.drain(SELLER) == report
    assert engine.pending(SELLER) == 0
    assert engine.ring_free(SELLER) == CAPACITY.ring_bytes
    engine.detach(SELLER)
    assert not engine.attached(SELLER)


def test_rings_run_out(engine: Engine) -> None:
    """There are as many rings as were asked for."""
    small = Engine(attrs.evolve(CAPACITY, rings=1))
    set_venue(small)
    small.set_firm(0, Limits(), [])
    for session in (0, 1):
        small.set_session(session, sender_comp_id=f"S{session}", **{**SESSION, "accounts": []})

    assert small.attach(0)
    assert not small.attach(1)
    small.detach(0)
    assert small.attach(1)
    assert small.statistics().rings_in_use == 1
    assert engine.statistics().rings_in_use == 0
    small.close()


def test_feeding(engine: Engine) -> None:
    """A ring that was told not to follow is fed by number until it has caught up."""
    engine.attach(SELLER)
    submit(engine, SELLER, ORDER)
    assert engine.cursor(SELLER) == 0
    engine.unfollow(SELLER)
    report = submit(engine, SELLER, attrs.evolve(ORDER, clord_id=b"c2"))[1].payload

    assert engine.cursor(SELLER) == 2
    assert not engine.follow(SELLER)
    assert not engine.push(SELLER, bytes(CAPACITY.ring_bytes + 1))
    assert engine.push(SELLER, report)
    engine.advance(SELLER, 3)
    assert engine.follow(SELLER)
    engine.release()
    assert engine.drain(SELLER).endswith(report)


def test_timers(engine: Engine) -> None:
    """A session is due a heartbeat after our last message, or a silence after their last."""
    with engine.unit(Kind.TICK, core.NONE, 0, START_NS, b""):
        engine.set_timers(SELLER, 30 * NS_PER_S, 36 * NS_PER_S)
        engine.set_timers(BUYER, 60 * NS_PER_S, 20 * NS_PER_S)

    assert engine.next_deadline_ns == START_NS + 20 * NS_PER_S
    assert engine.sessions_due(START_NS + 20 * NS_PER_S - 1) == []
    assert engine.sessions_due(START_NS + 20 * NS_PER_S) == [BUYER]
    assert engine.sessions_due(START_NS + 30 * NS_PER_S) == [SELLER, BUYER]
    with engine.unit(Kind.TICK, core.NONE, 0, START_NS, b""):
        engine.establish(BUYER, established=False)
    assert engine.next_deadline_ns == START_NS + 30 * NS_PER_S


def test_numbers(engine: Engine) -> None:
    """Numbers and epochs change only where they are set."""
    with engine.unit(Kind.TICK, core.NONE, 0, START_NS + 5, b""):
        assert engine.send(SELLER, b"0", b"") == 1
        assert engine.send(SELLER, b"1", b"112=x\x01", b"115=ELSE\x01") == 2
        engine.set_next_in(SELLER, 17)
        engine.heard(SELLER)
        engine.record_resend(SELLER, 1, 2)
    view = engine.session(SELLER)
    assert (view.next_in, view.next_out, view.epoch) == (17, 3, 1)
    assert (view.last_in_ns, view.last_out_ns) == (START_NS + 5, START_NS + 5)
    _, heartbeat, test, _ = taken(engine)
    assert heartbeat.payload.startswith(b"8=FIX.4.4\x019=")
    assert b"\x0135=1\x0149=KK99\x0156=SELLER\x0134=2\x01" in test.payload
    assert test.payload.index(b"115=ELSE") < test.payload.index(b"112=x")
    with engine.unit(Kind.TICK, core.NONE, 0, START_NS + 6, b""):
        engine.reset(SELLER)
    view = engine.session(SELLER)
    assert (view.next_in, view.next_out, view.epoch) == (1, 1, 2)


def test_state_hash(engine: Engine) -> None:
    """The hash follows what can influence an output, and nothing of rings or capacities."""
    before = engine.state_hash()
    engine.attach(SELLER)
    assert engine.state_hash() == before
    submit(engine, SELLER, ORDER)
    assert engine.state_hash() != before


def test_frame() -> None:
    """Framing by the core: whole, cut off, garbled, too long."""
    whole = b"8=FIX.4.4\x019=5\x0135=0\x0110=163\x01"

    assert library.frame(whole + b"8=", 4096) == (CoreStatus.OK, len(whole))
    assert library.frame(whole[:-1], 4096)[0] is CoreStatus.NEED_DATA
    assert library.frame(b"noise" + whole, 4096) == (CoreStatus.GARBLED, 5)
    assert library.frame(b"8=FIX.4.4\x019=99999\x01", 4096)[0] is CoreStatus.TOO_LONG


def test_versions() -> None:
    """The version fence names the core and the dictionary that it was built with."""
    assert library.core_version().startswith("kk99-core ")
    assert library.dictionary_digest() == tables.DICTIONARY_SHA256


def test_statuses_are_those_of_the_header() -> None:
    """CoreStatus lists the statuses in the order of the header."""
    assert {status.name: status.value for status in CoreStatus} == {
        name.removeprefix("KK_"): number
        for number, name in ffi.typeof("kk_status").elements.items()
    }
    assert {end.name: end.value for end in FeedEnd} == {
        name.removeprefix("KK_FEED_"): number
        for number, name in ffi.typeof("kk_feed_end").elements.items()
    }


def test_reasons_are_those_of_the_dictionary() -> None:
    """Reject codes have the numbers that the core counts by."""
    reasons = {
        name.removeprefix("KK_REASON_"): number
        for number, name in ffi.typeof("kk_reason").elements.items()
    }
    del reasons["NONE"], reasons["COUNT"]

    assert reasons == {name: code.number for name, code in tables.REJECT_CODES.items()}


def test_addresses(engine: Engine) -> None:
    """The pump is told where engine, buffer and functions are."""
    assert engine.address != 0
    assert engine.journal_address % 8 == 0
    assert engine.function_address("consume") == int(
        ffi.cast("uintptr_t", ffi.addressof(lib, "kk_consume"))
    )


def test_order_slot(engine: Engine) -> None:
    """An order slot, its echo chunk and index included, takes at most 512 bytes."""
    assert 0 < engine.order_slot_bytes() <= 512


# ------------------------------------------------------------------ mistakes of ours


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(type(CAPACITY))])
def test_capacity_of_nothing(name: str) -> None:
    """A capacity of 0 is refused before anything is reserved."""
    with pytest.raises(CoreError, match="no memory for these capacities"):
        Engine(attrs.evolve(CAPACITY, **{name: 0}))


def test_tables_are_full(engine: Engine) -> None:
    """An id beyond its table is an error that names what did not fit."""
    with pytest.raises(CoreError, match=r"^instrument MSFT: capacity$"):
        engine.set_instrument(CAPACITY.instruments, "MSFT", **INSTRUMENT)
    with pytest.raises(CoreError, match=r"^firm 8: capacity$"):
        engine.set_firm(CAPACITY.firms, Limits(), [])
    with pytest.raises(CoreError, match=r"^account X: capacity$"):
        engine.set_account(CAPACITY.accounts, "X", 0, Limits(), [])
    with pytest.raises(CoreError, match=r"^session X: capacity$"):
        engine.set_session(CAPACITY.sessions, sender_comp_id="X", **SESSION)


def test_names_are_too_long(engine: Engine) -> None:
    """A name that does not fit is named in the error."""
    with pytest.raises(CoreError, match=r"symbol 'S{33}' is longer than 32 characters"):
        engine.set_instrument(1, "S" * 33, **INSTRUMENT)
    with pytest.raises(CoreError, match=r"sender_comp_id 'X{33}' is longer than 32"):
        engine.set_session(3, sender_comp_id="X" * 33, **SESSION)
    with pytest.raises(CoreError, match="17 copies, at most 16 are possible"):
        engine.set_firm(0, Limits(), [DESK] * 17)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tick_e8": 0},
        {"lot_e8": -1},
        {"band_e8": -1},
        {"rate_e8": 0},
        {"reference_price_e8": 1},
        {"lot_e8": 2**62, "multiplier_e8": 2**62, "rate_e8": 2**62},
    ],
)
def test_instruments_that_cannot_be(engine: Engine, wrong: dict[str, int]) -> None:
    """Values that make no instrument are refused; the one before stays."""
    before = submit(engine, SELLER, ORDER)
    with pytest.raises(CoreError, match=r"^instrument AAPL: invalid$"):
        engine.set_instrument(0, "AAPL", **{**INSTRUMENT, **wrong})
    after = submit(engine, SELLER, attrs.evolve(ORDER, clord_id=b"c2"))
    assert len(after) == len(before)


@pytest.mark.parametrize("name", ["max_order_age_ns", "sending_time_tolerance_ns"])
def test_parameters_that_cannot_be(engine: Engine, name: str) -> None:
    """Times of the venue are positive."""
    with pytest.raises(CoreError, match=r"^venue parameters: invalid$"):
        set_venue(engine, **{name: 0})


def test_unknown_owner(engine: Engine) -> None:
    """An account needs its firm, a session its accounts, before it."""
    with pytest.raises(CoreError, match=r"^account A9: invalid$"):
        engine.set_account(1, "A9", 5, Limits(), [])
    with pytest.raises(CoreError, match=r"^session X: invalid$"):
        engine.set_session(3, sender_comp_id="X", **{**SESSION, "accounts": [7]})
