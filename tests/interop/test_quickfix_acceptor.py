from collections.abc import Iterator
from pathlib import Path

import pytest
from support import quickfix_engine
from support.quickfix_acceptor import quickfix_acceptor

from kk99fix.harness.client import Identity
from kk99fix.harness.misbehaving.catalog import Target, catalog, run, scenarios_at
from kk99fix.harness.script.library import run_file
from kk99fix.harness.script.outcome import Verdict

pytestmark = pytest.mark.interop

HOST = "127.0.0.1"
#: All that come with the package but the one with a drop copy.
SCRIPTS = ("first_trade", "cancel", "replace", "resend", "rejects")
#: What FIX asks of every acceptor, and QuickFIX does; it has other answers to some of the rest.
MISBEHAVIOURS = (
    *("gap", "duplicate", "number-too-low", "poss-dup-storm", "reset-storm", "flood"),
    *("wrong-checksum", "half-message", "mid-message-reset", "garbage", "clock-ahead"),
)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where a QuickFIX acceptor listens."""
    quickfix_engine.require()
    with quickfix_acceptor(tmp_path_factory.mktemp("quickfix")) as port:
        yield port


def target(port: int) -> Target:
    """Return the acceptor, and who tries it out."""
    bad, good = Identity("BROKER1", "KK99"), Identity("BROKER2", "KK99")
    return Target(host=HOST, port=port, bad=bad, good=good)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_of_the_package(name: str, port: int) -> None:
    """They hold against another FIX engine as they are, without a word about our gateway."""
    outcome = run_file(name, HOST, port)

    assert outcome.passed, f"{outcome.complaint}\n{outcome.transcript.text}"


def test_a_script_that_does_not_hold(port: int, tmp_path: Path) -> None:
    """What QuickFIX answers is told apart from what is expected."""
    script = tmp_path / "wrong.scenario"
    script.write_text(
        "party A sender=BROKER1 target=KK99\nA logon reset\nA send TestRequest TestReqID=a\n"
        "A expect Heartbeat TestReqID=b\n"
    )
    outcome = run_file(script, HOST, port)

    assert outcome.verdict is Verdict.FAILED
    assert "expected TestReqID(112)=b, received a" in outcome.complaint


@pytest.mark.parametrize("name", MISBEHAVIOURS)
async def test_misbehaving(name: str, port: int) -> None:
    """What FIX demands of every acceptor is demanded of this one, and it keeps it."""
    at = target(port)
    outcome, _ = await run(catalog()[name], at, scenarios_at(at))

    assert outcome.passed, f"{outcome.complaint}\n{outcome.transcript.text[-4000:]}"


async def test_an_answer_that_is_ours_alone(port: int) -> None:
    """QuickFIX takes an order of two hours ago; the scenario says so."""
    at = target(port)
    outcome, _ = await run(catalog()["order-of-long-ago"], at, scenarios_at(at))

    assert outcome.verdict is Verdict.FAILED
    assert "expected OrdStatus(39)=8 REJECTED, received 0 NEW" in outcome.complaint
