"""Orders are refused before the disk is full, cancels are taken until it is."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.live_gateway import small_settings
from support.live_peer import order
from support.still_gateway import StillGateway, StillPeer

from kk99fix.gateway import assembly, server
from kk99fix.gateway.counts import Snapshots
from kk99fix.gateway.metrics import GatewayCollector
from kk99fix.journal.errors import JournalWriteError
from kk99fix.journal.files import Files
from kk99fix.journal.record import Buffer

MIB = 1 << 20
#: The mark of the shipped files: four segments, and one more until orders are taken again.
LOW_BYTES, ENOUGH_BYTES = 4 * MIB, 5 * MIB


class SmallDisk(Files):
    """A disk whose room a test decides on; a write into a new file may be refused."""

    def __init__(self) -> None:
        """Begin with plenty."""
        self.free: int | OSError = 100 * MIB
        self.refuses_with: int | None = None

    def free_bytes(self, directory: Path) -> int:  # noqa: ARG002 - as the system's
        """The room that the test gives."""
        if isinstance(self.free, OSError):
            raise self.free
        return self.free

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        """Write, unless the disk takes no more."""
        if self.refuses_with is not None:
            raise OSError(self.refuses_with, os.strerror(self.refuses_with))
        return super().pwrite(fd, data, offset)


@pytest.fixture
def disk() -> SmallDisk:
    """A disk with plenty of room."""
    return SmallDisk()


@pytest.fixture
def still(tmp_path: Path, disk: SmallDisk) -> Iterator[StillGateway]:
    """A gateway on that disk."""
    with StillGateway(small_settings(tmp_path), tmp_path / "var", files=disk) as still:
        yield still


def look(still: StillGateway) -> None:
    """One round of the task that looks at the disk."""
    space = still.gateway.disk_space
    space.judge(space.look())


def answers(still: StillGateway, peer: StillPeer) -> list[str]:
    """What an order, a cancel and a TestRequest(1) get: code or MsgType with ExecType."""
    first = f"o{peer.next_out}"
    peer.received()
    peer.send("D", order(first, price="180.00"))
    peer.send("1", [(112, "x")])
    still.run_pass()
    still.run_pass()
    return [m.get(58, "").partition(";")[0] or m[35] + m.get(150, "") for m in peer.messages()]


@pytest.mark.parametrize("free", [LOW_BYTES - 1, 0])
def test_below_the_mark_orders_are_refused(still: StillGateway, disk: SmallDisk, free: int) -> None:
    """Below the mark an order is refused with STORAGE_LOW; a TestRequest(1) is answered."""
    peer = still.connect("BROKER1")
    disk.free = LOW_BYTES
    look(still)
    assert answers(still, peer) == ["80", "0"]
    disk.free = free
    look(still)

    assert answers(still, peer) == ["STORAGE_LOW", "0"]


def test_orders_are_taken_again_without_a_restart(still: StillGateway, disk: SmallDisk) -> None:
    """At a segment more than the mark it is over, not before; each change is one line and input."""
    peer = still.connect("BROKER1")
    for free in (LOW_BYTES - 1, LOW_BYTES, ENOUGH_BYTES - 1):
        disk.free = free
        look(still)
        assert answers(still, peer) == ["STORAGE_LOW", "0"]
    disk.free = ENOUGH_BYTES
    lsn = still.engine.next_lsn
    look(still)
    look(still)
    assert still.engine.next_lsn == lsn + 1
    assert answers(still, peer) == ["80", "0"]

    (low,) = still.logged.of("disk space low")
    assert (low["level"], low["free_bytes"], low["low_bytes"]) == ("error", 4194303, LOW_BYTES)
    assert low["directory"].endswith("var/journal")
    assert "docs/recovery.md" in low["what"]
    (enough,) = still.logged.of("disk space enough")
    assert enough["free_bytes"] == ENOUGH_BYTES


def test_cancels_are_taken_while_low(still: StillGateway, disk: SmallDisk) -> None:
    """An order of before can be cancelled, and who was away can log on."""
    peer = still.connect("BROKER1")
    peer.send("D", order("mine", price="180.00"))
    still.run_pass()
    disk.free = 0
    look(still)
    peer.received()
    cancel = [(41, "mine"), (11, "c"), (55, "AAPL"), (54, 1), (60, "20260921-13:33:20")]
    peer.send("F", cancel)
    still.run_pass()

    assert [m[150] for m in peer.messages()] == ["4"]
    assert still.connect("BROKER2").types() == "A"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_reserve_that_cannot_be_made_counts_as_low(
    still: StillGateway, disk: SmallDisk, code: int
) -> None:
    """A quota is not seen in the free bytes: the failure to prepare says the same."""
    peer = still.connect("BROKER1")
    disk.refuses_with = code
    look(still)
    assert answers(still, peer) == ["STORAGE_LOW", "0"]
    (warning,) = still.logged.of("no segment prepared")
    assert os.strerror(code) in warning["error"]
    disk.refuses_with = None
    look(still)

    assert answers(still, peer) == ["80", "0"]
    assert still.gateway.storage.writer.statistics().prepared == 2


def test_a_disk_that_does_not_answer_counts_as_low(still: StillGateway, disk: SmallDisk) -> None:
    """Who cannot say how much is free is not trusted with orders."""
    disk.free = OSError(errno.EIO, os.strerror(errno.EIO))
    look(still)

    assert still.gateway.sequencer.venue.storage_low


def test_the_reserve_carries_cancels_when_nothing_is_left(
    still: StillGateway, disk: SmallDisk
) -> None:
    """Both prepared segments are used up; only then does the writer give up, and nothing leaves."""
    peer = still.connect("BROKER1")
    look(still)
    disk.free = 0
    disk.refuses_with = errno.ENOSPC
    look(still)
    writer = still.gateway.storage.writer
    disk.refuses_with = None  # a header page stands in a file that has its room
    made = disk.open

    def no_new_files(path: Path, flags: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return made(path, flags)

    disk.open = no_new_files  # type: ignore[method-assign]

    def ask_for_ever() -> None:
        while True:
            peer.sock.sendall(
                b"".join(peer.frame("H", [(11, "x"), (55, "AAPL"), (54, 1)]) for _ in range(200))
            )
            for _ in range(30):
                still.run_pass()
            peer.received()

    with pytest.raises(JournalWriteError, match=r"00000004\.kkj.*No space left") as caught:
        ask_for_ever()
    assert "Nothing more is sent" in str(caught.value)
    assert writer.segment == 3
    assert still.gateway.sequencer.failed


def test_a_restart_keeps_it_until_the_disk_was_looked_at(
    still: StillGateway, tmp_path: Path, disk: SmallDisk
) -> None:
    """A start on a disk that is still low refuses orders from the first one; one with room none."""
    disk.free = 0
    look(still)
    for free, low in ((LOW_BYTES, True), (ENOUGH_BYTES, False), (LOW_BYTES, False), (0, True)):
        server.stop(still.gateway)
        disk.free = free
        still.gateway = assembly.start(
            small_settings(tmp_path / f"{free}{low}"),
            tmp_path / "var",
            still.logged.log,
            files=disk,
        )
        assert still.gateway.storage.venue.storage_low is low
    assert len(still.logged.of("disk space low")) == 2


def test_it_can_be_switched_off(tmp_path: Path, disk: SmallDisk) -> None:
    """With 0 no order is refused for the disk, and a flag of before is taken back at the start."""
    settings = small_settings(tmp_path / "a")
    off = small_settings(tmp_path / "b", {"low_space_segments = 4": "low_space_segments = 0"})
    disk.free = 0
    with StillGateway(settings, tmp_path / "var", files=disk) as still:
        assert still.gateway.storage.venue.storage_low
    with StillGateway(off, tmp_path / "var", files=disk) as still:
        look(still)
        assert answers(still, still.connect("BROKER1")) == ["80", "0"]


def test_it_is_in_the_metrics(still: StillGateway, disk: SmallDisk) -> None:
    """Flag, room and reserve can be watched."""
    disk.free = 1000
    look(still)
    families = {
        family.name: family.samples[0].value
        for family in GatewayCollector(Snapshots(still.gateway)).collect()
        if family.samples
    }

    assert families["kk99_storage_low"] == 1
    assert families["kk99_storage_free_bytes"] == 1000
    assert families["kk99_journal_segments_prepared"] == 2
