"""When a session is due for a tick: comparisons of moments, no clock.

A heartbeat follows from the last message sent, a test of the counterparty from the last frame
received; both moments are the owner's, because plain orders pass without this layer seeing them.
Everything else that waits has one moment of its own.
"""

import attrs

from kk99fix.session import answers
from kk99fix.session.effects import DisconnectCause
from kk99fix.session.life import Life, Probe
from kk99fix.session.rules import Numbers
from kk99fix.session.states import State
from kk99fix.session.turn import Turn


def silence_of(heart_bt_int_ns: int) -> int:
    """Return how long a counterparty may be silent: HeartBtInt(108) and a fifth for the way."""
    return heart_bt_int_ns + heart_bt_int_ns // 5


@attrs.frozen
class Timers:
    """What a session waits for; None where it waits for nothing of the kind."""

    #: A Heartbeat(0) is due this long after the last message sent.
    heartbeat_ns: int | None = None
    #: A TestRequest(1) is due this long after the last frame received.
    silence_ns: int | None = None
    #: The earliest moment that depends on neither: an answer that must have come by then.
    deadline_ns: int | None = None

    def next_deadline_ns(self, numbers: Numbers) -> int | None:
        """Return when the next tick matters; None for never."""
        moments = []
        if self.heartbeat_ns is not None:
            moments.append(numbers.last_out_ns + self.heartbeat_ns)
        if self.silence_ns is not None:
            moments.append(numbers.last_in_ns + self.silence_ns)
        if self.deadline_ns is not None:
            moments.append(self.deadline_ns)
        return min(moments, default=None)


def timers_of(life: Life) -> Timers:
    """Tell what a session waits for now."""
    if not life.established:
        return Timers(deadline_ns=life.deadline_ns)
    interval_ns = life.heart_bt_int_ns
    waits = [life.deadline_ns]
    if life.gap is not None:
        waits.append(life.gap.asked_ns + life.rules.resend_wait_ns)
    if life.test_sent_ns is not None:
        waits.append(life.test_sent_ns + interval_ns)
    if life.probe is not None and life.probe.waiting:
        waits.append(life.probe.until_ns)
    silence_ns = silence_of(interval_ns) if life.test_sent_ns is None else 0
    return Timers(
        heartbeat_ns=interval_ns or None,
        silence_ns=silence_ns or None,
        deadline_ns=min((wait for wait in waits if wait is not None), default=None),
    )


def may_probe(life: Life, now_ns: int) -> bool:
    """Whether the counterparty may be asked now: once in a while, answered or not."""
    return life.established and (life.probe is None or now_ns >= life.probe.until_ns)


def probe(life: Life, turn: Turn, wait_ns: int) -> None:
    """Ask whether the counterparty is there; `wait_ns` later at the latest a frame has come."""
    life.probe = Probe(turn.now_ns, turn.now_ns + wait_ns, turn.next_in)
    turn.send(answers.test_request(answers.number(turn.now_ns)))


def heard(life: Life) -> None:
    """Take note of a sign of life; every valid frame is one."""
    life.test_sent_ns = None
    if life.probe is not None:
        life.probe = attrs.evolve(life.probe, waiting=False)


def end_probe(life: Life, turn: Turn) -> None:
    """End a session that did not answer; what the owner took in without us answers too."""
    probe = life.probe
    if probe is None or not probe.waiting or turn.now_ns < probe.until_ns:
        return
    life.probe = attrs.evolve(probe, waiting=False)
    # A frame of the very nanosecond of the question shows in its number alone.
    if turn.numbers.last_in_ns <= probe.sent_ns and turn.numbers.next_in == probe.next_in:
        life.end(turn, DisconnectCause.HALF_DEAD)


def expire(life: Life, turn: Turn) -> None:
    """End what waited for an answer until now."""
    match life.state:
        case State.LOGON_SENT:
            life.end(turn, DisconnectCause.LOGON_TIMEOUT)
        case State.LOGOUT_SENT if life.leaving is DisconnectCause.LOGOUT:
            life.end(turn, DisconnectCause.LOGOUT_TIMEOUT)
        case State.LOGOUT_SENT:
            life.end(turn, life.leaving)
        case _:  # their Logout(5) waits behind a gap that nobody fills
            life.cut(turn, DisconnectCause.PEER_LOGOUT, b"")


def keep_alive(life: Life, turn: Turn) -> None:
    """Test a silent counterparty (case 6), or show that we are alive (case 4a)."""
    interval_ns = life.heart_bt_int_ns
    if not interval_ns:
        return
    last_in_ns = turn.numbers.last_in_ns
    if life.test_sent_ns is not None and last_in_ns >= life.test_sent_ns:
        life.test_sent_ns = None
    if life.test_sent_ns is not None and turn.now_ns - life.test_sent_ns >= interval_ns:
        life.end(turn, DisconnectCause.HEARTBEAT_TIMEOUT)
    elif life.test_sent_ns is None and turn.now_ns - last_in_ns >= silence_of(interval_ns):
        life.test_sent_ns = turn.now_ns
        turn.send(answers.test_request(answers.number(turn.now_ns)))
    elif turn.now_ns - turn.numbers.last_out_ns >= interval_ns:
        turn.send(answers.heartbeat())
