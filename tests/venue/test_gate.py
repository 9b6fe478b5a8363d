"""The fast path is a shortcut and nothing else: with it or without, in any cut, the same bytes."""

import random
from collections.abc import Iterable

import pytest
from support.session_stream import SESSIONS, Cut, SessionStream, play, whole
from support.small_venue import particular
from support.venue_desk import Fields, VenueDesk, frames_of

from kk99fix.fix import tables
from kk99fix.venue import venue as venue_module
from kk99fix.venue.outcome import Outcome

BURSTS = 400
WALK_SLICE = 30


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk in slices so small that other inputs come between them."""
    monkeypatch.setattr(venue_module, "WALK_SLICE", WALK_SLICE)


TERMS = "55=AAPL|54=1|60=20260921-14:13:20|38=1|40=2|44=100|"


def byte_by_byte(data: bytes) -> Iterable[bytes]:
    """A read for each byte."""
    return (data[at : at + 1] for at in range(len(data)))


def at_random(seed: int, longest: int) -> Cut:
    """Reads of random length."""
    random_ = random.Random(seed)  # noqa: S311 - seeded on purpose

    def cut(data: bytes) -> Iterable[bytes]:
        while data:
            length = random_.randint(1, longest)
            yield data[:length]
            data = data[length:]

    return cut


def assert_same(one: VenueDesk, other: VenueDesk) -> None:
    """Two venues wrote the same records, sent the same bytes and are in the same state."""
    assert one.journal == other.journal
    assert one.wire == other.wire
    assert one.engine.state_hash() == other.engine.state_hash()
    said, said_too = ([o for o in desk.outcomes if o != Outcome()] for desk in (one, other))
    assert said == said_too


@pytest.mark.parametrize("seed", range(6))
def test_gate_open_and_shut(seed: int) -> None:
    """All frames through the session layer in Python give what the fast path gives."""
    events = SessionStream(seed).script(BURSTS)
    opened = play(VenueDesk(), events)
    shut = play(VenueDesk(gate_open=False), events)

    assert_same(opened, shut)
    assert opened.engine.statistics().gate_frames > BURSTS
    assert shut.engine.statistics().gate_frames == 0
    for desk in (opened, shut):
        desk.close()


@pytest.mark.parametrize(
    ("bursts", "cut"),
    [(60, byte_by_byte), (BURSTS, at_random(1, 40)), (BURSTS, at_random(2, 2000))],
    ids=["byte by byte", "short reads", "long reads"],
)
def test_any_cut(bursts: int, cut: Cut) -> None:
    """How the stream of a session is cut into reads changes nothing (N11)."""
    events = SessionStream(99).script(bursts)
    one, other = play(VenueDesk(), events, whole), play(VenueDesk(), events, cut)

    assert_same(one, other)
    for desk in (one, other):
        desk.close()


@pytest.mark.parametrize("seed", range(4))
def test_particular_sessions(seed: int) -> None:
    """Throttles, precisions and 369 come out the same, gate open or shut, cut and replayed."""
    events = SessionStream(seed, particular).script(BURSTS)
    opened = play(VenueDesk(particular()), events)
    shut = play(VenueDesk(particular(), gate_open=False), events)
    cut = play(VenueDesk(particular()), events, at_random(seed, 300))
    replayed, _ = opened.replayed()

    assert_same(opened, shut)
    assert_same(opened, cut)
    assert replayed.engine.state_hash() == opened.engine.state_hash()
    ends = [end.cause for outcome in opened.outcomes for end in outcome.disconnects]
    assert "throttled" in ends
    assert opened.engine.statistics().refusals[tables.REJECT_CODES["THROTTLED"].number] > 20
    for desk in (opened, shut, cut, replayed):
        desk.close()


def test_numbers_and_bytes() -> None:
    """Numbers of an epoch are gapless, and what left for a session stands in its records (N1)."""
    desk = play(VenueDesk(), SessionStream(5).script(BURSTS))

    for name in SESSIONS:
        outputs = desk.outputs(name)
        numbers: dict[int, list[int]] = {}
        for record, _ in outputs:
            numbers.setdefault(record.header.epoch, []).append(record.header.msg_seq_num)
        for epoch in numbers.values():
            assert epoch == list(range(1, len(epoch) + 1))
        messages = iter([message for _, message in outputs])
        assert all(left in messages for left in frames_of(desk.wire[name])), "in the same order"
    desk.close()


#: Sent at 14:13:20, where two minutes are tolerated.
ODD_HEADERS: tuple[Fields, ...] = (
    {34: "0002"},
    {34: "18446744073709551615"},
    {34: "9223372036854775808"},
    {34: "00000000000000000000000002"},
    {34: "-2"},
    {34: ""},
    {52: "20260921-14:11:20"},
    {52: "20260921-14:11:19.999"},
    {52: "20260921-14:15:20.000000000"},
    {52: "20260921-14:15:20.000000001"},
    {52: "20260921-14:13:60"},
    {52: "20260921-14:13:20.12"},
    {52: "22610101-00:00:00"},
    {52: "00010101-00:00:00"},
    {52: ""},
    {49: "alpha"},
    {49: "ALPHA "},
    {56: "KK9"},
    {43: "N"},
    {43: "X"},
    {97: "N"},
    {122: "20260921-14:13:20"},
    {43: "Y", 122: "20260921-14:13:20"},
    {43: "Y"},
    {43: "Y", 122: "20260921-14:13:21"},
    {50: " "},
    {50: "x" * 36, 57: "y" * 36},
    {50: "x" * 36, 57: "y" * 37},
    {115: "OTHER"},
    {128: "OTHER"},
    {90: "3", 91: "abc"},
    {347: "UTF-8"},
    {369: "1"},
)
ODD_BODIES = (
    f"11={'i' * 36}|{TERMS}",
    f"11={'i' * 37}|{TERMS}",
    f"11= |{TERMS}",
    f"11=c|{TERMS}44=100.00|",
    f"11=c|{TERMS.replace('38=1|', '38=000001.0000000000|')}",
    f"11=c|{TERMS.replace('38=1|', '38=1.000000001|')}",
    f"11=c|{TERMS.replace('38=1|', '38=-1|')}",
    f"11=c|{TERMS.replace('38=1|', '38=92233720368.54775807|')}",
    f"11=c|{TERMS.replace('38=1|', '38=92233720368.54775808|')}",
    f"11=c|{TERMS.replace('38=1|', '38=.|')}",
    f"11=c|{TERMS.replace('38=1|', '38=1e3|')}",
    f"11=c|{TERMS.replace('38=1|', '152=1000|')}",
    f"11=c|{TERMS.replace('38=1|', '')}",
    f"11=c|{TERMS.replace('44=100|', '44=-0|')}",
    f"11=c|{TERMS.replace('44=100|', '44=-92233720368.54775808|')}",
    f"11=c|{TERMS.replace('44=100|', '44=+100|')}",
    f"11=c|{TERMS.replace('44=100|', '')}",
    f"11=c|{TERMS.replace('40=2|', '40=1|')}",
    f"11=c|{TERMS.replace('40=2|', '40=P|')}",
    f"11=c|{TERMS.replace('54=1|', '54=5|')}",
    f"11=c|{TERMS.replace('54=1|', '54=11|')}",
    f"11=c|{TERMS.replace('60=', '60=x')}",
    f"11=c|{TERMS}59=6|432=20261231|",
    f"11=c|{TERMS}59=2|",
    f"11=c|{TERMS}18=6|",
    f"11=c|{TERMS}18=H|",
    f"11=c|{TERMS}18=Q|",
    f"11=c|{TERMS}18=H Q|",
    f"11=c|{TERMS}18=HQ|",
    f"11=c|{TERMS}18=H|18=H|",
    f"11=c|{TERMS}18=h|",
    f"18=Q|11=c|{TERMS}",
    f"11=c|{TERMS}111=1|",
    f"11=c|{TERMS}58=|",
    f"11=c|{TERMS}58=\x80\xff|",
    f"11=c|{TERMS}58=tab\tin it|",
    f"11=c|{TERMS}453=0|",
    f"11=c|{TERMS}453=1|447=D|448=a|",
    f"11=c|{TERMS}453=2|448=a|",
    f"11=c|{TERMS}453=1|448=a|448=b|",
    f"11=c|{TERMS}354=3|355=abc|",
    f"11=c|{TERMS}354=5|355=a\x01b=c|",
    f"11=c|{TERMS}9999=1|",
    f"11=c|{TERMS}20001=1|",
    f"011=c|{TERMS}",
    f"11=c|{TERMS}50=late|",
    f"11=c|{TERMS}37=1|",
    f"{TERMS}11=c|",
    f"11=c|{TERMS}1=A2|1=A2|",
    f"11=c|{TERMS}" + "".join(f"{tag}=x|81=0|" for tag in (526, 583)),
)


def journals_of(raw: bytes) -> set[bytes]:
    """What venues with their gates open and shut write on one frame and an order behind it."""
    journals = set()
    for gate_open in (True, False):
        desk = VenueDesk(gate_open=gate_open)
        desk.log_on("ALPHA")
        desk.feed("ALPHA", raw + desk.build("ALPHA", "D", f"11=next|{TERMS}", {34: "3"}))
        assert desk.outcomes[-1].faults == []
        journals.add(bytes(desk.journal))
        desk.close()
    return journals


@pytest.mark.parametrize("header", ODD_HEADERS, ids=str)
def test_odd_headers(header: Fields) -> None:
    """At the edges of what a header may say, both ways say the same."""
    desk = VenueDesk()
    raw = desk.build("ALPHA", "D", f"11=c|{TERMS}", {34: "2", **header})

    assert len(journals_of(raw)) == 1


@pytest.mark.parametrize("kind", ["D", "G", "F", "H"])
def test_odd_bodies(kind: str) -> None:
    """At the edges of what a body may say, both ways say the same."""
    desk = VenueDesk()
    for body in ODD_BODIES:
        more = "41=none|" if kind in "GF" else ""
        raw = desk.build("ALPHA", kind, more + body, {34: "2"})
        assert len(journals_of(raw)) == 1, body
