"""OrderMassStatusRequest(AF): as many reports as promised, the last one marked, or the reason."""

import pytest
from support.small_venue import NS_PER_S, configuration, throttle
from support.venue_desk import Fields, Sent, VenueDesk, records_of

from kk99fix.fix.split import split
from kk99fix.fix.validate import validate
from kk99fix.journal.record import Kind
from kk99fix.venue import venue as venue_module
from kk99fix.venue.inputs import RestartInput
from kk99fix.venue.recovery import replay, unit_length

TIME = "60=20260921-13:33:20|"
#: Slots of one slice: an order that is reported on counts for eleven.
SLICE = 20


def order(clord_id: str, more: str = "") -> str:
    """A bid for one AAPL."""
    return f"11={clord_id}|55=AAPL|54=1|{TIME}38=1|40=2|44=99.99|{more}"


def opened(orders: int) -> VenueDesk:
    """ALPHA and two desks are logged on; ALPHA has so many orders."""
    desk = VenueDesk()
    for name in ("ALPHA", "DESK", "AUDIT"):
        desk.log_on(name)
    for number in range(orders):
        desk.send("ALPHA", "D", order(f"C{number}"))
    return desk


def ask(desk: VenueDesk, more: Fields | None = None, header: Fields | None = None) -> list[Sent]:
    """Let ALPHA ask for all its orders, or what `more` makes of that."""
    return desk.send("ALPHA", "AF", {584: "M1", 585: "7", **(more or {})}, header)


def told(sent: list[Sent]) -> list[str]:
    """ClOrdIDs of the reports, with a mark on the last."""
    assert {message[150] for message in sent} <= {"I"}
    assert {message[584] for message in sent} <= {"M1"}
    return [message[11] + {"Y": "!", "N": ""}[message[912]] for message in sent]


def rest_of_it(desk: VenueDesk) -> list[Sent]:
    """What further ticks tell, until nobody waits."""
    sent: list[Sent] = []
    while desk.engine.walk_pending:
        assert desk.venue.next_deadline_ns() == desk.now_ns
        sent += desk.sent(desk.tick())
    return sent


@pytest.fixture
def _slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two reports in one slice."""
    monkeypatch.setattr(venue_module, "WALK_SLICE", SLICE)


# ------------------------------------------------------------------ what is told


def test_all_orders() -> None:
    """One report for each open order, with the number of all and a mark on the last."""
    desk = opened(3)
    desk.log_on("BETA")
    desk.send("BETA", "D", f"11=B|55=AAPL|54=2|{TIME}38=1|40=2|44=99.99|")
    sent = ask(desk)

    assert told(sent) == ["C1", "C2!"]
    assert {(message[911], message[39], message[151]) for message in sent} == {("2", "0", "1")}
    assert len({message[17] for message in sent}) == 2
    assert all(validate(split(message.raw)) is None for message in sent)


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({585: "1", 55: "AAPL"}, ["a", "b!"]),
        ({55: "COIN"}, ["c", "d!"]),
        ({1: "A2"}, ["b", "d!"]),
        ({54: "2"}, ["c!"]),
        ({585: "1", 55: "AAPL", 1: "A2"}, ["b!"]),
        ({336: "DAY", 625: "1", 453: "1"}, ["a", "b", "c", "d!"]),
    ],
)
def test_some_orders(more: Fields, names: list[str]) -> None:
    """Symbol, account and side restrict what is asked for; parties and trading sessions do not."""
    desk = opened(0)
    for name, symbol, side, price, account in (
        ("a", "AAPL", "1", "99.99", "A1"),
        ("b", "AAPL", "1", "99.99", "A2"),
        ("c", "COIN", "2", "22", "A1"),
        ("d", "COIN", "1", "20", "A2"),
    ):
        terms = f"55={symbol}|54={side}|{TIME}38=1|40=2|44={price}|1={account}|"
        assert desk.send("ALPHA", "D", f"11={name}|{terms}")[0][150] == "0"
    body = {584: "M1", 585: "7", **more}
    text = "".join(f"{tag}={value}|" for tag, value in body.items())
    sent = desk.send("ALPHA", "AF", text.replace("453=1|", "453=1|448=X|"))

    assert told(sent) == names


@pytest.mark.parametrize(
    ("more", "code", "reason"),
    [
        ({585: "8"}, "UNSUPPORTED_MASS_STATUS", "99"),
        ({585: "1", 55: "WHAT"}, "UNKNOWN_SYMBOL", "1"),
        ({1: "B1"}, "UNKNOWN_ACCOUNT", "15"),
        ({54: "5"}, "UNSUPPORTED_SIDE", "11"),
        ({54: "2"}, "NO_OPEN_ORDERS", "5"),
        ({585: "1", 55: "COIN"}, "NO_OPEN_ORDERS", "5"),
    ],
)
def test_none(more: Fields, code: str, reason: str) -> None:
    """One report says why there is none; a stock dictionary takes it, and the desk gets it too."""
    desk = opened(1)
    (sent,) = ask(desk, more, {50: "trader"})

    assert (sent[150], sent[39], sent[37], sent[103]) == ("I", "8", "NONE", reason)
    assert (sent[584], sent[911], sent[912]) == ("M1", "0", "Y")
    assert (sent[55], sent[54]) == (more.get(55, "[N/A]"), more.get(54, "7"))
    assert sent[58].startswith(f"{code}; ")
    assert sent[57] == "trader"
    assert validate(split(sent.raw)) is None
    assert b"\x01584=M1\x01" in desk.outputs("DESK")[-1][1]


def test_copies() -> None:
    """Reports are copied as those on one order are."""
    desk = opened(1)
    desk.send("ALPHA", "H", "11=C0|55=AAPL|54=1|")
    ask(desk)

    one, many = (message for _, message in desk.outputs("DESK")[-2:])
    assert b"\x01150=I\x01" in one
    assert b"\x01911=1\x01912=Y\x01" in many


# ------------------------------------------------------------------ what is refused


def refusal(sent: list[Sent]) -> tuple[str, str]:
    """Reason and text of a BusinessMessageReject(j) of the request."""
    (reject,) = sent
    assert (reject[35], reject[372], reject[379]) == ("j", "AF", "M1")
    return reject[380], reject[58]


def test_what_cannot_be_asked() -> None:
    """A security without Symbol(55), and an id that is too long to be kept."""
    desk = opened(1)

    reason = refusal(ask(desk, {585: "1"}))
    assert reason == ("5", "Conditionally Required Field Missing: Symbol(55)")
    (reject,) = ask(desk, {584: "x" * 65})
    assert (reject[380], reject[58]) == ("0", "MassStatusReqID(584) must have at most 64 bytes")
    (report,) = ask(desk, {584: "x" * 64})
    assert report[584] == "x" * 64


def test_a_desk_may_not_ask() -> None:
    """It is order entry: a drop-copy session has no orders."""
    desk = opened(1)
    (reject,) = desk.send("DESK", "AF", {584: "M1", 585: "7"})

    assert (reject[35], reject[380]) == ("j", "6")


def test_throttled() -> None:
    """It counts as a message, and is refused with its own id."""
    content = configuration()
    content["sessions"]["ALPHA"]["throttle"] = throttle(messages=1)
    desk = VenueDesk(content)
    desk.log_on("ALPHA")
    assert ask(desk)[0][35] == "8"

    reason, text = refusal(ask(desk))
    assert (reason, text.partition(";")[0]) == ("0", "THROTTLED")
    desk.now_ns += 2 * NS_PER_S
    assert ask(desk)[0][35] == "8"


@pytest.mark.usefixtures("_slice")
def test_one_at_a_time() -> None:
    """A request that comes while one is being answered is refused; another session may ask."""
    desk = opened(4)
    desk.log_on("GAMMA")
    desk.send("GAMMA", "D", order("g"))
    first = ask(desk)
    text = "an earlier OrderMassStatusRequest(AF) is still being answered"
    assert refusal(ask(desk)) == ("0", text)
    desk.send("GAMMA", "AF", {584: "M1", 585: "7"})

    sent = first + rest_of_it(desk)
    of_gamma = [message for message in sent if message.session == "GAMMA"]
    assert told(of_gamma) == ["g!"]
    assert told([m for m in sent if m not in of_gamma]) == ["C0", "C1", "C2", "C3!"]
    assert told(ask(desk) + rest_of_it(desk)) == ["C0", "C1", "C2", "C3!"]


# ------------------------------------------------------------------ meanwhile


@pytest.mark.usefixtures("_slice")
def test_in_slices() -> None:
    """Orders of after the request are left out, those that closed are told of as closed."""
    desk = opened(5)
    sent = ask(desk)
    assert told(sent) == ["C0", "C1"]
    desk.send("ALPHA", "D", order("later"))
    desk.send("ALPHA", "F", f"41=C4|11=X|55=AAPL|54=1|{TIME}")
    sent = desk.sent(desk.tick())
    assert told(sent) == ["C2", "C3"]
    (last,) = rest_of_it(desk)

    assert (last[11], last[39], last[151], last[911], last[912]) == ("C4", "4", "0", "5", "Y")


@pytest.mark.usefixtures("_slice")
def test_an_answer_outlives_the_connection() -> None:
    """What is left goes to the session's numbers, to be asked for after its return."""
    desk = opened(5)
    ask(desk)
    desk.drop("ALPHA")

    assert told(rest_of_it(desk)) == ["C2", "C3", "C4!"]


@pytest.mark.usefixtures("_slice")
def test_a_kill_at_every_record() -> None:
    """Wherever the journal is cut, what follows a restart completes the promise."""
    desk = opened(5)
    begin = len(desk.journal)
    ask(desk)
    rest_of_it(desk)
    journal = bytes(desk.journal)
    cut = begin
    while cut < len(journal):
        cut += unit_length(memoryview(journal), cut)
        other = VenueDesk(begin=False)
        replay(other.venue, [memoryview(journal)[:cut]])
        other.now_ns = desk.now_ns
        before = records_of(journal[begin:cut])
        known = sum(
            record.header.kind is Kind.MESSAGE and b"\x01584=M1\x01" in record.payload
            for record in before
        )
        sent = other.sent(other.apply(RestartInput()))
        names = told(sent + rest_of_it(other))
        assert names == ["C0", "C1", "C2", "C3", "C4!"][known:]
        other.close()


def test_thousands(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tick reports on more than its slice allows, and other messages come between."""
    monkeypatch.setattr(venue_module, "WALK_SLICE", 1000)
    desk = opened(0)
    content = configuration()
    content["sessions"]["GAMMA"]["limits"]["max_open_orders"] = 0
    for kind in ("firms", "accounts"):
        for entry in content[kind].values():
            entry["limits"]["max_open_orders"] = 0
    desk.configure(content)
    desk.log_on("GAMMA")
    for number in range(2000):
        desk.send("GAMMA", "D", order(f"C{number}"))
    sent = desk.send("GAMMA", "AF", {584: "M1", 585: "7"})
    while desk.engine.walk_pending:
        more = desk.sent(desk.tick(1))
        assert len(more) <= 1000 // 11 + 1
        sent += more
        assert desk.send("ALPHA", "1", {112: "x"})[0][112] == "x"

    assert len(sent) == 2000
    assert told(sent) == [*(f"C{n}" for n in range(1999)), "C1999!"]
    assert {message[911] for message in sent} == {"2000"}
