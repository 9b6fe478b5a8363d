import errno
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.live_gateway import small_settings
from support.live_peer import order
from support.still_gateway import StillGateway

from kk99fix.gateway import assembly, server
from kk99fix.gateway.logs import Log
from kk99fix.journal.errors import JournalWriteError
from kk99fix.journal.segment import list_segments
from kk99fix.matcher.pump import Event, EventKind
from kk99fix.session.machine import Session
from kk99fix.venue.inputs import DayRollInput, TickInput
from kk99fix.venue.session_commands import StopInput


@pytest.fixture
def still(tmp_path: Path) -> Iterator[StillGateway]:
    """A gateway that does what it is told."""
    with StillGateway(small_settings(tmp_path), tmp_path / "var") as still:
        yield still


def test_a_fault_of_ours_ends_one_session(
    still: StillGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception in the session layer closes that connection and is logged; others go on."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    receive = Session.receive

    def broken(self: Session, frame: Any, *rest: Any) -> Any:  # noqa: ANN401 - passed on
        if frame.get(112) == b"boom":
            raise ZeroDivisionError
        return receive(self, frame, *rest)

    monkeypatch.setattr(Session, "receive", broken)
    peer.send("1", [(112, "boom")])
    other.send("1", [(112, "fine")])
    still.run_pass()
    still.run_pass()

    assert peer.types() == "A"
    assert peer.closed()
    assert other.types() == "A0"
    (fault,) = still.logged.of("fault ended a session")
    assert "ZeroDivisionError" in fault["traceback"]
    assert still.gateway.connections.ended == {"internal-fault": 1}
    assert still.connect("BROKER1").types() == "A"


@pytest.mark.parametrize("method", ["tick", "stop"])
def test_a_fault_while_time_passes_ends_one_session(
    still: StillGateway, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """A tick or a stop that fails for one session does its work for the others."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    healthy = getattr(Session, method)

    def broken(self: Session, *rest: Any) -> Any:  # noqa: ANN401 - passed on
        if self._life.rules.sender_comp_id == b"BROKER1":
            raise ZeroDivisionError
        return healthy(self, *rest)

    monkeypatch.setattr(Session, method, broken)
    clock = still.gateway.clock
    still.gateway.sequencer.pump.set_clock(clock.offset_ns + 61 * 1_000_000_000, 0)
    sessions = (peer.session, other.session)
    items = [StopInput(each, "x") for each in sessions] if method == "stop" else [TickInput()]
    for item in items:
        still.gateway.sequencer.apply(item)
    still.gateway.sequencer.commit()
    still.run_pass()

    assert peer.types() == "A"
    assert peer.closed()
    assert other.types() == {"tick": "A0", "stop": "A5"}[method]
    assert [line["session"] for line in still.logged.of("fault ended a session")] == ["BROKER1"]


def test_a_fault_in_a_unit_ends_everything(
    still: StillGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An input that fails half-way leaves nothing to be applied, written or sent any more."""
    peer = still.connect("BROKER1")
    sequencer = still.gateway.sequencer
    offset = still.gateway.storage.writer.offset
    monkeypatch.setattr(
        sequencer.venue, "_tick", lambda *_: (_ for _ in ()).throw(ZeroDivisionError)
    )
    still_to_do = (sequencer.commit, still.run_pass, lambda: sequencer.apply(TickInput()))
    for task in (lambda: sequencer.apply(TickInput()), *still_to_do):
        peer.send("D", order(f"o{peer.next_out}"))
        with pytest.raises(ZeroDivisionError):
            task()

    assert sequencer.failed
    assert still.gateway.storage.writer.offset == offset
    assert peer.types() == "A"


def test_units_of_one_pass_are_written_before_they_fill_the_buffer(
    still: StillGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits above a bound is written, and may leave, before the next input is applied."""
    peer = still.connect("BROKER1")
    sequencer, writer = still.gateway.sequencer, still.gateway.storage.writer
    monkeypatch.setattr("kk99fix.gateway.sequencer.FLUSH_ABOVE_BYTES", 0)
    offset = writer.offset
    sequencer.apply(TickInput())
    assert writer.offset == offset

    sequencer.apply(StopInput(peer.session, "x"))
    assert writer.offset > offset
    assert peer.types() == "A"
    sequencer.commit()
    assert peer.types() == "5"


def test_a_failed_write_lets_nothing_go(still: StillGateway) -> None:
    """The error names the file and says what to do; the report stays inside."""
    peer = still.connect("BROKER1")
    peer.received()
    writer = still.gateway.storage.writer
    read_only = os.open("/dev/null", os.O_RDONLY)
    still.gateway.sequencer.pump.set_segment(read_only, writer.offset, writer.end, writer.seed)
    peer.send("D", order("a"))
    for _ in range(2):
        with pytest.raises(JournalWriteError, match=r"00000001\.kkj.*Bad file") as caught:
            still.run_pass()
        assert caught.value.errno == errno.EBADF
    os.close(read_only)

    assert still.gateway.sequencer.failed
    assert peer.received() == []


def test_a_segment_that_cannot_be_opened_ends_everything(
    still: StillGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a next segment nothing leaves that has no record."""
    peer = still.connect("BROKER1")
    monkeypatch.setattr(still.gateway.storage.writer._files, "open", _no_space)
    writer = still.gateway.storage.writer
    writer._prepared.clear()

    def fill() -> None:
        while writer.segment == 1:
            peer.send("D", order(f"o{peer.next_out}"))
            still.run_pass()

    with pytest.raises(JournalWriteError, match="No space left"):
        fill()

    assert still.gateway.sequencer.failed


def _no_space(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_segments_follow_each_other_under_load(still: StillGateway, tmp_path: Path) -> None:
    """Units never span segments, each segment starts with its lsn, and all of it replays."""
    peer = still.connect("BROKER1")
    while still.gateway.storage.writer.segment < 5:
        peer.sock.sendall(
            b"".join(peer.frame("D", order(f"o{peer.next_out}", price="180.00")) for _ in range(50))
        )
        still.run_pass()
    reports = len(peer.received())
    server.stop(still.gateway)
    segments = list_segments(tmp_path / "var/journal")
    firsts = [segment.header.first_lsn for segment in segments]
    assert firsts == sorted(set(firsts))

    again = _start(tmp_path, still.logged.log)
    still.gateway = again
    assert reports > 4000
    assert again.storage.recovered.messages > 8000
    assert again.storage.venue.engine.statistics().live_orders == peer.next_out - 2


def _start(folder: Path, log: Log) -> Any:  # noqa: ANN401 - as assembly.start
    settings = small_settings(folder / "again")
    return assembly.start(settings, folder / "var", log)


def test_a_day_begins_with_a_segment_of_its_own(still: StillGateway, tmp_path: Path) -> None:
    """The roll's own record is the first in it."""
    still.connect("BROKER1")
    lsn = still.engine.next_lsn
    still.gateway.sequencer.apply(DayRollInput("20991231"))
    still.gateway.sequencer.commit()

    header = list_segments(tmp_path / "var/journal")[-1].header
    assert (header.first_lsn, header.identity.trading_day) == (lsn, 20991231)


def test_events_of_an_old_connection_do_not_hit_a_new_one(still: StillGateway) -> None:
    """What the pump tells of another slot is not about the present connection."""
    peer = still.connect("BROKER1")
    connection = still.gateway.connections._by_session[peer.session]
    for slot in (connection.slot + 1, connection.slot + 7):
        event = Event(EventKind.CLOSED, slot, peer.session, 0, b"", 0)
        still.gateway.connections.cut(event)

    assert still.gateway.storage.venue.is_live(peer.session)
    peer.send("D", order("a"))
    still.run_pass()
    assert peer.types() == "A8"


def test_a_disconnect_is_an_input_once(still: StillGateway) -> None:
    """A connection that ends while it is being closed gives no second DISCONNECT."""
    peer = still.connect("BROKER1")
    peer.send("5", [])
    peer.sock.shutdown(1)
    still.run_pass()
    still.run_pass()

    assert peer.types() == "A5"
    assert still.gateway.connections.ended == {"peer-logout": 1}
    assert len(still.gateway.connections) == 0


def open_files() -> int:
    """How many descriptors this process has, those of earlier tests' maps left out."""
    gc.collect()
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_descriptors_are_closed_once(still: StillGateway) -> None:
    """A thousand connections later the process has as many open files as before."""
    before = open_files()
    for _ in range(1000):
        peer = still.connect("BROKER1")
        peer.sock.close()
        still.run_pass()

    assert open_files() == before
    assert still.gateway.connections.ended == {"connection-closed": 1000}
    still._peers.clear()


def test_escalations_of_one_session_are_bounded(still: StillGateway) -> None:
    """Of a hundred unusual frames a pass handles eight, and another session has its turn."""
    peer, other = still.connect("BROKER1"), still.connect("BROKER2")
    peer.sock.sendall(b"".join(peer.frame("1", [(112, str(n))]) for n in range(100)))
    other.send("1", [(112, "other")])
    counts = []
    for _ in range(14):
        still.run_pass()
        counts.append(len(peer.received()))

    assert counts == [1 + 8] + [8] * 11 + [4, 0]
    assert other.types() == "A0"
