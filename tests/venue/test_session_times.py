"""Starts and ends of sessions at the venue: numbers, logouts and the policy for resets."""

import pytest
from support.small_venue import NS_PER_S, configuration
from support.venue_desk import VenueDesk

from kk99fix.venue.session_commands import SessionEndInput, SessionStartInput, StopInput
from kk99fix.venue.session_times import SessionTimes

ORDER = "55=AAPL|54=1|60=20260921-13:33:20|38=1|40=2|44=100|"
TEXT = "the session ends at 17:00 UTC"


@pytest.fixture
def desk() -> VenueDesk:
    """A venue where nobody is logged on."""
    return VenueDesk()


def start(desk: VenueDesk, name: str = "ALPHA", *, reset: bool = True) -> None:
    """Start a session now."""
    desk.apply(SessionStartInput(desk.id(name), desk.now_ns, reset))


def end(desk: VenueDesk, name: str = "ALPHA") -> list[str]:
    """End a session now; the messages that follow, as MsgType(35) and Text(58)."""
    records = desk.apply(SessionEndInput(desk.id(name), desk.now_ns, TEXT))
    return [f"{message[35]} {message[58]}" for message in desk.sent(records)]


def numbers(desk: VenueDesk, name: str = "ALPHA") -> tuple[int, int, int]:
    """Epoch and numbers of a session."""
    view = desk.engine.session(desk.id(name))
    return view.epoch, view.next_in, view.next_out


def trade_and_leave(desk: VenueDesk) -> None:
    """Log ALPHA on, place an order, log out, with numbers 4 and 4 behind it."""
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", f"11={desk.now_ns}|{ORDER}")
    desk.send("ALPHA", "5")


def test_a_start_that_resets(desk: VenueDesk) -> None:
    """A new epoch begins with both numbers 1; orders stay, and the old numbers stay readable."""
    trade_and_leave(desk)
    assert numbers(desk) == (1, 4, 4)
    start(desk)

    assert numbers(desk) == (2, 1, 1)
    assert len(desk.engine.book(0, "1")) == 1
    desk.next_number["ALPHA"] = 1
    (answer,) = desk.sent(desk.log_on("ALPHA"))
    assert (answer[35], answer.number) == ("A", 1)
    assert [record.header.epoch for record, _ in desk.outputs("ALPHA")] == [1, 1, 1, 2]


def test_a_start_that_resets_nothing(desk: VenueDesk) -> None:
    """Numbers go on, and only the times of the session change."""
    trade_and_leave(desk)
    desk.now_ns += NS_PER_S
    desk.apply(SessionStartInput(desk.id("ALPHA"), desk.now_ns - 5, reset=False))

    assert numbers(desk) == (1, 4, 4)
    times = desk.venue.session_times(desk.id("ALPHA"))
    assert times == SessionTimes(desk.now_ns - 5, 0, desk.now_ns)
    assert desk.venue.session_times(desk.id("BETA")) == SessionTimes()


def test_what_happens_before_the_logon_waits(desk: VenueDesk) -> None:
    """A fill of the new period has the first number of it, and is fetched after the logon."""
    trade_and_leave(desk)
    start(desk)
    desk.log_on("BETA")
    desk.send("BETA", "D", f"11=b|{ORDER}".replace("54=1", "54=2"))
    assert numbers(desk) == (2, 1, 2)
    desk.next_number["ALPHA"] = 1
    (answer,) = desk.sent(desk.log_on("ALPHA"))

    assert answer.number == 2
    desk.send("ALPHA", "2", {7: "1", 16: "0"})
    (resend,) = desk.outcomes[-1].resends
    assert (resend.epoch, resend.begin, resend.end) == (2, 1, 2)


def test_an_end_logs_out(desk: VenueDesk) -> None:
    """Who is logged on gets a Logout(5) with the text; who is away is only noted."""
    desk.log_on("ALPHA")
    assert end(desk) == [f"5 {TEXT}"]
    desk.send("ALPHA", "5")
    assert [left.cause for left in desk.outcomes[-1].disconnects] == ["session-end"]

    desk.now_ns += NS_PER_S
    assert end(desk) == []
    assert desk.venue.session_times(desk.id("ALPHA")).ended_ns == desk.now_ns


def test_an_end_in_the_midst_of_a_resend(desk: VenueDesk) -> None:
    """A gap of the counterparty does not hold up the end."""
    desk.log_on("ALPHA")
    desk.send("ALPHA", "0", header={34: "9"})

    assert end(desk) == [f"5 {TEXT}"]
    desk.tick(2 * NS_PER_S)
    assert [left.cause for left in desk.outcomes[-1].disconnects] == ["session-end"]


def test_a_reset_ends_a_connection_that_is_still_there(desk: VenueDesk) -> None:
    """Nothing of the new numbers reaches the old connection."""
    desk.log_on("ALPHA")
    desk.log_on("BETA")
    desk.send("ALPHA", "D", f"11=a|{ORDER}")
    left = bytes(desk.wire["ALPHA"])
    start(desk)

    assert [gone.cause for gone in desk.outcomes[-1].disconnects] == ["numbers-reset"]
    assert numbers(desk) == (2, 1, 1)
    desk.send("BETA", "D", f"11=b|{ORDER}".replace("54=1", "54=2"))
    assert numbers(desk) == (2, 1, 2)
    assert bytes(desk.wire["ALPHA"]) == left


def test_a_reset_while_a_connection_drains(desk: VenueDesk) -> None:
    """A ring that is still attached behind the end of its session follows the new numbers not."""
    desk.log_on("ALPHA")
    desk.log_on("BETA")
    desk.send("ALPHA", "D", f"11=a|{ORDER}")
    session = desk.id("ALPHA")
    desk.apply(StopInput(session, "bye"))
    left = bytes(desk.wire["ALPHA"])
    desk.venue.apply(SessionStartInput(session, desk.now_ns, reset=True), desk.now_ns)
    assert desk.engine.attached(session)
    sent = desk.send("BETA", "D", f"11=b|{ORDER}".replace("54=1", "54=2"))

    assert [message.number for message in sent if message.session == "ALPHA"] == [1]
    assert bytes(desk.wire["ALPHA"]) == left
    assert desk.venue.last_number(session) == 0
    desk.engine.detach(session)


@pytest.mark.parametrize("cancel_on_logout", [True, False])
@pytest.mark.parametrize("leaves", ["confirmed", "silent", "dropped"])
def test_orders_at_the_end(cancel_on_logout: bool, leaves: str) -> None:
    """The end by the schedule is a logout, whether the counterparty confirms it or just goes."""
    config = configuration()
    rules = {"cancel_on_disconnect": True, "cancel_on_logout": cancel_on_logout}
    config["sessions"]["ALPHA"].update(rules)
    desk = VenueDesk(config)
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", f"11=a|{ORDER}")
    end(desk)
    if leaves == "confirmed":
        desk.send("ALPHA", "5")
    elif leaves == "silent":
        desk.tick(2 * NS_PER_S)
    else:
        desk.drop("ALPHA")
    desk.tick()
    assert len(desk.engine.book(0, "1")) == (0 if cancel_on_logout else 1)

    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", f"11=b|{ORDER}")
    desk.drop("ALPHA")
    desk.tick()
    assert desk.engine.book(0, "1") == [], "a later end is one of its own again"


# ------------------------------------------------------------------ resets by the counterparty


@pytest.fixture
def at_start() -> VenueDesk:
    """A venue that lets ALPHA reset its numbers once in a period."""
    config = configuration()
    config["sessions"]["ALPHA"]["reset_seq_num"] = "at-session-start"
    return VenueDesk(config)


def reset_logon(desk: VenueDesk) -> str:
    """Log ALPHA on with ResetSeqNumFlag(141)=Y; the type of the answer."""
    desk.next_number["ALPHA"] = 1
    (answer,) = desk.sent(desk.log_on("ALPHA", {141: "Y"}))
    return answer[35]


@pytest.mark.parametrize("reset", [True, False])
def test_a_reset_at_the_start_of_a_session(at_start: VenueDesk, reset: bool) -> None:
    """The first logon of a period may reset, a later one may not, whatever the start itself did."""
    desk = at_start
    trade_and_leave(desk)
    assert reset_logon(desk) == "5"
    desk.now_ns += NS_PER_S
    start(desk, reset=reset)
    desk.now_ns += NS_PER_S
    assert reset_logon(desk) == "A"
    desk.now_ns += NS_PER_S
    answer = desk.send("ALPHA", "A", {98: "0", 108: "30", 141: "Y"}, header={34: "1"})
    assert [message[35] for message in answer] == ["5"]
    assert reset_logon(desk) == "5"


def test_a_refused_logon_is_not_the_first(at_start: VenueDesk) -> None:
    """A Logon(A) that is refused for another reason leaves the reset to the next one."""
    desk = at_start
    trade_and_leave(desk)
    desk.now_ns += NS_PER_S
    start(desk)
    desk.now_ns += NS_PER_S
    desk.next_number["ALPHA"] = 1
    (answer,) = desk.sent(desk.log_on("ALPHA", {108: "1", 141: "Y"}))
    assert answer[35] == "5"

    assert reset_logon(desk) == "A"


def test_what_came_just_before_the_start_is_of_before(at_start: VenueDesk) -> None:
    """The moment at which the start was applied counts, not the one that the schedule names."""
    desk = at_start
    trade_and_leave(desk)
    named_ns = desk.now_ns - NS_PER_S
    desk.now_ns += 1
    desk.apply(SessionStartInput(desk.id("ALPHA"), named_ns, reset=False))

    assert reset_logon(desk) == "A"


# ------------------------------------------------------------------ replay


def test_a_replay_has_the_same_periods(at_start: VenueDesk) -> None:
    """Numbers, times and policy stand where they stood, and later outputs are the same."""
    desk = at_start
    trade_and_leave(desk)
    start(desk)
    desk.next_number["ALPHA"] = 1
    trade_and_leave(desk)
    end(desk)
    desk.now_ns += NS_PER_S
    start(desk, reset=False)
    replayed, _ = desk.replayed()

    session = desk.id("ALPHA")
    assert replayed.engine.state_hash() == desk.engine.state_hash()
    assert replayed.venue.session_times(session) == desk.venue.session_times(session)
    assert reset_logon(replayed) == reset_logon(desk) == "A"
