"""Resends over segments that were compressed, or that retention has removed, while it runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.live_gateway import small_settings
from support.live_peer import content, order
from support.sealed_journal import seal_all
from support.still_gateway import StillGateway, StillPeer

from kk99fix.journal.files import Files
from kk99fix.state.retention import compress_segment, remove_segments


@pytest.fixture
def still(tmp_path: Path) -> Iterator[StillGateway]:
    """A gateway over segments of 1 MiB."""
    with StillGateway(small_settings(tmp_path), tmp_path / "var") as still:
        yield still


def log_on(still: StillGateway, comp_id: str) -> StillPeer:
    """Connect a counterparty, which takes its Logon(A)."""
    peer = still.connect(comp_id)
    still.run_pass()
    assert len(peer.received()) == 1
    return peer


def rest(still: StillGateway, peer: StillPeer, count: int) -> list[bytes]:
    """Send orders that rest, many at a time; returns their reports."""
    reports: list[bytes] = []
    for first in range(0, count, 100):
        for _ in range(min(100, count - first)):
            peer.send("D", order(f"{peer.comp_id}-{peer.next_out}", price="180.00"))
        still.run_pass()
        reports += peer.received()
    return reports


def directory(still: StillGateway) -> Path:
    """Where the segments are."""
    return still.gateway.storage.writer.directory


def compress_all(still: StillGateway, *, told: bool) -> int:
    """Compress what is complete, and let the index know; returns how many segments."""
    seals = seal_all(directory(still))
    for seal in seals:
        assert compress_segment(Files(), directory(still), seal)
        if told:
            still.gateway.storage.sent.replaced(seal.segment)
    return len(seals)


def remove(still: StillGateway, count: int, *, told: bool) -> None:
    """Remove the oldest segments, and let the index know."""
    seals = seal_all(directory(still))[:count]
    remove_segments(Files(), directory(still), seals)
    for seal in seals:
        if told:
            still.gateway.storage.sent.replaced(seal.segment)


def ask_again(still: StillGateway, peer: StillPeer, begin: int = 2) -> list[bytes]:
    """Ask for everything from a number on, and return what came."""
    peer.received()
    peer.send("2", [(7, begin), (16, 0)])
    still.run_pass()
    still.feed()
    return peer.received()


def numbers(frames: list[bytes]) -> list[int]:
    """MsgSeqNum(34) of each."""
    return [int(frame.split(b"\x0134=")[1].split(b"\x01")[0]) for frame in frames]


@pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
def test_a_resend_over_compressed_segments(still: StillGateway, told: bool) -> None:
    """Every message comes as it was, while the gateway goes on."""
    peer = log_on(still, "BROKER1")
    reports = rest(still, peer, 5000)
    assert compress_all(still, told=told) >= 2

    again = ask_again(still, peer)
    assert [content(frame) for frame in again] == [content(frame) for frame in reports]
    assert rest(still, peer, 100), "trading goes on"


def test_segments_compressed_in_the_midst_of_a_resend(still: StillGateway) -> None:
    """A resend that is under way goes on in the compressed file, and nobody notices."""
    peer = log_on(still, "BROKER1")
    reports = rest(still, peer, 5000)
    peer.received()
    peer.send("2", [(7, 2), (16, 0)])
    still.run_pass()
    while not (frames := peer.received()):
        still.step()
    compress_all(still, told=True)
    still.feed()
    frames += peer.received()

    assert [content(frame) for frame in frames] == [content(frame) for frame in reports]


def test_a_drop_copy_comes_from_a_compressed_segment(still: StillGateway) -> None:
    """A copy is rendered from its source there, byte for byte as it was recorded."""
    peer = log_on(still, "BROKER1")
    desk = log_on(still, "DROPCOPY1")
    rest(still, peer, 3000)
    copies = desk.received()
    compress_all(still, told=True)

    again = ask_again(still, desk)
    assert [content(frame) for frame in again] == [content(frame) for frame in copies]


@pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
def test_what_is_removed_is_filled(still: StillGateway, told: bool) -> None:
    """One gap fill over what is gone, then every message that is left; the log says so."""
    peer = log_on(still, "BROKER1")
    reports = rest(still, peer, 5000)
    remove(still, 1, told=told)
    fill, *rest_of = ask_again(still, peer)
    first_kept = numbers(rest_of)[0]

    assert numbers([fill]) == [2]
    assert b"\x0135=4\x01" in fill
    assert b"\x01123=Y\x01" in fill
    assert f"\x0136={first_kept}\x01".encode() in fill
    assert 1000 < first_kept < 5000
    assert [content(f) for f in rest_of] == [content(f) for f in reports[-len(rest_of) :]]
    (line,) = still.logged.of("removed messages filled")
    assert (line["session"], line["first"], line["last"]) == ("BROKER1", 2, first_kept - 1)


def test_a_range_that_is_gone_whole_is_one_gap_fill(still: StillGateway) -> None:
    """Numbers up to the end of the range are filled, and no further."""
    peer = log_on(still, "BROKER1")
    rest(still, peer, 5000)
    remove(still, 1, told=True)
    peer.received()
    peer.send("2", [(7, 10), (16, 20)])
    still.run_pass()
    still.feed()
    (fill,) = peer.received()

    assert b"\x0134=10\x01" in fill
    assert b"\x0136=21\x01" in fill


def test_what_was_never_sent_and_is_gone_is_filled(still: StillGateway) -> None:
    """A slow reader whose messages went meanwhile gets a gap fill, and then what is left."""
    peer, other = log_on(still, "BROKER1"), log_on(still, "BROKER2")
    still.engine.unfollow(peer.session)
    for _ in range(60):
        for _ in range(50):
            peer.send("D", order(f"BROKER1-{peer.next_out}", price="180.00"))
        still.run_pass()
    rest(still, other, 2000)
    remove(still, 1, told=True)
    still.gateway.feeder.catch_up(peer.session)
    still.feed()
    frames = peer.received()

    first, *later = numbers(frames)
    assert first == 2
    assert b"\x0135=4\x01" in frames[0]
    assert f"\x0136={later[0]}\x01".encode() in frames[0]
    assert later == list(range(later[0], 3002))
