"""Cancel on disconnect: what a session leaves behind is cancelled, once, for the right causes."""

from collections.abc import Callable
from typing import Any

import pytest
from support.small_venue import NS_PER_S, configuration, session
from support.venue_desk import Sent, VenueDesk

from kk99fix.venue import venue as venue_module
from kk99fix.venue.inputs import DisconnectInput, RestartInput
from kk99fix.venue.recovery import replay, unit_length
from kk99fix.venue.session_commands import StopInput

TIME = "60=20260921-13:33:20|"
#: Slots of one slice: an order that is pulled counts for eleven.
SLICE = 20

Config = dict[str, Any]


@pytest.fixture(autouse=True)
def _slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two orders in one slice."""
    monkeypatch.setattr(venue_module, "WALK_SLICE", SLICE)


def config(*, grace_s: int = 0, on_logout: bool = False, cancels: bool = True) -> Config:
    """The usual configuration with other rules for ALPHA."""
    content = configuration()
    content["sessions"]["ALPHA"] |= {
        "cancel_on_disconnect": cancels,
        "cancel_grace_ns": grace_s * NS_PER_S,
        "cancel_on_logout": on_logout,
    }
    return content


def order(clord_id: str, more: str = "") -> str:
    """A bid for one AAPL."""
    return f"11={clord_id}|55=AAPL|54=1|{TIME}38=1|40=2|44=99.99|{more}"


def opened(content: Config, orders: int = 1) -> VenueDesk:
    """ALPHA and two desks are logged on; ALPHA has so many orders."""
    desk = VenueDesk(content)
    for name in ("ALPHA", "DESK", "AUDIT"):
        desk.log_on(name)
    for number in range(orders):
        desk.send("ALPHA", "D", order(f"C{number}"))
    return desk


def pulled(sent: list[Sent]) -> list[str]:
    """ClOrdIDs of the orders that were cancelled because their session left."""
    codes = ("CANCEL_ON_DISCONNECT; ", "SESSION_REMOVED; ")
    ids = [message[11] for message in sent if message[58].startswith(codes)]
    assert len(ids) == sum(message[150] == "4" for message in sent)
    return ids


def open_orders(desk: VenueDesk) -> int:
    """Live orders of ALPHA."""
    return desk.engine.session(desk.id("ALPHA")).open_orders


def walk_to_its_end(desk: VenueDesk) -> list[str]:
    """Ticks until nobody waits; what they cancel."""
    ids = []
    while desk.engine.walk_pending:
        assert desk.venue.next_deadline_ns() == desk.now_ns
        ids += pulled(desk.sent(desk.tick()))
    return ids


# ------------------------------------------------------------------ what a cancel says


def test_cancelled_and_told() -> None:
    """150=4 with its cause goes to the session's numbers and, at once, to the drop copy."""
    desk = opened(config())
    before = desk.engine.session(desk.id("ALPHA")).next_out
    (cancelled,) = desk.sent(desk.drop("ALPHA"))

    assert (cancelled.session, cancelled.number) == ("ALPHA", before)
    assert (cancelled[150], cancelled[39], cancelled[11], cancelled[41]) == ("4", "4", "C0", "")
    assert (cancelled[151], cancelled[14]) == ("0", "0")
    assert cancelled[58] == (
        "CANCEL_ON_DISCONNECT; The session's connection ended, and its orders do not outlive it."
    )
    copy = desk.outputs("DESK")[-1][1]
    assert b"\x01150=4\x01" in copy
    assert copy in desk.wire["DESK"]
    assert cancelled.raw not in desk.wire["ALPHA"]
    desk.log_on("ALPHA")
    desk.send("ALPHA", "2", {7: str(before), 16: "0"})
    (resend,) = desk.outcomes[-1].resends
    assert resend.begin == before


def test_once() -> None:
    """A second disconnect finds nothing left, and a restart neither."""
    desk = opened(config())
    assert pulled(desk.sent(desk.drop("ALPHA"))) == ["C0"]
    desk.log_on("ALPHA")

    assert desk.sent(desk.drop("ALPHA")) == []
    assert desk.sent(desk.restart()) == []


# ------------------------------------------------------------------ causes


def too_low(desk: VenueDesk) -> list[Sent]:
    """A number below the expected one: we cut the connection."""
    return desk.send("ALPHA", "0", {}, {34: "1"})


def heartbeat_lost(desk: VenueDesk) -> list[Sent]:
    """Silence, also after a TestRequest(1)."""
    sent = []
    for _ in range(4):
        sent += desk.sent(desk.tick(20 * NS_PER_S), to="ALPHA")
    return sent


def late(desk: VenueDesk) -> list[Sent]:
    """A wrong clock: Logout(5) from us, which the counterparty confirms."""
    desk.send("ALPHA", "0", {}, {52: "20260921-10:00:00"})
    return desk.send("ALPHA", "5")


def withdrawn(desk: VenueDesk) -> list[Sent]:
    """The session's file is gone."""
    content = config()
    del content["sessions"]["ALPHA"]
    return desk.sent(desk.configure(content))


def broken(desk: VenueDesk) -> list[Sent]:
    """The network."""
    return desk.sent(desk.drop("ALPHA", "connection-closed"))


def crashed(desk: VenueDesk) -> list[Sent]:
    """The process was killed and is back."""
    return desk.sent(desk.restart())


@pytest.mark.parametrize("end", [broken, too_low, heartbeat_lost, late, withdrawn, crashed])
def test_ends_that_cancel(end: Callable[[VenueDesk], list[Sent]]) -> None:
    """Whatever ends a connection but a logout takes the orders along."""
    desk = opened(config())

    assert pulled(end(desk)) == ["C0"]
    assert desk.engine.statistics().live_orders == 0


def logged_out(desk: VenueDesk) -> list[Sent]:
    """The counterparty logs out."""
    return desk.send("ALPHA", "5")


def stopped(desk: VenueDesk) -> list[Sent]:
    """A planned stop, confirmed."""
    desk.apply(StopInput(desk.id("ALPHA"), "see you"))
    return desk.send("ALPHA", "5")


def stopped_without_an_answer(desk: VenueDesk) -> list[Sent]:
    """A planned stop that the counterparty does not confirm."""
    desk.apply(StopInput(desk.id("ALPHA"), "see you"))
    return desk.sent(desk.tick(3 * NS_PER_S), to="ALPHA")


def stopped_and_closed(desk: VenueDesk) -> list[Sent]:
    """A planned stop, and the counterparty closes the connection."""
    desk.apply(StopInput(desk.id("ALPHA"), "see you"))
    return desk.sent(desk.drop("ALPHA", "connection-closed"))


def given_up(desk: VenueDesk) -> list[Sent]:
    """A planned stop that waits no longer."""
    return desk.sent(desk.drop("ALPHA", "gateway-stopped"))


def stopped_and_killed(desk: VenueDesk) -> list[Sent]:
    """A planned stop that ended in a kill."""
    desk.apply(StopInput(desk.id("ALPHA"), "see you"))
    return desk.sent(desk.restart())


PLANNED = [stopped, stopped_without_an_answer, stopped_and_closed, given_up, stopped_and_killed]


@pytest.mark.parametrize("end", [logged_out, *PLANNED])
def test_ends_that_do_not(end: Callable[[VenueDesk], list[Sent]]) -> None:
    """A logout leaves the orders where they are, and so does every planned stop."""
    desk = opened(config())

    assert pulled(end(desk)) == []
    assert not desk.venue.is_live(desk.id("ALPHA"))
    assert open_orders(desk) == 1
    assert not desk.engine.walk_pending
    desk.log_on("ALPHA")
    assert pulled(broken(desk)) == ["C0"], "a later disconnect counts again"


def test_cancel_on_logout() -> None:
    """Where the file says so, a logout counts as a disconnect; nothing follows our Logout(5)."""
    desk = opened(config(on_logout=True))
    answer, cancelled = logged_out(desk)

    assert (answer[35], cancelled[150]) == ("5", "4")
    assert cancelled.raw not in desk.wire["ALPHA"]
    assert answer.raw in desk.wire["ALPHA"]


@pytest.mark.parametrize("end", PLANNED)
def test_a_planned_stop_is_no_logout(end: Callable[[VenueDesk], list[Sent]]) -> None:
    """With cancel_on_logout too, a planned stop cancels nothing."""
    desk = opened(config(on_logout=True))

    assert pulled(end(desk)) == []


# ------------------------------------------------------------------ orders that say otherwise


def test_kept_by_their_own_word() -> None:
    """ExecInst(18)=H stays and Q goes, whatever the session does; the plain case takes both."""
    for cancels, left in ((True, ["H"]), (False, ["plain", "H"])):
        desk = opened(config(cancels=cancels), orders=0)
        frames = desk.engine.statistics().gate_frames
        for word in ("", "18=H|", "18=Q|"):
            (new,) = desk.send("ALPHA", "D", order(word[3:4] or "plain", word))
            assert (new[150], new[18]) == ("0", "")
        assert desk.engine.statistics().gate_frames == frames + 3
        gone = pulled(desk.sent(desk.drop("ALPHA"))) + walk_to_its_end(desk)
        assert gone == [name for name in ("plain", "H", "Q") if name not in left]
        assert open_orders(desk) == len(left)
        desk.close()


def test_a_replace_may_say_otherwise() -> None:
    """The ExecInst(18) of a replace counts from then on; without one the order's stays."""
    desk = opened(config(), orders=3)
    change = f"55=AAPL|54=1|{TIME}38=1|40=2|44=99.98|"
    desk.send("ALPHA", "G", f"41=C0|11=R0|{change}18=H|")
    desk.send("ALPHA", "G", f"41=R0|11=R1|{change}")
    desk.send("ALPHA", "G", f"41=C1|11=R2|{change}18=H|")
    desk.send("ALPHA", "G", f"41=R2|11=R3|{change}18=Q|")

    assert pulled(desk.sent(desk.drop("ALPHA"))) + walk_to_its_end(desk) == ["R3", "C2"]


@pytest.mark.parametrize("value", ["6", "H Q", "Q 6", "I"])
def test_other_instructions(value: str) -> None:
    """Any other ExecInst(18) is refused as before."""
    desk = opened(config(), orders=0)
    (refused,) = desk.send("ALPHA", "D", order("1", f"18={value}|"))

    assert refused[150] == "8"
    assert refused[58].startswith("UNSUPPORTED_INSTRUCTION; ")


# ------------------------------------------------------------------ grace


def test_grace() -> None:
    """The orders stay until the tick behind the grace, which the venue asks for."""
    desk = opened(config(grace_s=5), orders=2)
    desk.drop("AUDIT")
    desk.drop("DESK")
    assert desk.sent(desk.drop("ALPHA")) == []
    assert desk.venue.next_deadline_ns() == desk.now_ns + 5 * NS_PER_S
    assert desk.sent(desk.tick(5 * NS_PER_S - 1)) == []

    assert pulled(desk.sent(desk.tick(1))) == ["C0", "C1"]
    assert desk.venue.next_deadline_ns() is None


def test_return_within_grace() -> None:
    """Who is back in time finds the orders as they were, and the clock starts anew."""
    desk = opened(config(grace_s=5))
    desk.drop("ALPHA")
    desk.now_ns += 4 * NS_PER_S
    desk.log_on("ALPHA")
    assert pulled(desk.sent(desk.tick(4 * NS_PER_S), to="ALPHA")) == []
    assert open_orders(desk) == 1
    desk.drop("ALPHA")

    assert pulled(desk.sent(desk.tick(5 * NS_PER_S - 1))) == []
    assert pulled(desk.sent(desk.tick(1))) == ["C0"]


def test_a_refused_logon_is_no_return() -> None:
    """A Logon(A) that is refused ends no grace, and starts none."""
    desk = opened(config(grace_s=5))
    desk.drop("ALPHA")
    desk.connect("ALPHA", desk.build("ALPHA", "A", {98: "0", 108: "1"}))
    assert desk.outcomes[-1].disconnects[0].cause == "logon-refused"
    assert pulled(desk.sent(desk.tick(5 * NS_PER_S), to="ALPHA")) == ["C0"]

    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", order("next"))
    logged_out(desk)
    desk.connect("ALPHA", desk.build("ALPHA", "A", {98: "0", 108: "1"}))
    assert pulled(desk.sent(desk.tick(5 * NS_PER_S), to="ALPHA")) == []
    assert open_orders(desk) == 1


def test_grace_over_a_restart() -> None:
    """A grace that was pending at a kill is pending after the replay, with its old end."""
    desk = opened(config(grace_s=5))
    desk.drop("ALPHA")
    due_ns = desk.now_ns + 5 * NS_PER_S
    other, _ = desk.replayed()
    other.now_ns += 2 * NS_PER_S
    other.apply(RestartInput())

    assert other.venue.next_deadline_ns() == due_ns
    assert pulled(other.sent(other.tick(3 * NS_PER_S))) == ["C0"]


def test_grace_after_a_restart() -> None:
    """Sessions that were live at a kill have their grace from the restart on."""
    desk = opened(config(grace_s=5))
    other, _ = desk.replayed()
    other.now_ns += 60 * NS_PER_S
    assert other.sent(other.apply(RestartInput())) == []
    other.next_number = dict(desk.next_number)
    other.now_ns += 4 * NS_PER_S
    other.log_on("ALPHA")

    assert pulled(other.sent(other.tick(4 * NS_PER_S), to="ALPHA")) == []
    assert open_orders(other) == 1


def test_a_logout_with_grace() -> None:
    """A logout that counts has the same grace."""
    desk = opened(config(grace_s=5, on_logout=True))
    assert pulled(logged_out(desk)) == []

    assert pulled(desk.sent(desk.tick(5 * NS_PER_S), to="ALPHA")) == ["C0"]


# ------------------------------------------------------------------ slices


def test_in_slices() -> None:
    """The first slice is part of the input that caused it, each further one a tick."""
    desk = opened(config(), orders=5)

    assert pulled(desk.sent(desk.drop("ALPHA"))) == ["C0", "C1"]
    assert desk.venue.next_deadline_ns() == desk.now_ns
    assert pulled(desk.sent(desk.tick())) == ["C2", "C3"]
    assert pulled(desk.sent(desk.tick())) == ["C4"]
    assert not desk.engine.walk_pending


def test_return_between_slices() -> None:
    """What has begun goes to its end; orders of after the return stay."""
    desk = opened(config(), orders=5)
    desk.drop("ALPHA")
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", order("new"))

    assert walk_to_its_end(desk) == ["C2", "C3", "C4"]
    assert open_orders(desk) == 1
    assert pulled(desk.sent(desk.drop("ALPHA"))) == ["new"]


def test_a_second_disconnect_between_slices() -> None:
    """It takes what came since the first one too, each order once."""
    desk = opened(config(), orders=5)
    desk.drop("ALPHA")
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", order("new"))
    gone = pulled(desk.sent(desk.drop("ALPHA")))

    assert gone + walk_to_its_end(desk) == ["C2", "C3", "C4", "new"]


def test_a_kill_at_every_record() -> None:
    """Wherever the journal is cut, replay and ticks cancel the rest, and each order once (O7)."""
    desk = opened(config(), orders=5)
    begin = len(desk.journal)
    desk.drop("ALPHA")
    walk_to_its_end(desk)
    journal = bytes(desk.journal)
    cuts = [begin]
    while cuts[-1] < len(journal):
        cuts.append(cuts[-1] + unit_length(memoryview(journal), cuts[-1]))
    assert len(cuts) == 4
    for cut in cuts:
        other = VenueDesk(begin=False)
        replay(other.venue, [memoryview(journal)[:cut]])
        other.now_ns = desk.now_ns
        gone = pulled(other.sent(other.apply(RestartInput())))
        gone += walk_to_its_end(other)
        assert gone == [f"C{n}" for n in range(2 * (cuts.index(cut)), 5)]
        assert other.engine.session(other.id("ALPHA")).open_orders == 0
        other.close()


def test_many_sessions_at_once() -> None:
    """A restart takes everybody's orders in one walk."""
    content = config()
    for name in ("BETA", "GAMMA"):
        content["sessions"][name]["cancel_on_disconnect"] = True
    desk = opened(content)
    for name in ("BETA", "GAMMA"):
        desk.log_on(name)
        desk.send(name, "D", order(name))
    desk.send("ALPHA", "D", order("last"))
    gone = pulled(desk.sent(desk.restart()))

    assert gone + walk_to_its_end(desk) == ["C0", "BETA", "GAMMA", "last"]


def test_nothing_to_cancel_costs_nothing() -> None:
    """A session without such orders starts no walk and needs no tick."""
    desk = opened(config(), orders=0)
    desk.send("ALPHA", "D", order("kept", "18=H|"))
    desk.drop("DESK")
    desk.drop("AUDIT")

    assert len(desk.drop("ALPHA")) == 1
    assert not desk.engine.walk_pending
    assert desk.venue.next_deadline_ns() is None


def test_a_new_session_by_default() -> None:
    """A session that comes later by its file has the rules of its file."""
    content = config()
    desk = opened(content)
    content["sessions"]["NEW"] = session(
        "One", ("A1",), sender_comp_id="NEW", cancel_on_disconnect=True
    )
    desk.configure(content)
    desk.log_on("NEW")
    desk.send("NEW", "D", order("mine"))

    assert pulled(desk.sent(desk.apply(DisconnectInput(desk.id("NEW"), "garbled")))) == ["mine"]
