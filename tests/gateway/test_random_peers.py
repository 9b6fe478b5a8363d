"""Random counterparties against a whole gateway: what comes again comes from the journal.

`KK99_VENUE_PEERS=5000` takes more of them, `KK99_SEED=7` other ones; a failure names the seed.
"""

import os
from collections import Counter
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from support.drop_copies import rendered_copy
from support.gateway_host import GatewayHost, Trader
from support.journal_files import read_all
from support.live_gateway import small_settings
from support.model_peer import ADMINISTRATIVE, Fields, ModelPeer, content, parse
from support.still_gateway import StillGateway
from support.unruly import Unruly

from kk99fix.gateway import chunks
from kk99fix.journal.record import DropCopy, Kind
from kk99fix.matcher.engine import Engine

FIRST_SEED = int(os.environ.get("KK99_SEED", "20261125"))
PEERS = int(os.environ.get("KK99_VENUE_PEERS", "2000"))
#: How many the sanitized build gets.
FEW = 40
#: A resend takes many steps, so that much can happen in the middle of it.
SMALL_CHUNK = 3

#: What was sent to a session in an epoch, by number.
Sent = dict[tuple[int, int], dict[int, Fields]]


def recorded(folder: Path, engine: Engine) -> Sent:
    """Return the application messages that the journal has; copies are rendered."""
    records = read_all(folder)
    payloads = {record.header.lsn: record.payload for record in records}
    sent: Sent = {}
    for record in records:
        header, payload = record.header, record.payload
        if header.kind is Kind.DROP_COPY:
            source = payloads[DropCopy.unpack(payload).source_lsn]
            payload = rendered_copy(engine, record, source)
        elif header.kind is not Kind.MESSAGE:
            continue
        fields = parse(payload)
        if dict(fields)[35] not in ADMINISTRATIVE:
            numbers = sent.setdefault((header.session, header.epoch), {})
            numbers[header.msg_seq_num] = content(fields)
    return sent


def check(peer: ModelPeer, session: int, sent: Sent, answered: Counter[str]) -> None:
    """The counterparty has everything that was sent to it, and all its orders were answered."""
    assert not peer.faults, peer.faults
    for epoch, got in peer.received.items():
        wanted = sent[session, epoch]
        end = peer.ended.get(epoch, peer.next_in)
        assert got == {number: wanted[number] for number in wanted if number < end}, epoch
        assert list(got) == sorted(got), epoch
    assert {answered[order] for order in peer.orders} <= {0, 1}
    assert {order for order in peer.orders if not answered[order]} - peer.waived == set()


def _answers(numbers: dict[int, Fields]) -> list[str]:
    """ClOrdIDs whose first answer is among these messages."""
    answers = []
    for fields in numbers.values():
        values = dict(fields)
        if values[35] == "j":
            answers.append(values.get(379, ""))
        elif values.get(150) in {"0", "8"} and 797 not in values:
            answers.append(values[11])
    return answers


def play(folder: Path, seeds: range) -> None:
    """Let one counterparty after the other live on one gateway; read and replay its journal."""
    settings = small_settings(folder)
    lived: list[tuple[int, ModelPeer, int]] = []
    with StillGateway(settings, folder / "var") as still:
        trader = Trader(still, "BROKER2")
        for seed in seeds:
            comp_id = ("BROKER1", "BROKER1", "DROPCOPY1")[seed % 3]
            with closing(GatewayHost(still, comp_id, trader)) as host:
                unruly = Unruly(host, seed)
                try:
                    unruly.live()
                    unruly.settle()
                except AssertionError as error:
                    raise AssertionError(f"KK99_SEED={seed}: {error}") from error
                lived.append((seed, unruly.peer, host.session))
        trader.close()
        sent = recorded(folder / "var" / "journal", still.engine)
        answered = Counter(order for numbers in sent.values() for order in _answers(numbers))
        for seed, peer, session in lived:
            try:
                check(peer, session, sent, answered)
            except AssertionError as error:
                raise AssertionError(f"KK99_SEED={seed}: {error}") from error
        check(trader.peer, still.session("BROKER2"), sent, answered)
        assert still.logged.of("fault ended a session") == []
    with StillGateway(settings, folder / "var") as again:
        assert again.gateway.storage.recovered.messages > len(lived)


@pytest.fixture
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = attrs.evolve(chunks._LIMITS, messages=SMALL_CHUNK)
    monkeypatch.setattr(chunks, "_LIMITS", limits)


@pytest.mark.usefixtures("_small_chunks")
def test_a_few_random_peers(tmp_path: Path) -> None:
    """What the others are, in a number that a sanitized build has the time for."""
    play(tmp_path, range(FIRST_SEED, FIRST_SEED + min(FEW, PEERS)))


@pytest.mark.slow
@pytest.mark.usefixtures("_small_chunks")
def test_random_peers(tmp_path: Path) -> None:
    """Whatever a counterparty does, the journal gives it everything, in order, once.

    Orders are answered once, nobody else is harmed, and the journal replays byte for byte.
    """
    play(tmp_path, range(FIRST_SEED + FEW, FIRST_SEED + PEERS))
