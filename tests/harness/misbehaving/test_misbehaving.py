from pathlib import Path

import pytest
from support.live_gateway import HOST, live_gateway, small_settings
from support.virtual_live import VirtualLive
from trio.testing import MockClock

from kk99fix.harness.client import Identity
from kk99fix.harness.counterparty import StepFailedError
from kk99fix.harness.misbehaving.catalog import Target, catalog, run
from kk99fix.harness.misbehaving.registry import Misbehaviour
from kk99fix.harness.misbehaving.setting import Order, calm_beside
from kk99fix.harness.scenario import Scenario
from kk99fix.harness.script.outcome import Verdict
from kk99fix.session.rules import SessionRules

BAD, GOOD = Identity("BROKER1", "KK99"), Identity("BROKER2", "KK99")
#: How long bytes wait for a slow reader is measured in the core, in real time: one second of it.
REAL_TIME = "slow-reader"
SHORT = {"max_seconds = 10": "max_seconds = 1"}
#: Why the gateway ends the bad session, where it does so itself, or does not let it in.
ENDS = {
    "gap-never-filled": "resend-timeout",
    "number-too-low": "msg-seq-num-too-low",
    "number-missing": "msg-seq-num-missing",
    "sequence-reset-jump": "new-seq-no-jump",
    "resend-loop": "resend-loop",
    "checksums-in-a-row": "garbled",
    "absurd-length": "frame-too-long",
    "half-message": "connection-closed",
    "mid-message-reset": "connection-closed",
    "logon-a-byte-a-second": "logon-timeout",
    "silent-connections": "logon-timeout",
    "other-protocols": "closed-or-not-fix",
    "no-logon": "not-a-logon",
    "wrong-sender": "comp-id",
    "wrong-target": "comp-id",
    "stolen-sender": "comp-id",
    "unknown-sender": "unknown-session",
    "stolen-logon": "session-is-live",
    "logon-storm": "session-is-live",
    "clock-ahead": "sending-time",
    "clock-behind": "sending-time",
    "silence": "heartbeat-timeout",
    "slow-reader": "slow-reader",
}


@pytest.fixture
def clock() -> MockClock:
    """Real time that can jump."""
    return MockClock(rate=1.0)


@pytest.mark.parametrize("bad", catalog().values(), ids=lambda bad: bad.name)
async def test_every_misbehaviour(bad: Misbehaviour, tmp_path: Path, clock: MockClock) -> None:
    """The gateway answers as it should, no fault of ours is logged, and the good session trades.

    The good session's reports are exactly those of its own orders, and none is lost or doubled.
    """
    settings = small_settings(tmp_path, SHORT if bad.name == REAL_TIME else None)
    async with live_gateway(settings, tmp_path / "var") as live:
        virtual = VirtualLive(live, clock)
        target = Target(host=HOST, port=live.port, bad=BAD, good=GOOD)
        pace = None if bad.name == REAL_TIME else virtual.pace
        outcome, p99_s = await run(bad, target, virtual.scenario, pace=pace)
        lines = live.logged.lines
    causes = {line["cause"] for line in lines if "cause" in line}

    assert outcome.passed, f"{outcome.complaint}\n{outcome.transcript.text[-6000:]}"
    assert [line for line in lines if "fault" in line["event"]] == []
    assert ENDS.get(bad.name) in {None, *causes}
    assert p99_s < 10


async def test_an_acceptor_that_does_not_answer_as_it_should(
    tmp_path: Path, clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the answer differs the scenario fails, and says what it does and what is wanted."""
    monkeypatch.setattr(SessionRules, "accurate", lambda *_: True)
    async with live_gateway(small_settings(tmp_path), tmp_path / "var") as live:
        virtual = VirtualLive(live, clock)
        target = Target(host=HOST, port=live.port, bad=BAD, good=GOOD, within_s=0.2)
        outcome, _ = await run(catalog()["clock-ahead"], target, virtual.scenario)

    assert outcome.verdict is Verdict.FAILED
    assert "ROGUE: expected Reject(3)" in outcome.complaint
    assert "what it does: Has a clock that is ten minutes ahead." in outcome.complaint
    assert "wanted: Reject(3) with SessionRejectReason(373)=10" in outcome.complaint


async def test_a_good_session_that_is_told_something_else(tmp_path: Path) -> None:
    """A report that is not its own, or comes twice, is noticed whatever the bad session got."""
    async with live_gateway(small_settings(tmp_path), tmp_path / "var") as live:
        scenario = Scenario(HOST, live.port)
        async with calm_beside(scenario, GOOD, "SPY", "560.00") as calm:
            await calm.round()
            order = Order("not-of-a-round", "SPY", "BUY", "540.00", "DAY", calm.party.timestamp())
            await calm.party.send("NewOrderSingle", *order.fields)
            with pytest.raises(StepFailedError, match="a report that is not its own"):
                await calm.round()
