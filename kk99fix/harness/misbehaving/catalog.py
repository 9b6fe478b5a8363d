"""All scenarios of the misbehaving peer, and how one is run."""

import math
from collections.abc import Callable

import attrs
import trio

from kk99fix.harness.client import Identity
from kk99fix.harness.counterparty import StepFailedError, UnreachableError
from kk99fix.harness.misbehaving import (
    bytes_on_the_wire,
    clocks,
    identities,
    numbers,
    volume,
)
from kk99fix.harness.misbehaving.registry import REGISTERED, Misbehaviour
from kk99fix.harness.misbehaving.setting import Pace, Setting, calm_beside
from kk99fix.harness.scenario import Scenario, StreamOpener
from kk99fix.harness.script.outcome import Outcome, Verdict
from kk99fix.harness.transcript import Kind, Transcript

#: The modules whose functions have registered themselves.
MODULES = (numbers, bytes_on_the_wire, identities, clocks, volume)
#: Messages shown of one run at most.
_SHOWN_MAX = 400
#: The good session may be kept waiting by a flood, but not for ever.
_CALM_WITHIN_S = 10.0
_ROUNDS_ALONE = 200


@attrs.frozen(kw_only=True)
class Target:
    """Who is tried out, as whom, and with what."""

    host: str
    port: int
    #: The bad session and the good one.
    bad: Identity
    good: Identity
    #: In which the bad session sends orders, at a price that trades with nobody.
    symbol: str = "AAPL"
    far_price: str = "175.00"
    #: In which the good session trades with itself.
    good_symbol: str = "SPY"
    good_price: str = "560.00"
    within_s: float = 5.0
    scale: int = 1


def catalog() -> dict[str, Misbehaviour]:
    """Return every scenario by its name."""
    assert MODULES
    return dict(REGISTERED)


async def run(
    misbehaviour: Misbehaviour,
    target: Target,
    make: Callable[[Transcript, float], Scenario],
    *,
    pace: Pace | None = None,
    show: Callable[[str], None] | None = None,
) -> tuple[Outcome, float]:
    """Run one scenario; return its outcome, and the p99 of the good session beside it in seconds.

    `make` makes a scenario, as the acceptor and the clock want it.
    """
    began = trio.current_time()
    transcript = Transcript(show=show, kept_max=_SHOWN_MAX)
    outcome = Outcome(misbehaviour.name, misbehaviour.does, Verdict.PASSED, 0.0, transcript)
    quiet = make(Transcript(kept_max=0), _CALM_WITHIN_S)
    bad = make(transcript, target.within_s)
    p99_s = 0.0
    try:
        async with (
            calm_beside(quiet, target.good, target.good_symbol, target.good_price) as calm,
            bad,
        ):
            setting = Setting(
                bad, target.bad, calm, target.symbol, target.far_price, pace, target.scale
            )
            await setting.beside()
            await misbehaviour.play(setting)
            await setting.beside()
            p99_s = calm.p99_s
    except StepFailedError as error:
        bad.note(Kind.FAILED, "", str(error))
        verdict = Verdict.ERROR if isinstance(error, UnreachableError) else Verdict.FAILED
        text = f"{error}\nwhat it does: {misbehaviour.does}\nwanted: {misbehaviour.answer}"
        outcome = attrs.evolve(outcome, verdict=verdict, text=text)
    return attrs.evolve(outcome, seconds=trio.current_time() - began), p99_s


async def measure_alone(target: Target, make: Callable[[Transcript, float], Scenario]) -> float:
    """Return the p99 of the good session with nobody bad beside it; nan if nobody listens."""
    quiet = make(Transcript(kept_max=0), _CALM_WITHIN_S)
    try:
        async with calm_beside(quiet, target.good, target.good_symbol, target.good_price) as calm:
            for _ in range(_ROUNDS_ALONE):
                await calm.round()
            return calm.p99_s
    except StepFailedError:
        return math.nan  # every scenario will say why


def scenarios_at(
    target: Target, open_stream: StreamOpener = trio.open_tcp_stream
) -> Callable[[Transcript, float], Scenario]:
    """Return what makes scenarios against a target, in real time."""

    def make(transcript: Transcript, within_s: float) -> Scenario:
        return Scenario(
            target.host,
            target.port,
            within_s=within_s,
            transcript=transcript,
            open_stream=open_stream,
        )

    return make
