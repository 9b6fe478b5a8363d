"""The operator's commands that concern the gateway as a whole: how it is, and its stop."""

import os
import time
from contextlib import suppress
from functools import partial
from typing import Any

from kk99fix.gateway.operator import Request
from kk99fix.gateway.operator_certification import CertificationCommands
from kk99fix.gateway.operator_locks import LockCommands
from kk99fix.gateway.operator_notices import SessionCommands
from kk99fix.gateway.operator_refusals import RefusalCommands
from kk99fix.gateway.operator_sessions import SessionList
from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.reloader import Reloader
from kk99fix.gateway.tls_listener import TlsListener
from kk99fix.matcher import library as core
from kk99fix.state.snapshots import SNAPSHOT_FOLDER, list_snapshots


def add_commands(gateway: Gateway) -> None:
    """Offer everything that the parts of a gateway can answer."""
    add = gateway.operator.add
    add("status", partial(_status, gateway, time.monotonic()), changes=False)
    if gateway.reloader is not None:
        add("reload", partial(_reload, gateway.reloader, gateway.tls), changes=True)
    add("stop", partial(_stop, gateway), changes=True)
    RefusalCommands(gateway.acceptor.refusals, gateway.current).add_to(gateway.operator)
    SessionList(gateway).add_to(gateway.operator)
    LockCommands(gateway).add_to(gateway.operator)
    SessionCommands(gateway).add_to(gateway.operator)
    CertificationCommands(gateway).add_to(gateway.operator)


async def _reload(reloader: Reloader, tls: TlsListener | None, request: Request) -> dict[str, Any]:
    """Have all files looked at, those of [tls] too."""
    mistakes = [] if tls is None else tls.reload()
    answer = await reloader.answer(request)
    for mistake in mistakes:
        answer["refused"].append({"file": mistake.file, "mistakes": [str(mistake)]})
    return answer


async def _stop(gateway: Gateway, _: Request) -> dict[str, Any]:
    gateway.stop_requests.ask()
    return {"pid": os.getpid(), "sessions": len(gateway.connections)}


async def _status(gateway: Gateway, began_s: float, _: Request) -> dict[str, Any]:
    """How the gateway is, in numbers."""
    venue, pump = gateway.sequencer.venue, gateway.sequencer.pump
    counts, journal = venue.engine.statistics(), gateway.storage.writer.statistics()
    keeper = gateway.child_reports.keeper
    return {
        "pid": os.getpid(),
        "uptime_s": round(time.monotonic() - began_s, 3),
        "stopping": gateway.stop_requests.count > 0,
        "core_version": core.core_version(),
        "durability": gateway.current.settings.venue.venue.durability,
        "trading_day": str(venue.engine.trading_day),
        "venue_time_ns": pump.now_ns(),
        "halted": venue.halted,
        "storage_low": venue.storage_low,
        "sessions": {
            "configured": len(venue.registry.content["sessions"]),
            "live": len(venue.live_sessions),
            "logons_pending": gateway.acceptor.pending,
            "fed": len(gateway.feeder),
        },
        "orders": {
            "live": counts.live_orders,
            "capacity": counts.orders_capacity,
            "accepted": counts.orders_accepted,
            "trades": counts.trades,
        },
        "journal": {
            "lsn": venue.engine.next_lsn - 1,
            "durable_lsn": pump.durability().durable_lsn,
            "segment": journal.segment,
            "prepared": journal.prepared,
            "free_bytes": gateway.disk_space.free_bytes,
        },
        "snapshot": _snapshot(gateway),
        "keeper": {"verified_lsn": keeper.verified_lsn, "mismatches": keeper.mismatches},
        "projected_lsn": gateway.child_reports.projector.lsn,
        "children": {
            name: {"up": child.up, "restarts": child.restarts}
            for name, child in gateway.children.statistics().items()
        },
    }


def _snapshot(gateway: Gateway) -> dict[str, Any] | None:
    """The newest snapshot that is there; None without any."""
    for path in list_snapshots(gateway.storage.state_dir / SNAPSHOT_FOLDER):
        # The keeper may remove an old one at any time.
        with suppress(OSError):
            age_s = time.time() - path.stat().st_mtime
            return {"lsn": int(path.stem), "age_s": round(max(0.0, age_s), 1)}
    return None
