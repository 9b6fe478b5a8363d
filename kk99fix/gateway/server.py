"""The gateway as a whole: serve, stop.

start   `assembly`
serve   live loop, feeder, timers, logons, each a task; one failure of ours ends all of them,
        one failure of a counterparty ends its own connection
stop    no new connections, News(B) and Logout(5) to everybody, a bounded wait, a snapshot, the
        journal closed
"""

import signal
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import trio

from kk99fix.gateway.clean_stop import end_slices, save_clean_snapshot
from kk99fix.gateway.counts import Snapshots
from kk99fix.gateway.exporter import exporting
from kk99fix.gateway.listening import Place, accepting, listen
from kk99fix.gateway.operator_clients import OperatorClients
from kk99fix.gateway.operator_socket import opened
from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.timers import keep_time, roll_days, steer_clock
from kk99fix.venue.leaving import GATEWAY_STOPPED
from kk99fix.venue.session_commands import NewsInput, StopInput

#: How long a planned stop waits for the counterparties' Logout(5).
STOP_WAIT_S: Final = 3.0
STOP_HEADLINE: Final = "The gateway stops"
STOP_LINES: Final = ("Orders stay as they are, and sequence numbers go on.",)
LOGOUT_TEXT: Final = "the gateway stops"
#: Cause of the ends of connections when a task has failed and takes the process along.
GATEWAY_FAILED: Final = "gateway-failed"


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
