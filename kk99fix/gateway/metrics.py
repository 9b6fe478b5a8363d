"""Every metric of the product, and the port on which Prometheus reads them.

Hot code never touches prometheus-client: it counts in plain integers, and once a second the live
loop's thread takes a `Snapshot`.  The collector, on the exporter's own thread, turns the newest
snapshot into series and looks at nothing else.
"""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import trio
from attrs import frozen
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from kk99fix.fix import tables
from kk99fix.gateway.child_reports import KeeperStatistics, ProjectorStatistics
from kk99fix.gateway.children import ChildStatistics
from kk99fix.gateway.feeder import FeedStatistics
from kk99fix.gateway.listening import ListenError
from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.reloader import ReloadStatistics
from kk99fix.gateway.tls_statistics import TlsStatistics, tls_statistics
from kk99fix.journal.writer import WriterStatistics
from kk99fix.matcher.pump import Durability, PumpStatistics
from kk99fix.matcher.values import Statistics

NOT_FOLLOWED: Final = ReloadStatistics(0, 0, 0, 0)
SNAPSHOT_EVERY_S: Final = 1.0
#: A scraper that says nothing for so long is given up.
SCRAPE_TIMEOUT_S: Final = 10
#: How often the exporter looks whether it is to stop.
STOP_LOOK_S: Final = 0.05
_REASONS: Final = {code.number: name for name, code in tables.REJECT_CODES.items()}
#: The histogram's bounds, which are bounds of the pump's buckets too: 1 microsecond to 1 second.
LATENCY_BOUNDS_NS: Final = tuple(1 << i for i in range(10, 31))


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


class GatewayCollector(Collector):
    """The newest snapshot as Prometheus series."""

    def __init__(self, snapshots: Snapshots) -> None:
        """Take where the snapshots are kept."""
        self._snapshots = snapshots

    def collect(self) -> Iterable[Metric]:
        """Return all series."""
        newest = self._snapshots.newest
        yield from _core_metrics(newest)
        yield from _io_metrics(newest)
        yield from _tls_metrics(newest.tls)
        yield from _durability_metrics(newest.durability)
        yield from _feed_metrics(newest.feeds)
        yield from _child_metrics(newest.children)
        yield from _keeper_metrics(newest.keeper)
        yield GaugeMetricFamily(
            "kk99_projected_lsn", "Last record in the tables", newest.projector.lsn
        )
        yield latency_histogram(newest.pump)


def _labelled(
    name: str, text: str, label: str, counts: Iterable[tuple[str, float]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in counts:
        family.add_metric([value], count)
    return family


def _core_metrics(newest: Snapshot) -> Iterator[Metric]:
    core = newest.core
    yield _labelled(
        "kk99_messages_in",
        "Messages applied, by MsgType(35)",
        "type",
        (core.messages_in | newest.frames).items(),
    )
    yield _labelled(
        "kk99_messages_out", "Messages made, by MsgType(35)", "type", core.messages_out.items()
    )
    yield CounterMetricFamily("kk99_orders", "Orders accepted", core.orders_accepted)
    yield CounterMetricFamily("kk99_trades", "Trades between two orders", core.trades)
    yield _labelled(
        "kk99_rejects",
        "Refusals and cancels that the venue caused, by code",
        "code",
        ((_REASONS.get(number, str(number)), n) for number, n in core.refusals.items()),
    )
    yield CounterMetricFamily("kk99_fast_path_frames", "Frames of the plain case", core.gate_frames)
    yield CounterMetricFamily(
        "kk99_escalated_frames", "Frames handled by the session layer", core.escalated_frames
    )
    yield GaugeMetricFamily("kk99_orders_live", "Orders that are open", core.live_orders)
    yield GaugeMetricFamily("kk99_orders_capacity", "Order slots", core.orders_capacity)
    yield GaugeMetricFamily("kk99_levels_live", "Price levels with orders", core.live_levels)


def _io_metrics(newest: Snapshot) -> Iterator[Metric]:
    pump, journal = newest.pump, newest.journal
    yield GaugeMetricFamily("kk99_sessions_up", "Sessions with a connection", newest.sessions_up)
    yield GaugeMetricFamily(
        "kk99_logons_pending", "Connections that have not logged on yet", newest.logons_pending
    )
    yield _labelled(
        "kk99_disconnects", "Ends of sessions, by cause", "cause", newest.disconnects.items()
    )
    yield _labelled(
        "kk99_logons_refused", "Logons refused, by cause", "cause", newest.logons_refused.items()
    )
    yield GaugeMetricFamily(
        "kk99_passwords_waiting", "Passwords that wait to be verified", newest.passwords_waiting
    )
    held = GaugeMetricFamily(
        "kk99_credentials_held",
        "Credentials that may not be tried now, by standing",
        labels=["standing"],
    )
    for standing, count in newest.credentials_held.items():
        held.add_metric([standing], count)
    yield held
    yield CounterMetricFamily(
        "kk99_unknown_trades", "Trades that a counterparty does not know", newest.unknown_trades
    )
    yield CounterMetricFamily("kk99_bytes_in", "Bytes read from sessions", pump.bytes_in)
    yield CounterMetricFamily("kk99_bytes_out", "Bytes sent to sessions", pump.bytes_out)
    yield CounterMetricFamily("kk99_garbled", "Garbled stretches dropped", pump.garbled)
    yield GaugeMetricFamily("kk99_queue_bytes", "Bytes that wait to be sent", newest.queued_bytes)
    yield GaugeMetricFamily(
        "kk99_queue_bytes_max", "Longest queue to one session so far", pump.queued_bytes_max
    )
    yield CounterMetricFamily("kk99_journal_bytes", "Bytes written", pump.journal_bytes)
    yield CounterMetricFamily("kk99_journal_writes", "Writes of batches", pump.journal_writes)
    yield GaugeMetricFamily("kk99_journal_lsn", "Last record number", newest.next_lsn - 1)
    yield GaugeMetricFamily("kk99_journal_segment", "Current segment", journal.segment)
    yield GaugeMetricFamily(
        "kk99_journal_segments_prepared", "Zero-filled segments that stand ready", journal.prepared
    )
    yield CounterMetricFamily(
        "kk99_journal_rolls_unprepared",
        "Segments that had to be made while trading",
        journal.rolls_unprepared,
    )
    reloads = newest.reloads or NOT_FOLLOWED
    yield CounterMetricFamily(
        "kk99_reloads", "Looks at the files that changed something", reloads.reloads
    )
    yield GaugeMetricFamily("kk99_files_refused", "Files that are refused now", reloads.refused)
    yield GaugeMetricFamily(
        "kk99_files_need_restart", "Files that differ and need a restart", reloads.restart
    )
    yield GaugeMetricFamily(
        "kk99_configuration_timestamp_seconds",
        "When the configuration of now began to apply",
        reloads.changed_ns / 1e9,
    )
    yield GaugeMetricFamily(
        "kk99_storage_low", "1 while new orders are refused for lack of room", newest.storage_low
    )
    yield GaugeMetricFamily(
        "kk99_storage_free_bytes", "Room on the journal's disk", newest.storage_free_bytes
    )
    yield GaugeMetricFamily(
        "kk99_clock_error_seconds", "UTC minus venue time", newest.clock_error_ns / 1e9
    )
    yield GaugeMetricFamily(
        "kk99_clock_alarm", "1 while UTC is too far away to be followed", newest.clock_alarm
    )


def _tls_metrics(tls: TlsStatistics) -> Iterator[Metric]:
    """What passes the TLS listener; all 0 without one."""
    yield GaugeMetricFamily("kk99_tls_sessions", "Sessions over TLS", tls.sessions)
    yield GaugeMetricFamily(
        "kk99_tls_handshakes_waiting", "Handshakes being computed, or waiting for it", tls.waiting
    )
    yield _labelled(
        "kk99_tls_handshakes", "Handshakes done, by version", "version", tls.handshakes.items()
    )
    yield _labelled(
        "kk99_tls_failures", "Handshakes failed, by cause", "cause", tls.failures.items()
    )
    yield _labelled(
        "kk99_tls_reloads", "Reads of the TLS files, by outcome", "outcome", tls.reloads.items()
    )
    yield GaugeMetricFamily(
        "kk99_tls_certificate_expiry_timestamp_seconds",
        "When our certificate expires, UTC",
        tls.certificate_expiry_s,
    )


def _durability_metrics(durability: Durability) -> Iterator[Metric]:
    """How far the disk is; all 0 at level process."""
    yield GaugeMetricFamily(
        "kk99_durable_lsn", "Last record known to be on the disk", durability.durable_lsn
    )
    yield GaugeMetricFamily(
        "kk99_journal_waiting_bytes",
        "Bytes recorded and not known to be on the disk",
        durability.waiting_bytes,
    )
    yield CounterMetricFamily("kk99_journal_groups", "Groups on the disk", durability.groups)
    yield CounterMetricFamily("kk99_journal_group_bytes", "Bytes of these", durability.group_bytes)
    yield GaugeMetricFamily(
        "kk99_journal_group_bytes_max", "The largest so far", durability.group_bytes_max
    )
    yield GaugeMetricFamily(
        "kk99_sync_seconds_max", "The slowest sync so far", durability.sync_max_ns / 1e9
    )
    buckets: list[tuple[str, float]] = []
    within = 0
    for bound_ns, count in durability.sync_times[:-1]:
        within += count
        buckets.append((str(bound_ns / 1e9), within))
    buckets.append(("+Inf", durability.groups))
    family = HistogramMetricFamily(
        "kk99_sync_seconds", "A group's write and sync, until it is on the disk"
    )
    family.add_metric([], buckets, durability.sync_sum_ns / 1e9)
    yield family


def _feed_metrics(feeds: FeedStatistics) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "kk99_sessions_fed", "Sessions being fed from the journal", feeds.sessions
    )
    yield GaugeMetricFamily(
        "kk99_feed_backlog", "Messages that are left to be fed from the journal", feeds.backlog
    )
    yield CounterMetricFamily("kk99_resent_messages", "Messages sent again", feeds.resent_messages)
    yield CounterMetricFamily("kk99_resent_bytes", "Bytes sent again", feeds.resent_bytes)
    yield CounterMetricFamily("kk99_resend_ranges", "Ranges asked for", feeds.ranges_asked)
    yield CounterMetricFamily(
        "kk99_resend_ranges_merged",
        "Ranges that became one with what was left to be sent",
        feeds.ranges_merged,
    )
    yield CounterMetricFamily(
        "kk99_resend_quota_waits", "Times that a resend waited for its quota", feeds.quota_waits
    )


def _child_metrics(children: dict[str, ChildStatistics]) -> Iterator[Metric]:
    up = GaugeMetricFamily("kk99_child_up", "Whether a child process runs", labels=["child"])
    for name, child in children.items():
        up.add_metric([name], child.up)
    yield up
    yield _labelled(
        "kk99_child_restarts",
        "Starts of a child after its first",
        "child",
        ((name, child.restarts) for name, child in children.items()),
    )
    yield _labelled(
        "kk99_child_garbage",
        "Lines of a child that were no event",
        "child",
        ((name, child.garbage) for name, child in children.items()),
    )


def _keeper_metrics(keeper: KeeperStatistics) -> Iterator[Metric]:
    for name, text, value in (
        ("kk99_sealed_segment", "Last segment with a seal", keeper.sealed_segment),
        ("kk99_verified_lsn", "Replayed and found equal up to here", keeper.verified_lsn),
        ("kk99_keeper_lag_segments", "Complete segments without a seal", keeper.lag_segments),
        ("kk99_keeper_lag_bytes", "Bytes of these", keeper.lag_bytes),
        ("kk99_snapshot_lsn", "Last record in the newest snapshot", keeper.snapshot_lsn),
        (
            "kk99_snapshot_timestamp_seconds",
            "When the newest snapshot was saved, UTC",
            keeper.snapshot_time_ns / 1e9,
        ),
    ):
        yield GaugeMetricFamily(name, text, value)
    for name, text, count in (
        (
            "kk99_determinism_mismatches",
            "Outputs that a replay gave differently",
            keeper.mismatches,
        ),
        ("kk99_journal_damages", "Complete segments found damaged", keeper.damages),
        ("kk99_segments_compressed", "Segments compressed", keeper.compressed),
        ("kk99_segments_removed", "Segments removed", keeper.removed),
    ):
        yield CounterMetricFamily(name, text, count)


def latency_histogram(pump: PumpStatistics) -> HistogramMetricFamily:
    """Time from socket read to bytes handed to the socket, of messages on the fast path."""
    buckets: list[tuple[str, float]] = []
    for bound_ns in LATENCY_BOUNDS_NS:
        within = sum(count for upper_ns, count in pump.latency if upper_ns <= bound_ns)
        buckets.append((str(bound_ns / 1e9), within))
    total = sum(count for _, count in pump.latency)
    buckets.append(("+Inf", total))
    family = HistogramMetricFamily(
        "kk99_latency_seconds", "Socket read to bytes handed to the socket"
    )
    family.add_metric([], buckets, pump.latency_sum_ns / 1e9)
    return family


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each scrape, so that a slow scraper holds up nobody."""

    daemon_threads = True


class _ServerOverIpv6(_Server):
    address_family = socket.AF_INET6


class _QuietHandler(WSGIRequestHandler):
    """Logs no scrapes."""

    timeout = SCRAPE_TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as inherited
        """Say nothing."""


@contextmanager
def exporting(snapshots: Snapshots, host: str, port: int) -> Iterator[None]:
    """Serve the metrics on their own port while the block runs; `ListenError`."""
    registry = CollectorRegistry()
    registry.register(GatewayCollector(snapshots))
    server_class = _ServerOverIpv6 if ":" in host else _Server
    try:
        server = make_server(host, port, make_wsgi_app(registry), server_class, _QuietHandler)
    except OSError as error:
        names = "--metrics-port", "metrics_host in venue.toml"
        raise ListenError("metrics", host, port, *names, error) from error
    thread = Thread(target=server.serve_forever, args=(STOP_LOOK_S,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
