"""The core frames as `fix.framing` does, and decodes nothing that `fix.validate` refuses."""

import random
from itertools import chain

from support.frames import frame, framed, order

from kk99fix.fix import tables
from kk99fix.fix.framing import LIMIT, LIMIT_BEFORE_LOGON, Verdict, scan
from kk99fix.fix.split import split
from kk99fix.fix.validate import validate
from kk99fix.matcher import library
from kk99fix.matcher._core import ffi, lib

VERDICTS = {
    lib.KK_OK: Verdict.FRAME,
    lib.KK_NEED_DATA: Verdict.NEED_DATA,
    lib.KK_GARBLED: Verdict.GARBLED,
    lib.KK_TOO_LONG: Verdict.TOO_LONG,
}
STREAMS = [
    frame("0", ""),
    order(),
    order("58=8=FIX.4.4|"),
    framed(b"35=0\x01", b"FIXT.1.1"),
    b"x8=F",
    b"8=FIX.4.4\x019=9999999\x01",
]
PLAIN = {
    b"D": "11 55 54 60 38 40 44",
    b"F": "41 11 55 54 60",
    b"G": "41 11 55 54 60 38 40 44",
    b"H": "11 55 54",
}
USUAL = {
    11: b"C1",
    38: b"100",
    40: b"2",
    41: b"C0",
    44: b"190",
    54: b"1",
    55: b"AAPL",
    60: b"20261122-10:00:00.000",
}
HEADER = [(49, b"BROKER1"), (56, b"KK99"), (34, b"1"), (52, b"20261122-10:00:00.000")]
VALUES = (
    b"1|2|0|A|Y|N|USD|USDT|US|CS|FUT|STOCK|x y|1 2|1  2|a|00.10|1.5|.|-|5.|.5|-1|-0|99|007|"
    b"20261122|20260230|202612w3|20261122-10:00:00|20261122-10:00:60|20261122-24:00:00|"
    b"92233720368.54775807|92233720368.54775808|-92233720368.54775808|0.000000001|\xe4|\t|"
).split(b"|")

Pairs = list[tuple[int, bytes]]


def test_frames() -> None:
    """On mutilated streams the core's verdict and length are those of the rules."""
    random_ = random.Random(44)  # noqa: S311 - seeded on purpose
    for _ in range(10_000):
        stream = bytearray(b"".join(random_.choices(STREAMS, k=random_.randint(1, 3))))
        for _ in range(random_.randint(0, 2)):
            byte = random_.choice([1, *b"089=", random_.randrange(256)])
            stream[random_.randrange(len(stream))] = byte
        data = bytes(stream[random_.choice([0, 0, 0, 1, 3]) : random_.randint(4, len(stream))])
        limit = random_.choice([LIMIT_BEFORE_LOGON, LIMIT, 30, 150])
        status, length = library.frame(data, limit)
        expected = scan(data, limit)

        assert VERDICTS[int(status)] is expected.verdict, data
        if expected.verdict in {Verdict.FRAME, Verdict.GARBLED}:
            assert length == expected.length, data


def random_value(random_: random.Random, tag: int) -> bytes:
    """A value that FIX lists for the tag, or just some value."""
    enum = sorted(tables.FIELDS[tag].enum)
    return random_.choice(enum if enum and random_.random() < 0.6 else VALUES)


def random_parties(random_: random.Random) -> Pairs:
    """A NoPartyIDs(453) group, not always with a right count or right members."""
    count = random_.randint(0, 3)
    entries = [
        [(448, random_.choice(VALUES)), (447, b"D"), (452, random_.choice([b"1", b"23", b"036"]))]
        for _ in range(count)
    ]
    members = [pair for pair in chain(*entries) if random_.random() < 0.9]
    return [(453, b"%d" % (count + random_.choice([0] * 9 + [1]))), *members]


def random_frame(random_: random.Random) -> bytes:
    """A D, F, G or H with more fields, most of them fit for it."""
    msg_type = random_.choice(sorted(PLAIN))
    fields = [(int(tag), USUAL[int(tag)]) for tag in PLAIN[msg_type].split()]
    fitting = sorted(tables.MESSAGES[msg_type].fields)
    for _ in range(random_.randint(0, 4)):
        tag = random_.choice(fitting if random_.random() < 0.8 else sorted(tables.FIELDS))
        fields.insert(random_.randint(0, len(fields)), (tag, random_value(random_, tag)))
    if random_.random() < 0.4:
        place = random_.randint(0, len(fields))
        fields[place:place] = random_parties(random_)
    header = HEADER.copy()
    for tag in (50, 57, 43, 97, 122, 142, 369, 115):
        if random_.random() < 0.05:
            header.insert(random_.randint(0, 4), (tag, random_.choice(VALUES)))
    pairs = [(35, msg_type), *header, *fields]
    return framed(b"".join(b"%d=%s\x01" % pair for pair in pairs))


def test_what_is_decoded_is_valid() -> None:
    """A frame that the decoder takes passes full validation; it takes most that do."""
    random_ = random.Random(44)  # noqa: S311 - seeded on purpose
    command = ffi.new("kk_command *")
    decoded = left = 0
    for _ in range(20_000):
        raw = random_frame(random_)
        error = validate(split(raw))
        if lib.kk_decode_command(ffi.from_buffer("uint8_t[]", raw), len(raw), command) == lib.KK_OK:
            assert error is None, raw
            decoded += 1
        elif error is None:
            left += 1

    assert decoded > 2_000
    assert left < decoded / 5
