"""Drop copies: who is entitled sees every report and cancel reject, in numbers of its own."""

import pytest
from support.session_stream import SessionStream, play
from support.small_venue import configuration, drop_copy
from support.venue_desk import VenueDesk, fields_of, frames_of

TIME = "60=20260921-13:33:20|"

#: What a copy says otherwise than its source.
ENVELOPE = {8, 9, 10, 34, 49, 52, 56, 115, 797}


def order(clord_id: str, side: str = "1", more: str = "") -> str:
    """An order for one AAPL at 100."""
    return f"11={clord_id}|55=AAPL|54={side}|{TIME}38=1|40=2|44=100|{more}"


@pytest.fixture
def desk() -> VenueDesk:
    """The traders are logged on, the compliance desks are not."""
    desk = VenueDesk()
    for name in ("ALPHA", "BETA", "GAMMA"):
        desk.log_on(name)
    return desk


def copies(desk: VenueDesk, name: str) -> list[str]:
    """What a compliance desk has been sent: originator, MsgType(35), ExecType(150), ids."""
    told = []
    for _, message in desk.outputs(name):
        fields = fields_of(message)
        if fields[35] in {"8", "9"}:
            told.append(f"{fields[115]} {fields[35]}{fields.get(150, '')} {fields[11]}")
    return told


def test_of_a_firm(desk: VenueDesk) -> None:
    """A desk entitled to a firm sees all its accounts and sessions, and nothing else (D1, D5)."""
    desk.send("ALPHA", "D", order("a1"))
    desk.send("ALPHA", "D", order("a2", more="1=A2|"))
    desk.send("GAMMA", "D", order("g1"))
    desk.send("BETA", "D", order("b1", side="2"))
    desk.send("BETA", "D", order("b1", side="2"))
    desk.send("ALPHA", "D", order("a3", more="1=NOBODY|"))
    desk.send("ALPHA", "F", f"41=none|11=a4|55=AAPL|54=1|{TIME}")

    assert copies(desk, "DESK") == [
        "ALPHA 80 a1",
        "ALPHA 80 a2",
        "GAMMA 80 g1",
        "ALPHA 8F a1",
        "ALPHA 88 a3",
        "ALPHA 9 a4",
    ]
    assert copies(desk, "AUDIT") == ["ALPHA 80 a2", "BETA 80 b1", "BETA 8F b1", "BETA 88 b1"]


def test_of_an_account(desk: VenueDesk) -> None:
    """A desk entitled to one account sees its orders alone, their cancel rejects too (D1)."""
    desk.send("ALPHA", "D", order("a1"))
    desk.send("ALPHA", "D", order("a2", more="1=A2|59=1|"))
    desk.send("ALPHA", "F", f"41=a2|11=c2|55=AAPL|54=1|{TIME}")
    desk.send("ALPHA", "F", f"41=a2|11=late2|55=AAPL|54=1|{TIME}")
    desk.send("ALPHA", "F", f"41=a1|11=c1|55=AAPL|54=1|{TIME}")
    desk.send("ALPHA", "D", order("a3", more="1=A2|").replace("38=1|", "38=99|"))
    desk.send("ALPHA", "H", "11=a2|55=AAPL|54=1|")

    assert copies(desk, "AUDIT") == [
        "ALPHA 80 a2",
        "ALPHA 84 c2",
        "ALPHA 9 late2",
        "ALPHA 88 a3",
        "ALPHA 8I a2",
    ]


def test_the_same_body(desk: VenueDesk) -> None:
    """A copy is its source under the desk's own header, marked 797=Y, with 115 its origin (D1)."""
    desk.log_on("DESK")
    more = "58=mine|453=1|448=C|447=D|452=3|21=1|"
    desk.send("ALPHA", "D", order("a1", more=more), {50: "trader", 57: "floor"})
    source = desk.outputs("ALPHA")[-1][1]
    copy = frames_of(desk.wire["DESK"])[-1]

    assert copy == desk.outputs("DESK")[-1][1]
    before, after = fields_of(source), fields_of(copy)
    assert {t: v for t, v in after.items() if t not in ENVELOPE} == {
        t: v for t, v in before.items() if t not in ENVELOPE
    }
    assert [after[tag] for tag in (49, 56, 34, 115, 797)] == ["KK99", "DESK", "2", "ALPHA", "Y"]
    assert after[52] == before[52]
    body = source[source.index(b"\x0137=") : source.rindex(b"\x0110=")]
    assert body in copy
    order_of_header = [field.split(b"=")[0] for field in copy.split(b"\x01")]
    assert order_of_header[:7] == [b"8", b"9", b"35", b"49", b"56", b"34", b"115"]


def test_cancel_reject_has_no_marker(desk: VenueDesk) -> None:
    """CopyMsgIndicator(797) is no field of OrderCancelReject(9) in FIX 4.4."""
    desk.send("ALPHA", "F", f"41=none|11=a4|55=AAPL|54=1|{TIME}")
    fields = fields_of(desk.outputs("DESK")[-1][1])

    assert (fields[35], fields[115]) == ("9", "ALPHA")
    assert 797 not in fields


def test_offline(desk: VenueDesk) -> None:
    """Numbers go on while a desk is away; it sees the gap at logon and may ask for it (D3, D4)."""
    for number in range(3):
        desk.send("ALPHA", "D", order(f"a{number}"))
    assert desk.engine.session(desk.id("DESK")).next_out == 4
    assert "DESK" not in desk.wire
    (answer,) = desk.sent(desk.log_on("DESK"))
    assert (answer[35], answer.number) == ("A", 4)
    desk.feed("DESK", desk.build("DESK", "2", {7: "1", 16: "0"}))

    (wanted,) = desk.outcomes[-1].resends
    assert (wanted.begin, wanted.end) == (1, 4)
    desk.send("ALPHA", "D", order("a9"))
    assert fields_of(frames_of(desk.wire["DESK"])[-1])[34] == "5"


def test_absence_changes_nothing() -> None:
    """Whether desks are logged on changes no byte of the order path (D4)."""
    events = SessionStream(3).script(150)
    away = [event for event in events if event.session not in {"DESK", "AUDIT"}]
    with_desks, without = play(VenueDesk(), events), play(VenueDesk(), away)

    for name in ("ALPHA", "BETA", "GAMMA"):
        assert without.wire[name] == with_desks.wire[name]


def test_resent_copy(desk: VenueDesk) -> None:
    """A copy sent again keeps its number, its origin and its body."""
    desk.send("ALPHA", "D", order("a1"))
    copy = desk.outputs("DESK")[0][1]
    again = fields_of(desk.engine.render_resend(copy, desk.now_ns + 10**9))

    assert again[43] == "Y"
    before = fields_of(copy)
    assert again[122] == before[52]
    changed = {9, 10, 43, 52, 122}
    assert {t: v for t, v in again.items() if t not in changed} == {
        t: v for t, v in before.items() if t not in changed
    }


def test_entitlement_is_that_of_the_event(desk: VenueDesk) -> None:
    """A CONFIG in the middle of a day moves the scope from then on, and replays as it was."""

    def follow(firms: tuple[str, ...], accounts: tuple[str, ...]) -> None:
        changed = configuration()
        changed["sessions"]["AUDIT"] = {
            **drop_copy(firms, accounts),
            "sender_comp_id": "AUDIT",
        }
        desk.configure(changed)

    desk.send("ALPHA", "D", order("rests", more="1=A2|"))
    desk.send("BETA", "D", order("b1"))
    follow((), ("B1",))
    desk.send("ALPHA", "D", order("unseen", more="1=A2|"))
    desk.send("ALPHA", "F", f"41=rests|11=gone|55=AAPL|54=1|{TIME}")
    desk.send("BETA", "D", order("b2"))
    before = copies(desk, "AUDIT")
    follow((), ())
    desk.send("BETA", "D", order("b3"))
    assert copies(desk, "AUDIT") == before
    follow(("Two",), ("A2", "B1"))
    desk.send("ALPHA", "F", f"41=unseen|11=gone2|55=AAPL|54=1|{TIME}")

    assert before == ["ALPHA 80 rests", "BETA 80 b1", "BETA 80 b2"]
    assert copies(desk, "AUDIT") == [*before, "ALPHA 84 gone2"]
    numbers = [record.header.msg_seq_num for record, _ in desk.outputs("AUDIT")]
    assert numbers == [1, 2, 3, 4]
    again, _ = desk.replayed()
    assert again.engine.state_hash() == desk.engine.state_hash()


def test_absence_takes_no_ring(desk: VenueDesk) -> None:
    """Rings are for connections: desks that are away have none, whatever is recorded for them."""
    for number in range(50):
        desk.send("ALPHA", "D", order(f"a{number}"))

    assert desk.engine.statistics().rings_in_use == 3
    assert not desk.engine.attached(desk.id("DESK"))
    assert desk.engine.session(desk.id("DESK")).next_out == 51
