"""Compliance desks that are late, slow, absent, or whose scope changes; and copies gone wrong."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support.drop_copy_day import body_of, held_bytes, number_of, trade
from support.live_gateway import Live, live_gateway, small_settings
from support.live_peer import order
from support.still_gateway import StillGateway, StillPeer

from kk99fix.config.resolve import resolve
from kk99fix.gateway import chunks
from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.messages import Place, SentMessages
from kk99fix.journal.record import DropCopy, Kind, Record, pack_record, seal, unpack_record
from kk99fix.journal.scan import offsets
from kk99fix.journal.segment import PAGE_BYTES, map_records, read_segment, segment_name
from kk99fix.venue.inputs import ConfigInput


@pytest.fixture
def still(tmp_path: Path) -> Iterator[StillGateway]:
    """A gateway that does what it is told."""
    with StillGateway(small_settings(tmp_path), tmp_path / "var") as still:
        yield still


def late_desk(still: StillGateway) -> StillPeer:
    """The desk logs on and asks for everything."""
    desk = still.connect("DROPCOPY1")
    desk.received()
    desk.send("2", [(7, 1), (16, 0)])
    still.run_pass()
    return desk


def configure(still: StillGateway, change: Callable[[dict[str, Any]], None]) -> None:
    """Take over the files' configuration with a change."""
    resolved = resolve(still.gateway.settings)
    change(resolved)
    content = still.gateway.storage.venue.registry.plan(resolved)
    still.gateway.sequencer.apply(ConfigInput(content))
    still.gateway.sequencer.commit()


def scope(still: StillGateway, *accounts: str) -> None:
    """Let the desk follow these accounts alone."""

    def change(resolved: dict[str, Any]) -> None:
        resolved["sessions"]["DROPCOPY1"]["drop_copy"] = {"firms": [], "accounts": [*accounts]}

    configure(still, change)


# ---------------------------------------------------------------- late, absent, slow


def test_a_late_desk_gets_everything(still: StillGateway) -> None:
    """All copies of the day come after a logon late in it, in order, as their sources are."""
    bodies = trade(still, still.connect("BROKER1"), 500)
    desk = late_desk(still)
    still.feed()
    frames = desk.received()

    assert [number_of(frame) for frame in frames] == list(range(1, 1002))
    assert [body_of(frame) for frame in frames[:-1]] == bodies
    assert all(b"\x0143=Y\x01115=BROKER1\x01" in frame for frame in frames[:-1])
    assert b"\x0135=4\x01" in frames[-1]


def test_a_resend_of_copies_may_begin_anywhere(still: StillGateway) -> None:
    """A range that begins between a source and its copies finds the source behind it."""
    bodies = trade(still, still.connect("BROKER1"), 40)
    desk = still.connect("DROPCOPY1")
    desk.received()
    for number in (80, 41, 2, 1):
        desk.send("2", [(7, number), (16, number)])
        still.run_pass()
        still.feed()
        (frame,) = desk.received()
        assert (number_of(frame), body_of(frame)) == (number, bodies[number - 1])


def test_a_chunk_that_ends_behind_a_source_remembers_it(
    still: StillGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next chunk begins at the copy and searches the segment for no source."""
    searched: list[int] = []
    find = SentMessages.source

    def source(sent: SentMessages, place: Place, lsn: int) -> int:
        searched.append(lsn)
        return find(sent, place, lsn)

    monkeypatch.setattr(SentMessages, "source", source)
    monkeypatch.setattr(chunks, "_LIMITS", attrs.evolve(chunks._LIMITS, records=1))
    bodies = trade(still, still.connect("BROKER1"), 20)
    desk = late_desk(still)
    still.feed()

    assert [body_of(frame) for frame in desk.received()[:-1]] == bodies
    assert len(searched) <= 1  # where the resend itself began


@pytest.mark.slow  # and its memory is nothing to go by under ASan
def test_an_absent_desk_costs_its_records_alone(tmp_path: Path) -> None:
    """No ring, no feed and no memory follow it: a small record for each report is all."""
    few = {
        "orders = 1_000_000": "orders = 5_000",
        "duplicate_window = 4_000_000": "duplicate_window = 5_000",
    }
    with StillGateway(small_settings(tmp_path, few), tmp_path / "var") as still:
        peer = still.connect("BROKER1")
        trade(still, peer, 12_000)
        before, lsn = held_bytes()["RssAnon"], still.engine.next_lsn
        for _ in range(10):
            assert len(trade(still, peer, 2000)) == 4000
        grown = held_bytes()["RssAnon"] - before

        assert still.engine.statistics().rings_in_use == 1
        assert len(still.gateway.feeder) == 0
        assert still.gateway.connections.queued_bytes == 0
        assert still.engine.next_lsn - lsn == 20_000 * 5
        assert grown < 1 << 20
        copies = [r for r in records_of(still, 1) if r.header.kind is Kind.DROP_COPY]
        assert {record.header.length for record in copies} == {80}


def test_a_desk_slower_than_the_flow_falls_behind_and_catches_up(still: StillGateway) -> None:
    """It is fed from the journal until it follows again; the broker notices nothing."""
    peer, desk = still.connect("BROKER1"), still.connect("DROPCOPY1")
    desk.received()
    desk.reads = False
    bodies: list[bytes] = []
    frames: list[bytes] = []
    fell_behind = 0
    for n in range(60):
        reports = trade(still, peer, 100)
        assert len(reports) == 200
        bodies += reports
        desk.reads = n % 20 == 19
        frames += desk.received()
        fell_behind += still.engine.cursor(desk.session) != 0
        still.step()
    desk.reads = True
    for _ in range(1000):
        still.run_pass()
        still.step()
        frames += desk.received()
    trade(still, peer, 1)
    still.run_pass()
    live = desk.received()

    assert 0 < fell_behind < 60
    assert [number_of(frame) for frame in frames] == list(range(2, 12_002))
    assert [body_of(frame) for frame in frames] == bodies
    assert still.engine.cursor(desk.session) == 0
    assert [b"\x0143=Y" in frame for frame in live] == [False, False]


# ---------------------------------------------------------------- entitlement per event


def test_a_scope_that_changes_in_the_middle_of_the_day(still: StillGateway) -> None:
    """Each report follows the scope of its moment; what was recorded can be sent again."""
    one, two = still.connect("BROKER1"), still.connect("BROKER2")
    one.send("D", order("rests", qty=200, price="185.00"))
    still.run_pass()
    scope(still, "B2-HOUSE")
    one.send("D", order("unseen", price="150.00"))
    two.send("D", order("seen", "2", qty=150, price="185.00"))
    still.run_pass()
    scope(still, "B1-HOUSE")
    two.send("D", order("not mine", "2", qty=50, price="185.00"))
    still.run_pass()
    desk = late_desk(still)
    still.feed()
    copies = [(m[115], m[11], m[150]) for m in desk.messages() if m[35] == "8"]

    assert copies == [
        ("BROKER1", "rests", "0"),
        ("BROKER2", "seen", "0"),
        ("BROKER2", "seen", "F"),
        ("BROKER1", "rests", "F"),
    ]


def test_a_desk_with_an_empty_scope_keeps_what_it_had(still: StillGateway) -> None:
    """Out of every scope it gets nothing new, live or late, and everything old once more."""
    peer, desk = still.connect("BROKER1"), still.connect("DROPCOPY1")
    bodies = trade(still, peer, 10)
    assert len(desk.received()) == 1 + 20
    scope(still)
    trade(still, peer, 10)
    assert desk.received() == []
    desk.send("2", [(7, 2), (16, 0)])
    still.run_pass()
    still.feed()

    assert [body_of(frame) for frame in desk.received()] == bodies


def test_copies_keep_the_dialect_they_were_recorded_in(still: StillGateway) -> None:
    """A desk whose dialect changed gets its old copies with the bytes that were recorded."""
    peer = still.connect("BROKER1")

    def both_own(resolved: dict[str, Any]) -> None:
        for name in ("BROKER1", "DROPCOPY1"):
            resolved["sessions"][name]["dialect"] = "kk99"

    configure(still, both_own)
    peer.send("D", order("far", price="1.00"))
    still.run_pass()
    configure(still, lambda _: None)
    desk = late_desk(still)
    still.feed()
    (refusal, _) = desk.messages()

    assert (refusal[39], refusal[43]) == ("8", "Y")
    assert 20001 in refusal


# ---------------------------------------------------------------- copies gone wrong


def segment_path(still: StillGateway) -> Path:
    """The file of the first segment."""
    return still.gateway.storage.writer.directory / segment_name(1)


def records_of(still: StillGateway, number: int) -> list[Record]:
    """The records of a segment."""
    path = still.gateway.storage.writer.directory / segment_name(number)
    records = map_records(read_segment(path))
    return [unpack_record(records, at) for at in offsets(records, 0, len(records))]


def offset_of(still: StillGateway, lsn: int) -> int:
    """Where a record of the first segment stands in its file."""
    records = map_records(read_segment(segment_path(still)))
    for at in offsets(records, 0, len(records)):
        if unpack_record(records, at).header.lsn == lsn:
            return PAGE_BYTES + at
    raise AssertionError(lsn)


def write_at(path: Path, offset: int, data: bytes) -> None:
    """Overwrite a part of a file."""
    descriptor = os.open(path, os.O_RDWR)
    os.pwrite(descriptor, data, offset)
    os.close(descriptor)


def second_copy(still: StillGateway) -> Record:
    """The record of the second drop copy of the day."""
    return [r for r in records_of(still, 1) if r.header.kind is Kind.DROP_COPY][1]


def damage_source(still: StillGateway) -> int:
    """Change a byte of the second copy's source; returns where its record stands."""
    lsn = DropCopy.unpack(second_copy(still).payload).source_lsn
    at = offset_of(still, lsn)
    write_at(segment_path(still), at + 100, b"\xff")
    return at


def change_checksum(still: StillGateway) -> int:
    """Let the second copy's record, well sealed, ask for other bytes; returns where it stands."""
    record = second_copy(still)
    header, copy = record.header, DropCopy.unpack(record.payload)
    changed = pack_record(
        header.kind,
        attrs.evolve(copy, crc32c=copy.crc32c ^ 1).pack(),
        lsn=header.lsn,
        time_ns=header.time_ns,
        msg_seq_num=header.msg_seq_num,
        session=header.session,
        epoch=header.epoch,
        ends_unit=header.ends_unit,
    )
    at = offset_of(still, header.lsn)
    seed = read_segment(segment_path(still)).header.crc_seed
    write_at(segment_path(still), at, seal(changed, seed))
    return at


@pytest.mark.parametrize(
    ("go_wrong", "says"),
    [
        (damage_source, "the source of a drop copy was changed after it was written"),
        (change_checksum, "the drop copy no longer renders as it was recorded"),
    ],
)
def test_what_cannot_be_sent_as_recorded_is_our_failure(
    still: StillGateway, go_wrong: Callable[[StillGateway], int], says: str
) -> None:
    """The error names file and offset, nothing of the copy is sent, and nothing after it."""
    trade(still, still.connect("BROKER1"), 10)
    at = go_wrong(still)
    desk = late_desk(still)
    with pytest.raises(JournalDamagedError, match=f"{segment_name(1)}, offset {at}: {says}"):
        still.feed()
    still.gateway.sequencer.commit()
    still.run_pass()

    assert [number_of(frame) for frame in desk.received()] == [1]


def flat(error: BaseException) -> list[BaseException]:
    """The exceptions of a group."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in flat(each)]
    return [error]


async def test_it_ends_the_process(tmp_path: Path) -> None:
    """The feeder fails, and with it the gateway: nobody is served from a bad journal."""
    with pytest.raises(BaseExceptionGroup) as failed:
        async with live_gateway(small_settings(tmp_path), tmp_path / "var") as live:
            await _ask_for_damage(live)

    assert JournalDamagedError in {type(error) for error in flat(failed.value)}


async def _ask_for_damage(live: Live) -> None:
    async with await live.logged_on("BROKER1") as peer:
        for n in range(3):
            await peer.send("D", order(f"x{n}", price="180.00"))
            await peer.receive("8")
        writer = live.gateway.storage.writer
        path = writer.directory / segment_name(1)
        write_at(path, path.read_bytes().index(b"\x0111=x1\x01", PAGE_BYTES) + 4, b"?")
        # The report holds the id too, behind the frame.
        data = path.read_bytes()
        write_at(path, data.index(b"\x0111=x1\x01", PAGE_BYTES) + 4, b"?")
        async with await live.logged_on("DROPCOPY1") as desk:
            await desk.send("2", [(7, 1), (16, 0)])
            await trio.sleep_forever()
