"""The fast path is a shortcut and nothing else: with it or without, in any cut, the same bytes."""

import random
from collections.abc import Iterable

import pytest
from support.session_stream import SESSIONS, Cut, SessionStream, play, whole
from support.venue_desk import VenueDesk, frames_of

BURSTS = 400


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
    assert one.outcomes[-1] == other.outcomes[-1]


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
