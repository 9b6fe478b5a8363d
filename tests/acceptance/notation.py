"""Messages in the notation of acceptance scripts: to bytes, and held against bytes."""

import re
from collections.abc import Mapping

from support.frames import soh
from support.venue_desk import fields_of

from kk99fix.fix.framing import Verdict, checksum, scan
from kk99fix.fix.values import format_utc_timestamp, utc_timestamp_ns

NS_PER_S = 1_000_000_000
_NOW = re.compile(r"<now([+-]\d+(?:\.\d+)?)?(?::([0369]))?>")
_VALUE = re.compile(r"<(\d+)>")
#: What `I` adds unless it is given, in this order behind MsgType(35).
_HEADER = ("49", "56", "34", "52")


def sent_bytes(text: str, now_ns: int, last: Mapping[int, str], comp_ids: tuple[str, str]) -> bytes:
    """Return the frame of an `I` line; `comp_ids` are SenderCompID(49) and TargetCompID(56)."""
    filled = plain_text(text, now_ns, last)
    if not filled.endswith("|"):
        filled += "|"
    if filled.startswith("8="):
        return _raw(filled)
    fields = filled.split("|")[:-1]
    given = {"49": comp_ids[0], "56": comp_ids[1], "52": _stamp(now_ns, 0.0, 3)}
    given |= {"8": "FIX.4.4", "9": "*", "10": "*"}
    body = []
    for field in fields[1:]:
        tag, _, value = field.partition("=")
        if tag in {"34", *given} and (tag == "34") is (tag not in given):
            given[tag] = value
        else:
            body.append(field)
    header = [f"{tag}={given[tag]}" for tag in _HEADER if given.get(tag)]
    inner = "".join(f"{field}|" for field in (fields[0], *header, *body))
    return _raw(f"8={given['8']}|9={given['9']}|{inner}10={given['10']}|")


def plain_text(text: str, now_ns: int, last: Mapping[int, str]) -> str:
    """Fill in the moments and the values of the last message received."""
    filled = _NOW.sub(lambda found: _stamp(now_ns, float(found[1] or 0), int(found[2] or 3)), text)
    return _VALUE.sub(lambda found: last[int(found[1])], filled)


def _raw(text: str) -> bytes:
    """Fill in BodyLength(9) and CheckSum(10) where they are `*`."""
    head, nine, rest = text.partition("|9=*|")
    end = rest.rfind("10=")
    if nine:
        text = f"{head}|9={len(rest[:end])}|{rest}"
    if text.endswith("|10=*|"):
        data = soh(text.removesuffix("10=*|"))
        return data + b"10=%03d\x01" % checksum(data)
    return soh(text)


def _stamp(now_ns: int, offset_s: float, decimals: int) -> str:
    return format_utc_timestamp(now_ns + round(offset_s * NS_PER_S), decimals).decode()


def difference(expected: str, frame: bytes, now_ns: int, comp_ids: tuple[str, str]) -> str:
    """Say in what a frame of ours is not the expected message; empty if it is."""
    found = scan(frame)
    fields = frame.decode("latin-1").split("\x01")[:-1]
    shown = "|".join(fields[2:-1])
    head = fields_of(frame)
    assert (found.verdict, found.length) == (Verdict.FRAME, len(frame)), shown
    assert (head[8], head[49], head[56]) == ("FIX.4.4", *comp_ids), shown
    sent_ns = utc_timestamp_ns(head[52].encode())
    assert sent_ns is not None, shown
    assert abs(sent_ns - now_ns) < 5 * NS_PER_S, shown
    rest = [field for field in fields if field.partition("=")[0] not in _NOT_SHOWN]
    wanted = expected.removesuffix("|").split("|")
    if wanted[-1] == "...":
        missing = [each for each in wanted[:-1] if not any(_is(each, field) for field in rest)]
        return f"not there: {'|'.join(missing)}\nreceived:  {'|'.join(rest)}" if missing else ""
    alike = len(wanted) == len(rest) and all(map(_is, wanted, rest))
    return "" if alike else f"expected: {expected}\nreceived: {'|'.join(rest)}"


_NOT_SHOWN = frozenset({"8", "9", "49", "56", "52", "10"})


def _is(wanted: str, field: str) -> bool:
    tag, _, value = field.partition("=")
    return wanted in {field, f"{tag}=*"} and bool(value)
