"""The start of a gateway: the venue as it was left, brought up to date, and all parts around it.

State directory, replay, RESTART, CONFIG, trading day, schedules; nobody is listened to yet, and no
task runs: that is `server`'s.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kk99fix.config.calendar import trading_day
from kk99fix.config.load import Settings
from kk99fix.config.resolve import resolve
from kk99fix.gateway.acceptor import Acceptor
from kk99fix.gateway.authentication import Authenticator, Clocks, Doors
from kk99fix.gateway.certificate_watch import CertificateWatch
from kk99fix.gateway.child_reports import KEEPER, PROJECTOR, ChildReports
from kk99fix.gateway.children import ChildCommand, Children
from kk99fix.gateway.chunks import Chunks
from kk99fix.gateway.clock import VenueClock
from kk99fix.gateway.connections import Connections
from kk99fix.gateway.current import Current
from kk99fix.gateway.disk_space import DiskSpace
from kk99fix.gateway.exposures import LIMIT_BELOW_EXPOSURE, below_exposure
from kk99fix.gateway.feeder import Feeder
from kk99fix.gateway.live import LiveLoop
from kk99fix.gateway.logs import Log
from kk99fix.gateway.operator import Operator
from kk99fix.gateway.operator_commands import add_commands
from kk99fix.gateway.operator_stop import StopRequests
from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.quota import Quota
from kk99fix.gateway.reloader import Folders, follow
from kk99fix.gateway.resend_log import ResendLog
from kk99fix.gateway.schedules import Schedules
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.gateway.timers import catch_up_day
from kk99fix.gateway.tls_listener import TlsListener
from kk99fix.gateway.unknown_trades import UnknownTrades
from kk99fix.gateway.unwritten import UnwrittenRecords
from kk99fix.journal.files import Files
from kk99fix.matcher.disk_calls import DiskCalls
from kk99fix.matcher.pump import Pump
from kk99fix.matcher.values import Capacity
from kk99fix.state.storage import Storage, open_storage
from kk99fix.vault.seeds import NoSeeds, Seeds
from kk99fix.venue.inputs import ConfigInput, LogonFailedInput, RestartInput

NS_PER_S: Final = 1_000_000_000
GARBLED_MAX: Final = 10
#: So long after the last sync the journal says itself how far it is on the disk.
IDLE_MARKER_NS: Final = 10_000_000


def capacity_of(settings: Settings) -> Capacity:
    """The core's pools as venue.toml wants them."""
    own = settings.venue.capacity
    return Capacity(
        orders=own.orders,
        levels=own.levels,
        sessions=own.sessions,
        firms=own.firms,
        accounts=own.accounts,
        instruments=own.instruments,
        duplicate_window=own.duplicate_window,
        rings=settings.venue.listen.max_connections,
        ring_bytes=own.ring_bytes,
    )


def start(
    settings: Settings,
    state_dir: Path,
    log: Log,
    *,
    disk: DiskCalls | None = None,
    files: Files | None = None,
    children: Sequence[ChildCommand] = (),
    seeds: Seeds | None = None,
    folders: Folders | None = None,
    tls: TlsListener | None = None,
) -> Gateway:
    """Recover the venue and bring its configuration and day up to date.

    The records are written through `disk` where it is given, else by the system; `files` makes
    all other changes to the state directory. `children` are started once it serves.
    Without `seeds` no session that asks for codes can log on, without `tls` none that asks for it.
    With `folders` the files in them are followed.
    Raises `JournalError`, `DivergenceError`, `ConfigRefusedError` and `CoreError`, each with a
    text that says what to do.
    """
    storage = open_storage(
        state_dir,
        capacity_of(settings),
        settings.venue.journal.segment_bytes,
        int(trading_day(settings.calendar.roll, time.time_ns())),
        touch=settings.venue.capacity.touch_at_start,
        durable=settings.venue.venue.durability == "durable",
        files=files or Files(),
    )
    pump = Pump(
        storage.venue.engine,
        connections=settings.venue.listen.max_connections,
        garbled_max=GARBLED_MAX,
        blocked_max_ns=settings.venue.slow_reader.max_seconds * NS_PER_S,
        waiting_max_bytes=settings.venue.slow_reader.max_bytes,
        disk=disk,
    )
    if storage.writer.identity.durable:
        pump.start_durable(storage.writer.open_directory(), IDLE_MARKER_NS)
    clock = VenueClock(pump.set_clock, log, not_below_ns=storage.venue.last_ns)
    sequencer = Sequencer(storage.venue, pump, storage.writer, log)
    feeder = _feeder(settings, storage, sequencer, log)
    connections = Connections(sequencer, feeder, log)
    loop = LiveLoop(sequencer, connections, feeder)
    current = Current(settings)
    schedules = Schedules(current, sequencer, connections, log)
    _bring_up_to_date(settings, storage, sequencer, log)
    schedules.catch_up()
    disk_space = _disk_space(settings, storage, sequencer, log)
    disk_space.begin()
    authenticator = _authenticator(current, sequencer, schedules, seeds or NoSeeds(), log)
    acceptor = Acceptor(
        settings.venue.listen, authenticator, sequencer, connections, log, loop.run_pass, tls
    )
    CertificateWatch(current, sequencer, connections, tls)
    acceptor.refusals.file_of = current.session
    reports = ChildReports(log, storage.sent)
    family = Children(children, log)
    family.listen(KEEPER, reports.of_keeper)
    family.listen(PROJECTOR, reports.of_projector)
    gateway = Gateway(
        current=current,
        storage=storage,
        sequencer=sequencer,
        connections=connections,
        tls=tls,
        feeder=feeder,
        loop=loop,
        acceptor=acceptor,
        schedules=schedules,
        unknown_trades=UnknownTrades(sequencer, log),
        clock=clock,
        disk_space=disk_space,
        children=family,
        child_reports=reports,
        operator=Operator(log),
        stop_requests=StopRequests(),
        reloader=None if folders is None else follow(folders, current, sequencer, connections, log),
        log=log,
    )
    add_commands(gateway)
    return gateway


def _authenticator(
    current: Current, sequencer: Sequencer, schedules: Schedules, seeds: Seeds, log: Log
) -> Authenticator:
    def note_failure(item: LogonFailedInput) -> None:
        sequencer.apply(item)
        sequencer.commit()

    return Authenticator(
        current,
        sequencer.venue.registry,
        sequencer.venue.credentials,
        seeds,
        log,
        clocks=Clocks(utc_ns=time.time_ns, venue_ns=sequencer.pump.now_ns),
        doors=Doors(schedules.in_period, schedules.is_open, note_failure),
    )


def _feeder(settings: Settings, storage: Storage, sequencer: Sequencer, log: Log) -> Feeder:
    own = settings.venue.resend
    return Feeder(
        sequencer,
        Chunks(
            storage.venue.engine,
            storage.sent,
            UnwrittenRecords(storage.venue.engine, sequencer.pump.unwritten),
        ),
        Quota(own.bytes_per_second, own.burst_bytes),
        ResendLog(log, lambda session: storage.venue.registry.session_names()[session]),
    )


def _disk_space(settings: Settings, storage: Storage, sequencer: Sequencer, log: Log) -> DiskSpace:
    own = settings.venue.journal
    return DiskSpace(
        sequencer,
        storage.writer,
        storage.files,
        log,
        low_segments=own.low_space_segments,
        segments_ahead=own.segments_ahead,
    )


def _bring_up_to_date(settings: Settings, storage: Storage, sequencer: Sequencer, log: Log) -> None:
    """RESTART after a replay, then what the files say differently, then the day."""
    if storage.continued:
        log.info(
            "journal replayed",
            records=storage.recovered.messages,
            behind_snapshot=storage.snapshot_lsn,
            seconds=round(storage.replay_s, 3),
        )
        sequencer.apply(RestartInput())
    registry = storage.venue.registry
    content = registry.plan(resolve(settings))
    if not registry.unchanged(content):
        log.info("configuration taken over", sessions=len(settings.sessions))
        sequencer.apply(ConfigInput(content))
        for _, exposure in below_exposure(storage.venue, registry.content):
            log.warning(LIMIT_BELOW_EXPOSURE, **exposure)
    sequencer.commit()
    catch_up_day(sequencer, settings.calendar, log)
