"""What a client's session keeps over its connections: both numbers and what was sent.

The session layer holds no numbers; a `Ledger` is their owner on the client side, in memory.
It also encodes: each message is numbered and stamped once, and sent again from here.

A message that is no longer kept is filled over when it is asked for, as an administrative one is.
"""

from typing import Final

import attrs

from kk99fix.fix import encode
from kk99fix.fix.message import Pair
from kk99fix.fix.tables import BEGIN_STRING
from kk99fix.fix.values import format_utc_timestamp
from kk99fix.session.checks import ADMIN_TYPES
from kk99fix.session.effects import Send
from kk99fix.session.rules import Numbers

#: Application messages that can be sent again.
KEPT_MAX: Final = 10_000


@attrs.frozen
class Sent:
    """An application message as it was sent first."""

    time_ns: int
    msg_type: bytes
    fields: tuple[Pair, ...]


@attrs.define
class Ledger:
    """Numbers and sent messages of one session, both CompIDs as its own side sends them."""

    sender_comp_id: bytes
    target_comp_id: bytes
    #: MsgSeqNum(34) expected next, and to be sent next.
    next_in: int = 1
    next_out: int = 1
    last_in_ns: int = attrs.field(default=0, init=False)
    last_out_ns: int = attrs.field(default=0, init=False)
    _sent: dict[int, Sent] = attrs.field(factory=dict, init=False)

    @property
    def numbers(self) -> Numbers:
        """What the session layer is told in each call."""
        return Numbers(self.next_in, self.next_out, self.last_in_ns, self.last_out_ns)

    def reset(self) -> None:
        """Begin a new epoch: both numbers are 1, nothing was sent."""
        self.next_in = self.next_out = 1
        self._sent.clear()

    def write(self, message: Send, now_ns: int) -> bytes:
        """Encode a message under the next number, and keep it if it can be asked for again."""
        number, self.next_out = self.next_out, self.next_out + 1
        self.last_out_ns = now_ns
        if message.msg_type not in ADMIN_TYPES:
            self._sent[number] = Sent(now_ns, message.msg_type, message.fields)
            if len(self._sent) > KEPT_MAX:
                del self._sent[next(iter(self._sent))]
        return self._frame(message.msg_type, number, message.fields, now_ns)

    def write_again(self, begin: int, end: int, now_ns: int) -> bytes:
        """Encode the numbers `begin` to `end` once more: PossDupFlag(43)=Y, the rest filled."""
        frames = []
        gap_from = begin
        for number in [number for number in self._sent if begin <= number <= end]:
            if gap_from < number:
                frames.append(self._fill(gap_from, number, now_ns))
            sent = self._sent[number]
            again = _again(sent.time_ns)
            frames.append(self._frame(sent.msg_type, number, (*again, *sent.fields), now_ns))
            gap_from = number + 1
        if gap_from <= end:
            frames.append(self._fill(gap_from, end + 1, now_ns))
        return b"".join(frames)

    def _fill(self, number: int, next_number: int, now_ns: int) -> bytes:
        """SequenceReset(4) in mode GapFill over `number` up to below `next_number`."""
        fields = ((123, b"Y"), (36, b"%d" % next_number))
        return self._frame(b"4", number, (*_again(now_ns), *fields), now_ns)

    def _frame(self, msg_type: bytes, number: int, fields: tuple[Pair, ...], now_ns: int) -> bytes:
        return encode.message(
            BEGIN_STRING,
            msg_type,
            self.sender_comp_id,
            self.target_comp_id,
            number,
            format_utc_timestamp(now_ns),
            fields,
        )


def _again(time_ns: int) -> tuple[Pair, ...]:
    """The header fields of a message sent again that was sent first at `time_ns`."""
    return ((43, b"Y"), (122, format_utc_timestamp(time_ns)))
