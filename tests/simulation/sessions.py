"""N: numbers, what was recorded under them, and what of it leaves.

N1 numbers are dense within (session, epoch), and what leaves under one is what was recorded under
it, whenever and however often; N2 the number expected never falls without a reset; N4 and N6 live
messages leave in their order without one left out, nothing before Logon(A), nothing new after
Logout(5); N10 heartbeats are on time; F1 nothing leaves that is not recorded.
"""

import re
from collections import defaultdict

import attrs

from kk99fix.journal.record import Kind
from kk99fix.matcher.values import SessionView
from simulation.units import Unit, fields_of, require

NS_PER_S = 1_000_000_000
END = re.compile(rb"\x0110=\d{3}\x01")
#: What a resend may change, and what says nothing.
ENVELOPE = re.compile(rb"(?<=\x01)(?:9|10|43|52|97|122)=[^\x01]*\x01")
#: How late a heartbeat may be.
LATE_NS = NS_PER_S


def content(frame: bytes) -> bytes:
    """What of a frame a resend may not change."""
    return ENVELOPE.sub(b"", frame)


@attrs.define
class Numbers:
    """What is known of one session's numbers."""

    epoch: int = 0
    last: int = 0
    last_sent_ns: int = 0
    next_in: int = 0
    in_epoch: int = 0


@attrs.define
class Sessions:
    """Everything recorded for sessions, by epoch and number."""

    ledger: dict[tuple[str, int], dict[int, bytes]] = attrs.field(
        factory=lambda: defaultdict(dict), init=False
    )
    _numbers: dict[str, Numbers] = attrs.field(factory=lambda: defaultdict(Numbers), init=False)
    resets: int = attrs.field(default=0, init=False)
    resends: int = attrs.field(default=0, init=False)

    def see(self, unit: Unit, copies: dict[int, bytes]) -> None:
        """Take in what one unit sends; `copies` has the bytes of its drop copies by lsn."""
        sent = [(each.record, each.session, each.record.payload) for each in unit.sent]
        sent += [
            (each.record, each.session, copies[each.record.header.lsn]) for each in unit.copies
        ]
        for record, name, frame in sorted(sent, key=lambda each: each[0].header.lsn):
            self._note(record.header.epoch, record.header.msg_seq_num, name, frame, unit)
        self.resends += len(unit.resends)
        for resend in unit.resends:
            begin, end = (int.from_bytes(resend.payload[i : i + 8], "little") for i in (0, 8))
            last = self._numbers[unit.session].last
            require(1 <= begin <= end <= last, "N4", "range", begin, end, last)

    def look(self, name: str, view: SessionView, now_ns: int, heart_bt_int_ns: int) -> None:
        """Hold one session's row against what was seen of it."""
        numbers = self._numbers[name]
        if view.epoch != numbers.in_epoch:
            require(view.epoch > numbers.in_epoch, "N1", "the epoch falls", name, view)
            self.resets += bool(numbers.in_epoch)
            numbers.in_epoch, numbers.next_in = view.epoch, 0
        require(view.next_in >= numbers.next_in, "N2", name, numbers.next_in, view)
        numbers.next_in = view.next_in
        if numbers.epoch == view.epoch:
            require(view.next_out == numbers.last + 1, "N1", name, numbers, view)
        if view.established and numbers.last_sent_ns and heart_bt_int_ns:
            silent_ns = now_ns - max(numbers.last_sent_ns, view.last_out_ns)
            late = silent_ns > heart_bt_int_ns + LATE_NS
            require(not late, "N10", f"{name} was sent nothing for {silent_ns / NS_PER_S} s")

    def _note(self, epoch: int, number: int, name: str, frame: bytes, unit: Unit) -> None:
        numbers = self._numbers[name]
        if epoch != numbers.epoch:
            require(epoch > numbers.epoch, "N1", "an old epoch", name, epoch, numbers)
            numbers.epoch, numbers.last = epoch, 0
        require(number == numbers.last + 1, "N1", name, f"{number} after {numbers.last}")
        early = (
            unit.kind is Kind.TICK
            and b"\x0135=0\x01" in frame[:30]
            and unit.time_ns - numbers.last_sent_ns < NS_PER_S
        )
        require(not early, "N10", "a Heartbeat(0) too early", name, number)
        numbers.last, numbers.last_sent_ns = number, unit.time_ns
        self.ledger[name, epoch][number] = content(frame)


@attrs.define(eq=False)
class Tap:
    """What leaves on one connection, frame by frame."""

    name: str
    sessions: Sessions
    epoch: int = 0
    _buffer: bytes = b""
    _next: int = 0
    #: The reports of an epoch that ended on this connection.
    _logged_on: bool = False
    _logged_out: bool = False

    def __call__(self, data: bytes) -> None:
        """Look at bytes that leave."""
        self._buffer += data
        while (found := END.search(self._buffer)) is not None:
            frame, self._buffer = self._buffer[: found.end()], self._buffer[found.end() :]
            self._look(frame)

    def _look(self, frame: bytes) -> None:
        fields = fields_of(frame)
        kind, number = fields[35], int(fields[34])
        require(fields[56] == self.name, "N1", "somebody else's", self.name, frame)
        again = fields.get(43) == "Y"
        if kind == "4" and again:
            require(int(fields[36]) > number, "N4", "fills nothing", frame)
            self._sent_in_a_range(number, int(fields[36]), frame)
            return
        if not again and kind in "A5" and (not self._next or number == 1):
            self._begin(number, frame)
        recorded = self.sessions.ledger[self.name, self.epoch].get(number)
        require(recorded is not None, "F1", f"{self.name} is sent what is not recorded", frame)
        require(recorded == content(frame), "N1", f"{self.name} {number}", recorded, frame)
        if again:
            require(kind not in "012A5", "N4", "resent administration", frame)
            self._sent_in_a_range(number, number + 1, frame)
            return
        self._check_live(kind, number, frame)

    def _sent_in_a_range(self, number: int, following: int, frame: bytes) -> None:
        """What was held back during a resend may leave as a part of it, in its turn."""
        require(number <= self._next, "N4", f"{self._next} was never sent", frame)
        self._next = max(self._next, following)

    def _check_live(self, kind: str, number: int, frame: bytes) -> None:
        require(self._logged_on or kind in "A5", "N6", "before Logon(A)", frame)
        require(not self._logged_out, "N6", "after Logout(5)", frame)
        require(number == self._next, "N1", f"{number} leaves, {self._next} is next", frame)
        self._next = number + 1
        self._logged_on = self._logged_on or kind == "A"
        self._logged_out = kind == "5"

    def _begin(self, number: int, frame: bytes) -> None:
        """A connection, or a new epoch on it, begins with this message."""
        fitting = [
            epoch
            for (name, epoch), sent in self.sessions.ledger.items()
            if name == self.name and sent.get(number) == content(frame)
        ]
        require(fitting, "F1", f"{self.name} is sent what is not recorded", frame)
        self.epoch, self._next = max(fitting), number
