"""Whether a connection is half dead: the owner asks, and a frame answers in time or none does."""

import pytest
from support.session_desk import LOGON, ORDER, Desk, run

from kk99fix.session.effects import Effect
from kk99fix.session.rules import NS_PER_S
from kk99fix.session.states import State

WAIT_NS = 3 * NS_PER_S


@pytest.fixture
def desk() -> Desk:
    """A session that is logged on for a second."""
    desk = Desk()
    run(LOGON, desk)
    desk.now_ns += NS_PER_S
    return desk


def probe(desk: Desk) -> list[str]:
    """Ask the counterparty for a sign of life."""
    effects: tuple[Effect, ...] = desk.session.probe(WAIT_NS, desk.numbers, desk.now_ns)
    return desk.perform(effects)


TEST_REQUEST = "35=1|34=2|112=1790000001000000000"


def test_no_answer_ends_the_session(desk: Desk) -> None:
    """One TestRequest(1), then the end after three seconds, without a Logout(5)."""
    assert probe(desk) == [TEST_REQUEST]
    assert desk.session.next_deadline_ns(desk.numbers) == desk.now_ns + WAIT_NS

    run("T 2.999\nS LOGGED_ON\nT 0.001\nE disconnect half-dead\nS CLOSED", desk)


@pytest.mark.parametrize(
    "answer",
    [
        "I 35=0|34=2|112=1790000001000000000",
        "I 35=0|34=2",
        f"I 35=D|34=2|{ORDER}\nE deliver 35=D|34=2|{ORDER}",
        "I 35=0|34=9\nE 35=2|34=3|7=2|16=0",
        "I 35=0|34=1|43=Y|122=20260921-12:00:00",
    ],
    ids=["its answer", "a heartbeat", "an order", "a frame behind a gap", "a duplicate"],
)
def test_any_valid_frame_is_an_answer(desk: Desk, answer: str) -> None:
    """Whatever the counterparty sends shows that it is there."""
    probe(desk)
    run(f"T 1\n{answer}\nT 2\nT 1", desk)

    assert desk.session.established


def test_a_plain_frame_is_an_answer(desk: Desk) -> None:
    """What the owner took in without this layer shows in the time of the last frame."""
    probe(desk)
    desk.last_in_ns = desk.now_ns + 1

    run("T 3\nS LOGGED_ON", desk)
    assert desk.session.timers.deadline_ns is None


def test_a_frame_of_before_is_no_answer(desk: Desk) -> None:
    """Only what came after the question counts."""
    desk.last_in_ns = desk.now_ns
    probe(desk)

    run("T 3\nE disconnect half-dead", desk)


def test_a_probe_is_not_repeated(desk: Desk) -> None:
    """Within the time to wait nobody is asked again, answered or not; afterwards once more."""
    assert probe(desk) == [TEST_REQUEST]
    assert not desk.session.may_probe(desk.now_ns)
    assert probe(desk) == []
    run("I 35=0|34=2", desk)
    desk.now_ns += WAIT_NS - 1
    assert probe(desk) == []
    desk.now_ns += 1

    assert desk.session.may_probe(desk.now_ns)
    assert probe(desk) == ["35=1|34=3|112=1790000004000000000"]
    run("T 3\nE disconnect half-dead", desk)


def test_a_probe_beside_a_test_of_our_own(desk: Desk) -> None:
    """A session that is being tested for its silence is not left to the long wait of that test."""
    run("T 35\nE 35=1|34=2|112=1790000036000000000\nT 1", desk)
    assert probe(desk) == ["35=1|34=3|112=1790000037000000000"]

    run("T 3\nE disconnect half-dead", desk)


def test_only_an_established_session_is_asked(desk: Desk) -> None:
    """Before the logon, after our Logout(5) and behind the end nothing is sent."""
    assert probe(Desk()) == []
    stopped = desk.session.stop(b"", desk.numbers, desk.now_ns)
    desk.perform(stopped)
    assert probe(desk) == []
    run("T 2\nE disconnect logout-timeout", desk)

    assert probe(desk) == []
    assert desk.session.state is State.CLOSED


def test_a_logout_forgets_the_probe(desk: Desk) -> None:
    """Who is being logged out has the time of a logout, whatever was asked before."""
    probe(desk)
    desk.now_ns += 2 * NS_PER_S
    desk.perform(desk.session.stop(b"bye", desk.numbers, desk.now_ns))

    run("T 1.5\nS LOGOUT_SENT\nT 0.5\nE disconnect logout-timeout", desk)


def test_a_heartbeat_goes_out_all_the_same(desk: Desk) -> None:
    """The probe changes nothing of the counterparty's heartbeats."""
    probe(desk)
    run("I 35=0|34=2\nT 30\nE 35=0|34=3", desk)
