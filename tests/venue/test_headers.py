"""What each session wants in its headers: times of its own precision, and 369 if it asks."""

from typing import Any

import pytest
from support.small_venue import NS_PER_S, configuration
from support.venue_desk import VenueDesk, fields_of, frames_of

from kk99fix.fix.split import split
from kk99fix.fix.validate import validate
from kk99fix.matcher.engine import Engine

TIME = "60=20260921-13:33:20|"
TERMS = f"55=AAPL|54=1|{TIME}38=1|40=2|44=99.99|"
#: What 14:13:20.001234567 is.
WRITTEN = {
    "seconds": "20260921-14:13:20",
    "milliseconds": "20260921-14:13:20.001",
    "microseconds": "20260921-14:13:20.001234",
}
PRECISIONS = list(WRITTEN)
LATER = {
    "seconds": "20260921-14:13:21",
    "milliseconds": "20260921-14:13:21.001",
    "microseconds": "20260921-14:13:21.001235",
}


def opened(gate_open: bool = True, **session: dict[str, Any]) -> VenueDesk:
    """The small venue with some sessions' settings changed, at 14:13:20.001234567."""
    config = configuration()
    for name, own in session.items():
        config["sessions"][name].update(own)
    desk = VenueDesk(config, gate_open=gate_open)
    desk.now_ns += 1_234_567
    return desk


@pytest.mark.parametrize("gate_open", [True, False])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_times_of_a_session(precision: str, gate_open: bool) -> None:
    """52 and 60 of all that is sent, 52 and 122 of what is sent again and of a gap fill."""
    desk = opened(gate_open, ALPHA={"timestamp_precision": precision})
    sent = [
        *desk.sent(desk.log_on("ALPHA")),
        *desk.send("ALPHA", "1", {112: "x"}),
        *desk.send("ALPHA", "D", f"11=1|{TERMS}"),
        *desk.send("ALPHA", "D", f"11=1|{TERMS}"),
        *desk.send("ALPHA", "F", f"41=none|11=2|55=AAPL|54=1|{TIME}"),
        *desk.send("ALPHA", "H", "11=2|55=AAPL|54=1|"),
        *desk.send("ALPHA", "D", "11=3|"),
    ]

    assert [each[35] for each in sent] == ["A", "0", "8", "8", "9", "8", "3"]
    assert {each[52] for each in sent} == {WRITTEN[precision]}
    assert {each[60] for each in sent if each[35] in "89"} == {WRITTEN[precision]}
    again = fields_of(desk.engine.render_resend(sent[2].raw, desk.now_ns + NS_PER_S + 999))
    assert (again[52], again[122], again[60]) == (
        LATER[precision],
        WRITTEN[precision],
        WRITTEN[precision],
    )
    fill = fields_of(desk.engine.render_gap_fill(desk.id("ALPHA"), 1, 3, desk.now_ns))
    assert (fill[52], fill[122]) == (WRITTEN[precision],) * 2
    desk.close()


@pytest.mark.parametrize("of_desk", PRECISIONS)
@pytest.mark.parametrize("of_source", PRECISIONS)
def test_times_of_a_copy(of_source: str, of_desk: str) -> None:
    """A copy has its desk's precision, live and rendered again, also after the desk changed it."""
    source = {"timestamp_precision": of_source}
    desk = opened(ALPHA=source, DESK={"timestamp_precision": of_desk})
    for name in ("ALPHA", "DESK"):
        desk.log_on(name)
    desk.send("ALPHA", "D", f"11=1|58=at 60=now|{TERMS}")
    desk.send("ALPHA", "F", f"41=none|11=2|55=AAPL|54=1|{TIME}")
    copies = [fields_of(frame) for frame in frames_of(desk.wire["DESK"])[1:]]

    assert [fields[35] for fields in copies] == ["8", "9"]
    for fields in copies:
        assert (fields[52], fields[60]) == (WRITTEN[of_desk],) * 2
    before = [message for _, message in desk.outputs("DESK")]
    config = configuration()
    config["sessions"]["ALPHA"].update(source)
    config["sessions"]["DESK"].update(timestamp_precision="seconds", dialect="kk99")
    config["sessions"]["DESK"]["last_msg_seq_num_processed"] = True
    desk.configure(config)
    assert [message for _, message in desk.outputs("DESK")] == before
    desk.close()


@pytest.mark.parametrize("gate_open", [True, False])
def test_last_msg_seq_num_processed(gate_open: bool) -> None:
    """369 is the last number taken in, in every header of who asked for it, behind 34."""
    own = {"last_msg_seq_num_processed": True}
    desk = opened(gate_open, ALPHA=own, DESK=own)
    told = [each[369] for each in desk.sent(desk.log_on("ALPHA"))]
    told += [each[369] for each in desk.send("ALPHA", "D", f"11=1|{TERMS}", {50: "me"})]
    told += [each[369] for each in desk.send("ALPHA", "1", {112: "x"})]
    (report,) = desk.send("ALPHA", "D", f"11=1|{TERMS}", {50: "me"})

    assert [*told, report[369]] == ["1", "2", "3", "4"]
    header = [field.partition(b"=")[0] for field in report.raw.split(b"\x01")][:9]
    assert header == [b"8", b"9", b"35", b"49", b"56", b"34", b"369", b"57", b"52"]
    (asked,) = desk.sent(desk.feed("ALPHA", desk.build("ALPHA", "0", {}, {34: "9"})))
    assert (asked[35], asked[369]) == ("2", "4"), "what waits behind a gap is not processed"

    again = desk.engine.render_resend(report.raw, desk.now_ns)
    assert fields_of(again)[369] == "4"
    assert 369 not in fields_of(desk.engine.render_gap_fill(desk.id("ALPHA"), 1, 2, desk.now_ns))
    assert {fields_of(message)[369] for _, message in desk.outputs("DESK")} == {"0"}
    desk.log_on("DESK")
    desk.send("ALPHA", "4", {36: "20"}, {34: "5"})
    desk.next_number["ALPHA"] = 20
    desk.send("ALPHA", "D", f"11=2|{TERMS}")
    copy = fields_of(desk.outputs("DESK")[-1][1])
    assert (copy[35], copy[369]) == ("8", "1"), "the desk's own number, not its source's"
    for name in ("ALPHA", "DESK"):
        assert all(validate(split(message)) is None for _, message in desk.outputs(name))
    desk.close()


def test_nobody_else_is_told() -> None:
    """A session that did not ask for 369 has it neither in its own messages nor in copies."""
    desk = opened(ALPHA={"last_msg_seq_num_processed": True})
    for name in ("ALPHA", "BETA"):
        desk.log_on(name)
    desk.send("ALPHA", "D", f"11=1|{TERMS}")
    desk.send("BETA", "D", f"11=1|{TERMS.replace('54=1', '54=2')}")

    for name in ("BETA", "DESK", "AUDIT"):
        messages = [fields_of(message) for _, message in desk.outputs(name)]
        assert messages
        assert not any(369 in fields for fields in messages)
    desk.close()


@pytest.mark.parametrize("decoded", ["by the gate", "behind it", "in Python"])
@pytest.mark.parametrize("fraction", ["", ".001", ".001234", ".001234567"])
def test_times_that_come_in(monkeypatch: pytest.MonkeyPatch, fraction: str, decoded: str) -> None:
    """52, 60 and 122 may have seconds, milliseconds, microseconds or nanoseconds."""
    gate_open = decoded == "by the gate"
    if decoded == "in Python":
        monkeypatch.setattr(Engine, "submit_frame", lambda *_: False)
    desk = opened(gate_open)
    desk.log_on("ALPHA")
    time = f"20260921-14:13:20{fraction}"
    terms = TERMS.replace("20260921-13:33:20", time)
    (plain,) = desk.send("ALPHA", "D", f"11=1|{terms}", {52: time})
    (possibly,) = desk.send("ALPHA", "D", f"11=2|{terms}", {52: time, 97: "Y", 122: time})
    resent = desk.build("ALPHA", "D", f"11=3|{terms}", {52: time, 43: "Y", 122: time})
    sent = desk.sent(desk.feed("ALPHA", resent))

    assert [plain[150], possibly[150], *(each[150] for each in sent)] == ["0", "0", "0"]
    assert desk.engine.statistics().gate_frames == (1 if gate_open else 0)
    desk.close()
