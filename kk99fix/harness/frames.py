"""Frames made by hand: any field of the header and the trailer may be replaced or left out.

`build` adds BeginString(8), BodyLength(9), the header and CheckSum(10), as far as they are not
given; `text_frame` takes the `|` notation of session logs.
Nothing is checked: what is wrong is wrong on purpose.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from kk99fix.fix.framing import TRAILER_LENGTH, Verdict, checksum, scan
from kk99fix.fix.message import Pair
from kk99fix.fix.tables import BEGIN_STRING

SOH: Final = b"\x01"
#: What is added behind MsgType(35), in this order.
_HEADER: Final = (49, 56, 34, 52)
#: Fields that frame a message.
FRAMING: Final = frozenset({8, 9, 35, 10})
#: Header fields that stand in front of a body where they are given.
OPTIONAL_HEADER: Final = frozenset({43, 97, 122, 50, 57, 115, 116, 128, 129, 142, 143, 369})


def build(
    msg_type: bytes,
    header: Mapping[int, bytes],
    fields: Sequence[Pair],
    left_out: Iterable[int] = (),
) -> bytes:
    """Return a frame: `header` has 49, 56, 34 and 52, and the first of `fields` replace them."""
    missing = frozenset(left_out)
    given = dict(header) | {8: BEGIN_STRING, 35: msg_type}
    body: list[Pair] = []
    replaced: set[int] = set()
    for tag, value in fields:
        if tag in {*_HEADER, *FRAMING} and tag not in replaced:
            replaced.add(tag)
            given[tag] = value
        else:
            body.append((tag, value))
    body.sort(key=lambda pair: pair[0] not in OPTIONAL_HEADER)
    head: list[Pair] = [(tag, given[tag]) for tag in (35, *_HEADER) if tag in given]
    inner = encode(pair for pair in [*head, *body] if pair[0] not in missing)
    length = given.get(9, b"%d" % len(inner))
    begin = encode(pair for pair in ((8, given[8]), (9, length)) if pair[0] not in missing)
    data = begin + inner
    if 10 in missing:
        return data
    return data + encode([(10, given.get(10, b"%03d" % checksum(data)))])


def encode(fields: Iterable[Pair]) -> bytes:
    """Return `tag=value<SOH>` for each field."""
    return b"".join(b"%d=%s\x01" % pair for pair in fields)


def text_frame(text: str) -> bytes:
    """Return the bytes of a text in which `|` is SOH; `9=*` and `10=*` become what is right."""
    data = text.encode("latin-1").replace(b"|", SOH)
    head, nine, rest = data.partition(b"\x019=*\x01")
    if nine:
        end = rest.rfind(b"10=")
        length = len(rest) if end < 0 else end
        data = b"%b\x019=%d\x01%b" % (head, length, rest)
    if data.endswith(b"\x0110=*\x01"):
        data = data.removesuffix(b"10=*\x01")
        data += b"10=%03d\x01" % checksum(data)
    return data


def with_wrong_sum(frame: bytes) -> bytes:
    """Return a frame whose CheckSum(10) is off by one."""
    wrong = (int(frame[-4:-1]) + 1) % 256
    return b"%b10=%03d\x01" % (frame[:-TRAILER_LENGTH], wrong)


def whole_frames(data: bytes) -> list[bytes] | None:
    """Return the frames that bytes are made of; None if they are anything else."""
    frames = []
    while data:
        found = scan(data)
        if found.verdict is not Verdict.FRAME:
            return None
        frames.append(data[: found.length])
        data = data[found.length :]
    return frames
