"""QuickFIX engines that know of FIX what our own data dictionaries say, with all validation on."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from support import quickfix_engine
from support.config_folder import REPOSITORY
from support.gateway_process import GatewayProcess, copy_files
from support.quickfix_engine import QuickFixEngine

from kk99fix.fix.render_quickfix import file_name

pytestmark = pytest.mark.interop

NAMES: Final = ("BROKER1", "BROKER2", "DROPCOPY1")
#: Tags of dialect kk99.
OWN_TAGS: Final = {20001, 20002, 20003, 20004}
INSTITUTIONAL: Final[dict[int, object]] = {
    1: "B1-CLIENT",
    15: "USD",
    21: 1,
    22: 4,
    48: "US0378331005",
    207: "XNAS",
    453: "[448=DESK7;447=D;452=1][448=TRADER12;447=D;452=11]",
    526: "second",
    528: "A",
    529: "1 5",
    582: 1,
    583: "link",
    58: "as agreed",
}


@contextlib.contextmanager
def engines(folder: Path, dialects: tuple[str, str, str]) -> Iterator[list[QuickFixEngine]]:
    """Two brokers and a desk, logged on, each with the dictionary of its dialect."""
    quickfix_engine.require()
    copy_files(folder, metrics_port=0, orders=10_000, duplicate_window=10_000)
    for name, dialect in zip(NAMES, dialects, strict=True):
        path = folder / "sessions" / f"{name}.toml"
        text = re.sub(r"(?m)^dialect = .*\n", "", path.read_text())
        path.write_text(text.replace("[session]\n", f'[session]\ndialect = "{dialect}"\n'))
    gateway = GatewayProcess(folder)
    with contextlib.ExitStack() as closing:
        closing.callback(lambda: print(gateway.log()))  # noqa: T201 - shown with a failure
        closing.callback(gateway.close)
        gateway.start()
        opened: list[QuickFixEngine] = []
        for name, dialect in zip(NAMES, dialects, strict=True):
            dictionary = REPOSITORY / "docs/fix" / file_name(dialect)
            opened.append(QuickFixEngine(folder, name, gateway.port, dictionary))
            closing.callback(opened[-1].close)
        for engine in opened:
            engine.wait("logon")
        yield opened


def order(cl_ord_id: str, side: int, quantity: int, price: str) -> dict[int, object]:
    """Fields of a Day limit order in AAPL."""
    return {11: cl_ord_id, 55: "AAPL", 54: side, 38: quantity, 40: 2, 44: price, 59: 0}


def trade(buyer: QuickFixEngine, seller: QuickFixEngine) -> None:
    """New, partial fill, replace, status, cancel, and what is refused of each."""
    buyer.send("D", order("b-1", 1, 100, "190.00") | INSTITUTIONAL)
    buyer.wait("in", {35: 8, 11: "b-1", 150: 0, 453: 2})
    seller.send("D", order("s-1", 2, 40, "189.95") | {59: 3})
    seller.wait("in", {35: 8, 11: "s-1", 150: "F", 39: 2, 851: 2})
    buyer.wait("in", {35: 8, 11: "b-1", 150: "F", 39: 1, 151: 60, 851: 1})
    buyer.send("G", order("b-2", 1, 100, "189.90") | INSTITUTIONAL | {41: "b-1"})
    buyer.wait("in", {35: 8, 11: "b-2", 150: 5, 39: 1, 638: 1})
    buyer.send("H", {11: "b-2", 55: "AAPL", 54: 1, 790: "ask-1"})
    buyer.wait("in", {35: 8, 11: "b-2", 150: "I", 790: "ask-1"})
    buyer.send("AF", {584: "all", 585: 7})
    buyer.wait("in", {35: 8, 11: "b-2", 150: "I", 584: "all", 911: 1, 912: "Y"})
    cancel: dict[int, object] = {55: "AAPL", 54: 1, 38: 100, 1: "B1-CLIENT"}
    buyer.send("F", cancel | {11: "c-1", 41: "b-2"})
    buyer.wait("in", {35: 8, 11: "c-1", 150: 4, 39: 4})
    buyer.send("F", cancel | {11: "c-2", 41: "b-2"})
    buyer.wait("in", {35: 9, 11: "c-2", 434: 1, 102: 0})
    buyer.send("G", order("b-3", 1, 100, "189.90") | {41: "b-0"})
    buyer.wait("in", {35: 9, 11: "b-3", 434: 2, 102: 1})
    seller.send("D", order("s-2", 2, 10, "999.00"))
    seller.wait("in", {35: 8, 11: "s-2", 150: 8, 39: 8})
    seller.send("D", {11: "s-3", 55: "AAPL", 54: 2, 38: 10, 40: 1, 59: 4})
    seller.wait("in", {35: 8, 11: "s-3", 150: 4, 39: 4})
    seller.send("AF", {584: "none", 585: 7})
    seller.wait("in", {35: 8, 150: "I", 39: 8, 584: "none", 911: 0, 103: 5})


@pytest.mark.parametrize(
    "dialects",
    [("kk99", "fix44", "kk99"), ("fix44", "kk99", "fix44")],
)
def test_engines_trade_by_our_dictionaries(tmp_path: Path, dialects: tuple[str, str, str]) -> None:
    """Every report, cancel reject and drop copy passes the dictionary of who gets it.

    Refusals carry the venue's own fields in dialect kk99 and nowhere else.
    """
    with engines(tmp_path, dialects) as (buyer, seller, desk):
        trade(buyer, seller)
        desk.wait("in", {35: 8, 115: "BROKER2", 584: "none", 797: "Y"})
        desk.send("Q", {37: 1, 17: 1, 127: "D", 55: "AAPL", 54: 1, 38: 100})
        for engine in (buyer, seller, desk):
            engine.say("logout")
            engine.wait("logout")
            engine.close()

        for engine, dialect in zip((buyer, seller, desk), dialects, strict=True):
            told = [event for event in engine.events if event.kind in {"in", "out"}]
            assert [event.text for event in told if event.msg_type in {"3", "j"}] == []
            application = engine.received("8", "9")
            accepted = [event.text for event in engine.events if event.kind == "accepted"]
            assert [event.fields[34] for event in application] == accepted
            own = {tag for event in application for tag in event.fields if tag in OWN_TAGS}
            refusals = [event for event in application if "; " in event.fields.get(58, "")]
            assert refusals
            if dialect == "fix44":
                assert own == set()
            elif engine is not desk:
                assert own >= {20001}
        copied = [event.fields[115] for event in desk.received("8", "9")]
        assert len(copied) == len(buyer.received("8", "9")) + len(seller.received("8", "9"))
