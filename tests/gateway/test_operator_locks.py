"""What the operator is told of lock-out, and an end of it."""

from typing import Any

import pytest
from support.live_gateway import Live
from support.operator_line import ask

from kk99fix.venue.credentials import FREE_FAILURES, GUESSES_A_DAY, CredentialKind
from kk99fix.venue.inputs import LogonFailedInput


def fail(live: Live, comp_id: str, times: int) -> None:
    """Have a session's password tried in vain."""
    sequencer = live.gateway.sequencer
    session = sequencer.venue.registry.session_id(comp_id)
    assert session is not None
    for _ in range(times):
        sequencer.apply(
            LogonFailedInput(session, CredentialKind.PASSWORD, "192.0.2.1", "credentials")
        )
    sequencer.commit()


async def of(live: Live, command: str, **arguments: object) -> dict[str, Any]:
    """The answer to a command."""
    return await ask(live.gateway.storage.state_dir, command, **arguments)


async def test_failures_and_locks_are_listed(live: Live) -> None:
    """Who failed once may try, who failed in a row waits, who failed all day is locked."""
    assert (await of(live, "locks"))["locks"] == []
    fail(live, "BROKER1", 1)
    fail(live, "BROKER2", FREE_FAILURES + 3)
    fail(live, "DROPCOPY1", GUESSES_A_DAY)
    answer = await of(live, "locks")

    rows = {row["session"]: row for row in answer["locks"]}
    assert {name: row["standing"] for name, row in rows.items()} == {
        "BROKER1": "open",
        "BROKER2": "backed-off",
        "DROPCOPY1": "locked",
    }
    assert rows["BROKER1"]["open_at_ns"] is None
    assert rows["BROKER2"]["open_at_ns"] > answer["now_ns"]
    assert rows["DROPCOPY1"]["failures_of_day"] == GUESSES_A_DAY
    assert rows["DROPCOPY1"]["credential"] == "password"

    sessions = (await of(live, "sessions"))["sessions"]
    assert [row["locked"] for row in sessions] == [None, "backed-off", "locked"]


async def test_an_unlock_is_a_journaled_input(live: Live) -> None:
    """The failures are gone, at once and for ever."""
    fail(live, "BROKER1", GUESSES_A_DAY)
    lsn = live.gateway.storage.venue.engine.next_lsn
    answer = await of(live, "unlock", session="BROKER1")

    assert answer == {
        "ok": True,
        "session": "BROKER1",
        "failures": GUESSES_A_DAY,
        "was_locked": True,
    }
    assert live.gateway.storage.venue.engine.next_lsn == lsn + 1
    assert (await of(live, "locks"))["locks"] == []
    assert [row["session"] for row in (await of(live, "locks", all=True))["locks"]] == ["BROKER1"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("BROKER9", "no session is called BROKER9; `kk99fix sessions` lists all"),
        ("BROKER1", "BROKER1 has no failed logon within 24 hours: nothing holds it up"),
    ],
)
async def test_there_has_to_be_something_to_lift(live: Live, name: str, error: str) -> None:
    """Else nothing reaches the journal."""
    lsn = live.gateway.storage.venue.engine.next_lsn
    assert error in (await of(live, "unlock", session=name))["error"]
    assert live.gateway.storage.venue.engine.next_lsn == lsn
