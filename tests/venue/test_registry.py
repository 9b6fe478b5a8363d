"""Configuration as an input: ids for ever, changes taken over, contradictions refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.small_venue import configuration, drop_copy, instrument, limits, session
from support.venue_desk import VenueDesk

from kk99fix.venue.registry import ConfigRefusedError, Registry

TIME = "60=20260921-13:33:20|"
ORDER = f"55=AAPL|54=1|{TIME}38=1|40=2|44=100|"

Config = dict[str, Any]


def changed(change: Callable[[Config], object]) -> Config:
    """The usual configuration, changed."""
    config = configuration()
    change(config)
    return config


def outcome_of(desk: VenueDesk, clord_id: str, more: str = "", body: str = ORDER) -> str:
    """ExecType(150) of the answer to an order of ALPHA, and its reject code."""
    sent = desk.send("ALPHA", "D", f"11={clord_id}|{body}{more}")[0]
    return sent[150] + sent[58].partition(";")[0]


@pytest.fixture
def desk() -> VenueDesk:
    """ALPHA is logged on."""
    desk = VenueDesk()
    desk.log_on("ALPHA")
    return desk


# ------------------------------------------------------------------ ids


def test_ids_in_the_order_of_names() -> None:
    """A first configuration gives ids in the order of names, whatever the order of the files."""
    turned = json.loads(json.dumps(configuration()))
    for kind in ("sessions", "accounts", "firms", "instruments"):
        turned[kind] = dict(reversed(turned[kind].items()))

    assert Registry().plan(turned) == Registry().plan(configuration())
    ids = json.loads(Registry().plan(turned))["ids"]
    assert ids["sessions"] == {"ALPHA": 0, "AUDIT": 1, "BETA": 2, "DESK": 3, "GAMMA": 4}


def test_ids_stay(desk: VenueDesk) -> None:
    """New names get new ids, names that went keep theirs and find them when they come back."""
    before = dict(desk.venue.registry.ids["sessions"])

    def swap(config: Config) -> None:
        del config["sessions"]["BETA"]
        config["sessions"]["AARDVARK"] = session("One", ("A1",), sender_comp_id="AARDVARK")

    desk.configure(changed(swap))
    assert desk.venue.registry.ids["sessions"] == {**before, "AARDVARK": 5}
    assert desk.venue.registry.session_id("BETA") is None
    assert desk.venue.registry.session_names()[2] == "BETA"
    desk.configure(configuration())
    assert desk.venue.registry.ids["sessions"] == {**before, "AARDVARK": 5}
    assert desk.id("BETA") == before["BETA"]
    assert desk.venue.registry.session_id("AARDVARK") is None


def test_unchanged(desk: VenueDesk) -> None:
    """Equal settings plan equal content; anything else does not."""
    registry = desk.venue.registry

    assert registry.unchanged(registry.plan(configuration()))
    other = changed(lambda config: config["venue"].update(max_order_age_ns=1))
    assert not registry.unchanged(registry.plan(other))
    assert not Registry().unchanged(registry.plan(configuration()))


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("kind", "name", "key", "value"),
    [
        ("instruments", "AAPL", "tick_e8", 1),
        ("instruments", "AAPL", "lot_e8", 1),
        ("instruments", "AAPL", "multiplier_e8", 1),
        ("accounts", "A1", "firm", "Two"),
        ("sessions", "ALPHA", "firm", "Two"),
        ("sessions", "ALPHA", "role", "drop-copy"),
        ("sessions", "ALPHA", "target_comp_id", "KK98"),
    ],
)
def test_refused(desk: VenueDesk, kind: str, name: str, key: str, value: object) -> None:
    """What records were made with may not change under a name; the text tells what to do."""
    config = changed(lambda config: config[kind][name].update({key: value}))
    before = bytes(desk.journal)

    with pytest.raises(ConfigRefusedError, match=rf"^{kind[:-1]} {name}: {key} was .* restore it"):
        desk.configure(config)
    assert desk.journal == before
    assert outcome_of(desk, "1") == "0"


@pytest.mark.parametrize("kind", ["instruments", "sessions"])
def test_refused_after_an_absence(desk: VenueDesk, kind: str) -> None:
    """A name that comes back may not come back as something else."""
    name = {"instruments": "AAPL", "sessions": "BETA"}[kind]
    other = {
        "instruments": instrument("0.05", "1", "100", "0.10"),
        "sessions": session("One", ("A1",), sender_comp_id="BETA"),
    }[kind]
    desk.configure(changed(lambda config: config[kind].pop(name)))

    with pytest.raises(ConfigRefusedError, match=f"^{kind[:-1]} {name}: "):
        desk.configure(changed(lambda config: config[kind].update({name: other})))
    desk.configure(configuration())
    assert outcome_of(desk, "1") == "0"


# ------------------------------------------------------------------ what is taken over


def test_limits_and_bands(desk: VenueDesk) -> None:
    """Limits, bands and opening hold from the next order on."""

    def tighten(config: Config) -> None:
        config["accounts"]["A1"]["limits"] = limits(notional="150")
        config["instruments"]["AAPL"]["band_e8"] = 0

    desk.configure(changed(tighten))
    assert outcome_of(desk, "1", "59=1|") == "0"
    twice = ORDER.replace("38=1", "38=2")
    assert outcome_of(desk, "2", body=twice) == "8MAX_ORDER_NOTIONAL"
    far = ORDER.replace("44=100", "44=149")
    assert outcome_of(desk, "3", body=far) == "0"
    desk.configure(changed(lambda config: config["instruments"]["AAPL"].update(open=False)))
    assert outcome_of(desk, "4") == "8INSTRUMENT_CLOSED"
    (cancelled,) = desk.send("ALPHA", "F", f"41=1|11=5|55=AAPL|54=1|{TIME}")
    assert cancelled[150] == "4"


def test_instrument_removed(desk: VenueDesk) -> None:
    """An instrument that is no longer listed takes no order; what rests can be cancelled."""
    assert outcome_of(desk, "1") == "0"
    desk.configure(changed(lambda config: config["instruments"].pop("AAPL")))

    assert outcome_of(desk, "2") == "8INSTRUMENT_CLOSED"
    (refused,) = desk.send("ALPHA", "G", f"41=1|11=3|{ORDER}")
    assert refused[58].startswith("INSTRUMENT_CLOSED; ")
    (cancelled,) = desk.send("ALPHA", "F", f"41=1|11=4|55=AAPL|54=1|{TIME}")
    assert cancelled[150] == "4"
    desk.configure(configuration())
    assert outcome_of(desk, "5") == "0"


def test_account_removed(desk: VenueDesk) -> None:
    """An account taken from a session is refused there; its orders stay and can be cancelled."""
    assert outcome_of(desk, "1", "1=A2|") == "0"
    desk.configure(changed(lambda config: config["sessions"]["ALPHA"].update(accounts=["A1"])))

    assert outcome_of(desk, "2", "1=A2|") == "8UNKNOWN_ACCOUNT"
    (cancelled,) = desk.send("ALPHA", "F", f"41=1|11=3|55=AAPL|54=1|{TIME}")
    assert (cancelled[150], cancelled[1]) == ("4", "A2")


def test_session_removed(desk: VenueDesk) -> None:
    """A session whose file is gone is logged out, its orders go, its numbers go on (N1)."""
    assert outcome_of(desk, "1", "18=H|") == "0"
    sent = desk.sent(desk.configure(changed(lambda config: config["sessions"].pop("ALPHA"))))

    (disconnected,) = desk.outcomes[-1].disconnects
    assert (disconnected.session, disconnected.cause) == (0, "session-removed")
    assert not desk.venue.is_live(0)
    logout, cancelled = (message for message in sent if message.session == "ALPHA")
    assert (logout[35], logout[58]) == ("5", "the session was removed")
    assert (cancelled[35], cancelled[150], cancelled[11]) == ("8", "4", "1")
    assert cancelled[58].startswith("SESSION_REMOVED; ")
    assert desk.engine.statistics().live_orders == 0
    desk.configure(configuration())
    desk.next_number["ALPHA"] = desk.engine.session(0).next_in
    (answer,) = desk.sent(desk.log_on("ALPHA"))
    assert answer.number == 5


def test_drop_copy_removed(desk: VenueDesk) -> None:
    """A desk whose file is gone gets no more copies; one that comes gets them from then on (D1)."""

    def swap(config: Config) -> None:
        del config["sessions"]["DESK"]
        config["sessions"]["NEWDESK"] = drop_copy(("One",), ("A1", "A2"))
        config["sessions"]["NEWDESK"]["sender_comp_id"] = "NEWDESK"

    assert outcome_of(desk, "1") == "0"
    desk.configure(changed(swap))
    assert outcome_of(desk, "2") == "0"

    names = desk.venue.registry.ids["sessions"]
    assert desk.engine.session(names["DESK"]).next_out == 2
    assert desk.engine.session(names["NEWDESK"]).next_out == 2


def test_drop_copy_and_account_removed(desk: VenueDesk) -> None:
    """Orders of an account that is gone are not copied to a desk that is gone (D1)."""

    def remove(config: Config) -> None:
        del config["sessions"]["AUDIT"]
        del config["accounts"]["A2"]
        config["sessions"]["ALPHA"]["accounts"] = ["A1"]
        config["sessions"]["DESK"]["drop_copy"]["accounts"] = ["A1"]

    assert outcome_of(desk, "1", "1=A2|") == "0"
    audit = desk.venue.registry.ids["sessions"]["AUDIT"]
    assert desk.engine.session(audit).next_out == 2
    desk.configure(changed(remove))
    (cancelled,) = desk.send("ALPHA", "F", f"41=1|11=3|55=AAPL|54=1|{TIME}")

    assert cancelled[150] == "4"
    assert desk.engine.session(audit).next_out == 2
    assert [record.header.msg_seq_num for record, _ in desk.outputs("DESK")] == [1, 2]


def test_replay_of_changes(desk: VenueDesk) -> None:
    """The journal brings back names, ids and content."""
    desk.configure(changed(lambda config: config["sessions"].pop("BETA")))
    other, _ = desk.replayed()

    assert other.venue.registry.ids == desk.venue.registry.ids
    assert other.venue.registry.content == desk.venue.registry.content
    assert other.venue.registry.session_id("BETA") is None
