"""What a session remembers as JSON, and back."""

import json

import attrs
import pytest
from support.session_desk import LOGON, Desk, run

from kk99fix.session.gap import EarlyQueue
from kk99fix.session.life import Life
from kk99fix.session.machine import Session
from kk99fix.session.rules import Role, SessionRules
from kk99fix.session.saved import load_life, save_life

#: Each goes through another state of the session layer.
SCRIPTS = {
    "a gap with a message that waits": """
        I 35=1|34=4|112=late
        E 35=2|34=2|7=2|16=0
        S AWAITING_RESEND
        I 35=4|34=2|43=Y|122=20260921-13:33:20.000|123=Y|36=4
        E 35=0|34=3|112=late
        S LOGGED_ON
    """,
    "a test request that nobody answers": """
        T 36
        E 35=1|34=2|112=1790000036000000000
        T 29
        T 1
        E disconnect heartbeat-timeout
    """,
    "a logout that is waited for": """
        I 35=5|34=2
        E 35=5|34=2
        E disconnect peer-logout
        S CLOSED
    """,
    "the same resend over and over": """
        I 35=2|34=2|7=1|16=0
        E resend 1 1
        I 35=2|34=3|7=1|16=0
        E resend 1 1
        I 35=2|34=4|7=1|16=0
        E resend 1 1
        I 35=2|34=5|7=1|16=0
        E 35=5|34=2|58=ResendRequest(2) from 1 was answered 3 times already
        E disconnect resend-loop
    """,
}


class Forgetful(Desk):
    """Before each thing that happens, its session is replaced by one that knows what was saved."""

    def receive(self, raw: bytes) -> list[str]:
        """Begin anew, then take the frame."""
        self._begin_anew()
        return super().receive(raw)

    def tick(self) -> list[str]:
        """Begin anew, then tick."""
        self._begin_anew()
        return super().tick()

    def _begin_anew(self) -> None:
        self.session = Session.restored(json.loads(json.dumps(self.session.saved())))


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_goes_on(script: str) -> None:
    """A session that was saved goes on as if nothing had been."""
    run(LOGON + script, Desk())
    run(LOGON + script, Forgetful())


def test_every_field() -> None:
    """No field of what a session remembers is forgotten."""
    saved = save_life(Life(SessionRules(sender_comp_id=b"A", target_comp_id=b"B"), Role.ACCEPTOR))

    assert set(saved) == {field.name for field in attrs.fields(Life)}
    assert set(saved["rules"]) == {field.name for field in attrs.fields(SessionRules)}
    bounds = {"messages_max", "bytes_max"}  # in the rules
    derived = {"_bytes"}  # the sum over the messages
    assert {f"_{name}" if name == "waiting" else name for name in saved["early"]} == (
        {field.name for field in attrs.fields(EarlyQueue)} - bounds - derived
    )
    assert save_life(load_life(saved)) == saved
