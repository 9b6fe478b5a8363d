"""Cuts a byte stream into FIX frames; the C core's `kk_frame` follows the same rules.

Rules, in the order in which they are applied at the first byte of the buffer.
`<S>` is SOH (byte 1), and an answer is given as soon as the bytes that decide it are there.

1. A frame starts with `8=FIX`. Bytes that differ from it are GARBLED.
2. BeginString(8) has at most 16 bytes up to `<S>`; a longer one is GARBLED.
   Its value is the session layer's business.
3. Then comes `9=`, 1 to 9 digits and `<S>`; some engines pad them with zeros, as FIX allows.
   A tenth digit is TOO_LONG; anything else (a sign, nothing) is GARBLED.
4. With n the BodyLength(9), a frame has n bytes after that `<S>`, then the 7 bytes of the trailer.
   If the whole, from `8=` to the last `<S>`, is above the limit: TOO_LONG, before it is buffered.
5. After the `<S>` of BodyLength comes `35=`, else GARBLED.
6. Once the whole is there: the last of the n bytes is `<S>`, the trailer is `10=`, three digits and
   `<S>`, and the digits are the sum of all bytes before `10=` modulo 256: FRAME, else GARBLED.

What GARBLED drops: everything before the first `8=FIX` that starts at offset 1 or later.
If the buffer holds none: everything but the longest end of the buffer that may still become one,
that is the longest proper prefix of `8=FIX` that the buffer ends with at offset 1 or later.
So a frame without a trailer never swallows the message after it, and two are never merged.
The frames found do not depend on how the stream was cut into pieces.

TOO_LONG ends the stream: the connection is to be closed.
Limits, in bytes of a whole frame: `LIMIT_BEFORE_LOGON` and `LIMIT`.
"""

import enum
from typing import Final

import attrs

LIMIT_BEFORE_LOGON: Final = 4 * 1024
LIMIT: Final = 64 * 1024

BEGIN_STRING_MAX: Final = 16
BODY_LENGTH_DIGITS_MAX: Final = 9
TRAILER_LENGTH: Final = 7

_SOH: Final = 1
_START: Final = b"8=FIX"
_DIGITS: Final = frozenset(b"0123456789")


class Verdict(enum.Enum):
    """What the bytes at the start of a buffer are."""

    #: A whole frame.
    FRAME = "frame"
    #: Cut off: more bytes are needed to tell.
    NEED_DATA = "need-data"
    #: No frame: drop these bytes.
    GARBLED = "garbled"
    #: A frame whose declared length is above the limit.
    TOO_LONG = "too-long"


@attrs.frozen
class Scan:
    """A verdict with the number of bytes it is about: those of the frame, or those to drop."""

    verdict: Verdict
    length: int = 0


@attrs.frozen
class Frame:
    """A whole frame: BodyLength(9) and CheckSum(10) are right."""

    raw: bytes = attrs.field(repr=False)


@attrs.frozen
class Garbled:
    """A stretch of bytes that is no frame was dropped, or is being dropped."""


@attrs.frozen
class TooLong:
    """A frame declares a length above the limit: nothing after it can be trusted."""


_NEED_DATA: Final = Scan(Verdict.NEED_DATA)
_TOO_LONG: Final = Scan(Verdict.TOO_LONG)


def msg_type(frame: bytes) -> bytes:
    """Value of MsgType(35) of a whole frame, in which it is the third field."""
    start = frame.index(b"\x0135=") + 4
    return frame[start : frame.index(b"\x01", start)]


def checksum(data: bytes | bytearray | memoryview) -> int:
    """Sum of the bytes modulo 256, the value of CheckSum(10)."""
    return sum(data) & 0xFF


def scan(buffer: bytes | bytearray, limit: int = LIMIT) -> Scan:
    """Judge the bytes at the start of `buffer`; a frame may have `limit` bytes at most."""
    head = buffer[: len(_START)]
    if head != _START[: len(head)]:
        return _garbled(buffer)
    value_end = buffer.find(_SOH, 2, 2 + BEGIN_STRING_MAX + 1)
    if value_end < 0:
        return _NEED_DATA if len(buffer) < 2 + BEGIN_STRING_MAX + 1 else _garbled(buffer)
    return _scan_body_length(buffer, value_end + 1, limit)


def _scan_body_length(buffer: bytes | bytearray, start: int, limit: int) -> Scan:
    """Rules 3 to 5; `start` is the offset of `9=`."""
    mismatch = _expect(buffer, start, b"9=")
    if mismatch is not None:
        return mismatch
    end = start + 2
    while end < len(buffer) and buffer[end] in _DIGITS:
        end += 1
        if end - start - 2 > BODY_LENGTH_DIGITS_MAX:
            break
    digits = bytes(buffer[start + 2 : end])
    if len(digits) > BODY_LENGTH_DIGITS_MAX:
        return _TOO_LONG
    if end == len(buffer):
        return _NEED_DATA
    if not digits or buffer[end] != _SOH:
        return _garbled(buffer)
    trailer = end + 1 + int(digits)
    if trailer + TRAILER_LENGTH > limit:
        return _TOO_LONG
    mismatch = _expect(buffer, end + 1, b"35=")
    return _scan_trailer(buffer, trailer) if mismatch is None else mismatch


def _scan_trailer(buffer: bytes | bytearray, trailer: int) -> Scan:
    """Rule 6; `trailer` is the offset where `10=` must stand."""
    whole = trailer + TRAILER_LENGTH
    if len(buffer) < whole:
        return _NEED_DATA
    with memoryview(buffer) as view:
        right = b"10=%03d\x01" % checksum(view[:trailer])
    if buffer[trailer - 1] != _SOH or buffer[trailer:whole] != right:
        return _garbled(buffer)
    return Scan(Verdict.FRAME, whole)


def _expect(buffer: bytes | bytearray, start: int, expected: bytes) -> Scan | None:
    """None if `expected` stands at `start`; else whether more data can make it so."""
    there = buffer[start : start + len(expected)]
    if there == expected:
        return None
    return _NEED_DATA if there == expected[: len(there)] else _garbled(buffer)


def _garbled(buffer: bytes | bytearray) -> Scan:
    start = buffer.find(_START, 1)
    if start >= 0:
        return Scan(Verdict.GARBLED, start)
    for length in range(min(len(_START), len(buffer)) - 1, 0, -1):
        if buffer.endswith(_START[:length]):
            return Scan(Verdict.GARBLED, len(buffer) - length)
    return Scan(Verdict.GARBLED, len(buffer))


@attrs.define
class Framer:
    """Bytes in, events out, for one connection.

    `limit` may be raised once the counterparty has logged on.
    A garbled stretch is one event, however it was cut; after TooLong there are no more events.
    """

    limit: int = LIMIT_BEFORE_LOGON
    _buffer: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _dropping: bool = attrs.field(default=False, init=False)
    _ended: bool = attrs.field(default=False, init=False)

    def feed(self, data: bytes) -> None:
        """Append bytes from the wire."""
        self._buffer += data

    def next_event(self) -> Frame | Garbled | TooLong | None:
        """Take the next event out of the buffer; None when more bytes are needed."""
        while not self._ended:
            found = scan(self._buffer, self.limit)
            if found.verdict is Verdict.NEED_DATA:
                return None
            if found.verdict is Verdict.TOO_LONG:
                self._ended = True
                return TooLong()
            began = self._buffer.startswith(_START)
            raw = bytes(self._buffer[: found.length])
            del self._buffer[: found.length]
            if found.verdict is Verdict.FRAME:
                self._dropping = False
                return Frame(raw)
            goes_on = self._dropping and not began
            self._dropping = True
            if not goes_on:
                return Garbled()
        return None

    def rest(self) -> bytes:
        """Bytes not yet given out as an event: what the next owner of the connection needs."""
        return bytes(self._buffer)
