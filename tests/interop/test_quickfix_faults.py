"""A QuickFIX engine and a gateway that die or lose each other at the worst moments.

Whatever breaks, every report arrives once and in order afterwards, nothing is rejected, and neither
side asks for a resend more often than it lost something.
"""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from support import quickfix_engine
from support.cutting_proxy import CuttingProxy, To
from support.gateway_process import GatewayProcess, copy_files
from support.quickfix_engine import QuickFixEngine

pytestmark = [pytest.mark.interop]

MANY = 3000


@attrs.define
class Wire:
    """A gateway, an engine, and what connects them."""

    gateway: GatewayProcess
    proxy: CuttingProxy
    engine: QuickFixEngine

    def orders(self, run: str, count: int) -> None:
        """Let the engine send orders that rest."""
        for number in range(count):
            order = {11: f"{run}-{number}", 55: "AAPL", 54: 1, 38: 100, 40: 2, 44: "180", 59: 0}
            self.engine.send("D", dict(order))

    def wait_report(self, cl_ord_id: str) -> None:
        """Wait until the engine took the report of a new order."""
        self.wait_accepted(self.engine.wait("in", {35: 8, 11: cl_ord_id, 150: 0}).fields[34])

    def wait_accepted(self, number: str) -> None:
        """Wait until the engine took the message of this number."""
        while self.engine.wait("accepted").text != number:
            pass


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """A gateway and BROKER1, logged on through a proxy, with sequence numbers from 1."""
    quickfix_engine.require()
    copy_files(tmp_path, metrics_port=0, orders=20_000, duplicate_window=20_000)
    gateway = GatewayProcess(tmp_path)
    with contextlib.ExitStack() as closing:
        closing.callback(lambda: print(gateway.log()))  # noqa: T201 - shown with a failure
        closing.callback(gateway.close)
        gateway.start()
        proxy = closing.enter_context(CuttingProxy(gateway.port))
        engine = QuickFixEngine(tmp_path, "BROKER1", proxy.port)
        closing.callback(engine.close)
        engine.wait("logon")
        yield Wire(gateway, proxy, engine)


def assert_once_and_in_order(engine: QuickFixEngine, since: int = 0) -> list[str]:
    """What the engine accepted rises number by number; return the ClOrdIDs of new orders."""
    accepted = [int(e.text) for e in engine.events[since:] if e.kind == "accepted"]
    assert accepted == sorted(set(accepted))
    first: dict[str, str] = {}
    for event in engine.events[since:]:
        if event.kind == "in" and event.has({35: 8, 150: 0}):
            first.setdefault(event.fields[34], event.fields[11])
    new = [first[str(number)] for number in accepted if str(number) in first]
    assert len(new) == len(set(new))
    return new


def assert_calm(engine: QuickFixEngine) -> None:
    """Nobody rejected anything, and nobody asked more often than once a connection."""
    messages = [event for event in engine.events if event.kind in {"in", "out"}]
    assert [event.text for event in messages if event.msg_type in {"3", "j"}] == []
    for kind in ("in", "out"):
        asks = [event.text for event in messages if (event.kind, event.msg_type) == (kind, "2")]
        assert len(asks) <= engine.connections, asks


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_gateway_ends_while_it_resends(wire: Wire, number: signal.Signals) -> None:
    """A gateway that dies or stops in the middle of thousands of reports goes on where it was."""
    engine = wire.engine
    wire.orders("a", MANY)
    wire.wait_report(f"a-{MANY - 1}")
    engine.close()
    since = len(engine.events)
    wire.proxy.hold_after(To.CLIENT, 200_000)
    engine.start_again(next_in=1)
    wire.proxy.wait_reached()
    wire.gateway.end(number)
    engine.wait("logout")
    halfway = assert_once_and_in_order(engine, since)
    assert 0 < len(halfway) < MANY

    wire.gateway.start()
    wire.wait_accepted(str(MANY + 1))
    assert assert_once_and_in_order(engine, since) == [f"a-{n}" for n in range(MANY)]
    wire.orders("b", 1)
    wire.wait_report("b-0")
    assert_calm(engine)


def test_the_engine_dies_while_it_resends(wire: Wire) -> None:
    """An engine that is killed in the middle of its resend, and forgets what it had received.

    Both sides miss messages at its next logon; every order is answered, once and in order.
    """
    engine = wire.engine
    wire.orders("a", 10)
    wire.wait_report("a-9")
    engine.say("logout")
    engine.wait("logout")
    wire.orders("b", MANY)
    wire.proxy.hold_after(To.SERVER, 200_000)
    engine.say("logon")
    wire.proxy.wait_reached()
    engine.kill()
    since = len(engine.events)
    engine.start_again(next_in=1)
    wire.wait_report(f"b-{MANY - 1}")
    wanted = [*(f"a-{n}" for n in range(10)), *(f"b-{n}" for n in range(MANY))]
    assert assert_once_and_in_order(engine, since) == wanted
    assert_calm(engine)


#: Where a connection breaks: in a Logon(A), its answer, an order or a report, early and late.
CUTS = [
    (To.SERVER, 40),
    (To.CLIENT, 40),
    (To.SERVER, 90),
    (To.CLIENT, 60),
    (To.SERVER, 400),
    (To.CLIENT, 500),
    (To.SERVER, 1001),
    (To.CLIENT, 1337),
]


def test_a_connection_breaks_in_the_middle_of_a_message(wire: Wire) -> None:
    """Half a message is none: after each break the rest comes once and in order."""
    engine = wire.engine
    for turn, (to, count) in enumerate(CUTS):
        if turn % 2:  # half of them while the engine is away, so that the logon is cut as well
            engine.say("logout")
            engine.wait("logout")
        wire.proxy.cut_after(to, count)
        engine.say("logon")
        wire.orders(f"cut{turn}", 10)
        wire.proxy.wait_reached()
        wire.wait_report(f"cut{turn}-9")

    wanted = [f"cut{turn}-{number}" for turn in range(len(CUTS)) for number in range(10)]
    assert assert_once_and_in_order(engine) == wanted
    assert_calm(engine)
