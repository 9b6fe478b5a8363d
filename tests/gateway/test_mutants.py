"""Mutated messages on live sessions, over real sockets.

`KK99_MUTANTS=2000000` sends more of them than the 200,000 of CI, `KK99_SEED=7` other ones.
"""

import os
from collections import Counter, defaultdict
from pathlib import Path

import attrs
import pytest
import trio
from support.abuse import Abuser, Calm
from support.answers import Step, fault_of, msg_type, units_of
from support.config_folder import REPOSITORY, ConfigFolder
from support.fix_client import content
from support.journal_files import read_all
from support.live_gateway import SMALL, Live, live_gateway
from support.snapshots import without_snapshots
from support.still_gateway import StillGateway

from kk99fix.config.load import Settings
from kk99fix.fix import masking
from kk99fix.fix.framing import Frame, Framer
from kk99fix.journal.record import Kind, Record
from kk99fix.venue.inputs import FrameInput, Input
from kk99fix.venue.outcome import Outcome

SEED = int(os.environ.get("KK99_SEED", "20261125"))
MUTANTS = int(os.environ.get("KK99_MUTANTS", "200000"))
#: How many the sanitized build gets.
FEW = 3000
ABUSERS = ("ABUSER1", "ABUSER2", "ABUSER3", "ABUSER4", "ABUSER5", "DROPCOPY1")
#: Generous: everything, the abusers and the checks included, shares one thread.
LONGEST_S = 3.0
ROOM = {
    "orders = 50_000": "orders = 400_000",
    "duplicate_window = 50_000": "duplicate_window = 600_000",
    "segment_bytes = 1_048_576": "segment_bytes = 67_108_864",
}


def settings_with_abusers(folder: Path) -> Settings:
    """The shipped files, room for many orders, and a session file for each abuser."""
    files = ConfigFolder(folder)
    for old, new in (*SMALL.items(), *ROOM.items()):
        files.replace("config/venue.toml", old, new)
    shipped = (REPOSITORY / "sessions" / "BROKER1.toml").read_text()
    for comp_id in ABUSERS[:-1]:
        own = shipped.replace("BROKER1", comp_id).replace("B1-", f"{comp_id}-")
        files.write(f"sessions/{comp_id}.toml", own)
    return files.load()


class Watch:
    """Notes what every frame that the gate did not take does to the numbers of its session."""

    def __init__(self, live: Live) -> None:
        """Stand between the sequencer and the venue."""
        venue = self._venue = live.gateway.storage.venue
        self._apply = venue.apply
        self.steps: dict[int, Step] = {}
        venue.apply = self.apply  # type: ignore[method-assign]

    def apply(self, item: Input, now_ns: int) -> Outcome:
        """Apply an input as the venue does."""
        if not isinstance(item, FrameInput):
            return self._apply(item, now_ns)
        engine, sessions = self._venue.engine, self._venue._sessions
        lsn, before = engine.next_lsn, engine.session(item.session).next_in
        state = sessions[item.session].state
        outcome = self._apply(item, now_ns)
        after = sessions[item.session].state if item.session in sessions else None
        next_in = engine.session(item.session).next_in
        self.steps[lsn] = Step(state, before, next_in, after)
        return outcome


@attrs.frozen
class Abused:
    """What came of it."""

    abusers: list[Abuser]
    steps: dict[int, Step]
    records: list[Record]


async def abuse(folder: Path, count: int) -> Abused:
    """Send so many mutants while somebody else trades; then fetch a session's day once more."""
    settings = settings_with_abusers(folder)
    async with live_gateway(settings, folder / "var") as live:
        watch = Watch(live)
        abusers = [Abuser(live, comp_id, SEED) for comp_id in ABUSERS]
        async with await live.logged_on("BROKER2") as peer, trio.open_nursery() as nursery:
            calm = Calm(peer)
            nursery.start_soon(calm.run)
            async with trio.open_nursery() as all_abusers:
                for abuser in abusers:
                    all_abusers.start_soon(abuser.run, -(-count // len(abusers)))
            nursery.cancel_scope.cancel()
        epoch = await abusers[0].fetch_everything()
        assert calm.rounds > 10
        assert calm.longest_s < LONGEST_S
        for event in ("fault ended a session", "fault ended a logon"):
            assert live.logged.of(event) == []
        records = read_all(folder / "var" / "journal")
    _check_resent(abusers[0], epoch, records)
    with StillGateway(settings, without_snapshots(folder / "var")) as again:
        assert again.gateway.storage.recovered.messages >= len(records) / 2
    return Abused(abusers, watch.steps, records)


def _check_resent(abuser: Abuser, epoch: int, records: list[Record]) -> None:
    """What came again is what had been sent, every number of it."""
    sent = {
        record.header.msg_seq_num: record.payload
        for record in records
        if (record.header.session, record.header.epoch) == (abuser.session, epoch)
        and record.header.kind is Kind.MESSAGE
    }
    wanted = {n: content(frame) for n, frame in sent.items() if msg_type(frame) not in "0123A5"}
    got = {n: content(f) for n, f in abuser.again.items() if msg_type(f) not in "34"}
    assert got == {number: wanted[number] for number in wanted if number <= max(abuser.again)}


def check_answers(abused: Abused) -> Counter[str]:
    """Each frame has the answers of its kind; return how many there were of each kind."""
    sessions = {abuser.session for abuser in abused.abusers}
    faults, kinds = [], Counter[str]()
    for unit in units_of(abused.records):
        if unit.record.header.session in sessions:
            kinds[unit.kind] += 1
            fault = fault_of(unit, abused.steps.get(unit.record.header.lsn))
            if fault is not None:
                faults.append(fault)
    assert faults == [], f"KK99_SEED={SEED}: {len(faults)}, the first: {faults[:5]}"
    return kinds


def check_frames(abused: Abused) -> None:
    """What the gateway took are the frames that a framer finds, in order; nothing of the rest."""
    taken: dict[int, list[list[bytes]]] = defaultdict(list)
    for record in abused.records:
        if record.header.kind is Kind.LOGON:
            taken[record.header.session].append([])
        elif record.header.kind is Kind.FRAME:
            taken[record.header.session][-1].append(record.payload)
    for abuser in abused.abusers:
        for connection, frames in zip(abuser.connections, taken[abuser.session], strict=True):
            handled = _frames(bytes(connection.sent[: connection.handled]))
            sent = _frames(bytes(connection.sent))
            assert frames == sent[: len(frames)]
            assert len(frames) >= len(handled)


def _frames(data: bytes) -> list[bytes]:
    """The frames behind the Logon(A), their secrets masked."""
    framer = Framer()
    framer.feed(data)
    frames = []
    while (event := framer.next_event()) is not None:
        if isinstance(event, Frame):
            frames.append(masking.mask(event.raw))
    return frames[1:]


def check_wire(abused: Abused) -> None:
    """What arrived under a number is what the journal has under it."""
    for abuser in abused.abusers:
        recorded = {
            (record.header.epoch, record.header.msg_seq_num): record.payload
            for record in abused.records
            if record.header.session == abuser.session and record.header.kind is Kind.MESSAGE
        }
        for key, frame in abuser.received.items():
            assert recorded.get(key, frame) == frame
        assert len(abuser.received) > abuser.count / 10


async def play(folder: Path, count: int) -> None:
    """Abuse a gateway, and hold everything against the rules."""
    abused = await abuse(folder, count)
    kinds = check_answers(abused)
    check_frames(abused)
    check_wire(abused)
    assert sum(kinds.values()) > count / 2
    assert {*"0123456789ADFGHjB", "AF"} - set(kinds) <= set("67")


async def test_a_few_mutants(tmp_path: Path) -> None:
    """What the others are, in a number that a sanitized build has the time for."""
    await play(tmp_path, FEW)


@pytest.mark.slow
async def test_mutants(tmp_path: Path) -> None:
    """No mutant crashes anything, hurts another session, or gets another answer than its own.

    No number of ours is lost, and the journal replays byte for byte.
    """
    await play(tmp_path, MUTANTS)
