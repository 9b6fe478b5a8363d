"""One connection's session as plain values, and back: what a snapshot of the venue holds of it.

Every field of a `Life` and of what it consists of is in it, under its own name; bytes stand as text
in which each byte is the character of its number.
The numbers are their owner's and are not part of it.
"""

from typing import Any

import attrs

from kk99fix.session.effects import DisconnectCause
from kk99fix.session.gap import EarlyQueue, Gap
from kk99fix.session.life import Life, Probe, Served
from kk99fix.session.rules import ResetPolicy, Role, SessionRules
from kk99fix.session.states import State

#: What JSON can hold.
Saved = dict[str, Any]


def save_life(life: Life) -> Saved:
    """Return the state of one connection."""
    return {
        "rules": _save_rules(life.rules),
        "role": life.role.value,
        "state": life.state.name,
        "heart_bt_int_ns": life.heart_bt_int_ns,
        "test_sent_ns": life.test_sent_ns,
        "probe": None if life.probe is None else attrs.asdict(life.probe),
        "gap": None if life.gap is None else attrs.asdict(life.gap),
        "early": _save_early(life.early),
        "next_expected_sent": life.next_expected_sent,
        "served": None if life.served is None else attrs.asdict(life.served),
        "processed": life.processed,
        "deadline_ns": life.deadline_ns,
        "leaving": life.leaving.value,
    }


def load_life(saved: Saved) -> Life:
    """Return the connection that `save_life` described."""
    life = Life(_load_rules(saved["rules"]), Role(saved["role"]))
    life.state = State[saved["state"]]
    life.heart_bt_int_ns = saved["heart_bt_int_ns"]
    life.test_sent_ns = saved["test_sent_ns"]
    life.probe = None if saved["probe"] is None else Probe(**saved["probe"])
    life.gap = None if saved["gap"] is None else Gap(**saved["gap"])
    _load_early(life.early, saved["early"])
    life.next_expected_sent = saved["next_expected_sent"]
    life.served = None if saved["served"] is None else Served(**saved["served"])
    life.processed = saved["processed"]
    life.deadline_ns = saved["deadline_ns"]
    life.leaving = DisconnectCause(saved["leaving"])
    return life


def _save_rules(rules: SessionRules) -> Saved:
    saved = attrs.asdict(rules)
    saved["sender_comp_id"] = _text(rules.sender_comp_id)
    saved["target_comp_id"] = _text(rules.target_comp_id)
    saved["application_types"] = sorted(map(_text, rules.application_types))
    saved["reset_seq_num"] = rules.reset_seq_num.value
    return saved


def _load_rules(saved: Saved) -> SessionRules:
    rules = dict(saved)
    rules["sender_comp_id"] = _bytes(saved["sender_comp_id"])
    rules["target_comp_id"] = _bytes(saved["target_comp_id"])
    rules["application_types"] = frozenset(map(_bytes, saved["application_types"]))
    rules["reset_seq_num"] = ResetPolicy(saved["reset_seq_num"])
    return SessionRules(**rules)


def _save_early(early: EarlyQueue) -> Saved:
    waiting = [
        {"number": number, "raw": _text(frame.raw), "handled": frame.handled}
        for number, frame in early.waiting()
    ]
    return {"waiting": waiting, "dropped": early.dropped}


def _load_early(early: EarlyQueue, saved: Saved) -> None:
    for frame in saved["waiting"]:
        early.put(frame["number"], _bytes(frame["raw"]), handled=frame["handled"])
    early.dropped = saved["dropped"]


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _bytes(value: str) -> bytes:
    return value.encode("latin-1")
