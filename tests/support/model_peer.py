"""A second opinion on the session layer: a small FIX 4.4 counterparty without a line of ours.

It has its own framing, numbers, gap detection and resends, and it behaves; what makes a
counterparty unruly is done to it by `unruly`.
Everything that comes is held against what FIX 4.4 allows us to send; what is wrong is collected in
`faults`, in words.

- Numbers are taken in their turn alone; a message ahead of its turn waits or is dropped, and what
  is missing is asked for.
- What was received is kept by epoch and number, without what a resend may change.
- What we ask for again comes again with PossDupFlag(43)=Y, administrative or forgotten messages as
  SequenceReset(4) in mode GapFill.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs

Fields = list[tuple[int, str]]

ADMINISTRATIVE = frozenset("012345A")
#: What a resend may change, and what says nothing: 8, 9, 10, 43, 52 and 122.
ENVELOPE = frozenset({8, 9, 10, 43, 52, 122})
#: A ResendRequest(2) of ours may be repeated after so long.
ASK_AGAIN = timedelta(seconds=9.9)
_NOTHING_ASKED = (0, datetime.fromtimestamp(0, UTC))
_TOO_LOW = re.compile(r"too low, expecting (\d+)")


def stamp(now_ns: int) -> str:
    """Return a time as SendingTime(52) has it."""
    moment = datetime.fromtimestamp(now_ns // 10**9, UTC)
    return f"{moment:%Y%m%d-%H:%M:%S}.{now_ns // 10**6 % 1000:03d}"


def encode(fields: Fields) -> bytes:
    """Return a frame for the fields from MsgType(35) on."""
    body = "".join(f"{tag}={value}\x01" for tag, value in fields).encode("latin-1")
    head = b"8=FIX.4.4\x019=%d\x01" % len(body) + body
    return head + b"10=%03d\x01" % (sum(head) % 256)


def parse(frame: bytes) -> Fields:
    """Return all fields of a frame; AssertionError if its length, sum or order is wrong."""
    fields = [field.partition("=") for field in frame.decode("latin-1").split("\x01")[:-1]]
    pairs = [(int(tag), value) for tag, _, value in fields]
    assert [tag for tag, _ in pairs[:3]] == [8, 9, 35], pairs
    body_at = frame.index(b"\x0135=") + 1
    assert int(pairs[1][1]) == len(frame) - body_at - 7, "BodyLength(9)"
    assert frame[-7:] == b"10=%03d\x01" % (sum(frame[:-7]) % 256), "CheckSum(10)"
    return pairs


def content(fields: Fields) -> Fields:
    """Return what a resend may not change."""
    return [pair for pair in fields if pair[0] not in ENVELOPE]


#: When it was sent, MsgType(35) and body, by MsgSeqNum(34).
Sent = dict[int, tuple[str, str, Fields]]


def _cl_ord_ids(sent: Sent) -> list[str]:
    return [fields[0][1] for _, _, fields in sent.values()]


@attrs.define
class ModelPeer:
    """One counterparty over all of its connections; `out` has its frames on their way to us."""

    comp_id: str
    clock_ns: Callable[[], int]
    #: What the venue calls its present epoch, asked for when a reset was confirmed.
    venue_epoch: Callable[[], int]
    #: Whether a message ahead of its turn is kept, or asked for again with the rest.
    keeps_early: bool = True
    #: Whether its Logon(A) says NextExpectedMsgSeqNum(789).
    says_next: bool = False
    next_in: int = 1
    next_out: int = 1
    epoch: int = attrs.field(init=False)
    out: list[bytes] = attrs.field(factory=list)
    connected: bool = False
    logged_on: bool = False
    #: Logout(5) has been sent, or received.
    leaving: bool = False
    left: bool = False
    #: A Logon(A) with ResetSeqNumFlag(141)=Y that nobody has confirmed yet.
    resetting: bool = False
    #: Its own number is from an old copy, and a message under it may pass for one received before.
    unsure: bool = False
    #: Application messages of this epoch that can be sent again.
    sent: Sent = attrs.field(factory=dict)
    #: By epoch, what was received under each number, and where the epoch ended for us.
    received: dict[int, dict[int, Fields]] = attrs.field(factory=dict)
    ended: dict[int, int] = attrs.field(factory=dict)
    #: ClOrdIDs in the order of their sending, and those whose message may have been lost for good.
    orders: list[str] = attrs.field(factory=list)
    waived: set[str] = attrs.field(factory=set)
    faults: list[str] = attrs.field(factory=list)
    _early: dict[int, Fields | None] = attrs.field(factory=dict)
    _asked_for: int = 0
    _logon_number: int = 0
    _highest: int = 0
    #: Number and messages as they were before a reset.
    _was: tuple[int, Sent] = (1, {})
    _ask_of_venue: tuple[int, datetime] = _NOTHING_ASKED

    def __attrs_post_init__(self) -> None:
        """Begin with the venue's epoch."""
        self.epoch = self.venue_epoch()

    # ------------------------------------------------------------------ what it does by itself

    def connect(self, *, reset: bool) -> None:
        """Begin a connection with a Logon(A); a reset that is not confirmed is asked for again."""
        self.lost()
        self.connected = True
        self.leaving = self.left = False
        self.log_on(reset=reset or self.resetting)

    def log_on(self, *, reset: bool) -> None:
        """Send Logon(A), as the first message or on an established session."""
        if reset and not self.resetting:
            self._was = self.next_out, self.sent
        if reset:
            self.resetting = True
            self.next_out, self.sent = 1, {}
        more = [(141, "Y")] if reset else [(789, str(self.next_in))] if self.says_next else []
        self._logon_number = self.next_out
        self.write("A", [(98, "0"), (108, "30"), *more])

    def lost(self) -> None:
        """Forget what belonged to the connection."""
        self.connected = self.logged_on = False
        self.out.clear()
        self._early.clear()
        self._asked_for = self._highest = 0
        self._ask_of_venue = _NOTHING_ASKED

    def order(self, fields: Fields, kind: str = "D") -> None:
        """Send an order, or another request; its first field is its id, as ClOrdID(11)."""
        self.orders.append(fields[0][1])
        if self.unsure:
            self.waived.add(fields[0][1])
        self.sent[self.next_out] = (stamp(self.clock_ns()), kind, fields)
        self.write(kind, fields)

    def write(self, kind: str, fields: Fields) -> None:
        """Send a message under the next number."""
        self._transmit(kind, self.next_out, fields)
        self.next_out += 1

    def ask(self, begin: int, end: int = 0) -> None:
        """Send ResendRequest(2)."""
        self.write("2", [(7, str(begin)), (16, str(end))])

    def ask_for_missing(self) -> bool:
        """Ask for what is known to be missing; False when nothing is."""
        if self._highest < self.next_in:
            return False
        self._asked_for = self.next_in
        self.ask(self.next_in)
        return True

    def log_out(self) -> None:
        """Send Logout(5); nothing but answers follows."""
        self.leaving = True
        self.write("5", [])

    def serve(self, begin: int, end: int) -> None:
        """Send numbers again, as FIX 4.4 wants it."""
        last = min(end or self.next_out - 1, self.next_out - 1)
        gap_from = 0
        for number in range(begin, last + 1):
            if number not in self.sent:
                gap_from = gap_from or number
                continue
            self._fill(gap_from, number)
            gap_from = 0
            first_stamp, kind, fields = self.sent[number]
            self._transmit(kind, number, fields, [(43, "Y"), (122, first_stamp)])
        self._fill(gap_from, last + 1)

    def give_up(self, numbers: list[int]) -> None:
        """Forget messages that were sent: they are filled over from now on."""
        for number in numbers:
            self.waived.add(self.sent.pop(number)[2][0][1])

    def waive_all(self) -> None:
        """Take note that whatever was sent so far may never arrive."""
        self.waived.update(_cl_ord_ids(self.sent))

    # ------------------------------------------------------------------ what comes

    def receive(self, frame: bytes) -> None:
        """Take one frame from the venue."""
        try:
            fields = parse(frame)
        except (AssertionError, ValueError) as error:
            self.faults.append(f"{error!r} in {frame!r}")
            return
        values = dict(reversed(fields))
        kind, number, again = values[35], int(values[34]), values.get(43) == "Y"
        self._check_order(kind, number, again=again)
        if kind == "A" and values.get(141) == "Y":
            self._begin_epoch(number)
        if kind == "A":
            self.logged_on, self.unsure = True, False
            self._next_expected(values.get(789))
        if number > self.next_in:
            self._too_high(kind, number, fields)
        elif number < self.next_in:
            self._too_low(kind, number, fields, again=again)
        else:
            self._take(number, fields)
        self._take_early()
        if kind == "5" and not again:
            self._end(values.get(58, ""))

    def _next_expected(self, number: str | None) -> None:
        """What the venue says that it expects comes at once; what it owes us comes unasked."""
        if number is None:
            return
        if not self.says_next:
            self.faults.append(f"NextExpectedMsgSeqNum(789)={number} to somebody who sent none")
        if int(number) < self._logon_number:
            self.serve(int(number), self._logon_number - 1)
        self._asked_for = self.next_in

    def _check_order(self, kind: str, number: int, *, again: bool) -> None:
        """Nothing but Logon(A) before, only resends after Logout(5), no resent administration."""
        if not self.logged_on and kind not in "A5":
            self.faults.append(f"35={kind} before Logon(A)")
        if self.left and not again:
            self.faults.append(f"35={kind} 34={number} after Logout(5)")
        if again and kind in ADMINISTRATIVE - {"3", "4"}:  # FIX leaves it open for a Reject(3)
            self.faults.append(f"35={kind} 34={number} came again and was not filled over")

    def _begin_epoch(self, number: int) -> None:
        if not self.resetting or number != 1:
            self.faults.append(f"ResetSeqNumFlag(141)=Y that was not asked for, 34={number}")
        self.ended[self.epoch] = self.next_in
        self.waived.update(_cl_ord_ids(self._was[1]))
        self.epoch = self.venue_epoch()
        self.ended.pop(self.epoch, None)
        self.resetting = False
        self.next_in = 1
        self._early.clear()
        self._asked_for = self._highest = 0
        self._ask_of_venue = _NOTHING_ASKED

    def _too_high(self, kind: str, number: int, fields: Fields) -> None:
        self._highest = max(self._highest, number)
        if kind == "2":
            self._asked(fields)
        if self.keeps_early:
            self._early.setdefault(number, None if kind == "2" else fields)
        if self._asked_for < self.next_in and not self.left:
            self._asked_for = self.next_in
            self.ask(self.next_in)

    def _too_low(self, kind: str, number: int, fields: Fields, *, again: bool) -> None:
        if not again:
            self.faults.append(
                f"34={number} again without PossDupFlag(43), expected {self.next_in}"
            )
        elif kind == "4":
            self.next_in = max(self.next_in, int(dict(fields)[36]))
        elif kind not in ADMINISTRATIVE:
            known = self.received.get(self.epoch, {}).get(number)
            if known != content(fields):
                self.faults.append(f"34={number} differs: {known} and then {content(fields)}")

    def _take(self, number: int, fields: Fields) -> None:
        values = dict(reversed(fields))
        self.next_in = number + 1
        match values[35]:
            case "4":
                if values.get(123) != "Y" or int(values[36]) <= number:
                    self.faults.append(f"SequenceReset(4) {values}")
                self.next_in = int(values[36])
            case "1":
                self.write("0", [(112, values[112])])
            case "2":
                self._asked(fields)
            case kind if kind not in ADMINISTRATIVE:
                self.received.setdefault(self.epoch, {})[number] = content(fields)

    def _take_early(self) -> None:
        while self.next_in in self._early:
            fields = self._early.pop(self.next_in)
            if fields is None:
                self.next_in += 1
            else:
                self._take(self.next_in, fields)
        for number in [number for number in self._early if number < self.next_in]:
            del self._early[number]

    def _asked(self, fields: Fields) -> None:
        """Answer a ResendRequest(2); the same one may not come twice in a row."""
        values = dict(fields)
        begin, end = int(values[7]), int(values[16])
        before, at = self._ask_of_venue
        whole, _, fraction = values[52].partition(".")
        text = f"{whole}.{fraction or '0'}"
        now = datetime.strptime(text, "%Y%m%d-%H:%M:%S.%f").replace(tzinfo=UTC)
        if begin <= before and now < at + ASK_AGAIN:
            self.faults.append(f"asked for {begin} although {before} had been asked for")
        self._ask_of_venue = begin, now
        self.serve(begin, end)

    def _end(self, text: str) -> None:
        """The venue logged out: confirm, and learn from its reason."""
        self.left = True
        expected = _TOO_LOW.search(text)
        if self.resetting:
            self.resetting, self.unsure = False, True
            self.next_out, self.sent = self._was
            self.waive_all()
        elif expected is not None:
            self.next_out = max(self.next_out, int(expected[1]))
        elif not self.leaving and self.logged_on:
            self.log_out()

    # ------------------------------------------------------------------ bytes

    def _fill(self, number: int, next_number: int) -> None:
        if number:
            header = [(43, "Y"), (122, stamp(self.clock_ns()))]
            self._transmit("4", number, [(123, "Y"), (36, str(next_number))], header)

    def _transmit(
        self, kind: str, number: int, fields: Fields, header: Fields | None = None
    ) -> None:
        head: Fields = [(35, kind), (49, self.comp_id), (56, "KK99"), (34, str(number))]
        time = [(52, stamp(self.clock_ns()))]
        if self.connected:
            self.out.append(encode([*head, *(header or []), *time, *fields]))
