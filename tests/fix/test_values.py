import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kk99fix.fix import values
from kk99fix.fix.dictionary import DATATYPES

INT64_MAX = 2**63 - 1
E8 = 10**8

decimal_texts = st.from_regex(
    re.compile(rb"-?[0-9]{0,14}(\.[0-9]{0,12})?", re.ASCII), fullmatch=True
)


def oracle_e8(text: bytes) -> int | None:
    """What the decimal module says of a FIX float."""
    if re.fullmatch(rb"-?([0-9]+\.?[0-9]*|\.[0-9]+)", text) is None:
        return None
    try:
        scaled = Decimal(text.decode()) * E8
    except InvalidOperation:  # pragma: no cover - the pattern leaves none
        return None
    exact = scaled == scaled.to_integral_value() and -INT64_MAX - 1 <= scaled <= INT64_MAX
    return int(scaled) if exact else None


@given(decimal_texts | st.binary(max_size=6))
def test_decimals_like_the_decimal_module(text: bytes) -> None:
    """Every float field is exactly the decimal number that it spells, or refused."""
    assert values.decimal_e8(text) == oracle_e8(text)


@given(st.integers(min_value=-INT64_MAX - 1, max_value=INT64_MAX))
def test_decimals_round_trip(value_e8: int) -> None:
    """What is encoded is decoded to the same number, and has no needless zeros."""
    text = values.format_e8(value_e8)

    assert values.decimal_e8(text) == value_e8
    assert b"." not in text or not text.endswith((b"0", b"."))


@pytest.mark.parametrize(
    ("text", "value_e8"),
    [
        (b"190", 190 * E8),
        (b"00023.23", 2323 * E8 // 100),
        (b"23.0000", 23 * E8),
        (b"5.", 5 * E8),
        (b".5", E8 // 2),
        (b"-0", 0),
        (b"-0.01", -E8 // 100),
        (b"0.00000001", 1),
        (b"0.000000010000", 1),
        (b"92233720368.54775807", INT64_MAX),
        (b"0" * 5000 + b"1", E8),
        (b"1." + b"0" * 5000, E8),
        (b"-92233720368.54775808", -INT64_MAX - 1),
        (b"-92233720368.54775809", None),
        (b"0.000000001", None),
        (b"92233720368.54775808", None),
        (b"18446744073709551616", None),
        (b"9" * 5000, None),
        (b"0." + b"3" * 30, None),
        (b"1e9999", None),
        (b"NaN", None),
        (b"inf", None),
        (b"+1", None),
        (b"--1", None),
        (b"1-", None),
        (b".", None),
        (b"-", None),
        (b"-.", None),
        (b"", None),
        (b"1.2.3", None),
        (b"1,000", None),
        (b" 1", None),
        (b"1 ", None),
        (b"1\n", None),
        (b"0x10", None),
        (b"1_000", None),
        (b"\xd9\xa1", None),
    ],
)
def test_decimals(text: bytes, value_e8: int | None) -> None:
    """The corners of the float datatype."""
    assert values.decimal_e8(text) == value_e8


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"0", 0),
        (b"007", 7),
        (b"-3", -3),
        (b"9223372036854775808", 2**63),
        (b"18446744073709551615", 2**64 - 1),
        (b"18446744073709551616", None),
        (b"0" * 9000 + b"5", 5),
        (b"9" * 9000, None),
        (b"+1", None),
        (b"1.0", None),
        (b"", None),
        (b"-", None),
        (b"1_0", None),
        (b" 1", None),
    ],
)
def test_integers(text: bytes, value: int | None) -> None:
    """The corners of the int datatype."""
    assert values.integer(text) == value


@pytest.mark.parametrize(
    ("text", "decimals"),
    [
        (b"20261122-10:11:12", 0),
        (b"20261122-10:11:12.345", 3),
        (b"20261122-10:11:12.345678", 6),
        (b"20261122-10:11:12.345678901", 9),
        (b"19700101-00:00:00.000", 3),
        (b"20240229-23:59:59.999", 3),
        (b"22611231-23:59:59.999999999", 9),
    ],
)
def test_timestamps_round_trip(text: bytes, decimals: int) -> None:
    """Seconds, milli-, micro- and nanoseconds survive decoding and encoding."""
    time_ns = values.utc_timestamp_ns(text)

    assert time_ns is not None
    assert 0 <= time_ns <= INT64_MAX
    assert values.format_utc_timestamp(time_ns, decimals) == text


@given(st.datetimes(datetime(1970, 1, 1), datetime(2261, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_timestamps_like_datetime(moment: datetime) -> None:
    """A timestamp is the nanosecond that datetime makes of it."""
    text = f"{moment:%Y%m%d-%H:%M:%S}.{moment.microsecond:06d}".encode()
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    expected = (since.days * 86400 + since.seconds) * 10**9 + since.microseconds * 1000

    assert values.utc_timestamp_ns(text) == expected
    assert values.format_utc_timestamp(expected, 6) == text


def test_leap_second() -> None:
    """Second 60 is the first second of the next minute."""
    leap = values.utc_timestamp_ns(b"20161231-23:59:60.500")

    assert leap == values.utc_timestamp_ns(b"20170101-00:00:00.500")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"20261122-10:11:12.3", 6),
        (b"20261122-10:11:12.", 6),
        (b"20261122-10:11:12.3456", 6),
        (b"20261122-10:11:12.3456789012", 6),
        (b"20261122 10:11:12", 6),
        (b"20261122-1:11:12", 6),
        (b"20261322-10:11:12", 6),
        (b"20260230-10:11:12", 6),
        (b"00000101-10:11:12", 6),
        (b"20261122-10:11", 6),
        (b"20261122-10:11:12Z", 6),
        (b"20261122-24:00:00", 5),
        (b"20261122-10:60:00", 5),
        (b"20261122-10:11:61", 5),
        (b"19691231-23:59:59", 5),
        (b"22620101-00:00:00", 5),
        (b"99991231-23:59:59", 5),
    ],
)
def test_wrong_timestamps(text: bytes, reason: int) -> None:
    """A malformed time is a format error, one outside of the clock or the years a wrong value."""
    assert values.utc_timestamp_ns(text) is None
    assert values.reason_against("UTCTIMESTAMP", text) == reason


def test_absent_timestamp() -> None:
    """No value is no time."""
    assert values.utc_timestamp_ns(None) is None


@pytest.mark.parametrize(
    ("datatype", "right", "wrong", "out_of_range"),
    [
        ("STRING", [b"a", b"a b", b"~"], [b"\x00", b"a\n", b"\x7f", b"\xe4", b"\x1b[0m"], []),
        ("EXCHANGE", [b"XNAS", b"N"], [b"\xff"], []),
        ("CHAR", [b"1", b"a"], [b"12", b" ", b"\x80"], []),
        ("INT", [b"1", b"-1", b"001"], [b"1.0", b"+1", b"x"], [b"9" * 30]),
        ("SEQNUM", [b"0", b"1", b"18446744073709551615"], [b"-1", b"x"], [b"18446744073709551616"]),
        ("LENGTH", [b"0", b"12", b"999999999"], [b"-1", b"1.0"], [b"1234567890"]),
        ("NUMINGROUP", [b"1", b"8"], [b"-1", b"x"], [b"0", b"00", b"1" * 10]),
        ("QTY", [b"1", b"0.5", b"-0"], [b"1e3", b"."], [b"-1", b"1" * 12, b"0.123456789"]),
        ("PRICE", [b"-37.63", b"0"], [b"x"], [b"1" * 12]),
        ("FLOAT", [b"1", b"-1"], [b"NaN"], [b"0.123456789"]),
        ("AMT", [b"1"], [b"1,5"], [b"1" * 12]),
        ("PERCENTAGE", [b"0.05"], [b"5%"], [b"1" * 12]),
        ("BOOLEAN", [b"Y", b"N"], [b"y", b"1", b"YES"], []),
        ("CURRENCY", [b"USD", b"USDT", b"BTC"], [b"usd", b"US", b"US$", b"ABCDEFGHI"], []),
        ("COUNTRY", [b"US"], [b"USA", b"us"], []),
        ("UTCTIMESTAMP", [b"20261122-10:11:12"], [b"now"], [b"99991231-23:59:59"]),
        ("LOCALMKTDATE", [b"20240229"], [b"20230229", b"2023-01-01", b"202301"], []),
        (
            "MONTHYEAR",
            [b"202612", b"20261231", b"202612w5"],
            [b"202613", b"20261232", b"202612w6", b"202600", b"2026"],
            [],
        ),
        ("MULTIPLEVALUESTRING", [b"1", b"1 A"], [b"1  A", b" 1", b"1 ", b"\x01"], []),
        ("DATA", [b"\x01=\x00\xff"], [], []),
    ],
)
def test_datatypes(
    datatype: str, right: list[bytes], wrong: list[bytes], out_of_range: list[bytes]
) -> None:
    """What each datatype takes, what is malformed (6), and what is out of range (5)."""
    for reason, texts in ((0, right), (6, wrong), (5, out_of_range)):
        for text in texts:
            assert values.reason_against(datatype, text) == reason, text


@given(st.sampled_from(DATATYPES), st.binary(min_size=1, max_size=30))
def test_no_value_is_an_exception(datatype: str, text: bytes) -> None:
    """Any bytes get an answer."""
    assert values.reason_against(datatype, text) in {0, 5, 6}
