"""Where one segment ends and the next begins: full, too small for a unit, or another day."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from support.live_gateway import small_settings
from support.live_peer import order
from support.still_gateway import StillGateway, StillPeer

from kk99fix.config.calendar import trading_day
from kk99fix.gateway import assembly, server
from kk99fix.gateway.clock import VenueClock
from kk99fix.gateway.counts import Snapshots
from kk99fix.gateway.metrics import GatewayCollector
from kk99fix.gateway.timers import catch_up_day
from kk99fix.journal.reader import JournalReader, read_records
from kk99fix.journal.record import Kind
from kk99fix.journal.segment import Segment, list_segments
from kk99fix.venue.inputs import DayRollInput

MIB = 1 << 20
DAY_NS = 86_400 * 1_000_000_000


@pytest.fixture
def still(tmp_path: Path) -> Iterator[StillGateway]:
    """A gateway with segments of 1 MiB."""
    with StillGateway(small_settings(tmp_path), tmp_path / "var") as still:
        yield still


def segments_of(folder: Path) -> list[Segment]:
    """The segments of a gateway's journal, all of it valid."""
    segments = list_segments(folder / "var/journal")
    JournalReader(segments).recover()
    return segments


def rest(still: StillGateway, peer: StillPeer, count: int) -> None:
    """Enter so many orders that rest."""
    for _ in range(count // 50):
        fields = (order(f"o{peer.next_out + n}", price="180.00") for n in range(50))
        peer.sock.sendall(b"".join(peer.frame("D", each) for each in fields))
        still.run_pass()
        peer.received()


def days(segments: list[Segment]) -> list[int]:
    """The trading day of each segment."""
    return [segment.header.identity.trading_day for segment in segments]


def test_a_unit_larger_than_a_segment(still: StillGateway, tmp_path: Path) -> None:
    """The end of 8000 orders is one unit, and gets a segment of its own size with its own day."""
    peer = still.connect("BROKER1")
    rest(still, peer, 8000)
    before = len(list_segments(tmp_path / "var/journal"))
    still.gateway.sequencer.apply(DayRollInput("20991231"))
    still.gateway.sequencer.commit()
    still.gateway.sequencer.settle()

    own, *_ = large = segments_of(tmp_path)[before:]
    assert any(segment.header.segment_bytes > MIB for segment in large), large
    assert set(days(large)) == {20991231}
    first = next(read_records([*large], own.header.first_lsn)).record.header
    assert (first.kind, first.lsn) == (Kind.DAY_ROLL, own.header.first_lsn)
    server.stop(still.gateway)
    still.gateway = assembly.start(
        small_settings(tmp_path / "again"), tmp_path / "var", still.logged.log
    )
    assert still.gateway.storage.venue.engine.trading_day == 20991231
    assert still.gateway.storage.venue.engine.statistics().live_orders == 0


def test_a_day_that_begins_behind_an_empty_segment(still: StillGateway, tmp_path: Path) -> None:
    """A segment without a record stays empty, and the day begins in the next."""
    sequencer, writer = still.gateway.sequencer, still.gateway.storage.writer
    sequencer.commit()
    sequencer.settle()
    writer.roll(0, first_lsn=still.engine.next_lsn)
    sequencer._point_pump()
    lsn = still.engine.next_lsn
    for day in ("20991230", "20991231"):
        sequencer.apply(DayRollInput(day))
        sequencer.commit()
    server.stop(still.gateway)

    segments = segments_of(tmp_path)
    today = days(segments)[0]
    assert days(segments) == [today, today, 20991230, 20991231]
    assert [s.header.first_lsn for s in segments[1:]] == [lsn, lsn, lsn + 1]
    still.gateway = assembly.start(
        small_settings(tmp_path / "again"), tmp_path / "var", still.logged.log
    )
    assert still.gateway.storage.venue.engine.trading_day == 20991231


def test_a_roll_with_nothing_prepared(still: StillGateway) -> None:
    """The segment is made on the spot, and counted, so that it can be seen."""
    writer = still.gateway.storage.writer
    before = writer.statistics().rolls_unprepared
    peer = still.connect("BROKER1")
    while writer.segment == 1:
        rest(still, peer, 200)
    families = GatewayCollector(Snapshots(still.gateway)).collect()
    seen = {family.name: family.samples[0].value for family in families if family.samples}

    assert seen["kk99_journal_rolls_unprepared"] == before + 1
    still.gateway.disk_space.look()
    while writer.segment == 2:
        rest(still, peer, 200)
    assert writer.statistics().rolls_unprepared == before + 1


def at(monkeypatch: pytest.MonkeyPatch, ago_ns: int) -> Callable[[], int]:
    """Let a gateway that is started now live so long ago."""
    real = time.time_ns

    def then() -> int:
        return real() - ago_ns

    monkeypatch.setattr(time, "time_ns", then)
    monkeypatch.setattr(assembly, "VenueClock", partial(VenueClock, utc_ns=then))
    return then


def test_a_start_days_later(tmp_path: Path) -> None:
    """Days that passed are one roll: old segments keep their day, the next has today's."""
    settings = small_settings(tmp_path)
    with pytest.MonkeyPatch.context() as patched:
        then = at(patched, 8 * DAY_NS)
        first = int(trading_day(settings.calendar.roll, then()))
        with StillGateway(settings, tmp_path / "var") as still:
            peer = still.connect("BROKER1")
            rest(still, peer, 50)
            catch_up_day(still.gateway.sequencer, settings.calendar, still.logged.log)
            assert still.engine.trading_day == first
            assert days(segments_of(tmp_path)) == [first]
    with StillGateway(settings, tmp_path / "var") as still:
        today = still.engine.trading_day
        assert len(still.logged.of("trading day begins")) == 1
        while still.engine.expire_pending:
            still.gateway.sequencer.venue.engine.expire_slice(100)
        assert still.engine.statistics().live_orders == 0
    segments = segments_of(tmp_path)

    assert first < today == int(trading_day(settings.calendar.roll, time.time_ns()))
    assert sorted(set(days(segments))) == [first, today]
    begin = days(segments).index(today)
    assert days(segments) == [first] * begin + [today] * (len(segments) - begin)
    lsn = segments[begin].header.first_lsn
    record = next(read_records(segments, lsn)).record
    assert (record.header.kind, bytes(record.payload)) == (Kind.DAY_ROLL, b"%d" % today)
