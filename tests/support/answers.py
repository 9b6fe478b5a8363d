"""What each kind of message has to be answered with: held against every unit of a journal.

A unit is one input with everything that followed from it; `Step` says what the session's numbers
did meanwhile, which a journal does not.
The rules are those of FIX 4.4 and of our rules of engagement, written down here a second time:

- a message in its turn gets exactly the answer of its kind, and a Reject(3) never one;
- a message out of its turn gets none but a ResendRequest(2) or the Logout(5) that ends the session;
- after our Logout(5) nothing is said but the answer to a resend.
"""

import re
from collections.abc import Iterable, Iterator

import attrs

from kk99fix.journal.record import Kind, Record
from kk99fix.session.states import ESTABLISHED, State

_TYPE = re.compile(rb"\x0135=([^\x01]*)\x01")
_DUP = re.compile(rb"\x0143=Y\x01")

#: The answers to a message in its turn, Reject(3) aside, which only a Reject(3) never gets.
#: Every kind that is not here gets those of an order.
_OWN: dict[str, tuple[list[str], ...]] = {
    "0": ([],),
    "1": (["0"],),
    "2": ([],),
    "3": ([],),
    "4": ([],),
    "5": (),
    "A": (["A"],),
    "j": ([],),
    "Q": ([], ["j"]),
}


@attrs.frozen
class Step:
    """What a frame did that the gate did not take; the numbers are those expected next."""

    state: State
    before: int
    after: int
    state_after: State | None


@attrs.frozen
class Unit:
    """One frame of a session and what it was answered with."""

    record: Record
    kind: str
    answers: list[str]


def msg_type(payload: bytes) -> str:
    """MsgType(35), the first one; empty without one."""
    found = _TYPE.search(payload)
    return found[1].decode("latin-1") if found else ""


def units_of(records: Iterable[Record]) -> Iterator[Unit]:
    """Each FRAME record with the messages of its unit that went to the same session."""
    unit: Unit | None = None
    for record in records:
        if record.header.is_input:
            if unit is not None:
                yield unit
            is_frame = record.header.kind is Kind.FRAME
            unit = Unit(record, msg_type(record.payload), []) if is_frame else None
        elif unit is not None and _is_answer(record, unit):
            unit.answers.append(msg_type(record.payload))
    if unit is not None:
        yield unit


def _is_answer(record: Record, unit: Unit) -> bool:
    header = record.header
    return header.kind is Kind.MESSAGE and header.session == unit.record.header.session


def fault_of(unit: Unit, step: Step | None) -> str | None:
    """What is wrong with the answers of a unit; None when they are right."""
    if step is None:
        right = unit.kind in "DFG" and _is_application(unit.answers)
    elif step.state not in ESTABLISHED:
        right = unit.answers == []
    else:
        right = _right(unit, step)
    if right:
        return None
    return f"{unit.answers} answers {unit.record.payload!r} ({step})"


def _right(unit: Unit, step: Step) -> bool:
    answers = list(unit.answers)
    if unit.kind == "3" and {*answers} & {"3", "j"}:
        return False
    if "5" in answers:  # the session is over, and nothing follows
        if answers.pop() != "5" or step.state_after in ESTABLISHED:
            return False
        if step.after <= step.before + 1:
            return answers in ([], ["3"])
    if step.after == 2 and answers == ["A"]:
        return unit.kind == "A"  # ResetSeqNumFlag(141)=Y
    again = _DUP.search(unit.record.payload) is not None
    if step.after == step.before:
        # A Reject(3): of a NewSeqNo(36) that lowers, or of a duplicate without its first time.
        return answers in ([], ["2"]) or (answers == ["3"] and (again or unit.kind == "4"))
    if step.after == step.before + 1 and unit.record.header.msg_seq_num == step.before:
        if answers == ["3"]:
            return unit.kind != "3"
        kinds = _OWN.get(unit.kind)
        if kinds is None:
            # What an AF asks for may come later, in units of ticks.
            return _is_application(answers) or (unit.kind == "AF" and answers == [])
        return answers in kinds or (again and unit.kind != "Q" and answers == [])
    # A jump, or what had waited for this message: at most one answer for each number.
    return sum(answer not in {"2", "5", "8"} for answer in answers) <= step.after - step.before


def _is_application(answers: list[str]) -> bool:
    """One report or cancel reject, perhaps with fills behind it, or one refusal."""
    return answers in (["9"], ["j"]) or (answers != [] and {*answers} == {"8"})
