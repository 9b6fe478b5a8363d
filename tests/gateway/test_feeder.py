from collections.abc import Iterator
from pathlib import Path

import pytest
from support.live_gateway import small_settings
from support.live_peer import order
from support.still_gateway import StillGateway, StillPeer

from kk99fix.gateway.chunks import CHUNK_MESSAGES
from kk99fix.gateway.ranges import WAITING_MAX
from kk99fix.venue.session_commands import StopInput


@pytest.fixture
def still(tmp_path: Path) -> Iterator[StillGateway]:
    """A gateway that does what it is told."""
    with StillGateway(small_settings(tmp_path), tmp_path / "var") as still:
        yield still


def trade(still: StillGateway, peer: StillPeer, count: int, side: str = "1") -> None:
    """Send orders that rest and let them be reported."""
    price = {"1": "180.00", "2": "200.00"}[side]
    for _ in range(count):
        peer.send("D", order(f"{peer.comp_id}-{peer.next_out}", side, price=price))
        still.run_pass()


def begin_to_feed(still: StillGateway) -> None:
    """Make steps until the first chunk has left; before that the journal is scanned."""
    while still.gateway.feeder.statistics().resent_messages == 0:
        still.step()


def test_a_range_is_fed_in_chunks(still: StillGateway) -> None:
    """One step feeds so many messages, so that others have their turn between."""
    peer = still.connect("BROKER1")
    trade(still, peer, 3 * CHUNK_MESSAGES)
    peer.received()
    peer.send("2", [(7, 2), (16, 0)])
    still.run_pass()
    counts = []
    while len(still.gateway.feeder):
        still.step()
        counts.append(len(peer.received()))

    assert sum(counts) == 3 * CHUNK_MESSAGES
    assert max(counts) <= CHUNK_MESSAGES


def test_sessions_take_turns(still: StillGateway) -> None:
    """Each step feeds one session; nobody waits for another's resend to end."""
    peers = [still.connect(name) for name in ("BROKER1", "BROKER2")]
    for peer in peers:
        trade(still, peer, 4 * CHUNK_MESSAGES, {"BROKER1": "1", "BROKER2": "2"}[peer.comp_id])
    for peer in peers:
        peer.received()
        peer.send("2", [(7, 2), (16, 0)])
    still.run_pass()
    fed = []
    while len(still.gateway.feeder):
        still.step()
        fed += [(n, len(frames)) for n, p in enumerate(peers) if (frames := p.received())]

    assert {count for _, count in fed} == {CHUNK_MESSAGES}
    assert sorted([fed[0][0], fed[1][0]]) == [0, 1]
    assert [who for who, _ in fed] == [fed[0][0], fed[1][0]] * 4


def test_nothing_live_comes_between(still: StillGateway) -> None:
    """A report made during a resend comes after it, under its own number."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    trade(still, peer, CHUNK_MESSAGES + 10)
    peer.received()
    peer.send("2", [(7, 2), (16, 0)])
    still.run_pass()
    still.step()
    other.send("D", order("x", "2", 10, price="180.00"))
    still.run_pass()
    still.feed()
    numbers = [int(message[34]) for message in peer.messages()]

    assert numbers == list(range(2, CHUNK_MESSAGES + 13))
    assert still.engine.cursor(peer.session) == 0


def test_the_same_range_is_queued_once(still: StillGateway) -> None:
    """As many requests for the same messages as a session may make are answered once in a pass."""
    peer = still.connect("BROKER1")
    trade(still, peer, 10)
    peer.received()
    for _ in range(3):
        peer.send("2", [(7, 2), (16, 0)])
    still.run_pass()
    still.feed()

    assert peer.types() == "8" * 10


def test_ranges_that_overlap_are_answered_once(still: StillGateway) -> None:
    """A burst of requests for overlapping and neighbouring ranges gives each number once."""
    peer = still.connect("BROKER1")
    trade(still, peer, 30)
    peer.received()
    for begin, end in ((2, 10), (5, 12), (13, 20), (2, 31), (25, 0)):
        peer.send("2", [(7, begin), (16, end)])
    still.run_pass()
    still.feed()

    assert [int(m[34]) for m in peer.messages()] == list(range(2, 32))
    counts = still.gateway.feeder.statistics()
    assert (counts.ranges_asked, counts.ranges_merged) == (5, 4)
    assert counts.resent_messages == 30


def test_no_range_is_lost_however_many_wait(still: StillGateway) -> None:
    """More ranges than may wait: holes are filled, and everything asked for comes once."""
    peer = still.connect("BROKER1")
    trade(still, peer, 60)
    peer.received()
    asked = list(range(2, 62, 4))
    assert len(asked) > WAITING_MAX + 1
    for number in reversed(asked):
        peer.send("2", [(7, number), (16, number)])
    still.run_pass()
    still.feed()
    numbers = [int(m[34]) for m in peer.messages()]

    assert set(asked) <= set(numbers)
    assert len(set(numbers)) == len(numbers)


def test_what_is_asked_again_while_it_is_sent(still: StillGateway) -> None:
    """A request in the middle of its answer: the answer goes on, and what had left comes again."""
    peer = still.connect("BROKER1")
    trade(still, peer, 3 * CHUNK_MESSAGES)
    peer.received()
    peer.send("2", [(7, 2), (16, 0)])
    still.run_pass()
    begin_to_feed(still)
    peer.send("2", [(7, 2), (16, 0)])
    still.run_pass()
    still.feed()
    numbers = [int(m[34]) for m in peer.messages()]

    every = list(range(2, 3 * CHUNK_MESSAGES + 2))
    assert numbers == every + every[:CHUNK_MESSAGES]


def test_a_range_beyond_what_is_held_back_leaves_no_hole(still: StillGateway) -> None:
    """Asked for numbers that were not sent yet, the session still gets those before them."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    trade(still, peer, 10)
    peer.received()
    peer.send("2", [(7, 2), (16, 2)])
    still.run_pass()
    for number in range(6):
        other.send("D", order(f"x{number}", "2", 10, price="180.00"))
    still.run_pass()
    peer.send("2", [(7, 14), (16, 15)])
    still.run_pass()
    still.feed()
    numbers = [int(m[34]) for m in peer.messages()]

    assert numbers == [2, 14, 15, *range(12, 18)]


def test_a_reset_ends_what_is_asked_of_the_old_epoch(still: StillGateway) -> None:
    """A Logon(A) with 141=Y in the middle of a resend: nothing of before comes after it."""
    peer = still.connect("BROKER1")
    trade(still, peer, 2 * CHUNK_MESSAGES)
    peer.send("2", [(7, 1), (16, 0)])
    still.run_pass()
    still.step()
    peer.received()
    peer.next_out = 1
    peer.send("A", [(98, 0), (108, 60), (141, "Y")])
    peer.send("2", [(7, 1), (16, 0)])
    still.run_pass()
    still.feed()
    trade(still, peer, 1)

    assert [(m[35], m[34]) for m in peer.messages()] == [("A", "1"), ("4", "1"), ("8", "2")]


def test_a_new_connection_is_not_fed_what_the_old_one_asked(still: StillGateway) -> None:
    """Its own requests alone are answered."""
    peer = still.connect("BROKER1")
    trade(still, peer, 2 * CHUNK_MESSAGES)
    peer.send("2", [(7, 1), (16, 0)])
    still.run_pass()
    still.step()
    peer.sock.close()
    still.run_pass()
    assert len(still.gateway.feeder) == 0
    again = still.connect("BROKER1")
    trade(still, again, 1)

    assert again.types() == "A8"


def stop(still: StillGateway, peer: StillPeer) -> None:
    """Send a Logout(5)."""
    still.gateway.sequencer.apply(StopInput(peer.session, "the end"))
    still.gateway.sequencer.commit()


def test_nothing_new_follows_our_logout(still: StillGateway) -> None:
    """Reports made after it stay in the journal until they are asked for."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    peer.send("D", order("a", price="190.00"))
    still.run_pass()
    stop(still, peer)
    other.send("D", order("b", "2", price="190.00"))
    still.run_pass()
    still.feed()
    assert peer.types() == "A85"
    assert other.types() == "A88"
    peer.send("2", [(7, 4), (16, 0)])
    still.run_pass()
    still.feed()

    assert [(m[35], m[34], m[43]) for m in peer.messages()] == [("8", "4", "Y")]


def test_a_logout_waits_behind_what_is_fed(still: StillGateway) -> None:
    """A session that is behind gets everything up to our Logout(5), and nothing after it."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    trade(still, peer, 2 * CHUNK_MESSAGES)
    peer.received()
    peer.send("2", [(7, 1), (16, 0)])
    still.run_pass()
    stop(still, peer)
    other.send("D", order("b", "2", price="180.00"))
    still.run_pass()
    still.feed()
    types = peer.types()
    assert types == "4" + "8" * 2 * CHUNK_MESSAGES + "5"
    peer.send("5", [])
    still.run_pass()

    assert peer.closed()


def test_a_confirmed_logout_closes_once_everything_has_left(still: StillGateway) -> None:
    """The counterparty asks for messages and logs out in one read."""
    peer = still.connect("BROKER1")
    trade(still, peer, 2 * CHUNK_MESSAGES)
    peer.received()
    peer.sock.sendall(peer.frame("2", [(7, 2), (16, 0)]) + peer.frame("5", []))
    still.run_pass()
    assert len(still.gateway.connections) == 1
    still.feed()
    assert peer.types() == "8" * 2 * CHUNK_MESSAGES + "5"
    still.run_pass()

    assert peer.closed()
    assert len(still.gateway.connections) == 0


def test_a_full_ring_is_fed_to_the_tail_and_follows_again(still: StillGateway) -> None:
    """Reports beyond the ring's room come from the journal, each once, in order."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    peer.send("D", order("rest", qty=100_000, price="190.00"))
    still.run_pass()
    peer.reads = False
    while still.engine.cursor(peer.session) == 0:
        for _ in range(100):
            other.send("D", order(f"x{other.next_out}", "2", 1, "190.00"))
        still.run_pass()
        other.received()
    peer.reads = True
    numbers = []
    while still.engine.cursor(peer.session) or still.engine.pending(peer.session):
        numbers += [int(message[34]) for message in peer.messages()]
        still.run_pass()
        still.step()
    numbers += [int(message[34]) for message in peer.messages()]

    assert numbers == list(range(1, still.engine.session(peer.session).next_out))
