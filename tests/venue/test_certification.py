"""A session that has to be certified first enters no orders, until it has shown what it uses."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from support.small_venue import CAPACITY, NS_PER_S, configuration
from support.snapshots import restored, taken
from support.state_folder import units_of
from support.venue_desk import VenueDesk

from kk99fix.fix.tables import REJECT_CODES
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.values import CoreStatus
from kk99fix.venue.recovery import replay
from kk99fix.venue.session_commands import CertificationInput, CertificationStep
from kk99fix.venue.venue import Venue

ORDER = "55=COIN|54=1|60=20260921-13:33:20|38=1|40=2|44=20|"


def demanding(functions: tuple[str, ...] = ("cancel", "limit")) -> dict[str, Any]:
    """A configuration in which ALPHA has to be certified, with COIN for it."""
    config = configuration()
    own = {"required": True, "functions": list(functions)}
    config["sessions"]["ALPHA"]["certification"] = own
    config["instruments"]["COIN"]["certification"] = True
    return config


@pytest.fixture(params=[True, False], ids=["gate open", "gate shut"])
def desk(request: pytest.FixtureRequest) -> Iterator[VenueDesk]:
    """A venue where ALPHA is logged on and has shown nothing."""
    desk = VenueDesk(demanding(), gate_open=request.param)
    desk.log_on("ALPHA")
    yield desk
    desk.close()


def tell(desk: VenueDesk, step: CertificationStep, *functions: str, lasts_s: int = 0) -> None:
    """Let the operator say what becomes of ALPHA's certification."""
    lasts_ns = lasts_s * NS_PER_S
    desk.apply(CertificationInput(desk.id("ALPHA"), step, functions, lasts_ns))


def answer(desk: VenueDesk, msg_type: str, body: str) -> tuple[str, str]:
    """What ALPHA gets: MsgType(35) with ExecType(150), and the code in Text(58)."""
    mine = [sent for sent in desk.send("ALPHA", msg_type, body) if sent.session == "ALPHA"]
    return mine[0][35] + mine[0][150], mine[0][58].partition(";")[0]


def order(desk: VenueDesk, name: str, body: str = ORDER) -> tuple[str, str]:
    """What becomes of an order."""
    return answer(desk, "D", f"11={name}|{body}")


def is_fast(desk: VenueDesk, name: str) -> bool:
    """Whether the core takes a session's order alone."""
    raw = desk.build(name, "D", f"11=fast-{desk.next_number[name]}|{ORDER}")
    status = desk.engine.consume(desk.id(name), raw, desk.now_ns).status
    desk.feed(name, b"" if status is CoreStatus.NEED_DATA else raw)
    return status is CoreStatus.NEED_DATA


def test_orders_are_refused_before(desk: VenueDesk) -> None:
    """A D and a G get NOT_CERTIFIED with its sentence; the ClOrdID(11) is used up."""
    (refused,) = desk.send("ALPHA", "D", f"11=1|{ORDER}")

    assert (refused[35], refused[150], refused[39], refused[103]) == ("8", "8", "8", "99")
    assert refused[58] == f"NOT_CERTIFIED; {REJECT_CODES['NOT_CERTIFIED'].sentence}"
    assert order(desk, "1") == ("88", "DUPLICATE_CLORDID")


def test_only_orders_to_be_looked_at_leave_the_fast_path() -> None:
    """Whoever need not be certified, or is, does not pay for it."""
    desk = VenueDesk(demanding())
    desk.log_on("ALPHA")
    desk.log_on("GAMMA")

    assert is_fast(desk, "GAMMA")
    assert not is_fast(desk, "ALPHA")
    tell(desk, CertificationStep.PASSED, "limit", "cancel")
    assert is_fast(desk, "ALPHA")
    desk.configure(demanding(("cancel", "limit", "replace")))
    assert not is_fast(desk, "ALPHA")
    desk.configure(configuration())
    assert is_fast(desk, "ALPHA")
    desk.close()


def test_in_a_run_only_what_is_meant_for_it_is_traded(desk: VenueDesk) -> None:
    """The run allows the marked instrument, refuses others, and ends by itself."""
    tell(desk, CertificationStep.BEGIN, lasts_s=60)
    assert order(desk, "1") == ("80", "")
    elsewhere = ORDER.replace("COIN", "AAPL").replace("44=20", "44=100")
    assert order(desk, "2", elsewhere) == ("88", "NOT_FOR_CERTIFICATION")
    assert answer(desk, "G", f"41=1|11=3|{ORDER.replace('38=1', '38=2')}") == ("85", "")

    desk.now_ns += 60 * NS_PER_S
    assert order(desk, "4") == ("88", "NOT_CERTIFIED")
    assert answer(desk, "G", f"41=3|11=5|{ORDER}") == ("9", "NOT_CERTIFIED")
    cancel = "55=COIN|54=1|60=20260921-13:33:20|38=1|"
    assert answer(desk, "F", f"41=3|11=6|{cancel}") == ("84", "")


def test_on_a_test_venue_a_run_may_trade_everything(desk: VenueDesk) -> None:
    """Nobody is hurt there."""
    config = demanding()
    config["venue"]["test_venue"] = True
    config["instruments"]["COIN"]["certification"] = False
    desk.configure(config)

    assert order(desk, "1") == ("88", "NOT_CERTIFIED")
    tell(desk, CertificationStep.BEGIN, lasts_s=60)
    assert order(desk, "2") == ("80", "")


def test_who_has_passed_every_function_trades(desk: VenueDesk) -> None:
    """Some of them are not enough; with the last one orders are taken."""
    tell(desk, CertificationStep.PASSED, "limit")
    assert order(desk, "1") == ("88", "NOT_CERTIFIED")
    tell(desk, CertificationStep.PASSED, "cancel")
    assert order(desk, "2") == ("80", "")
    status = desk.venue.certification.status(desk.id("ALPHA"), desk.now_ns)
    assert status.complete
    assert status.functions == {"cancel": desk.now_ns, "limit": desk.now_ns}


def test_a_function_that_is_added_has_to_be_passed(desk: VenueDesk) -> None:
    """A session that is on notices at once, and again when it need not be certified any more."""
    tell(desk, CertificationStep.PASSED, "limit", "cancel")
    desk.configure(demanding(("cancel", "limit", "replace")))
    assert order(desk, "1") == ("88", "NOT_CERTIFIED")
    desk.configure(configuration())
    assert order(desk, "2") == ("80", "")


def test_an_operator_may_take_it_back(desk: VenueDesk) -> None:
    """What was shown counts no more, and a run can be ended before its time."""
    tell(desk, CertificationStep.PASSED, "limit", "cancel")
    tell(desk, CertificationStep.REVOKE)
    assert order(desk, "1") == ("88", "NOT_CERTIFIED")
    tell(desk, CertificationStep.BEGIN, lasts_s=60)
    tell(desk, CertificationStep.END)
    assert order(desk, "2") == ("88", "NOT_CERTIFIED")


def test_it_survives_restarts_and_replays(desk: VenueDesk) -> None:
    """A replay refuses and allows the same, and what was passed is there after a restart."""
    order(desk, "1")
    tell(desk, CertificationStep.BEGIN, lasts_s=600)
    order(desk, "2")
    tell(desk, CertificationStep.PASSED, "limit", "cancel")
    other, _ = desk.replayed()
    assert other.venue.state_hash() == desk.venue.state_hash()
    assert other.venue.saved() == desk.venue.saved()
    other.close()

    desk.restart()
    desk.log_on("ALPHA")
    assert order(desk, "3") == ("80", "")


def test_a_snapshot_has_it(desk: VenueDesk) -> None:
    """A venue made from a snapshot refuses and allows as the one that was saved."""
    tell(desk, CertificationStep.BEGIN, lasts_s=600)
    tell(desk, CertificationStep.PASSED, "limit")
    other = restored(taken(desk.venue), desk.engine.capacity)

    assert other.saved() == desk.venue.saved()
    assert other.state_hash() == desk.venue.state_hash()
    other.certification.passed(desk.id("ALPHA"), ["cancel"], desk.now_ns)
    assert other.state_hash() != desk.venue.state_hash()
    other.engine.close()


def day(seed: int, *, gate_open: bool) -> bytes:
    """The journal of a day on which everything about ALPHA's certification happens at random."""
    dice = random.Random(seed)  # noqa: S311 - seeded on purpose
    desk = VenueDesk(demanding(), gate_open=gate_open)
    configs = (demanding(), demanding(("cancel",)), configuration())
    for number in range(400):
        alpha = desk.id("ALPHA")
        if not desk.venue.is_live(alpha):
            desk.log_on("ALPHA")
        act = dice.randrange(12)
        if act == 0:
            desk.configure(dice.choice(configs))
        elif act == 1:
            desk.drop("ALPHA")
        elif act == 2:
            desk.restart()
        elif act < 6:
            step = dice.choice([*CertificationStep, CertificationStep.BEGIN])
            functions = dice.sample(["cancel", "limit"], dice.randrange(3))
            tell(desk, step, *functions, lasts_s=dice.randrange(1, 200))
        else:
            symbol, price = dice.choice([("COIN", "20"), ("AAPL", "100")])
            body = ORDER.replace("COIN", symbol).replace("44=20", f"44={price}")
            desk.send("ALPHA", "D", f"11={number}|{body}")
        desk.now_ns += dice.randrange(8) * NS_PER_S
    desk.close()
    return bytes(desk.journal)


@pytest.mark.parametrize("seed", range(4))
def test_random_days(seed: int) -> None:
    """With the gate open and shut the same bytes; each unit goes on from a snapshot of the last."""
    journal = day(seed, gate_open=True)
    assert day(seed, gate_open=False) == journal

    assert b"58=NOT_CERTIFIED" in journal
    assert b"58=NOT_FOR_CERTIFICATION" in journal
    venue = Venue(Engine(CAPACITY))
    for unit in units_of(journal):
        replay(venue, [unit])
        following = restored(taken(venue), CAPACITY)
        assert following.state_hash() == venue.state_hash()
        assert following.saved() == venue.saved()
        venue.engine.close()
        venue = following
    venue.engine.close()
