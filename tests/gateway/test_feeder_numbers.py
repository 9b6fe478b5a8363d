"""Numbers of sessions that are fed: resets, lost connections, segments, what is asked twice."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from support.live_gateway import small_settings
from support.live_peer import content, order
from support.still_gateway import StillGateway, StillPeer

from kk99fix.gateway.chunks import CHUNK_MESSAGES, CHUNK_RECORDS, Chunks
from kk99fix.gateway.unwritten import UnwrittenRecords
from kk99fix.matcher.values import Fed, FeedEnd, FeedOrder
from kk99fix.venue.inputs import TickInput


@pytest.fixture
def still(tmp_path: Path) -> Iterator[StillGateway]:
    """A gateway over segments of 1 MiB."""
    with StillGateway(small_settings(tmp_path), tmp_path / "var") as still:
        yield still


def rest(still: StillGateway, peer: StillPeer, count: int) -> list[bytes]:
    """Send orders that rest, many at a time; returns their reports."""
    reports: list[bytes] = []
    for first in range(0, count, 100):
        for _ in range(min(100, count - first)):
            peer.send("D", order(f"{peer.comp_id}-{peer.next_out}", price="180.00"))
        still.run_pass()
        reports += peer.received()
    return reports


def ask(still: StillGateway, peer: StillPeer, begin: int = 2, end: int = 0) -> None:
    """Ask for messages again."""
    peer.send("2", [(7, begin), (16, end)])
    still.run_pass()


def begin_to_feed(still: StillGateway, peer: StillPeer) -> list[bytes]:
    """Make steps until the first chunk has come."""
    while not (frames := peer.received()):
        still.step()
    return frames


def numbers(frames: list[bytes]) -> list[int]:
    """MsgSeqNum(34) of each."""
    return [int(frame.split(b"\x0134=")[1].split(b"\x01")[0]) for frame in frames]


def test_a_range_over_many_segments(still: StillGateway) -> None:
    """A range goes on from segment to segment; every message is as it was."""
    peer = still.connect("BROKER1")
    reports = rest(still, peer, 5000)
    assert still.gateway.storage.writer.segment >= 3
    ask(still, peer)
    still.feed()
    again = peer.received()

    assert [content(frame) for frame in again] == [content(frame) for frame in reports][1:]
    assert all(b"\x0143=Y\x01" in frame for frame in again)


def test_a_gap_fill_over_a_segment_s_end(still: StillGateway) -> None:
    """A run of administrative messages that a segment's end cuts is one gap fill."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    for _ in range(3):
        peer.send("1", [(112, "t")])
        still.run_pass()
    first_segment = still.gateway.storage.writer.segment
    rest(still, other, 4000)
    assert still.gateway.storage.writer.segment > first_segment
    for _ in range(3):
        peer.send("1", [(112, "t")])
        still.run_pass()
    peer.received()
    ask(still, peer, 1)
    still.feed()

    assert [(m[35], m[34], m[36]) for m in peer.messages()] == [("4", "1", "8")]


@pytest.mark.parametrize("sparse", [False, True])
def test_a_chunk_walks_over_so_many_records_at_most(still: StillGateway, sparse: bool) -> None:
    """However far apart its messages stand, a session's step is bounded; nothing is left out."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    for _ in range(3):
        rest(still, peer, 2)
        rest(still, other, 3000 if sparse else 10)
    peer.received()
    walked: list[int] = []
    feed = still.engine.feed

    def counted(*args: Any) -> Fed:  # noqa: ANN401 - as they come
        fed = feed(*args)
        walked.append(still.engine._feed.walked)
        return fed

    still.engine.feed = counted  # type: ignore[method-assign,assignment]
    ask(still, peer)
    still.feed()

    assert numbers(peer.received()) == list(range(2, 8))
    assert max(walked) <= CHUNK_RECORDS
    assert (len(walked) > 3) is sparse


def test_a_reset_by_141_in_the_middle_of_a_resend(still: StillGateway) -> None:
    """Nothing of the old epoch follows; numbers begin at 1, and a range of the new one is fed."""
    peer = still.connect("BROKER1")
    rest(still, peer, 4 * CHUNK_MESSAGES)
    ask(still, peer)
    assert len(begin_to_feed(still, peer)) == CHUNK_MESSAGES
    peer.next_out = 1
    peer.send("A", [(98, 0), (108, 60), (141, "Y")])
    still.run_pass()
    assert len(rest(still, peer, 3)) == 1 + 3
    still.feed()
    assert peer.received() == []
    ask(still, peer, 1)
    still.feed()

    assert [(m[35], m[34], m[43]) for m in peer.messages()] == [
        ("4", "1", "Y"),
        ("8", "2", "Y"),
        ("8", "3", "Y"),
        ("8", "4", "Y"),
    ]


def test_a_reset_while_the_resend_waits_for_room(tmp_path: Path) -> None:
    """What is asked of the new epoch is sent, though the ring was full when the old one ended."""
    read_until_full = {"ring_bytes = 1_048_576": "ring_bytes = 1_048_576"}
    with StillGateway(small_settings(tmp_path, read_until_full), tmp_path / "var") as still:
        peer = still.connect("BROKER1")
        rest(still, peer, 12_000)
        peer.reads = False
        ask(still, peer)
        for _ in range(300):
            still.step()
            still.run_pass()
        assert still.engine.pending(peer.session) > still.engine.ring_free(peer.session)
        peer.next_out = 1
        peer.send("A", [(98, 0), (108, 60), (141, "Y")])
        still.run_pass()
        assert still.engine.session(peer.session).next_out == 2
        peer.reads = True
        for _ in range(100):
            still.run_pass()
        peer.received()
        (report,) = rest(still, peer, 1)

        ask(still, peer)
        for _ in range(10):
            still.step()

        assert [content(frame) for frame in peer.received()] == [content(report)]
        peer.send("1", [(112, "t")])
        still.run_pass()
        assert numbers(peer.received()) == [3]


def test_numbers_of_an_old_epoch_are_not_those_of_the_new_one(still: StillGateway) -> None:
    """After a reset the same numbers give the new messages, over a disconnect too."""
    peer = still.connect("BROKER1")
    rest(still, peer, 10)
    peer.sock.close()
    still.run_pass()
    session = still.session("BROKER1")
    peer = still.connect("BROKER1", logon=[(141, "Y")], number=1)
    assert still.engine.session(session).epoch == 2
    new = rest(still, peer, 3)
    ask(still, peer, 2)
    still.feed()

    assert [content(frame) for frame in peer.received()] == [content(frame) for frame in new[1:]]


def test_a_connection_lost_in_the_middle(still: StillGateway) -> None:
    """On return the session asks for the rest and misses nothing, of any time."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    reports = rest(still, peer, 4 * CHUNK_MESSAGES)
    ask(still, peer)
    got = begin_to_feed(still, peer)
    peer.sock.close()
    still.run_pass()
    assert len(still.gateway.feeder) == 0
    other.send("D", order("x", "2", 10, price="180.00"))
    still.run_pass()
    back = still.connect("BROKER1")
    ask(still, back, numbers(got)[-1] + 1)
    still.feed()
    frames = back.received()

    logon = 4 * CHUNK_MESSAGES + 3
    assert numbers(frames[:1]) == [logon]
    rest_of_it = frames[1:]
    wanted = [*range(numbers(got)[-1] + 1, logon), logon]
    assert numbers(rest_of_it) == wanted
    assert [content(f) for f in got + rest_of_it[:-2]] == [content(f) for f in reports[1:]]
    assert b"\x0135=4\x01" in rest_of_it[-1]


def test_a_resend_of_a_resend(still: StillGateway) -> None:
    """A range asked for twice is the same twice: 122 is the original time, never that of a resend.

    The messages themselves never change, whatever was sent of them.
    """
    peer = still.connect("BROKER1")
    reports = rest(still, peer, 20)[1:]
    rounds = []
    for _ in range(3):
        ask(still, peer, 2, 21)
        still.feed()
        rounds.append(peer.messages())

    for again in rounds:
        assert [m[122] for m in again] == [
            frame.split(b"\x0152=")[1].split(b"\x01")[0].decode() for frame in reports
        ]
        assert [m[43] for m in again] == ["Y"] * 20
        assert [m[17] for m in again] == [m[17] for m in rounds[0]]


def test_a_tail_that_was_resent_before_it_was_sent(still: StillGateway) -> None:
    """What is held back may be asked for; it comes once, and the ring follows behind it."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    rest(still, peer, CHUNK_MESSAGES)
    peer.received()
    ask(still, peer)
    for number in range(5):
        other.send("D", order(f"x{number}", "2", 10, price="180.00"))
    still.run_pass()
    ask(still, peer, 2)
    still.feed()
    end = still.engine.session(peer.session).next_out

    assert numbers(peer.received()) == list(range(2, end))
    assert still.engine.cursor(peer.session) == 0


def test_segments_that_left_the_cache(still: StillGateway) -> None:
    """What the system no longer holds in memory is read from the disk, in steps as ever."""
    peer = still.connect("BROKER1")
    reports = rest(still, peer, 5000)
    for path in still.gateway.storage.writer.directory.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.fdatasync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
    ask(still, peer)
    still.feed()

    assert [content(f) for f in peer.received()] == [content(f) for f in reports[1:]]


def test_heartbeats_that_come_due_during_a_resend_wait(still: StillGateway) -> None:
    """A Heartbeat(0) is no exception: it has its number and comes after the range."""
    peer = still.connect("BROKER1")
    rest(still, peer, 2 * CHUNK_MESSAGES)
    ask(still, peer)
    got = numbers(begin_to_feed(still, peer))
    clock = still.gateway.clock
    clock.offset_ns += 61 * 1_000_000_000
    still.gateway.sequencer.pump.set_clock(clock.offset_ns, 0)
    still.gateway.sequencer.apply(TickInput())
    still.gateway.sequencer.commit()
    still.feed()
    frames = peer.received()

    assert got + numbers(frames) == list(range(2, 2 * CHUNK_MESSAGES + 3))
    assert b"\x0135=0\x01" in frames[-1]


def test_a_gap_that_found_no_room_is_filled_later(still: StillGateway) -> None:
    """With the range's last number taken and no room for the gap fill, that comes next."""
    peer = still.connect("BROKER1")
    peer.received()
    engine, session = still.engine, peer.session
    engine.unfollow(session)
    assert engine.push(session, bytes(engine.ring_free(session) - 10))
    unwritten = UnwrittenRecords(engine, list)
    chunks = Chunks(engine, still.gateway.storage.sent, unwritten)
    order = FeedOrder(session, 1, 1, 1, 0, again=True, now_ns=still.gateway.sequencer.pump.now_ns())
    while (fed := chunks.feed(order)) is None:
        pass
    assert (fed.end, fed.next_number, fed.gap_from) == (FeedEnd.FULL, 2, 1)
    order = attrs.evolve(order, next_number=fed.next_number, gap_from=fed.gap_from)
    assert chunks.feed(order) == attrs.evolve(fed, offset=0, source_offset=None)
    engine.release()
    engine.drain(session)
    fed = chunks.feed(order)

    assert fed is not None
    assert (fed.end, fed.gap_from) == (FeedEnd.DONE, 0)
