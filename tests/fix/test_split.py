import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.frames import HEADER, frame, framed, order, soh

from kk99fix.fix import encode, tables
from kk99fix.fix.message import FieldError
from kk99fix.fix.split import FIELDS_MAX, split

DATA_TAGS = sorted(tables.DATA_OF_LENGTH.items())
SENDING_TIME = b"20261122-10:00:00.000"

texts = st.binary(min_size=1, max_size=20).filter(lambda value: b"\x01" not in value)
plain_fields = st.tuples(
    st.integers(min_value=1, max_value=999_999_999).filter(
        lambda tag: (
            tag not in {8, 9, 10, 35}
            and tag not in tables.DATA_OF_LENGTH
            and tag not in tables.DATA_OF_LENGTH.values()
        )
    ),
    texts,
).map(lambda pair: (pair,))
data_fields = st.tuples(st.sampled_from(DATA_TAGS), st.binary(max_size=20)).map(
    lambda pair: ((pair[0][0], b"%d" % len(pair[1])), (pair[0][1], pair[1]))
)


@given(st.lists(plain_fields | data_fields, max_size=10))
def test_split_is_the_inverse_of_encode(runs: list[tuple[tuple[int, bytes], ...]]) -> None:
    """Whatever fields are encoded, data with any bytes included, come out again."""
    fields = tuple(pair for run in runs for pair in run)
    raw = encode.message(b"FIX.4.4", b"D", b"A", b"B", 7, SENDING_TIME, fields)
    message = split(raw)

    assert message.fault is None
    assert message.fields[7:-1] == fields
    assert message.fields[:1] == ((8, b"FIX.4.4"),)
    assert message.msg_type == b"D"
    assert message.raw == raw


def test_fields_in_order() -> None:
    """Header, body and trailer are there in the order of their arrival."""
    message = split(frame("1", "112=hello|"))

    assert [tag for tag, _ in message.fields] == [8, 9, 35, 49, 56, 34, 52, 112, 10]
    assert message.get(112) == b"hello"


@pytest.mark.parametrize(("length_tag", "data_tag"), DATA_TAGS)
def test_data_holds_any_bytes(length_tag: int, data_tag: int) -> None:
    """A data field ends by its length, not at the first SOH."""
    data = b"a\x01b=c\x0110=000\x01"
    body = soh(f"35=0|{HEADER}") + b"%d=%d\x01%d=%s\x01" % (length_tag, len(data), data_tag, data)
    message = split(framed(body))

    assert message.fault is None
    assert message.get(data_tag) == data


@pytest.mark.parametrize("off", range(-16, 17))
def test_length_of_data_around_the_truth(off: int) -> None:
    """A length that does not end right before a SOH inside the body is a fault."""
    data = b"x" * 20
    body = soh(f"35=0|{HEADER}95={len(data) + off}|96=") + data + b"\x01"
    message = split(framed(body))

    if off == 0:
        assert message.fault is None
    else:
        assert message.fault is not None
        assert (message.fault.reason, message.fault.tag) == (5, 95)
    assert message.get(96) == data


def test_data_never_reaches_into_the_trailer() -> None:
    """A length that would end with the frame itself does not fit."""
    raw = frame("0", "95=9|96=x|")

    assert raw.endswith(b"96=x\x0110=%s\x01" % raw[-4:-1])
    assert split(raw).fault == FieldError(
        5,
        95,
        b"Value is incorrect (out of range) for this tag: RawDataLength(95) does not fit the data",
    )


@pytest.mark.parametrize(
    ("rest", "reason", "tag"),
    [
        ("=1|", 0, 0),
        ("0=1|", 0, 0),
        ("035=1|", 0, 0),
        ("-1=1|", 0, 0),
        ("1 =1|", 0, 0),
        ("a=1|", 0, 0),
        ("1234567890=1|", 0, 0),
        ("99999999999999999999=1|", 0, 0),
        ("|", 17, 52),
        ("58=a|b|", 17, 58),
        ("58|", 17, 52),
        ("58=a|b=c|", 0, 0),
        ("95=3|", 1, 96),
        ("95=3|58=x|96=abc|", 1, 96),
        ("96=abc|", 1, 95),
        ("96=abc|95=3|", 1, 95),
        ("95=x|96=abc|", 6, 95),
        ("95=-3|96=abc|", 6, 95),
        ("95=|96=abc|", 6, 95),
        ("95=4294967299|96=abc|", 6, 95),
        ("95=2|96=abc|", 5, 95),
        ("95=999999999|96=abc|", 5, 95),
    ],
)
def test_faults(rest: str, reason: int, tag: int) -> None:
    """What cannot be cut is named, and the fields before and behind it are still there."""
    message = split(frame("0", rest + "112=behind|"))

    assert message.fault is not None
    assert (message.fault.reason, message.fault.tag) == (reason, tag)
    assert message.get(34) == b"1"
    assert message.get(112) == b"behind"


def test_empty_values_are_kept() -> None:
    """A tag without a value is a field; validation says what it thinks of it."""
    message = split(frame("0", "58=|"))

    assert message.fault is None
    assert message.get(58) == b""


def test_number_of_fields_is_capped() -> None:
    """A frame of a hundred thousand bytes of fields is cut short at the cap."""
    full = FIELDS_MAX - 8
    message = split(order("58=x|" * (full - 7)))
    assert message.fault is None
    assert len(message.fields) == FIELDS_MAX

    message = split(order("58=x|" * 10_000))
    assert message.fault == FieldError(99, 0, b"More than 1000 fields")
    assert len(message.fields) == FIELDS_MAX

    message = split(order("x|" * 10_000))
    assert message.fault is not None
    assert len(message.fields) < 20


@given(st.binary(max_size=100))
def test_any_body_is_split(body: bytes) -> None:
    """No body makes the cut fail, and what it gives was there."""
    message = split(framed(b"35=0\x01" + body + b"\x01"))

    for tag, value in message.fields:
        assert b"%d=%s\x01" % (tag, value) in message.raw


def test_message_type_is_missing() -> None:
    """A message without MsgType(35) has an empty type."""
    assert split(b"8=FIX.4.4\x01").msg_type == b""
