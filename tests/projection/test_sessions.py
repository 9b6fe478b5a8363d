from pathlib import Path

import pytest
from support.projection_day import begin_journal, database_of, project_all, rows_of, units_of
from support.session_stream import SessionStream, play_one
from support.small_venue import NS_PER_S
from support.venue_desk import VenueDesk, fields_of, records_of

from kk99fix.journal.record import Kind
from kk99fix.venue.session_commands import ProbeInput

BURSTS = 120
EVERY = 15


def logged_out(desk: VenueDesk, session: int) -> bool:
    """Whether our last Logon(A) or Logout(5) to a session is a Logout(5)."""
    types = [
        fields_of(record.payload)[35]
        for record in records_of(desk.journal)
        if record.header.kind is Kind.MESSAGE and record.header.session == session
    ]
    return next((kind == "5" for kind in reversed(types) if kind in "A5"), False)


@pytest.mark.parametrize("seed", range(12))
def test_random_sessions_stand_where_the_engine_has_them(tmp_path: Path, seed: int) -> None:
    """Through resets, logouts, silence, restarts and configurations, the rows are the engine's."""
    desk, written = VenueDesk(begin=False), 0
    writer = begin_journal(tmp_path, segment_bytes=1 << 22)
    for number, event in enumerate(SessionStream(seed).script(BURSTS)):
        play_one(desk, event)
        if number % EVERY:
            continue
        for unit in units_of(bytes(desk.journal[written:])):
            writer.append(unit)
        written = len(desk.journal)
        project_all(tmp_path)
        for row in rows_of(database_of(tmp_path), "SELECT * FROM sessions"):
            view = desk.engine.session(row["session_id"])
            connected = view.established and not logged_out(desk, row["session_id"])
            where = (seed, number, row["name"])
            assert row["connected"] == connected, where
            if row["epoch"] == view.epoch:
                assert row["last_sent"] == view.next_out - 1, where
            else:
                assert view.next_out == 1, where
    writer.close()
    desk.close()


def test_silence_ends_a_session(tmp_path: Path) -> None:
    """Who does not answer a TestRequest(1), of its heartbeat or of a probe, is logged out by it."""
    desk = VenueDesk()
    for name in ("ALPHA", "BETA", "GAMMA"):
        desk.log_on(name)
    desk.apply(ProbeInput(desk.id("BETA"), 3 * NS_PER_S))
    desk.tick(4 * NS_PER_S)
    probed_ns = desk.now_ns
    for _ in range(7):
        desk.send("GAMMA", "0")
        desk.tick(10 * NS_PER_S)
    writer = begin_journal(tmp_path)
    for unit in units_of(bytes(desk.journal)):
        writer.append(unit)
    project_all(tmp_path)
    rows = rows_of(database_of(tmp_path), "SELECT * FROM sessions WHERE role = 'order-entry'")
    by_name = {row["name"]: row for row in rows}

    assert [by_name[name]["connected"] for name in ("ALPHA", "BETA", "GAMMA")] == [0, 0, 1]
    assert by_name["ALPHA"]["logout_cause"] == by_name["BETA"]["logout_cause"] == "silence"
    assert by_name["BETA"]["logout_ns"] == probed_ns
    assert not desk.venue.is_live(desk.id("ALPHA"))
    assert by_name["GAMMA"]["logout_ns"] is None
    assert by_name["GAMMA"]["logon_ns"] < probed_ns
    desk.close()
