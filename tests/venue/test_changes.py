"""A configuration that changes piece by piece comes to what the whole one would."""

import random
from typing import Any

import pytest
from support.small_venue import configuration, drop_copy, limits, session
from support.venue_desk import VenueDesk, fields_of

from kk99fix.config import difference
from kk99fix.config.difference import pieces
from kk99fix.venue.inputs import ConfigInput

TIME = "60=20260921-13:33:20|"
Config = dict[str, Any]


def changed(rng: random.Random) -> Config:
    """The usual configuration with some of everything otherwise."""
    config = configuration()
    sessions = config["sessions"]
    for name in rng.sample(sorted(sessions), rng.randrange(4)):
        if rng.random() < 0.5:
            del sessions[name]
        else:
            sessions[name]["enabled"] = False
    for name in ("NEW1", "NEW2"):
        if rng.random() < 0.5:
            sessions[name] = session("One", (rng.choice(["A1", "A3"]),), sender_comp_id=name)
    if rng.random() < 0.5:
        sessions["ALL"] = drop_copy((), ()) | {"sender_comp_id": "ALL"}
        sessions["ALL"]["drop_copy"] = {"all": True, "firms": [], "accounts": []}
    if "AUDIT" in sessions:
        sessions["AUDIT"]["drop_copy"]["firms"] = rng.choice([["Two"], ["One"], []])
    if rng.random() < 0.5:
        config["accounts"]["A3"] = {"firm": "One", "limits": limits(open_orders=rng.randrange(9))}
    for name in sessions.values():
        name["accounts"] = [each for each in name["accounts"] if each in config["accounts"]]
    config["firms"]["One"]["limits"] = limits(open_orders=rng.randrange(1, 60))
    config["instruments"]["AAPL"]["band_e8"] += rng.randrange(3)
    return config


def change_to(desk: VenueDesk, config: Config) -> None:
    """Apply the pieces of a change."""
    registry = desk.venue.registry
    for piece in pieces(registry.content, config):
        desk.apply(ConfigInput(registry.plan_change(piece)))


def act(desk: VenueDesk, rng: random.Random, number: int) -> None:
    """Log on and trade, whoever may."""
    for name in ("ALPHA", "BETA", "GAMMA", "NEW1"):
        session = desk.venue.registry.session_id(name)
        if session is None or not desk.venue.registry.session(session).get("enabled", True):
            continue
        if not desk.venue.is_live(session):
            desk.next_number[name] = desk.engine.session(session).next_in
            if desk.engine.attached(session):
                desk.engine.detach(session)
            desk.log_on(name)
        account = rng.choice(desk.venue.registry.session(session)["accounts"] or ["A1"])
        side, price = rng.choice([("1", "99.99"), ("2", "100.01"), ("1", "100.01")])
        order = f"11={name}{number}|1={account}|55=AAPL|54={side}|{TIME}38=3|40=2|44={price}|"
        desk.send(name, "D", order)
    while desk.engine.walk_pending:
        desk.tick()


def messages(desk: VenueDesk) -> list[tuple[int, int, dict[int, str]]]:
    """All that was ever sent, copies as well, in the order of sessions and numbers."""
    found = []
    for name, number in sorted(desk.venue.registry.ids["sessions"].items()):
        for record, raw in desk.outputs(name):
            found.append((number, record.header.msg_seq_num, fields_of(raw)))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_pieces_come_to_the_whole(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same content, a journal that replays to it, and from then on the same answers."""
    monkeypatch.setattr(difference, "PIECE_NAMES", 1 + seed % 3)
    rng = random.Random(seed)  # noqa: S311 - a repeatable day
    desk = VenueDesk()
    act(desk, rng, 0)
    for number in range(1, 8):
        config = changed(rng)
        change_to(desk, config)
        assert desk.venue.registry.unchanged(desk.venue.registry.plan(config))
        act(desk, rng, number)

    other, _ = desk.replayed()
    assert other.engine.state_hash() == desk.engine.state_hash()
    assert other.venue.saved() == desk.venue.saved()
    whole, _ = desk.replayed()
    whole.apply(ConfigInput(whole.venue.registry.plan(whole.venue.registry.content)))
    for each in (other, whole):
        each.next_number = dict(desk.next_number)
        begun = len(messages(each))
        act(each, random.Random(seed), 99)  # noqa: S311 - a repeatable day
        assert len(messages(each)) > begun
    assert messages(other) == messages(whole)


def test_the_last_reports_of_who_goes_are_copied() -> None:
    """A session goes together with its account and firm: who follows all or the account is told."""
    config = configuration()
    desks = {"ALL": {"all": True, "firms": [], "accounts": []}}
    desks["ONE"] = {"all": False, "firms": [], "accounts": ["B1"]}
    desks["NONE"] = {"all": False, "firms": [], "accounts": ["A1"]}
    for name, scope in desks.items():
        config["sessions"][name] = drop_copy((), ()) | {"sender_comp_id": name, "drop_copy": scope}
    desk = VenueDesk(config)
    desk.log_on("BETA")
    desk.send("BETA", "D", f"11=1|55=AAPL|54=1|{TIME}38=3|40=2|44=100|18=H|")
    del config["sessions"]["BETA"], config["accounts"]["B1"], config["firms"]["Two"]
    change_to(desk, config)

    for name, count in {"ALL": 2, "ONE": 2, "NONE": 0, "AUDIT": 2}.items():
        assert len(desk.outputs(name)) == count, name
    last = fields_of(desk.outputs("ALL")[-1][1])
    assert (last[150], last[58].partition(";")[0]) == ("4", "SESSION_REMOVED")


def test_a_disabled_session_is_logged_out_and_keeps_its_numbers() -> None:
    """Its orders go with the cause, in slices; enabled again it goes on where it was."""
    desk = VenueDesk()
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", f"11=1|55=AAPL|54=1|{TIME}38=3|40=2|44=100|18=H|")
    config = configuration()
    config["sessions"]["ALPHA"]["enabled"] = False
    change_to(desk, config)

    (disconnected,) = desk.outcomes[-1].disconnects
    assert (disconnected.session, disconnected.cause) == (desk.id("ALPHA"), "session-disabled")
    told = [fields_of(raw) for _, raw in desk.outputs("ALPHA")]
    assert (told[-2][35], told[-2][58]) == ("5", "the session is disabled")
    assert (told[-1][150], told[-1][58].partition(";")[0]) == ("4", "SESSION_DISABLED")
    change_to(desk, configuration())
    assert desk.engine.session(desk.id("ALPHA")).next_out == 5
    assert desk.sent(desk.log_on("ALPHA"))[0].number == 5


def test_a_change_costs_what_it_is_about() -> None:
    """One session that changes is one session in the journal, however many there are."""
    config = configuration()
    desk = VenueDesk(config)
    config["sessions"]["BETA"]["limits"] = limits(qty="7")
    before = len(desk.journal)
    change_to(desk, config)

    assert len(desk.journal) - before < 1024
