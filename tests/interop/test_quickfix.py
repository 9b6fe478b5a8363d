import contextlib
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pytest
from support import quickfix_engine
from support.gateway_process import GatewayProcess, copy_files
from support.quickfix_engine import Event, QuickFixEngine

pytestmark = pytest.mark.interop

PARTIES = "[448=DESK7;447=D;452=1][448=TRADER12;447=D;452=11][448=CLIENT345;447=D;452=3]"
INSTITUTIONAL = {21: 1, 22: 4, 48: "US0378331005", 207: "XNAS", 528: "A", 529: 1, 582: 1}


@attrs.define
class Floor:
    """A gateway and three engines that trade through it."""

    gateway: GatewayProcess
    buyer: QuickFixEngine
    seller: QuickFixEngine
    desk: QuickFixEngine

    @property
    def engines(self) -> list[QuickFixEngine]:
        """All three."""
        return [self.buyer, self.seller, self.desk]

    def wait_logons(self) -> None:
        """Wait until all three are logged on."""
        for engine in self.engines:
            engine.wait("logon")


@contextlib.contextmanager
def opened(tmp_path: Path, settings: Mapping[str, str] | None = None) -> Iterator[Floor]:
    """Everybody logged on, with sequence numbers from 1; `settings` add to [session] of a file."""
    quickfix_engine.require()
    copy_files(tmp_path, metrics_port=0, orders=10_000, duplicate_window=10_000)
    for name, added in (settings or {}).items():
        path = tmp_path / "sessions" / f"{name}.toml"
        path.write_text(path.read_text().replace("[session]\n", f"[session]\n{added}\n"))
    gateway = GatewayProcess(tmp_path)
    with contextlib.ExitStack() as closing:
        closing.callback(lambda: print(gateway.log()))  # noqa: T201 - shown with a failure
        closing.callback(gateway.close)
        gateway.start()
        engines: list[QuickFixEngine] = []
        for comp_id in ("BROKER1", "BROKER2", "DROPCOPY1"):
            engines.append(QuickFixEngine(tmp_path, comp_id, gateway.port))
            closing.callback(engines[-1].close)
        floor = Floor(gateway, *engines)
        floor.wait_logons()
        yield floor


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    """A floor with the shipped files."""
    with opened(tmp_path) as floor:
        yield floor


def limit(cl_ord_id: str, side: int, quantity: int, price: str) -> dict[int, object]:
    """Return the fields of a Day limit order in AAPL."""
    order = {11: cl_ord_id, 55: "AAPL", 54: side, 38: quantity, 40: 2, 44: price, 59: 0}
    return dict(order)


def trade(floor: Floor, run: str) -> None:
    """Walk through an order's life: New, partial fill, replace, status, cancel, too late."""
    buyer, seller = floor.buyer, floor.seller
    first, second = f"{run}-B1", f"{run}-B2"
    buyer.send("D", limit(first, 1, 100, "190.00") | INSTITUTIONAL | {453: PARTIES})
    buyer.wait("in", {35: 8, 11: first, 150: 0, 39: 0, 151: 100, 14: 0, 453: 3, 207: "XNAS"})

    seller.send("D", limit(f"{run}-S1", 2, 40, "189.95"))
    seller.wait("in", {35: 8, 11: f"{run}-S1", 150: 0, 39: 0})
    taken = seller.wait("in", {35: 8, 11: f"{run}-S1", 150: "F", 39: 2, 151: 0, 851: 2})
    made = buyer.wait("in", {35: 8, 11: first, 150: "F", 39: 1, 32: 40, 151: 60, 851: 1})
    for fill in (taken, made):
        assert (fill.fields[31], fill.fields[6]) == ("190", "190")
    assert taken.fields[527] == made.fields[527]
    assert taken.fields[17] != made.fields[17]

    replace = limit(second, 1, 100, "189.90") | INSTITUTIONAL | {453: PARTIES, 41: first}
    buyer.send("G", replace)
    buyer.wait("in", {35: 8, 11: second, 41: first, 150: 5, 39: 1, 14: 40, 151: 60, 44: "189.9"})
    buyer.send("H", {11: second, 55: "AAPL", 54: 1})
    buyer.wait("in", {35: 8, 11: second, 150: "I", 39: 1, 14: 40, 151: 60})
    cancel = {55: "AAPL", 54: 1, 38: 100}
    buyer.send("F", cancel | {11: f"{run}-C1", 41: second})
    buyer.wait("in", {35: 8, 11: f"{run}-C1", 41: second, 150: 4, 39: 4, 151: 0, 14: 40})
    buyer.send("F", cancel | {11: f"{run}-C2", 41: second})
    buyer.wait("in", {35: 9, 11: f"{run}-C2", 41: second, 434: 1, 102: 0})

    seller.send("D", limit(f"{run}-S2", 2, 10, "999.00"))
    seller.wait("in", {35: 8, 11: f"{run}-S2", 150: 8, 39: 8, 151: 0})


def test_three_engines_trade_across_restarts(floor: Floor) -> None:
    """Orders, fills, cancels and replaces work over a logout, a stop and a kill of the gateway.

    The engines reject nothing, get nothing twice, and their sequence numbers go on.
    """
    buyer, seller = floor.buyer, floor.seller
    trade(floor, "first")
    buyer.send("D", limit("standing", 1, 50, "189.00"))
    buyer.wait("in", {35: 8, 11: "standing", 150: 0})

    for engine in (floor.desk, buyer):
        engine.send("Q", {37: 1, 17: 1, 127: "D", 55: "AAPL", 54: 1, 38: 100, 58: "not ours"})
    buyer.say("logout")
    buyer.wait("logout")
    assert "trade not known by counterparty" in floor.gateway.log()
    seller.send("D", limit("hit-1", 2, 20, "189.00") | {59: 3})
    seller.wait("in", {35: 8, 11: "hit-1", 150: "F", 39: 2})
    buyer.say("logon")
    buyer.wait("in", {35: 8, 11: "standing", 150: "F", 39: 1, 14: 20, 151: 30})

    assert floor.gateway.end(signal.SIGTERM) == 0
    for engine in floor.engines:
        engine.wait("in", {35: "B", 148: "The gateway stops", 33: 1})
        engine.wait("logout")
    floor.gateway.start()
    floor.wait_logons()
    trade(floor, "second")

    floor.gateway.end(signal.SIGKILL)
    for engine in floor.engines:
        engine.wait("logout")
    floor.gateway.start()
    floor.wait_logons()
    seller.send("D", limit("hit-2", 2, 30, "189.00") | {59: 3})
    buyer.wait("in", {35: 8, 11: "standing", 150: "F", 39: 2, 14: 50, 151: 0})
    trade(floor, "third")
    floor.desk.wait("in", {35: 8, 11: "third-S2", 150: 8})

    for engine in floor.engines:
        engine.say("logout")
        engine.wait("logout")
        engine.close()
        assert_unharmed(engine)
    assert_copied(floor)


def test_gaps_are_filled_in_both_directions(floor: Floor) -> None:
    """What an engine could not send is asked for; what an engine lost comes again, as it was."""
    buyer, seller = floor.buyer, floor.seller
    trade(floor, "first")
    floor.desk.wait("in", {35: 8, 11: "first-S2", 150: 8})

    buyer.say("logout")
    buyer.wait("logout")
    buyer.send("D", limit("unsent-1", 1, 10, "189.00"))
    buyer.send("H", {11: "unsent-1", 55: "AAPL", 54: 1})
    buyer.send("D", limit("unsent-2", 1, 20, "189.00"))
    buyer.say("logon")
    buyer.wait("in", {35: 2})
    buyer.wait("in", {35: 8, 11: "unsent-1", 150: 0, 38: 10})
    buyer.wait("in", {35: 8, 11: "unsent-1", 150: "I", 39: 0})
    buyer.wait("in", {35: 8, 11: "unsent-2", 150: 0, 38: 20})
    floor.desk.wait("in", {35: 8, 11: "unsent-2", 150: 0})

    for engine in (buyer, seller, floor.desk):
        assert_lost_reports_come_again(engine)
        assert_nothing_rejected(engine)


def test_headers_of_choice(tmp_path: Path) -> None:
    """Seconds, microseconds and 369 pass the engine's own checks, live, copied and sent again."""
    told = "last_msg_seq_num_processed = true"
    settings = {
        "BROKER2": f'timestamp_precision = "microseconds"\n{told}',
        "DROPCOPY1": f'timestamp_precision = "seconds"\n{told}',
    }
    with opened(tmp_path, settings) as floor:
        trade(floor, "first")
        floor.desk.wait("in", {35: 8, 11: "first-S2", 150: 8})
        for engine in (floor.seller, floor.desk):
            assert_lost_reports_come_again(engine)
            assert_nothing_rejected(engine)
            wanted = 17 if engine is floor.desk else 24  # YYYYMMDD-HH:MM:SS and .mmmuuu
            came = [event.fields for event in engine.events if event.kind == "in"]
            times = [fields[tag] for fields in came for tag in (52, 60, 122) if tag in fields]
            assert {len(time) for time in times} == {wanted}
            assert all(369 in fields for fields in came if fields[35] != "4")


def test_the_status_of_many_orders(floor: Floor) -> None:
    """Reports on all open orders, and the report that there is none, pass a stock dictionary."""
    buyer = floor.buyer
    for number, word in enumerate(("H", "Q", "Q")):
        name = f"many-{number}"
        buyer.send("D", limit(name, 1, 10, "180.00") | {18: word})
        buyer.wait("in", {35: 8, 11: name, 150: 0})
    buyer.send("AF", {584: "all", 585: 7})
    for number, last in enumerate("NNY"):
        told = {35: 8, 11: f"many-{number}", 150: "I", 39: 0, 584: "all", 911: 3, 912: last}
        buyer.wait("in", told)
    buyer.send("AF", {584: "sales", 585: 1, 55: "AAPL", 54: 2})
    buyer.wait(
        "in", {35: 8, 150: "I", 39: 8, 37: "NONE", 584: "sales", 911: 0, 912: "Y", 55: "AAPL"}
    )
    floor.seller.send("AF", {584: "none", 585: 7})
    floor.seller.wait("in", {35: 8, 150: "I", 39: 8, 55: "[N/A]", 54: 7, 103: 5})
    floor.desk.wait("in", {35: 8, 584: "none", 115: "BROKER2", 797: "Y"})

    for engine in floor.engines:
        engine.say("logout")
        engine.wait("logout")
        engine.close()
        assert_unharmed(engine)


def assert_lost_reports_come_again(engine: QuickFixEngine) -> None:
    """Let an engine forget all that it received: the gateway sends it again, marked as such."""
    engine.close()
    known = engine.received("8", "9")
    engine.start_again(next_in=1)
    engine.wait("out", {35: 2, 7: 1})
    again = [engine.wait("accepted") for _ in known]
    assert [event.text for event in again] == [event.fields[34] for event in known]
    resent = engine.received("8", "9")[len(known) :]
    assert [content(event) for event in resent] == [content(event) for event in known]
    assert {event.fields.get(43) for event in resent} == {"Y"}
    assert [event.fields[122] for event in resent] == [event.fields[52] for event in known]


def assert_unharmed(engine: QuickFixEngine) -> None:
    """Nobody rejected anything, numbers rise by one, every report passed validation."""
    assert_nothing_rejected(engine)
    both_ways = [event for event in engine.events if event.kind in {"in", "out"}]
    for kind in ("in", "out"):
        fresh = [e for e in both_ways if e.kind == kind and e.fields.get(43) != "Y"]
        numbers = [int(event.fields[34]) for event in fresh]
        seen = sorted(set(numbers) | gap_filled(both_ways, kind))
        assert len(set(numbers)) == len(numbers)
        assert seen == list(range(1, max(seen) + 1))

    accepted = [event.text for event in engine.events if event.kind == "accepted"]
    assert len(set(accepted)) == len(accepted)
    application = {event.fields[34] for event in engine.received("8", "9", "B")}
    assert application == set(accepted)


def assert_nothing_rejected(engine: QuickFixEngine) -> None:
    """Neither side sent a Reject(3) or a BusinessMessageReject(j)."""
    messages = [event for event in engine.events if event.kind in {"in", "out"}]
    assert [event.text for event in messages if event.msg_type in {"3", "j"}] == []


def gap_filled(events: list[Event], kind: str) -> set[int]:
    """Return the numbers that came again or were filled over after a lost connection."""
    numbers: set[int] = set()
    for event in events:
        if event.kind == kind and event.fields.get(43) == "Y":
            begin = int(event.fields[34])
            numbers |= set(range(begin, int(event.fields.get(36, begin + 1))))
    return numbers


def by_number(events: list[Event]) -> list[Event]:
    """Return one event per MsgSeqNum(34), in that order."""
    return [event for _, event in sorted({int(e.fields[34]): e for e in events}.items())]


def assert_copied(floor: Floor) -> None:
    """The desk has each report and cancel reject of both brokers, named by 115, marked by 797."""
    copies = by_number(floor.desk.received("8", "9"))
    for broker in (floor.buyer, floor.seller):
        originals = by_number(broker.received("8", "9"))
        mine = [copy for copy in copies if copy.fields[115] == broker.comp_id]
        assert [content(copy) for copy in mine] == [content(original) for original in originals]
    assert {copy.fields[115] for copy in copies} == {"BROKER1", "BROKER2"}
    assert {copy.fields.get(797) for copy in copies if copy.msg_type == "8"} == {"Y"}
    assert {copy.fields.get(797) for copy in copies if copy.msg_type == "9"} == {None}


def content(event: Event) -> dict[int, str]:
    """Return what a copy shares with its original: everything but the envelope."""
    envelope = {8, 9, 10, 34, 43, 49, 52, 56, 97, 115, 122, 797}
    return {tag: value for tag, value in event.fields.items() if tag not in envelope}
