"""A start whose clock is an hour behind the journal: alarm, and what counterparties meet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.live_gateway import LogLines, small_settings
from support.live_peer import order
from support.still_gateway import StillGateway

from kk99fix.config.load import Settings
from kk99fix.gateway.counts import Snapshots
from kk99fix.gateway.metrics import GatewayCollector
from kk99fix.venue.inputs import TickInput

HOUR_NS = 3600 * 1_000_000_000
WIDE = {
    "sending_time_tolerance_s = 120": "sending_time_tolerance_s = 4000",
    "max_order_age_s = 30": "max_order_age_s = 4000",
}


def behind(tmp_path: Path, settings: Settings) -> StillGateway:
    """Start a gateway after one whose clock was an hour ahead."""
    with StillGateway(small_settings(tmp_path / "before"), tmp_path / "var") as ahead:
        ahead.gateway.sequencer.pump.set_clock(ahead.gateway.clock.offset_ns + HOUR_NS, 0)
        ahead.gateway.sequencer.apply(TickInput())
        ahead.gateway.sequencer.commit()
    return StillGateway(settings, tmp_path / "var")


@pytest.fixture
def still(tmp_path: Path) -> Iterator[StillGateway]:
    """A gateway whose clock is an hour behind the journal."""
    with behind(tmp_path, small_settings(tmp_path)) as still:
        yield still


def metrics(still: StillGateway) -> dict[str, float]:
    """The first sample of each metric."""
    families = GatewayCollector(Snapshots(still.gateway)).collect()
    return {family.name: family.samples[0].value for family in families if family.samples}


def alarms(logged: LogLines) -> list[dict[str, object]]:
    """The lines of level error."""
    return [line for line in logged.lines if line["level"] == "error"]


def test_time_goes_on_from_the_journal(still: StillGateway) -> None:
    """Venue time neither goes back nor stands still; alarm, metric and remedy are there."""
    pump, venue = still.gateway.sequencer.pump, still.gateway.sequencer.venue
    before = pump.now_ns()
    while pump.now_ns() == before:
        pass
    assert before >= venue.last_ns
    still.gateway.clock.adjust()

    (alarm,) = alarms(still.logged)
    assert alarm["event"] == "clock behind the journal"
    assert "docs/recovery.md, 'The clock stepped'" in str(alarm["what"])
    seen = metrics(still)
    assert seen["kk99_clock_alarm"] == 1
    assert -3601 < seen["kk99_clock_error_seconds"] < -3590


def test_who_has_the_right_time_is_refused_aloud(still: StillGateway) -> None:
    """The logon is answered with the reason, and the end of the session is logged and counted."""
    peer = still.connect("BROKER1")
    still.run_pass()

    messages = peer.messages()
    assert messages[-1][35] == "5"
    assert "SendingTime accuracy problem" in messages[-1][58]
    assert [line["cause"] for line in still.logged.of("session ended")] == ["sending-time"]
    assert still.gateway.connections.ended == {"sending-time": 1}


def test_the_way_out_works(tmp_path: Path) -> None:
    """With wider limits in [order_entry], as the runbook says, the same counterparty trades."""
    with behind(tmp_path, small_settings(tmp_path, WIDE)) as still:
        peer = still.connect("BROKER1")
        peer.send("D", order("o1", price="180.00"))
        still.run_pass()

        assert [message.get(150, message[35]) for message in peer.messages()] == ["A", "0"]
