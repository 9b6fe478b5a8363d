import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.frames import frame, framed, order, soh

from kk99fix.fix.framing import (
    LIMIT,
    LIMIT_BEFORE_LOGON,
    Frame,
    Framer,
    Garbled,
    Scan,
    TooLong,
    Verdict,
    scan,
)

Event = Frame | Garbled | TooLong

NEED_DATA = Scan(Verdict.NEED_DATA)
TOO_LONG = Scan(Verdict.TOO_LONG)

HEARTBEAT = frame("0", "")
ORDER = order("58=8=FIX.4.4 in a text|")
DATA = order("354=12|355=8=FIX.4.4|9=|")
FOREIGN = framed(soh("35=0|49=A|56=B|34=1|52=x|"), b"FIXT.1.1")
PADDED = b"8=FIX.4.4\x019=0000005\x0135=0\x0110=195\x01"
VALID = [HEARTBEAT, ORDER, DATA, FOREIGN, PADDED]

BROKEN = [
    b"hello",
    b"\r\n",
    b"8=",
    b"8=FI",
    b"8=FOO\x019=5\x0135=0\x0110=000\x01",
    HEARTBEAT[:-7],
    HEARTBEAT[:-1] + b"x",
    HEARTBEAT[:-4] + b"\x01",
    order().replace(b"AAPL", b"AAPM"),
    HEARTBEAT.replace(b"\x0135=", b"\x0136="),
    HEARTBEAT.replace(b"9=", b"9=0"),  # the sum is that of the shorter frame
    HEARTBEAT.replace(b"9=", b"9=-"),
    HEARTBEAT.replace(b"9=", b"9=\x01"),
]


def events(chunks: list[bytes], limit: int = LIMIT) -> list[Event]:
    """Everything that a framer makes of the chunks."""
    framer = Framer(limit)
    found: list[Event] = []
    for chunk in chunks:
        framer.feed(chunk)
        while (event := framer.next_event()) is not None:
            found.append(event)
    return found


@pytest.mark.parametrize("raw", VALID)
def test_whole(raw: bytes) -> None:
    """A whole frame is found, whatever its BeginString(8) says."""
    assert scan(raw) == Scan(Verdict.FRAME, len(raw))


@pytest.mark.parametrize("raw", VALID)
def test_every_prefix_needs_data(raw: bytes) -> None:
    """No prefix of a frame is taken for anything."""
    for length in range(len(raw)):
        assert scan(raw[:length]) == NEED_DATA, length


@pytest.mark.parametrize("raw", VALID)
def test_byte_by_byte(raw: bytes) -> None:
    """A frame that comes in single bytes is the same frame."""
    assert events([raw[i : i + 1] for i in range(len(raw))]) == [Frame(raw)]


@pytest.mark.parametrize("raw", VALID)
@pytest.mark.parametrize("tail", [b"8", b"8=FIX", b"x", HEARTBEAT, bytes(5)])
def test_with_a_tail(raw: bytes, tail: bytes) -> None:
    """What follows a frame does not change it, and stays."""
    assert scan(raw + tail) == Scan(Verdict.FRAME, len(raw))

    framer = Framer()
    framer.feed(raw + tail)
    framer.next_event()
    assert framer.rest() == tail


@pytest.mark.parametrize("broken", BROKEN)
def test_what_follows_garbled_bytes_is_found(broken: bytes) -> None:
    """Broken bytes are one garbled stretch, and the frames around them are untouched."""
    assert events([HEARTBEAT + broken + ORDER + DATA]) == [
        Frame(HEARTBEAT),
        Garbled(),
        Frame(ORDER),
        Frame(DATA),
    ]


def test_a_frame_without_a_trailer_does_not_swallow_the_next() -> None:
    """BodyLength(9) that reaches into the next message costs only its own message."""
    too_long = HEARTBEAT.replace(b"9=", b"9=1")

    assert events([too_long + ORDER + HEARTBEAT]) == [Garbled(), Frame(ORDER), Frame(HEARTBEAT)]


def test_body_length_over_two_messages_does_not_merge_them() -> None:
    """A BodyLength(9) that ends exactly with the next message is found out by the sum."""
    body = HEARTBEAT[HEARTBEAT.index(b"35=") :]
    both = b"8=FIX.4.4\x019=%d\x01" % (len(body) + len(ORDER) - 7) + body + ORDER

    assert events([both]) == [Garbled(), Frame(ORDER)]


def test_every_changed_byte_is_noticed() -> None:
    """Any change of a single byte makes the frame another one or none."""
    for index in range(len(HEARTBEAT)):
        changed = bytearray(HEARTBEAT)
        changed[index] ^= 1
        assert Frame(bytes(changed)) not in events([bytes(changed), HEARTBEAT])


@pytest.mark.parametrize("sum_", [b"1", b"12", b"0123", b"1a2", b"-12", b"+12", b" 12", b""])
def test_malformed_sums(sum_: bytes) -> None:
    """CheckSum(10) has exactly three digits."""
    raw = HEARTBEAT[:-4] + sum_ + b"\x01"

    assert events([raw, HEARTBEAT]) == [Garbled(), Frame(HEARTBEAT)]


def test_the_body_ends_with_soh() -> None:
    """A trailer that does not follow SOH is none."""
    assert events([framed(b"35=0")]) == [Garbled()]


def test_begin_string_is_bounded() -> None:
    """A BeginString(8) of 16 bytes is looked at, one of 17 is not waited for."""
    assert scan(b"8=FIX" + b"x" * 13 + b"\x01") == NEED_DATA
    assert scan(b"8=FIX" + b"x" * 13) == NEED_DATA
    assert scan(b"8=FIX" + b"x" * 14).verdict is Verdict.GARBLED


def body_length_rows() -> list[tuple[bytes, int, Verdict]]:
    """Two hundred BodyLength(9) values, with the verdict on a stream cut off behind it."""
    rows: list[tuple[bytes, int, Verdict]] = []
    for limit in (LIMIT_BEFORE_LOGON, LIMIT):
        most = limit - len(b"8=FIX.4.4|9=12345|") - 7 + (limit == LIMIT_BEFORE_LOGON)
        fits = [1, 2, 3, 5, 9, 10, 99, 100, 999, 1000, *range(most - 30, most + 1)]
        above = [*range(most + 1, most + 20), 10**5, 10**6 - 1, 10**6, 10**9, 2**31, 2**63, 10**19]
        rows += [(b"%d" % n, limit, Verdict.NEED_DATA) for n in fits]
        rows += [(b"%d" % n, limit, Verdict.TOO_LONG) for n in above]
        padded = [b"0", b"00", b"012", b"0000000"]
        rows += [(text, limit, Verdict.NEED_DATA) for text in padded]
        garbled = [b"", b"-1", b"+1", b"1.0", b" 5", b"5 ", b"0x10", b"1e3"]
        garbled += [
            b"a",
            b"\x00",
            b"\xff",
            b"\xb2",
            b"1\n",
            b"-99999999999",
            b"=",
            b"9=",
        ]
        rows += [(text, limit, Verdict.GARBLED) for text in garbled]
        giants = [b"1" * digits for digits in (7, 8, 20, 100, 1000)]
        rows += [(text, limit, Verdict.TOO_LONG) for text in giants]
    return rows


@pytest.mark.parametrize(("text", "limit", "verdict"), body_length_rows())
def test_body_length(text: bytes, limit: int, verdict: Verdict) -> None:
    """An absurd BodyLength(9) is refused at the header, before anything is buffered."""
    assert scan(b"8=FIX.4.4\x019=%s\x01" % text, limit).verdict is verdict


def test_there_are_two_hundred_body_lengths() -> None:
    """The table above is as long as it should be."""
    assert len(body_length_rows()) >= 180


def test_too_long_ends_the_stream() -> None:
    """After TooLong there is nothing more, and nothing is waited for."""
    raw = framed(soh("35=0|58=" + "x" * LIMIT_BEFORE_LOGON + "|"))

    assert events([raw[:20], HEARTBEAT], LIMIT_BEFORE_LOGON) == [TooLong()]
    assert events([raw, HEARTBEAT]) == [Frame(raw), Frame(HEARTBEAT)]


def test_garbage_does_not_pile_up() -> None:
    """A megabyte of garbage leaves next to nothing in the buffer."""
    framer = Framer()
    for _ in range(1000):
        framer.feed(b"8=FI" * 256)
        while framer.next_event() is not None:
            pass

    assert len(framer.rest()) < 5


def pieces(raw: bytes, cuts: list[int]) -> list[bytes]:
    """`raw` cut at these places."""
    places = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    return [raw[begin:end] for begin, end in pairwise(places)]


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(st.sampled_from(VALID + BROKEN) | st.binary(max_size=12), max_size=8),
    cuts=st.lists(st.integers(min_value=0), max_size=20),
)
def test_any_chunking_gives_the_same_events(parts: list[bytes], cuts: list[int]) -> None:
    """How a stream was cut does not matter, broken or not."""
    raw = b"".join(parts)
    whole = events([raw])

    assert events(pieces(raw, cuts)) == whole
    assert events([raw[i : i + 1] for i in range(len(raw))]) == whole


def test_many_random_cuts() -> None:
    """A long mixed stream in ten thousand random cuts gives the same events each time."""
    random_ = random.Random(44)  # noqa: S311 - seeded on purpose
    raw = b"".join(random_.choice(VALID + BROKEN) for _ in range(40))
    whole = events([raw])

    for _ in range(200):
        cuts = [random_.randrange(len(raw)) for _ in range(50)]
        assert events(pieces(raw, cuts)) == whole


@settings(deadline=None)
@given(st.binary(max_size=200).map(lambda body: b"35=0\x0158=" + body + b"\x01"))
def test_any_body_is_framed(body: bytes) -> None:
    """BodyLength(9) alone tells where a frame ends, whatever the body holds."""
    assert events([framed(body) + HEARTBEAT]) == [Frame(framed(body)), Frame(HEARTBEAT)]
