from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from support.fix_peer import decode
from support.live_gateway import at_level, small_settings
from support.live_peer import order
from support.scripted_disk import ScriptedDisk
from support.still_gateway import StillGateway, StillPeer

from kk99fix.gateway import assembly, sequencer
from kk99fix.gateway.chunks import CHUNK_MESSAGES
from kk99fix.journal import scan
from kk99fix.journal.errors import JournalWriteError
from kk99fix.journal.reader import read_records
from kk99fix.journal.segment import list_segments, map_records
from kk99fix.matcher.disk_calls import DiskCalls
from kk99fix.venue.inputs import DayRollInput, TickInput
from kk99fix.venue.session_commands import StopInput


@attrs.frozen
class Held:
    """A gateway at level durable over a disk that waits when it is told to."""

    still: StillGateway
    disk: ScriptedDisk

    def settle(self) -> None:
        """Wait for the disk and let go what it has."""
        self.still.gateway.sequencer.settle()
        self.still.run_pass()

    def wait_until_held(self) -> None:
        """Make passes until a group waits for its sync; nothing more leaves then."""
        while not self.disk.held:
            self.still.run_pass()

    def connect(self, comp_id: str) -> StillPeer:
        """Connect, log on and read the Logon(A)."""
        peer = self.still.connect(comp_id)
        self.settle()
        assert peer.types() == "A"
        return peer


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    """A gateway that does what it is told, over such a disk."""
    disk = ScriptedDisk()
    settings = small_settings(tmp_path, at_level("durable"))
    with StillGateway(settings, tmp_path / "var", disk=DiskCalls(disk)) as still:
        yield Held(still, disk)


def orders(held: Held, peer: StillPeer, count: int, side: str = "1") -> None:
    """Send orders that rest, one pass each."""
    for _ in range(count):
        peer.send("D", order(f"{peer.comp_id}-{peer.next_out}", side, price="180.00"))
        held.still.run_pass()


def test_no_byte_leaves_before_its_record_is_on_the_disk(held: Held) -> None:
    """While the sync lasts nobody gets a byte, however many passes are made; then all comes."""
    peer, desk = held.connect("BROKER1"), held.connect("DROPCOPY1")
    with held.disk.holding():
        orders(held, peer, 1)
        held.wait_until_held()
        orders(held, peer, 20)
        peer.send("1", [(112, "heartbeat")])
        for _ in range(5):
            held.still.run_pass()
        assert (peer.types(), desk.types()) == ("", "")
    held.settle()

    assert peer.types() == "8" * 21 + "0"
    assert desk.types() == "8" * 21


def test_a_logon_is_answered_once_it_is_on_the_disk(held: Held) -> None:
    """The Logon(A) waits for the disk as any message does."""
    with held.disk.holding():
        peer = held.still.connect("BROKER1")
        held.wait_until_held()
        held.still.run_pass()
        assert peer.types() == ""
    held.settle()

    assert peer.types() == "A"


def test_the_last_words_wait_for_the_disk(held: Held) -> None:
    """A connection that the venue ends is closed once its Logout(5) has left."""
    peer = held.connect("BROKER1")
    with held.disk.holding():
        held.still.gateway.sequencer.apply(StopInput(peer.session, "enough"))
        held.still.gateway.sequencer.commit()
        peer.send("5", [])
        held.still.run_pass()
        held.wait_until_held()
        held.still.run_pass()
        assert peer.types() == ""
        assert not peer.closed()
    held.settle()

    assert peer.types() == "5"
    assert peer.closed()


@pytest.mark.parametrize("last", [0, 3 * CHUNK_MESSAGES])
def test_a_resend_of_what_is_not_on_the_disk_yet(held: Held, last: int) -> None:
    """A range that ends in memory is fed from there, leaves with its group, and in order."""
    peer = held.connect("BROKER1")
    orders(held, peer, CHUNK_MESSAGES)
    held.settle()
    assert peer.types() == "8" * CHUNK_MESSAGES
    with held.disk.holding():
        orders(held, peer, CHUNK_MESSAGES)
        held.wait_until_held()
        orders(held, peer, 2 * CHUNK_MESSAGES)
        peer.send("2", [(7, 2), (16, last)])
        held.still.run_pass()
        for _ in range(50):
            held.still.step()
        assert len(held.still.gateway.feeder) == 0
        assert peer.types() == ""
        orders(held, peer, 3)
    held.settle()

    frames = [decode(frame) for frame in peer.received()]
    wanted = range(2, (last or 4 * CHUNK_MESSAGES + 1) + 1)
    fresh = [each for each in frames if each.get(43) != "Y"]
    assert [int(each[34]) for each in frames if each.get(43) == "Y"] == list(wanted)
    assert [int(each[34]) for each in fresh] == [
        *range(CHUNK_MESSAGES + 2, 4 * CHUNK_MESSAGES + 2),
        *range(4 * CHUNK_MESSAGES + 2, 4 * CHUNK_MESSAGES + 5),
    ]


def test_a_session_reaches_the_tail_through_memory(held: Held) -> None:
    """A ring that stopped following gets everything, drop copies too, while groups come and go."""
    peer, desk = held.connect("BROKER1"), held.connect("DROPCOPY1")
    held.still.engine.unfollow(desk.session)
    orders(held, peer, CHUNK_MESSAGES)
    for _ in range(10):
        with held.disk.holding():
            orders(held, peer, 7)
            held.wait_until_held()
            orders(held, peer, 11)
            held.still.gateway.feeder.catch_up(desk.session)
            for _ in range(3):
                held.still.step()
        held.settle()
    held.still.gateway.feeder.catch_up(desk.session)
    with held.disk.holding():
        orders(held, peer, 2)
        held.still.feed()
        assert held.still.engine.cursor(desk.session) == 0
    held.settle()

    count = CHUNK_MESSAGES + 10 * 18 + 2
    assert [int(decode(frame)[34]) for frame in desk.received()] == list(range(2, count + 2))


def test_a_failed_sync_lets_nothing_go(held: Held) -> None:
    """No report leaves, now or later, and the error says what failed; it is not tried again."""
    peer = held.connect("BROKER1")
    held.disk.calls.clear()
    held.disk.syncs.append(-5)
    orders(held, peer, 1)
    with pytest.raises(JournalWriteError, match="cannot sync the segment: Input/output error"):
        held.settle()
    with pytest.raises(JournalWriteError):
        held.still.run_pass()
    peer.drain()

    assert peer.types() == ""
    assert held.disk.calls == ["pwrite", "fdatasync"]


def test_a_day_begins_behind_what_is_on_the_disk(held: Held, tmp_path: Path) -> None:
    """The old day's last group is synced before the new day's segment begins."""
    peer = held.connect("BROKER1")
    orders(held, peer, 3)
    held.settle()
    assert peer.types() == "888"
    held.still.gateway.sequencer.apply(DayRollInput("29991231"))
    held.still.gateway.sequencer.commit()
    held.settle()

    segments = list_segments(tmp_path / "var" / "journal")
    assert [each.header.identity.durable for each in segments] == [True, True]
    assert len(list(read_records(segments))) == held.still.engine.next_lsn - 1


def test_much_that_gathers_is_waited_for(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs of ours do not fill the buffer while the disk is slow: the next one waits for it."""
    monkeypatch.setattr(sequencer, "FLUSH_ABOVE_BYTES", 100)
    for _ in range(20):
        held.still.gateway.sequencer.apply(TickInput())

    assert held.still.engine.journal_used <= 200


def test_segments_follow_each_other(held: Held, tmp_path: Path) -> None:
    """Groups go on over segments; their records are dense, and each says what was before it."""
    peer = held.connect("BROKER1")
    for _ in range(40):
        for _ in range(100):
            peer.send("D", [*order(f"o{peer.next_out}", price="180.00"), (58, "x" * 200)])
            held.still.run_pass()
        held.settle()

    segments = list_segments(tmp_path / "var" / "journal")
    assert len(segments) > 2
    assert peer.types().count("8") == 4000
    assert len(list(read_records(segments))) == held.still.engine.next_lsn - 1
    for segment in segments[1:]:
        records = map_records(segment)
        assert scan.watermark(records, len(records)) >= segment.header.first_lsn - 1


def test_a_clean_stop_names_the_last_record(tmp_path: Path) -> None:
    """After a stop the journal itself says that all of it is on the disk."""
    settings = small_settings(tmp_path, at_level("durable"))
    with StillGateway(settings, tmp_path / "var") as still:
        peer = still.connect("BROKER1")
        peer.send("D", order("a"))
        still.run_pass()
        engine = still.engine
        server_next = engine.next_lsn
    (segment,) = list_segments(tmp_path / "var" / "journal")
    placed = list(read_records([segment]))
    records = map_records(segment)

    assert placed[-1].record.header.lsn >= server_next
    assert scan.watermark(records, len(records)) == placed[-1].record.header.lsn


def test_another_level_begins_a_segment(tmp_path: Path) -> None:
    """Each start at another level goes on in a segment of its own, and replays all of them."""
    for number, level in enumerate(("process", "durable", "durable", "process"), 1):
        settings = small_settings(tmp_path / str(number), at_level(level))
        with StillGateway(settings, tmp_path / "var") as still:
            peer = still.connect("BROKER1")
            still.gateway.sequencer.settle()
            assert peer.types() == "A"
    durable = [each.header.identity.durable for each in list_segments(tmp_path / "var" / "journal")]

    assert durable == [False, True, False]
    assert assembly.IDLE_MARKER_NS == 10_000_000
