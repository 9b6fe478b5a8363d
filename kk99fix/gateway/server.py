"""The gateway as a whole: start, serve, stop.

start   state directory, replay, RESTART, CONFIG, trading day, schedules; then the listener
serve   live loop, feeder, timers, logons, each a task; one failure of ours ends all of them,
        one failure of a counterparty ends its own connection
stop    no new connections, News(B) and Logout(5) to everybody, a bounded wait, a snapshot, the
        journal closed
"""

import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import trio

from kk99fix.config.calendar import trading_day
from kk99fix.config.load import Settings
from kk99fix.config.resolve import resolve
from kk99fix.gateway.acceptor import Acceptor
from kk99fix.gateway.authentication import Authenticator, Clocks, Doors
from kk99fix.gateway.certificate_watch import CertificateWatch
from kk99fix.gateway.child_reports import KEEPER, PROJECTOR, ChildReports
from kk99fix.gateway.children import ChildCommand, Children
from kk99fix.gateway.chunks import Chunks
from kk99fix.gateway.clean_stop import end_slices, save_clean_snapshot
from kk99fix.gateway.clock import VenueClock
from kk99fix.gateway.connections import Connections
from kk99fix.gateway.counts import Snapshots
from kk99fix.gateway.current import Current
from kk99fix.gateway.disk_space import DiskSpace
from kk99fix.gateway.exporter import exporting
from kk99fix.gateway.feeder import Feeder
from kk99fix.gateway.listening import Place, accepting, listen
from kk99fix.gateway.live import LiveLoop
from kk99fix.gateway.logs import Log
from kk99fix.gateway.operator import Operator
from kk99fix.gateway.operator_clients import OperatorClients
from kk99fix.gateway.operator_commands import add_commands
from kk99fix.gateway.operator_socket import opened
from kk99fix.gateway.operator_stop import StopRequests
from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.quota import Quota
from kk99fix.gateway.reloader import Folders, follow
from kk99fix.gateway.resend_log import ResendLog
from kk99fix.gateway.schedules import Schedules
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.gateway.timers import catch_up_day, keep_time, roll_days, steer_clock
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
from kk99fix.venue.leaving import GATEWAY_STOPPED
from kk99fix.venue.session_commands import NewsInput, StopInput

NS_PER_S: Final = 1_000_000_000
GARBLED_MAX: Final = 10
#: So long after the last sync the journal says itself how far it is on the disk.
IDLE_MARKER_NS: Final = 10_000_000
#: How long a planned stop waits for the counterparties' Logout(5).
STOP_WAIT_S: Final = 3.0
STOP_HEADLINE: Final = "The gateway stops"
STOP_LINES: Final = ("Orders stay as they are, and sequence numbers go on.",)
LOGOUT_TEXT: Final = "the gateway stops"
#: Cause of the ends of connections when a task has failed and takes the process along.
GATEWAY_FAILED: Final = "gateway-failed"


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
    sequencer.commit()
    catch_up_day(sequencer, settings.calendar, log)


def places_of(
    gateway: Gateway,
    *,
    ready: Callable[[str, int], None],
    ready_tls: Callable[[str, int], None],
    host: str | None = None,
    port: int | None = None,
    tls_port: int | None = None,
) -> list[Place]:
    """Where counterparties connect: what venue.toml says, but for what is given.

    The plain address comes last: who waits for its line knows that the others listen too.
    """
    own, tls, acceptor = gateway.settings.venue.listen, gateway.tls, gateway.acceptor
    places = []
    if tls is not None and tls.tls.port is not None:
        names = "--tls-port", "host under [tls] in venue.toml"
        wanted = tls.tls.port if tls_port is None else tls_port
        address = tls.tls.host, wanted
        places.append(Place("FIX over TLS", *address, *names, acceptor.handle_tls, ready_tls))
    if own.plain:
        address = own.host if host is None else host, own.port if port is None else port
        places.append(Place("FIX", *address, "--port", "--host", acceptor.handle, ready))
    return places


async def serve(
    gateway: Gateway,
    *,
    places: Sequence[Place],
    metrics_host: str,
    metrics_port: int,
) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends the wait for the counterparties' Logout(5).

    SIGHUP has the files looked at.

    `places` is where counterparties connect, of `places_of`.
    Raises `ListenError`, `OperatorSocketError`, `JournalError`.
    """
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:

        async def wait_for_signal() -> None:
            while await anext(signals) == signal.SIGHUP:
                if gateway.reloader is not None:
                    gateway.reloader.request()
                if gateway.tls is not None:
                    gateway.tls.reload()

        await run(
            gateway,
            places=places,
            metrics_host=metrics_host,
            metrics_port=metrics_port,
            wait_for_stop=wait_for_signal,
        )


async def run(
    gateway: Gateway,
    *,
    places: Sequence[Place],
    metrics_host: str,
    metrics_port: int,
    wait_for_stop: Callable[[], Awaitable[None]],
) -> None:
    """Serve until `wait_for_stop` returns or the operator says so, then stop.

    The gateway may not be used again.
    """
    cause = GATEWAY_FAILED
    wait_for_stop = partial(gateway.stop_requests.wait_beside, wait_for_stop)
    try:
        snapshots = Snapshots(gateway)
        with (
            exporting(snapshots, metrics_host, metrics_port),
            opened(gateway.storage.state_dir) as operators,
        ):
            listening = await listen(places)
            async with trio.open_nursery() as tasks:
                for task in _tasks(gateway, snapshots):
                    tasks.start_soon(task)
                tasks.start_soon(OperatorClients(gateway.operator, gateway.log).run, operators)
                async with accepting(listening):
                    for each in listening:
                        each.say_ready()
                    await wait_for_stop()
                cause = GATEWAY_STOPPED
                await _log_everybody_out(gateway, wait_for_stop)
                tasks.cancel_scope.cancel()
    finally:
        stop(gateway, cause, snapshot=cause == GATEWAY_STOPPED)


def _tasks(gateway: Gateway, snapshots: Snapshots) -> tuple[Callable[[], Awaitable[None]], ...]:
    """What runs beside the listeners, for ever."""
    sequencer = gateway.sequencer
    return (
        gateway.loop.run,
        gateway.loop.keep_house,
        partial(gateway.feeder.run, gateway.loop.run_pass),
        partial(keep_time, sequencer),
        partial(roll_days, sequencer, gateway.settings.calendar, gateway.log),
        gateway.schedules.run,
        partial(steer_clock, gateway.clock),
        gateway.disk_space.run,
        snapshots.run,
        gateway.children.run,
        *(() if gateway.reloader is None else (gateway.reloader.run,)),
        *(() if gateway.tls is None else (gateway.tls.follow,)),
    )


async def _log_everybody_out(
    gateway: Gateway, wait_for_stop: Callable[[], Awaitable[None]]
) -> None:
    """News(B) and Logout(5) to every session, then wait for theirs; a second stop ends the wait."""
    sequencer = gateway.sequencer
    gateway.log.info("stopping", sessions=len(gateway.connections))
    for session in sequencer.venue.live_sessions:
        sequencer.apply(NewsInput(session, STOP_HEADLINE, STOP_LINES))
        sequencer.apply(StopInput(session, LOGOUT_TEXT))
    sequencer.commit()
    with trio.move_on_after(STOP_WAIT_S):
        async with trio.open_nursery() as nursery:

            async def give_up() -> None:
                await wait_for_stop()
                nursery.cancel_scope.cancel()

            nursery.start_soon(give_up)
            while len(gateway.connections):
                await trio.sleep(0.02)
                gateway.connections.sweep()
            nursery.cancel_scope.cancel()


def stop(gateway: Gateway, cause: str = GATEWAY_STOPPED, *, snapshot: bool = False) -> None:
    """Close what is left: connections, for this cause, then pump, journal and lock.

    With `snapshot` the state is saved in between, so that the next start replays nothing.
    """
    try:
        if not gateway.sequencer.failed:
            gateway.sequencer.settle()
            gateway.connections.close_all(cause)
            if snapshot:
                end_slices(gateway.sequencer)
            gateway.sequencer.finish()
            if snapshot:
                save_clean_snapshot(gateway)
    finally:
        gateway.sequencer.pump.close()
        gateway.storage.writer.close()
        gateway.storage.venue.engine.close()
        gateway.storage.lock.close()
        gateway.log.info("stopped")
