"""The counts of one moment, taken once a second on the live loop's thread.

Hot code never touches prometheus-client: it counts in plain integers, and everybody else looks at
the newest `Snapshot`.
"""

from typing import Final

import trio
from attrs import frozen

from kk99fix.gateway.child_reports import KeeperStatistics, ProjectorStatistics
from kk99fix.gateway.children import ChildStatistics
from kk99fix.gateway.feeder import FeedStatistics
from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.reloader import ReloadStatistics
from kk99fix.gateway.tls_statistics import TlsStatistics, tls_statistics
from kk99fix.journal.writer import WriterStatistics
from kk99fix.matcher.pump import Durability, PumpStatistics
from kk99fix.matcher.values import Statistics

SNAPSHOT_EVERY_S: Final = 1.0


@frozen
class Snapshot:
    """The counts of one moment."""

    core: Statistics
    pump: PumpStatistics
    journal: WriterStatistics
    durability: Durability
    next_lsn: int
    frames: dict[str, int]
    sessions_up: int
    queued_bytes: int
    disconnects: dict[str, int]
    logons_pending: int
    logons_refused: dict[str, int]
    passwords_waiting: int
    credentials_held: dict[str, int]
    unknown_trades: int
    feeds: FeedStatistics
    clock_error_ns: int
    clock_alarm: bool
    storage_low: bool
    storage_free_bytes: int
    children: dict[str, ChildStatistics]
    keeper: KeeperStatistics
    projector: ProjectorStatistics
    #: None: the files are not followed.
    reloads: ReloadStatistics | None
    tls: TlsStatistics


class Snapshots:
    """Takes snapshots on the live loop's thread and keeps the newest."""

    def __init__(self, gateway: Gateway) -> None:
        """Take the parts that count, and a first snapshot."""
        self._gateway = gateway
        self.newest = self._take()

    async def run(self) -> None:
        """Take one a second, for ever."""
        while True:
            await trio.sleep(SNAPSHOT_EVERY_S)
            self.newest = self._take()

    def _take(self) -> Snapshot:
        gateway = self._gateway
        venue = gateway.sequencer.venue
        return Snapshot(
            core=venue.engine.statistics(),
            pump=gateway.sequencer.pump.statistics(),
            journal=gateway.storage.writer.statistics(),
            durability=gateway.sequencer.pump.durability(),
            next_lsn=venue.engine.next_lsn,
            frames=dict(gateway.sequencer.frames),
            sessions_up=len(venue.live_sessions),
            queued_bytes=gateway.connections.queued_bytes,
            disconnects=dict(gateway.connections.ended),
            logons_pending=gateway.acceptor.pending,
            logons_refused=dict(gateway.acceptor.refusals.counts),
            passwords_waiting=gateway.acceptor.passwords_waiting,
            credentials_held=venue.credentials.held(gateway.sequencer.pump.now_ns()),
            unknown_trades=gateway.unknown_trades.count,
            feeds=gateway.feeder.statistics(),
            clock_error_ns=gateway.clock.error_ns,
            clock_alarm=gateway.clock.alarm,
            storage_low=venue.storage_low,
            storage_free_bytes=gateway.disk_space.free_bytes,
            children=gateway.children.statistics(),
            keeper=gateway.child_reports.keeper,
            projector=gateway.child_reports.projector,
            reloads=None if gateway.reloader is None else gateway.reloader.statistics(),
            tls=tls_statistics(gateway.tls, gateway.connections.encrypted),
        )
