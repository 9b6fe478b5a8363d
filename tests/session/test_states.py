"""The table of states, and the parts of the machine that stand alone."""

import pytest
from support.session_desk import LOGON, Desk, run

from kk99fix.session.gap import Early, EarlyQueue
from kk99fix.session.liveness import Timers
from kk99fix.session.rules import Numbers
from kk99fix.session.states import TRANSITIONS, Event, IllegalTransition, State, next_state


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_every_event_in_every_state(state: State, event: Event) -> None:
    """An event either leads where the table says, or is refused as our own fault."""
    if event in TRANSITIONS[state]:
        assert next_state(state, event) is TRANSITIONS[state][event]
    else:
        with pytest.raises(IllegalTransition, match=f"{event.name} in state {state.name}"):
            next_state(state, event)


def test_closed_is_the_end() -> None:
    """Every state can be left for CLOSED, and CLOSED for nothing."""
    for state in State:
        assert (Event.ENDED in TRANSITIONS[state]) is (state is not State.CLOSED)

    assert not TRANSITIONS[State.CLOSED]


def test_queue_is_bounded_in_bytes() -> None:
    """What finds no room is dropped, and the lowest such number is remembered."""
    queue = EarlyQueue(messages_max=3, bytes_max=20)
    for number in (5, 7, 9, 8):
        queue.put(number, bytes(10), handled=False)

    assert len(queue) == 2
    assert queue.next_after(6) == 7
    assert queue.take(7) is not None
    assert queue.next_after(8) == 8
    assert queue.next_after(9) is None


def test_queue_is_bounded_in_number() -> None:
    """However short the frames are, there are never more than allowed."""
    queue = EarlyQueue(messages_max=2, bytes_max=1000)
    for number in (5, 6, 7, 8):
        queue.put(number, b"", handled=False)

    assert len(queue) == 2
    assert queue.next_after(7) == 7


def test_queue_keeps_the_first_of_a_number() -> None:
    """A second message under a waiting number changes nothing."""
    queue = EarlyQueue(messages_max=3, bytes_max=1000)
    queue.put(5, b"first", handled=False)
    queue.put(5, b"second", handled=True)

    assert queue.take(5) == Early(b"first", handled=False)
    assert queue.take(5) is None


@pytest.mark.parametrize(
    ("timers", "due_ns"),
    [
        (Timers(), None),
        (Timers(heartbeat_ns=30), 130),
        (Timers(heartbeat_ns=30, silence_ns=36), 96),
        (Timers(heartbeat_ns=30, silence_ns=36, deadline_ns=95), 95),
    ],
)
def test_next_deadline(timers: Timers, due_ns: int | None) -> None:
    """The earliest of what is waited for decides."""
    assert timers.next_deadline_ns(Numbers(1, 1, last_in_ns=60, last_out_ns=100)) == due_ns


def test_life_seen_by_the_fast_path_answers_a_test_request() -> None:
    """A frame that the session never saw counts as well, and the next silence is tested anew."""
    desk = Desk()
    run(LOGON, desk)
    run("T 36\nE 35=1|34=2|112=1790000036000000000", desk)
    desk.last_in_ns = desk.now_ns + 1
    desk.next_in += 1
    run("T 30\nE 35=0|34=3\nT 6.1\nE 35=1|34=4|112=1790000072100000000", desk)


def test_plain_only_while_nothing_waits() -> None:
    """The fast path is shut before the logon, while a gap is open and after our Logout(5)."""
    desk = Desk()
    seen = [desk.session.plain]
    for script in (
        LOGON,
        "I 35=0|34=3\nE 35=2|34=2|7=2|16=0",
        "I 35=4|34=2|43=Y|122=20260921-12:00:00|123=Y|36=3",
    ):
        run(script, desk)
        seen.append(desk.session.plain)
    desk.perform(desk.session.stop(b"bye", desk.numbers, desk.now_ns))
    seen.append(desk.session.plain)

    assert seen == [False, True, False, True, False]
