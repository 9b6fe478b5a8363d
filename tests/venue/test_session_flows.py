"""Sessions at the venue: numbers in the core, rules in the session layer, ticks only as needed."""

import pytest
from support.small_venue import NS_PER_S, configuration
from support.venue_desk import Sent, VenueDesk, fields_of, frames_of, logon_input

from kk99fix.journal.record import Kind, Record, ResendRange
from kk99fix.session.machine import Session
from kk99fix.venue import outcome
from kk99fix.venue.inputs import LogonInput
from kk99fix.venue.session_commands import StopInput

TIME = "60=20260921-13:33:20|"
ORDER = f"55=AAPL|54=1|{TIME}38=1|40=2|44=100|"
START = "20260921-14:13:20.000"


@pytest.fixture
def desk() -> VenueDesk:
    """A venue where nobody is logged on."""
    return VenueDesk()


def told(sent: list[Sent]) -> list[str]:
    """What was sent: receiver, MsgType(35) and MsgSeqNum(34)."""
    return [f"{message.session} {message[35]} {message.number}" for message in sent]


def causes(desk: VenueDesk) -> list[str]:
    """Why the last input ended connections."""
    return [disconnected.cause for disconnected in desk.outcomes[-1].disconnects]


# ------------------------------------------------------------------ logon


def test_logon(desk: VenueDesk) -> None:
    """A Logon(A) is one unit: the input with its number, then the answer under number 1."""
    unit = desk.log_on("ALPHA", {108: "17"})
    given, answered = unit
    (answer,) = desk.sent(unit)

    assert (given.header.kind, given.header.msg_seq_num) == (Kind.LOGON, 1)
    assert answered.header.ends_unit
    assert answer.raw.startswith(b"8=FIX.4.4\x019=")
    assert (answer[49], answer[56], answer[34], answer[52]) == ("KK99", "ALPHA", "1", START)
    assert (answer[98], answer[108]) == ("0", "17")
    view = desk.engine.session(desk.id("ALPHA"))
    assert (view.next_in, view.next_out, view.established, view.plain) == (2, 2, True, True)
    assert desk.venue.next_deadline_ns() == desk.now_ns + 17 * NS_PER_S


@pytest.mark.parametrize(
    ("fields", "cause", "text"),
    [
        ({108: "4"}, "logon-refused", "HeartBtInt(108) must be between 5 and 60"),
        ({98: "1"}, "logon-refused", "EncryptMethod(98) must be 0"),
        ({52: "20260921-10:00:00"}, "sending-time", "SendingTime accuracy problem"),
    ],
)
def test_logon_refused(desk: VenueDesk, fields: dict[int, str], cause: str, text: str) -> None:
    """An authenticated Logon(A) that breaks a rule is answered by a Logout(5) that says why."""
    body = {98: "0", 108: "30"} | {tag: fields[tag] for tag in fields if tag != 52}
    header = {tag: fields[tag] for tag in fields if tag == 52}
    (answer,) = desk.sent(desk.connect("ALPHA", desk.build("ALPHA", "A", body, header)))

    assert (answer[35], answer[58]) == ("5", text)
    assert causes(desk) == [cause]
    assert not desk.venue.is_live(desk.id("ALPHA"))
    assert not desk.engine.session(desk.id("ALPHA")).established
    assert desk.venue.next_deadline_ns() is None


def test_secrets_stay_outside() -> None:
    """What the venue records of a Logon(A) is the frame it was given, and where it came from."""
    item = logon_input(0, b"8=FIX.4.4\x01554=****\x01")

    assert item.payload() == b'{"address":"127.0.0.1"}\n8=FIX.4.4\x01554=****\x01'
    assert isinstance(item, LogonInput)


def test_numbers_survive_a_connection(desk: VenueDesk) -> None:
    """The next connection goes on with the numbers of the last one (N1, N2)."""
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", f"11=1|{ORDER}")
    desk.drop("ALPHA")
    (answer,) = desk.sent(desk.log_on("ALPHA"))

    assert (answer[35], answer.number) == ("A", 3)
    assert desk.engine.session(desk.id("ALPHA")).next_in == 4


def test_reset(desk: VenueDesk) -> None:
    """ResetSeqNumFlag(141)=Y begins a new epoch at 1; records of both epochs stay apart (N1)."""
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", f"11=1|{ORDER}")
    desk.drop("ALPHA")
    desk.next_number["ALPHA"] = 1
    unit = desk.log_on("ALPHA", {141: "Y"})
    (answer,) = desk.sent(unit)

    assert (answer.number, answer[141]) == (1, "Y")
    assert [record.header.epoch for record in unit] == [1, 2]
    assert desk.engine.session(desk.id("ALPHA")).next_in == 2
    outputs = [record.header for record, _ in desk.outputs("ALPHA")]
    assert [(header.epoch, header.msg_seq_num) for header in outputs] == [(1, 1), (1, 2), (2, 1)]


def test_reset_refused() -> None:
    """Where the session's file forbids it, 141=Y is refused and nothing is reset (N2)."""
    config = configuration()
    config["sessions"]["ALPHA"]["reset_seq_num"] = "refused"
    desk = VenueDesk(config)
    desk.log_on("ALPHA")
    desk.drop("ALPHA")
    desk.next_number["ALPHA"] = 1
    (answer,) = desk.sent(desk.log_on("ALPHA", {141: "Y"}))

    assert (answer[35], answer.number) == ("5", 2)
    assert desk.engine.session(desk.id("ALPHA")).epoch == 1


def test_logon_ahead(desk: VenueDesk) -> None:
    """A Logon(A) whose number leads is accepted, and the gap asked for once (N5)."""
    desk.next_number["ALPHA"] = 4
    unit = desk.log_on("ALPHA")

    assert told(desk.sent(unit)) == ["ALPHA A 1", "ALPHA 2 2"]
    assert (desk.sent(unit)[1][7], desk.sent(unit)[1][16]) == ("1", "0")
    assert not desk.engine.session(desk.id("ALPHA")).plain
    assert desk.send("ALPHA", "D", f"11=1|{ORDER}") == [], "it waits for its turn"
    fill = desk.build("ALPHA", "4", {123: "Y", 36: "4"}, {34: "1", 43: "Y", 122: START})
    sent = desk.sent(desk.feed("ALPHA", fill))
    assert told(sent) == ["ALPHA 8 3"]
    assert desk.engine.session(desk.id("ALPHA")).plain


# ------------------------------------------------------------------ life


def test_heartbeat(desk: VenueDesk) -> None:
    """HeartBtInt(108) after the last message of ours a tick is due, and gives a Heartbeat(0)."""
    desk.log_on("ALPHA")
    desk.now_ns += 10 * NS_PER_S
    desk.send("ALPHA", "D", f"11=1|{ORDER}")  # the fast path: no session layer sees it
    due_ns = desk.now_ns + 30 * NS_PER_S

    assert desk.venue.next_deadline_ns() == due_ns
    assert desk.sent(desk.tick(30 * NS_PER_S - 1)) == []
    assert told(desk.sent(desk.tick(1))) == ["ALPHA 0 3"]
    assert desk.venue.next_deadline_ns() == desk.now_ns + 6 * NS_PER_S


def test_silence(desk: VenueDesk) -> None:
    """Silence is met by a TestRequest(1); without an answer the connection ends (N10)."""
    desk.log_on("ALPHA")
    desk.tick(30 * NS_PER_S)
    (test,) = desk.sent(desk.tick(6 * NS_PER_S))
    assert (test[35], bool(test[112])) == ("1", True)
    assert causes(desk) == []
    desk.tick(30 * NS_PER_S - 1)
    assert causes(desk) == []
    desk.tick(1)

    assert causes(desk) == ["heartbeat-timeout"]
    assert not desk.venue.is_live(desk.id("ALPHA"))
    assert desk.venue.next_deadline_ns() is None


@pytest.mark.parametrize("gate_open", [True, False])
def test_an_order_is_a_sign_of_life(gate_open: bool) -> None:
    """An order answers a TestRequest(1) as well as a Heartbeat(0) does, by whatever way it came."""
    desk = VenueDesk(gate_open=gate_open)
    desk.log_on("ALPHA")
    desk.tick(36 * NS_PER_S)
    desk.now_ns += 29 * NS_PER_S
    desk.send("ALPHA", "D", f"11=1|{ORDER}")
    desk.tick(1 * NS_PER_S)

    assert causes(desk) == []
    assert desk.venue.is_live(desk.id("ALPHA"))


def test_garbled_bytes_are_no_life(desk: VenueDesk) -> None:
    """Garbled bytes neither count as life nor consume a number (N9)."""
    desk.log_on("ALPHA")
    before = desk.engine.session(desk.id("ALPHA"))
    desk.now_ns += NS_PER_S
    length = len(desk.journal)
    assert desk.feed("ALPHA", b"8=FIX.4.4\x019=5\x0135=0\x0110=000\x01") == []

    assert desk.engine.session(desk.id("ALPHA")) == before
    assert len(desk.journal) == length


def test_test_request(desk: VenueDesk) -> None:
    """A TestRequest(1) is answered with its TestReqID(112)."""
    desk.log_on("ALPHA")
    (answer,) = desk.send("ALPHA", "1", {112: "hello"})

    assert (answer[35], answer[112]) == ("0", "hello")


# ------------------------------------------------------------------ resends


def resend_of(records: list[Record]) -> list[tuple[int, int]]:
    """Ranges of the RESEND records among these."""
    ranges = [
        ResendRange.unpack(record.payload)
        for record in records
        if record.header.kind is Kind.RESEND
    ]
    return [(wanted.begin, wanted.end) for wanted in ranges]


@pytest.mark.parametrize(
    ("begin", "end", "frozen"), [(1, 0, (1, 4)), (2, 3, (2, 3)), (3, 99, (3, 4)), (4, 4, (4, 4))]
)
def test_resend(desk: VenueDesk, begin: int, end: int, frozen: tuple[int, int]) -> None:
    """A ResendRequest(2) freezes its range in a RESEND record and an outcome; no number moves."""
    desk.log_on("ALPHA")
    for number in range(3):
        desk.send("ALPHA", "D", f"11={number}|{ORDER}")
    unit = desk.feed("ALPHA", desk.build("ALPHA", "2", {7: str(begin), 16: str(end)}))

    assert [record.header.kind for record in unit] == [Kind.FRAME, Kind.RESEND]
    assert resend_of(unit) == [frozen]
    session = desk.id("ALPHA")
    assert desk.outcomes[-1].resends == [outcome.ResendRange(session, 1, *frozen)]
    assert desk.engine.session(session).next_out == 5


@pytest.mark.parametrize(("begin", "end", "tag"), [(5, 0, "7"), (0, 0, "7"), (3, 2, "16")])
def test_resend_refused(desk: VenueDesk, begin: int, end: int, tag: str) -> None:
    """A range that was never sent, or runs backward, is rejected by its tag."""
    desk.log_on("ALPHA")
    for number in range(3):
        desk.send("ALPHA", "D", f"11={number}|{ORDER}")
    (answer,) = desk.send("ALPHA", "2", {7: str(begin), 16: str(end)})

    assert (answer[35], answer[371], answer[373]) == ("3", tag, "5")
    assert desk.outcomes[-1].resends == []


def test_resent_bytes(desk: VenueDesk) -> None:
    """A message sent again differs in 43, 52, 122, 9 and 10 alone (N1); a gap fill is framed."""
    desk.log_on("ALPHA")
    (report,) = desk.send("ALPHA", "D", f"11=1|58=text|{ORDER}")
    again = desk.engine.render_resend(report.raw, desk.now_ns + NS_PER_S)
    fields = dict(part.split(b"=", 1) for part in again.split(b"\x01")[:-1])

    assert fields[b"43"] == b"Y"
    assert fields[b"122"] == START.encode()
    assert fields[b"52"] == b"20260921-14:13:21.000"
    differing = {b"43", b"52", b"122", b"9", b"10"}
    before = dict(part.split(b"=", 1) for part in report.raw.split(b"\x01")[:-1])
    assert {t: v for t, v in fields.items() if t not in differing} == {
        t: v for t, v in before.items() if t not in differing
    }
    fill = desk.engine.render_gap_fill(desk.id("ALPHA"), 1, 3, desk.now_ns)
    assert b"\x0135=4\x01" in fill
    assert fill.endswith(b"\x01")
    for part in (b"\x0134=1\x01", b"\x0143=Y\x01", b"\x01123=Y\x01", b"\x0136=3\x01"):
        assert part in fill


def test_gap(desk: VenueDesk) -> None:
    """A gap is asked for once; messages behind it are answered in their order when it is filled."""
    desk.log_on("ALPHA")
    desk.next_number["ALPHA"] = 3
    assert told(desk.send("ALPHA", "D", f"11=2|{ORDER}")) == ["ALPHA 2 2"]
    assert desk.send("ALPHA", "D", f"11=3|{ORDER}") == []
    header = {34: "2", 43: "Y", 122: START}
    sent = desk.send("ALPHA", "D", f"11=1|{ORDER}", header)

    assert [(message[11], message.number) for message in sent] == [("1", 3), ("2", 4), ("3", 5)]
    assert desk.engine.session(desk.id("ALPHA")).next_in == 5


def test_too_low(desk: VenueDesk) -> None:
    """A number that was used is the end of the connection, and of nothing else (N2)."""
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", f"11=1|{ORDER}")
    (answer,) = desk.send("ALPHA", "D", f"11=2|{ORDER}", {34: "2"})

    assert (answer[35], answer[58]) == ("5", "MsgSeqNum too low, expecting 3 but received 2")
    assert causes(desk) == ["msg-seq-num-too-low"]
    assert desk.engine.session(desk.id("ALPHA")).next_in == 3
    assert len(desk.engine.book(0, "1")) == 1


def test_duplicate_is_ignored(desk: VenueDesk) -> None:
    """A processed number that comes again with PossDupFlag(43)=Y is answered by nothing (O6)."""
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", f"11=1|{ORDER}")

    header = {34: "2", 43: "Y", 122: START}
    assert desk.send("ALPHA", "D", f"11=1|{ORDER}", header) == []
    assert desk.engine.session(desk.id("ALPHA")).next_in == 3


# ------------------------------------------------------------------ refusals of messages


def test_session_reject(desk: VenueDesk) -> None:
    """A malformed message is rejected with reason and tag, its number consumed."""
    desk.log_on("ALPHA")
    (answer,) = desk.send("ALPHA", "D", f"11=1|{ORDER}".replace("54=1", "54=Z"))

    assert (answer[35], answer[45], answer[371], answer[372]) == ("3", "2", "54", "D")
    assert desk.engine.session(desk.id("ALPHA")).next_in == 3


def test_business_reject(desk: VenueDesk) -> None:
    """A drop-copy session may not trade, and nobody may send what the venue does not speak."""
    desk.log_on("DESK")
    desk.log_on("ALPHA")
    (answer,) = desk.send("DESK", "D", f"11=1|{ORDER}")
    assert (answer[35], answer[372], answer[379], answer[380]) == ("j", "D", "1", "6")
    (answer,) = desk.send("ALPHA", "8", f"37=1|17=1|150=0|39=0|{ORDER}")
    assert answer[35] in {"3", "j"}

    assert desk.engine.book(0, "1") == []


# ------------------------------------------------------------------ logout


def test_logout(desk: VenueDesk) -> None:
    """A Logout(5) is confirmed and the connection ends; orders stay."""
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", f"11=1|{ORDER}")
    (answer,) = desk.send("ALPHA", "5")

    assert answer[35] == "5"
    assert causes(desk) == ["peer-logout"]
    assert len(desk.engine.book(0, "1")) == 1


def test_stop(desk: VenueDesk) -> None:
    """A planned stop sends Logout(5) with its text and waits two seconds for the confirmation."""
    desk.log_on("ALPHA")
    desk.log_on("BETA")
    (logout,) = desk.sent(desk.apply(StopInput(desk.id("ALPHA"), "end of service")))
    assert (logout[35], logout[58]) == ("5", "end of service")
    assert causes(desk) == []
    assert desk.send("ALPHA", "D", f"11=1|{ORDER}") == [], "not consumed: sent again later"
    assert desk.engine.session(desk.id("ALPHA")).next_in == 2
    assert desk.venue.next_deadline_ns() == desk.now_ns + 2 * NS_PER_S
    desk.tick(2 * NS_PER_S)

    assert causes(desk) == ["logout-timeout"]
    assert desk.venue.live_sessions == (desk.id("BETA"),)
    assert desk.sent(desk.apply(StopInput(desk.id("ALPHA"), "again"))) == []


def test_disconnect(desk: VenueDesk) -> None:
    """A lost connection is one record; messages of others still get their numbers."""
    desk.log_on("ALPHA")
    desk.log_on("BETA")
    desk.send("ALPHA", "D", f"11=1|{ORDER}")
    (record,) = desk.drop("ALPHA", "slow-reader")
    assert (record.header.kind, record.payload) == (Kind.DISCONNECT, b"slow-reader")
    sent = desk.send("BETA", "D", f"11=1|55=AAPL|54=2|{TIME}38=1|40=2|44=100|")

    assert told(sent) == ["BETA 8 2", "ALPHA 8 3", "BETA 8 3"]
    assert desk.drop("BETA")[0].header.ends_unit


# ------------------------------------------------------------------ faults of ours


def test_a_fault_costs_one_session(desk: VenueDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception in the session layer ends that session, is reported, and no other notices."""
    desk.log_on("ALPHA")
    desk.log_on("BETA")

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(Session, "receive", fail)
        desk.send("ALPHA", "1", {112: "x"})
    assert causes(desk) == ["internal-fault"]
    (fault,) = desk.outcomes[-1].faults
    assert "ZeroDivisionError: a fault of ours" in fault.traceback

    assert not desk.venue.is_live(desk.id("ALPHA"))
    assert told(desk.send("BETA", "1", {112: "x"})) == ["BETA 0 2"]


def test_what_a_logon_says_it_misses_is_resent(desk: VenueDesk) -> None:
    """NextExpectedMsgSeqNum(789) freezes a range in the unit of the Logon(A), as a replay does."""
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", f"11=1|{ORDER}")
    desk.drop("ALPHA")
    unit = desk.log_on("ALPHA", {789: "2"})
    (answer,) = desk.sent(unit)

    assert (answer[35], answer.number, answer[789]) == ("A", 3, "4")
    assert resend_of(unit) == [(2, 2)]
    other, _ = desk.replayed()
    assert other.engine.session(other.id("ALPHA")) == desk.engine.session(desk.id("ALPHA"))


def test_a_resend_leaves_before_our_own_request() -> None:
    """Who asks above a gap gets what it asked for, and then our ResendRequest(2)."""
    desk = VenueDesk(feeds=True)
    desk.log_on("ALPHA")
    desk.send("ALPHA", "D", f"11=1|{ORDER}")
    desk.wire["ALPHA"].clear()
    desk.next_number["ALPHA"] = 5
    desk.send("ALPHA", "2", {7: "1", 16: "0"})
    left = [fields_of(frame) for frame in frames_of(desk.wire["ALPHA"])]

    assert [(fields[35], fields[34]) for fields in left] == [("4", "1"), ("8", "2"), ("2", "3")]
