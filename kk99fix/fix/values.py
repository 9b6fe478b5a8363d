"""FIX 4.4 datatypes: from bytes to exact numbers and times, and back.

A decoder returns None for bytes that are no such value; no float is ever involved.
Decimals are integers in units of 1e-8 (`_e8`) within int64; a ninth decimal is never rounded away.
Times are nanoseconds of the Unix epoch, UTC, in the years 1970 to 2261, which fit int64.

`reason_against` tells, for any datatype, which SessionRejectReason(373) a value deserves.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Final

INT64_MAX: Final = 2**63 - 1
UINT64_MAX: Final = 2**64 - 1

VALUE_INCORRECT: Final = 5
FORMAT_INCORRECT: Final = 6

_E8_DIGITS: Final = 8
_INTEGER_DIGITS_MAX: Final = 20
_LENGTH_DIGITS_MAX: Final = 9
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_YEARS: Final = range(1970, 2262)
_NS_PER_S: Final = 1_000_000_000

_INTEGER: Final = re.compile(rb"-?[0-9]+")
_DIGITS: Final = re.compile(rb"[0-9]+")
_DECIMAL: Final = re.compile(rb"(-?)([0-9]*)(?:\.([0-9]*))?")
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]+")
_VISIBLE: Final = re.compile(rb"[\x21-\x7e]")
_CURRENCY: Final = re.compile(rb"[A-Z0-9]{3,8}")
_COUNTRY: Final = re.compile(rb"[A-Z]{2}")
_TOKENS: Final = re.compile(rb"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_DATE: Final = re.compile(rb"([0-9]{4})([0-9]{2})([0-9]{2})")
_MONTH_YEAR: Final = re.compile(rb"([0-9]{4})([0-9]{2})([0-9]{2}|w[1-5])?")
_TIMESTAMP: Final = re.compile(
    rb"([0-9]{8})-([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}(?:[0-9]{3}){0,2}))?"
)


# ---------------------------------------------------------------------------- numbers


def integer(value: bytes) -> int | None:
    """Decode an int: an optional minus and digits, leading zeros allowed, at most 64 bits."""
    if not _INTEGER.fullmatch(value):
        return None
    negative = value.startswith(b"-")
    digits = value.lstrip(b"-").lstrip(b"0") or b"0"
    if len(digits) > _INTEGER_DIGITS_MAX or int(digits) > UINT64_MAX:
        return None
    return -int(digits) if negative else int(digits)


def decimal_e8(value: bytes) -> int | None:
    """Decode a float field (Qty, Price, Amt ...) exactly into units of 1e-8, within int64.

    `00023.23`, `5.`, `.5` and `-0` are numbers; `+1`, `1e3`, `NaN` and `.` are not.
    """
    match = _DECIMAL.fullmatch(value)
    if match is None:
        return None
    sign, whole, fraction = match[1], match[2].lstrip(b"0"), (match[3] or b"").rstrip(b"0")
    if not (match[2] or match[3]) or len(fraction) > _E8_DIGITS:
        return None
    if len(whole) > _INTEGER_DIGITS_MAX:
        return None
    result = int((whole + fraction.ljust(_E8_DIGITS, b"0")) or b"0")
    if result > INT64_MAX + len(sign):
        return None
    return -result if sign else result


def format_e8(value_e8: int) -> bytes:
    """Encode units of 1e-8 without needless zeros: 19000000000 is `190`."""
    sign = b"-" if value_e8 < 0 else b""
    whole, fraction = divmod(abs(value_e8), 10**_E8_DIGITS)
    decimals = (b"%08d" % fraction).rstrip(b"0")
    return b"%s%d%s%s" % (sign, whole, b"." if decimals else b"", decimals)


def length(value: bytes) -> int | None:
    """Decode a Length or NumInGroup: 1 to 9 digits."""
    if len(value) > _LENGTH_DIGITS_MAX or not _DIGITS.fullmatch(value):
        return None
    return int(value)


# ---------------------------------------------------------------------------- times


def utc_timestamp_ns(value: bytes | None) -> int | None:
    """Decode a UTCTimestamp with no, 3, 6 or 9 decimals of the second; None for None.

    A leap second, `:60`, is the first second of the next minute.
    """
    match = None if value is None else _TIMESTAMP.fullmatch(value)
    if match is None:
        return None
    day = local_mkt_date(match[1])
    hour, minute, second = int(match[2]), int(match[3]), int(match[4])
    if day is None or day.year not in _YEARS or hour > 23 or minute > 59 or second > 60:
        return None
    fraction_ns = int((match[5] or b"").ljust(9, b"0"))
    seconds = ((day.toordinal() - _EPOCH_DAY) * 24 + hour) * 3600 + minute * 60 + second
    return seconds * _NS_PER_S + fraction_ns


def format_utc_timestamp(time_ns: int, decimals: int = 3) -> bytes:
    """Encode a UTCTimestamp with 0, 3, 6 or 9 decimals of the second; finer parts are cut."""
    assert decimals in {0, 3, 6, 9}, "seconds, ms, us or ns"
    seconds, fraction_ns = divmod(time_ns, _NS_PER_S)
    days, second_of_day = divmod(seconds, 86_400)
    minutes, second = divmod(second_of_day, 60)
    day = date.fromordinal(_EPOCH_DAY + days)
    text = f"{day:%Y%m%d}-{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"
    return (text + f".{fraction_ns:09d}"[: decimals + 1] * bool(decimals)).encode()


def local_mkt_date(value: bytes) -> date | None:
    """Decode a LocalMktDate `YYYYMMDD` that the calendar has."""
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


# ---------------------------------------------------------------------------- any datatype


def reason_against(datatype: str, value: bytes) -> int:
    """Judge a value by its FIX 4.4 datatype: 0 if it is one.

    Otherwise SessionRejectReason(373): 6 for a wrong format, 5 for a right one out of range.
    """
    return _CHECKS[datatype](value)


def _format(right: object) -> int:
    return 0 if right else FORMAT_INCORRECT


def _against_integer(value: bytes) -> int:
    if not _INTEGER.fullmatch(value):
        return FORMAT_INCORRECT
    return 0 if integer(value) is not None else VALUE_INCORRECT


def _against_seq_num(value: bytes) -> int:
    return FORMAT_INCORRECT if not _DIGITS.fullmatch(value) else _against_integer(value)


def _against_length(value: bytes) -> int:
    if not _DIGITS.fullmatch(value):
        return FORMAT_INCORRECT
    return 0 if length(value) is not None else VALUE_INCORRECT


def _against_num_in_group(value: bytes) -> int:
    return _against_length(value) or (VALUE_INCORRECT if length(value) == 0 else 0)


def _against_decimal(value: bytes) -> int:
    match = _DECIMAL.fullmatch(value)
    if match is None or not (match[2] or match[3]):
        return FORMAT_INCORRECT
    return 0 if decimal_e8(value) is not None else VALUE_INCORRECT


def _against_qty(value: bytes) -> int:
    return _against_decimal(value) or (VALUE_INCORRECT if (decimal_e8(value) or 0) < 0 else 0)


def _against_timestamp(value: bytes) -> int:
    match = _TIMESTAMP.fullmatch(value)
    if match is None or local_mkt_date(match[1]) is None:
        return FORMAT_INCORRECT
    return 0 if utc_timestamp_ns(value) is not None else VALUE_INCORRECT


def _against_month_year(value: bytes) -> int:
    match = _MONTH_YEAR.fullmatch(value)
    if match is None or not 1 <= int(match[2]) <= 12:
        return FORMAT_INCORRECT
    day = match[3] or b"w1"
    return 0 if day.startswith(b"w") else _format(local_mkt_date(value))


_CHECKS: Final[dict[str, Callable[[bytes], int]]] = {
    "STRING": lambda value: _format(_PRINTABLE.fullmatch(value)),
    "EXCHANGE": lambda value: _format(_PRINTABLE.fullmatch(value)),
    "CHAR": lambda value: _format(_VISIBLE.fullmatch(value)),
    "INT": _against_integer,
    "SEQNUM": _against_seq_num,
    "LENGTH": _against_length,
    "NUMINGROUP": _against_num_in_group,
    "QTY": _against_qty,
    "PRICE": _against_decimal,
    "FLOAT": _against_decimal,
    "AMT": _against_decimal,
    "PERCENTAGE": _against_decimal,
    "BOOLEAN": lambda value: _format(value in {b"Y", b"N"}),
    "CURRENCY": lambda value: _format(_CURRENCY.fullmatch(value)),
    "COUNTRY": lambda value: _format(_COUNTRY.fullmatch(value)),
    "UTCTIMESTAMP": _against_timestamp,
    "LOCALMKTDATE": lambda value: _format(local_mkt_date(value)),
    "MONTHYEAR": _against_month_year,
    "MULTIPLEVALUESTRING": lambda value: _format(_TOKENS.fullmatch(value)),
    "DATA": lambda _: 0,
}
