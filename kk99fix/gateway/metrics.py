"""Every metric of the product: the newest counts as series, by their names.

The collector runs on the exporter's own thread (`exporter`) and looks at nothing but the newest
snapshot (`counts`).
"""

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from kk99fix.fix import tables
from kk99fix.gateway.child_reports import KeeperStatistics
from kk99fix.gateway.children import ChildStatistics
from kk99fix.gateway.counts import Snapshot, Snapshots
from kk99fix.gateway.feeder import FeedStatistics
from kk99fix.gateway.reloader import ReloadStatistics
from kk99fix.gateway.tls_statistics import TlsStatistics
from kk99fix.matcher.pump import Durability, PumpStatistics

NOT_FOLLOWED: Final = ReloadStatistics(0, 0, 0, 0)
_REASONS: Final = {code.number: name for name, code in tables.REJECT_CODES.items()}
#: The histogram's bounds, which are bounds of the pump's buckets too: 1 microsecond to 1 second.
LATENCY_BOUNDS_NS: Final = tuple(1 << i for i in range(10, 31))


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
